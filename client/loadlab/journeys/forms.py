"""The values that a page carries for its forms: hidden inputs and meta tags. Pure."""

import re
from html.parser import HTMLParser

_TAGS = re.compile(r"<(?:input|meta)\b[^<>]*>", re.IGNORECASE)
"""Of a whole page only these are parsed: a page is long, and its fields are few."""


class _Attributes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.of_last: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.of_last = {name: value or "" for name, value in attrs}


def fields(page: str) -> dict[str, str]:
    """Return what each named input and meta tag holds, the first of each name."""
    parser = _Attributes()
    found: dict[str, str] = {}
    for tag in _TAGS.findall(page):
        parser.of_last = {}
        parser.feed(tag)
        attributes = parser.of_last
        if name := attributes.get("name") or attributes.get("property", ""):
            found.setdefault(name, attributes.get("value", attributes.get("content", "")))
    return found
