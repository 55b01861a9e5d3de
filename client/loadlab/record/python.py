"""Python source as a person would lay it out: strings, calls, dictionaries. Pure."""

import builtins
import keyword
import re
from typing import NamedTuple

WIDTH = 100
_INDENT = "    "
_SHORT_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MOST_IDENTIFIER = 40


class Name(str):
    """A variable that stands in a text."""

    __slots__ = ()


Text = tuple[str | Name, ...]
"""A string: what is written, and variables between."""


class Group(NamedTuple):
    """What brackets hold: each item with what stands before it, such as `form=`."""

    opening: str
    items: tuple[tuple[str, "Tree"], ...]
    closing: str


Tree = str | Group


def quoted(text: str) -> str:
    """Return a string literal; what can't be seen, or changes the direction of writing, is escaped."""
    return f'"{_inside(text)}"'


def text_source(text: Text) -> str:
    """Return the expression of a text."""
    if len(text) == 1 and isinstance(text[0], Name):
        return str(text[0])
    if not any(isinstance(part, Name) for part in text):
        return quoted("".join(text))
    return 'f"' + "".join(_of_f_string(part) for part in text) + '"'


def dictionary(pairs: tuple[tuple[str, Tree], ...]) -> Group:
    """Return a dictionary; where a key stands more than once, a list of pairs. Keys are expressions."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) == len(keys):
        return Group("{", tuple((f"{key}: ", value) for key, value in pairs), "}")
    return Group("[", tuple(("", Group("(", (("", key), ("", value)), ")")) for key, value in pairs), "]")


def lines(before: str, tree: Tree, indent: int) -> list[str]:
    """Lay an expression out behind `before`, on one line where it fits."""
    one = _INDENT * indent + before + _flat(tree)
    if isinstance(tree, str) or not tree.items or len(one) <= WIDTH:
        return [one]
    laid = [_INDENT * indent + before + tree.opening]
    for label, item in tree.items:
        *first, last = lines(label, item, indent + 1)
        laid += [*first, last + ","]
    return [*laid, _INDENT * indent + tree.closing]


def identifier(text: str, otherwise: str) -> str:
    """Return a variable's name made of a text; `otherwise` where nothing of the text can be in one."""
    snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    name = re.sub(r"[^A-Za-z0-9]+", "_", snake).strip("_").lower()[:_MOST_IDENTIFIER].strip("_")
    if not name or name[0].isdigit():
        name = otherwise
    return f"{name}_" if keyword.iskeyword(name) or hasattr(builtins, name) else name


class Identifiers:
    """Names that are taken already."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)

    def new(self, name: str) -> str:
        """Return this name, with a number where it is taken, and take it."""
        chosen, number = name, 1
        while chosen in self._taken:
            number += 1
            chosen = f"{name}_{number}"
        self._taken.add(chosen)
        return chosen


def _of_f_string(part: str | Name) -> str:
    return f"{{{part}}}" if isinstance(part, Name) else _inside(part).replace("{", "{{").replace("}", "}}")


def _inside(text: str) -> str:
    return "".join(
        _SHORT_ESCAPES.get(sign) or (sign if sign.isprintable() else _escape(sign)) for sign in text
    )


def _escape(sign: str) -> str:
    number = ord(sign)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _flat(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree
    closing = ",)" if tree.opening == "(" and len(tree.items) == 1 else tree.closing
    return tree.opening + ", ".join(label + _flat(item) for label, item in tree.items) + closing
