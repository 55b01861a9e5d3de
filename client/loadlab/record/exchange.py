"""What a recording holds: requests, and the answers that they got."""

import msgspec

Pairs = tuple[tuple[str, str], ...]


class Answer(msgspec.Struct, frozen=True):
    """An answer, as far as it was recorded."""

    status: int
    headers: Pairs = ()
    mime: str = ""
    text: str = ""

    def all(self, name: str) -> list[str]:
        """Return the values of a header; several may be recorded as the lines of one."""
        return [line for key, value in self.headers if key.lower() == name for line in value.splitlines()]


class Part(msgspec.Struct, frozen=True):
    """A field of a multipart form; the content of a file is not kept."""

    name: str
    value: str = ""
    file: str | None = None
    """The file's name, None for a plain field."""


class Exchange(msgspec.Struct, frozen=True):
    """One request and its answer."""

    method: str
    url: str
    headers: Pairs = ()
    body: str = ""
    mime: str = ""
    """The body's type, without parameters, in small letters."""
    parts: tuple[Part, ...] = ()
    """Of a multipart form, in place of `body`."""
    begun_ns: int = 0
    ended_ns: int = 0
    """Moments on the recording's own clock; all zero where it has none."""
    answer: Answer | None = None
    kind: str = ""
    """What the browser wanted it for: document, script, image, …; empty where it is not recorded."""
    follows: bool = False
    """Whether redirects are followed that are not recorded."""


def plain_mime(text: str | None) -> str:
    """Return a content type without its parameters, in small letters."""
    return (text or "").partition(";")[0].strip().lower()
