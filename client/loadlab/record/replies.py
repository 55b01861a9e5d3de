"""Where a value of a request may have come from: the earlier replies, and what they hold. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from loadlab.journeys.forms import fields
from loadlab.record.exchange import Answer
from loadlab.record.python import quoted
from loadlab.system.files import decode_json
from loadlab.workload.masking import LEAST_SIGNS

_JSON: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_MOST_PLACES = 100_000
_MOST_DEEP = 30
_LEAST_SIGNS = 8
"""A shorter value is found by chance; then its name has to be the same, too."""

_MOST_BACK = 100
"""Replies whose whole texts are searched, the latest first."""


class Place(NamedTuple):
    """A place in a reply that holds a value."""

    name: str
    """What the value is called there."""
    code: str
    """What takes it from `{reply}`; empty where only a person can tell."""
    words: str
    certain: bool = False
    """Whether a short value of the same name is surely this one."""


class Origin(NamedTuple):
    """The latest reply that holds a value, by its number, and the places there."""

    reply: int
    places: tuple[Place, ...]


class Replies:
    """The replies of the steps so far."""

    def __init__(self) -> None:
        self._places: list[dict[str, list[Place]]] = []
        self._texts: list[str] = []

    def add(self, answers: list[Answer]) -> None:
        """Take the answers to one step: those of redirects, and the last, which is its reply."""
        held: dict[str, list[Place]] = defaultdict(list)
        for answer in answers:
            for line in answer.all("set-cookie"):
                name, _, value = line.partition(";")[0].partition("=")
                code = f"user.cookies.get({quoted(name.strip())})"
                held[value.strip()].append(Place(name.strip(), code, f"the cookie {quoted(name.strip())}"))
            for location in answer.all("location"):
                for part in set(re.split(r"[/?&=#;]", location)):
                    held[part].append(Place("Location", "", "the header Location"))
        last = answers[-1] if answers else Answer(0)
        for number, (value, place) in enumerate(_of_body(last)):
            if number >= _MOST_PLACES:
                break
            held[value].append(place)
        self._places.append(held)
        self._texts.append(last.text)

    def origin(self, name: str, value: str, *, generated: bool) -> Origin | None:
        """Return where a value of this name came from: one place if it is plain, several if it isn't.

        `generated`: it was not typed, so it need not have a digit.
        """
        if not value:
            return None
        for number in reversed(range(len(self._places))):
            places = self._places[number].get(value, [])
            short = len(value) < (LEAST_SIGNS if generated else _LEAST_SIGNS)
            same = [each for each in places if _resembles(each.name, name) and (each.certain or not short)]
            if len(same) == 1 or (same and short):
                return Origin(number, tuple(same))
            if places and not short and (generated or any(map(str.isdigit, value))):
                return Origin(number, tuple(places))
        return None

    def of_path(self, segment: str) -> Origin | None:
        """Return where an id in a path came from."""
        link = re.compile(rf"/{re.escape(segment)}(?![\w-])")
        latest = len(self._places) - 1
        for number in range(latest, -1, -1):
            places = [
                place
                for place in self._places[number].get(segment, [])
                if not place.code or place.name.lower().endswith("id") or len(segment) >= _LEAST_SIGNS
            ]
            if places:
                return Origin(number, tuple(places))
            if latest - number < _MOST_BACK and link.search(self._texts[number]):
                return Origin(number, (Place("link", "", "a link"),))
        return None

    def of_text(self, value: str) -> Origin | None:
        """Return which reply has a value anywhere in its text."""
        if len(value) < _LEAST_SIGNS:
            return None
        looked_at = range(len(self._texts))[-_MOST_BACK:]
        found = (number for number in reversed(looked_at) if value in self._texts[number])
        return next((Origin(number, (Place("text", "", "the text"),)) for number in found), None)


def _of_body(answer: Answer) -> Iterator[tuple[str, Place]]:
    if "json" in answer.mime:
        try:
            yield from _of_json(decode_json(answer.text.encode(errors="replace"), _JSON), "", "", 0)
        except msgspec.DecodeError:
            return
    elif "html" in answer.mime or "xml" in answer.mime:
        for name, value in fields(answer.text).items():
            code = f"{{reply}}.field({quoted(name)})"
            yield value, Place(name, code, f"the field {quoted(name)}", certain=True)


def _of_json(value: Any, name: str, path: str, depth: int) -> Iterator[tuple[str, Place]]:  # noqa: ANN401 - any JSON
    if depth > _MOST_DEEP:
        return
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _of_json(each, key, f"{path}[{quoted(key)}]", depth + 1)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _of_json(each, name, f"{path}[{number}]", depth + 1)
    elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        words = f"the JSON value {path}" if path else "the JSON"
        code = f"{{reply}}.json(){path}"
        code = code if isinstance(value, str) else f"str({code})"
        yield str(value), Place(name, code, words, certain=name.lower().endswith("id"))


def _resembles(name: str, other: str) -> bool:
    return _plain(name) == _plain(other) != ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().removeprefix("x-"))
