"""What can be sent as a method and as header lines (RFC 9110, sections 5.5, 5.6.2 and 9.1). Pure.

Beyond ASCII a header's value is sent as UTF-8. Each function returns what is wrong in a sentence, None where
nothing is.
"""

import re
from collections.abc import Iterable

MOST_LABEL = 80
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NO_TOKEN = re.compile(r"[^A-Za-z0-9!#$%&'*+.^_`|~-]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_WRITE = "write 'Name: value'"
_FRAMING = ("content-length", "transfer-encoding", "connection")


def method_problem(method: str, option: str) -> str | None:
    """Check a method, which is sent in capitals."""
    if not _TOKEN.fullmatch(method) or method != method.upper():
        return f"{option}: {method!r} is not an HTTP method, such as GET or POST"
    if method == "CONNECT":
        return f"{option}: CONNECT asks a proxy for a tunnel, which is no load"
    return None


def is_header_name(text: str) -> bool:
    """Tell whether a header can be called that."""
    return _TOKEN.fullmatch(text) is not None


def header_problem(name: str, value: str, option: str) -> str | None:
    """Check one header line; what is said quotes no value, which may be a secret."""
    if not name:
        return f"{option}: a header without a name; {_WRITE}"
    if odd := _NO_TOKEN.search(name):
        return f"{option}: the name of a header can't hold {odd[0]!r}; {_WRITE}"
    if _CONTROL.search(value):
        return f"{option}: the value of {name} holds a control character"
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        return f"{option}: the value of {name} is not UTF-8"
    closes = (name.lower(), value.lower()) == ("connection", "close")
    if name.lower() in _FRAMING and not closes:
        return f"{option}: {name} is set by the transport, from the body; leave it out"
    return None


def label_problem(text: str) -> str | None:
    """Check what a person calls a run."""
    if not text.strip():
        return "--label: it is empty; leave it out"
    if not text.isprintable():
        return "--label: it holds a sign that can't be printed"
    if len(text) > MOST_LABEL:
        return f"--label: it has {len(text)} characters; {MOST_LABEL} is the most"
    return None


def no_colon(option: str) -> str:
    """Refuse a line that no header can be read from."""
    return f"{option}: a line without a colon is not a header; {_WRITE}"


def host_problem(names: Iterable[str], option: str) -> str | None:
    """Check that a request names its host once (RFC 9112, section 3.2)."""
    if sum(name.lower() == "host" for name in names) > 1:
        return f"{option}: Host is given twice; a request has one"
    return None
