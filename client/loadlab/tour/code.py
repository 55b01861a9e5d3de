"""The Python that a step shows: the source of functions that really run, without what only tools read."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

_FOR_TOOLS = re.compile(r"\s*# (noqa|type: ignore).*$", re.MULTILINE)


def source(function: Callable[..., Any]) -> str:
    """Return a function's source without its docstring and the remarks for linters."""
    text = textwrap.dedent(inspect.getsource(function))
    lines = text.splitlines()
    (definition,) = ast.parse(text).body
    assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
    if ast.get_docstring(definition) is not None:
        docstring = definition.body[0]
        del lines[docstring.lineno - 1 : docstring.end_lineno]
    return _FOR_TOOLS.sub("", "\n".join(lines))


class Listing:
    """Shows a function once: a later step that calls it again relies on that."""

    def __init__(self) -> None:
        self._shown: set[Callable[..., Any]] = set()

    def of(self, functions: tuple[Callable[..., Any], ...]) -> str:
        """Return the source of those that have not been shown yet, and always of the last."""
        fresh = [one for one in functions[:-1] if one not in self._shown]
        self._shown.update(functions)
        return "\n\n".join(source(one) for one in (*fresh, functions[-1]))
