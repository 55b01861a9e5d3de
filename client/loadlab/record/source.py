"""Writes a journeys file from steps, in plain Python. Pure."""

import base64
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.record.contents import MOST_RAW, Body, Form, Json, Raw, body_of, headers_of, query_of
from loadlab.record.credentials import Credentials, holds_secret, is_secret_name
from loadlab.record.python import (
    Group,
    Identifiers,
    Name,
    Text,
    Tree,
    dictionary,
    identifier,
    lines,
    quoted,
    text_source,
)
from loadlab.record.replies import Origin, Place, Replies
from loadlab.record.steps import Recording, Step
from loadlab.system.terminal_text import one_line
from loadlab.units import show_count

LEAST_PAUSE_NS = 100 * NS_PER_MS
"""Shorter pauses are a page's own, not a person's."""
_MOST_SHOWN = 72
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_AS_ALWAYS = (200, 206, 304)
"""A user asks neither for a part nor for what has changed, so it gets 200 where a browser got the others."""
_ID = re.compile(
    r"\d+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}"
    r"|(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[\w-]{16,}|[A-Za-z]{1,5}-\d+"
)
_SCHEME = re.compile(r"(bearer|token|basic|jwt|apikey)( +)(\S.*)", re.IGNORECASE)
_UNSENT = re.compile(r"[^!-~]|#")
_PASSWORD = re.compile(r"passw|passphrase|pwd", re.IGNORECASE)


class Written(NamedTuple):
    """A journeys file and a summary."""

    text: str
    steps: int
    todos: int
    variables: tuple[str, ...]
    """The environment variables that it reads."""


class _Act(msgspec.Struct):
    """A step as it will stand in the file."""

    shown: str
    """Method and path, with ID for what differs between users."""
    pause_ns: int
    called: str
    """What its reply is called, if anything takes something from it."""
    call: Group = Group("", (), "")
    todos: list[str] = []
    takes: list[tuple[str, str, str]] = []
    """Of its reply: variable, code, and the step that sends it."""
    uses_reply: bool = False


def source(recording: Recording, *, prefix: str, function: str) -> Written:
    """Return the file; `prefix` begins the names of environment variables, `function` names the journey."""
    function = identifier(function, "recorded")
    writer = _Writer(recording, identifier(prefix, "app").strip("_").upper(), function)
    body = [line for act in writer.acts for line in _lines_of(act)]
    variables = writer.credentials.variables
    constants = [f"{name} = os.environ[{quoted(variable)}]" for name, variable in variables.items()]
    written = [
        '"""What a user of the app does, as it was recorded. Look at each TODO before you use it."""',
        "",
        *_about(recording),
        *(["import os", ""] if constants else []),
        "from loadlab.journeys import User, journey",
        "",
        *([*constants, ""] if constants else []),
        "",
        "@journey",
        f"async def {function}(user: User) -> None:",
        '    """Take the recorded steps."""',
        *body,
    ]
    todos = sum("# TODO" in line for line in body)
    return Written("\n".join(written) + "\n", len(writer.acts), todos, tuple(variables.values()))


class _Writer:
    """Goes through the steps in order, with what the replies before each one held."""

    def __init__(self, recording: Recording, prefix: str, function: str) -> None:
        self.names = Identifiers("user", "os", "journey", "User", function)
        self.credentials = Credentials(prefix, self.names, _known(recording.steps))
        self.replies = Replies()
        self.acts: list[_Act] = []
        self._taken: dict[tuple[int, str], Name] = {}
        self._has_login = False
        for step in recording.steps:
            self.acts.append(self._act(step))
            self.replies.add(step.answers)

    def _act(self, step: Step) -> _Act:
        self._todos: list[str] = []
        sent, body = step.sent, body_of(step.sent)
        shown, called = self._name(step.url.path)
        self._step = f"{sent.method} {shown}"
        path = self._path(step.url.path)
        rest, params = query_of(step.url.query)
        if rest:
            path = (*path, *self.credentials.text("", _sendable(rest)))
        items: list[tuple[str, Tree]] = [("", text_source(path))]
        if shown != _sendable(step.url.path or "/"):
            items.append(("name=", quoted(self._step)))
        if params:
            items.append(("params=", self._pairs(params)))
        items += self._body(body)
        if headers := tuple(headers_of(sent, body)):
            pairs = tuple((quoted(name), self._header(name, value)) for name, value in headers)
            items.append(("headers=", dictionary(pairs)))
        status = step.answers[-1].status if step.answers else 200
        if status not in _AS_ALWAYS:
            items.append(("expect=", str(status)))
        if step.follows:
            items.append(("follow=", "True"))
        if step.leads_to:
            self._todos.append(f"it leads to {self._shown(step.leads_to)}, which is left out")
        if "\ufffd" in sent.body or "\ufffd" in unquote(step.url.query):
            self._todos.append("what was sent is not UTF-8, and was not kept as it was")
        plain = sent.method in _METHODS and not (sent.method == "GET" and body is not None)
        if not plain:
            items.insert(0, ("", quoted(sent.method)))
        verb = sent.method.lower() if plain else "request"
        call = Group(f"await user.{verb}(", tuple(items), ")")
        return _Act(self._step, step.pause_ns, called, call, self._todos)

    def _name(self, path: str) -> tuple[str, str]:
        """Return a path with ID for what differs between users, and what its reply may be called."""
        shown, called = [], "page"
        for segment in path.split("/"):
            plain = unquote(segment)
            if _ID.fullmatch(plain) or self.credentials.reveals(plain):
                shown.append("ID")
            else:
                shown.append(_sendable(segment))
                called = identifier(plain, called)
        return self._shown("/".join(shown) or "/"), called

    def _path(self, path: str) -> Text:
        parts: list[str | Name] = []
        for segment in path.split("/"):
            plain = unquote(segment)
            text: Text = (segment,)
            if self.credentials.reveals(plain):
                text = self._text("", plain)
            elif _ID.fullmatch(plain) and (origin := self.replies.of_path(plain)) is not None:
                name = self._taken_from(origin, "the id in the path")
                text = text if name is None else (name,)
            parts += ["/", *(part if isinstance(part, Name) else _sendable(part) for part in text)]
        return _merged(parts[1:]) if path else ("/",)

    def _pairs(self, pairs: tuple[tuple[str, str], ...]) -> Tree:
        return dictionary(
            tuple((self._key(name), text_source(self._text(name, value))) for name, value in pairs)
        )

    def _key(self, name: str) -> str:
        return text_source(self.credentials.text("", name))

    def _body(self, body: Body) -> Iterator[tuple[str, Tree]]:
        match body:
            case Form(pairs, files):
                if any(_PASSWORD.search(name) for name, _ in pairs):
                    self._advise_login()
                if pairs or not files:
                    yield "form=", self._pairs(pairs)
                if files:
                    named = [
                        (self._key(part.name), self.credentials.text("", part.file or "")) for part in files
                    ]
                    given = [
                        (key, Group("(", (("", text_source(file)), ("", 'b""')), ")")) for key, file in named
                    ]
                    self._todos.append("the recording does not keep files; give their content")
                    yield "files=", Group("{", tuple((f"{key}: ", file) for key, file in given), "}")
            case Json(value):
                if any(_PASSWORD.search(name) for name, _ in _leaves(value, "")):
                    self._advise_login()
                yield "json=", self._json(value, "")
            case Raw(text) if len(text) > MOST_RAW:
                self._todos.append(f"a body of {len(text):,} characters is left out; read it from a file")
                yield "data=", '""'
            case Raw(text):
                yield "data=", text_source(self.credentials.text("", text))
            case None:
                pass

    def _json(self, value: Any, name: str) -> Tree:  # noqa: ANN401 - any JSON
        match value:
            case dict():
                return dictionary(
                    tuple(
                        (self._key(key), self._json(each, _within(name, key))) for key, each in value.items()
                    )
                )
            case list():
                return Group("[", tuple(("", self._json(each, name)) for each in value), "]")
            case str():
                return text_source(self._text(name, value))
            case bool() | None:
                return repr(value)
            case _:
                text = self._text(name, repr(value))
                is_kept = all(not isinstance(part, Name) for part in text)
                return repr(value) if is_kept else f"{type(value).__name__}({text_source(text)})"

    def _header(self, name: str, value: str) -> Tree:
        scheme = _SCHEME.fullmatch(value) if name.lower() == "authorization" else None
        if scheme:
            field = "authorization" if scheme[1].lower() == "basic" else "token"
            return text_source((f"{scheme[1]}{scheme[2]}", *self._text(field, scheme[3])))
        return text_source(self._text(name, value))

    def _text(self, field: str, value: str) -> Text:
        """Return what stands for a value: what takes it from a reply, a credential, or the value itself."""
        is_secret = is_secret_name(field, value) or holds_secret(value)
        origin = self.replies.origin(field, value, generated=is_secret)
        if origin is None and is_secret:
            origin = self.replies.of_text(value)
        if origin is None or (name := self._taken_from(origin, self._shown(field) or "a value")) is None:
            return self.credentials.text(field, value)
        return (name,)

    def _taken_from(self, origin: Origin, what: str) -> Name | None:
        """Return the variable that holds what a reply had; None where only a person can tell the place."""
        place = origin.places[0]
        if len(origin.places) == 1 and place.code and not self.credentials.reveals(place.code):
            return self._take(origin.reply, place)
        places = " or ".join(sorted({self._shown(each.words) for each in origin.places[:3]}))
        self._todos.append(
            f"{what} came from {places} of {self.acts[origin.reply].shown}; take it from there"
        )
        return None

    def _take(self, number: int, place: Place) -> Name:
        act = self.acts[number]
        known = self._taken.get((number, place.code))
        if known is not None:
            return known
        code, called = place.code, identifier(place.name, "value")
        if not code.startswith("user."):
            if not act.uses_reply:
                other = f"{act.called}_reply" if act.called == called else act.called
                act.called, act.uses_reply = self.names.new(other), True
            code = code.replace("{reply}", act.called, 1)
        if called.endswith("_"):
            called = f"{act.called}_{called.strip('_')}"
        name = self._taken[number, place.code] = Name(self.names.new(called))
        act.takes = [*act.takes, (name, code, self._step)]
        return name

    def _advise_login(self) -> None:
        if not self._has_login:
            self._todos.append("log in once in a function with @setup, with a row of --data: user.row")
        self._has_login = True

    def _shown(self, text: str) -> str:
        """Return a name as it may stand in a comment."""
        return "(hidden)" if self.credentials.reveals(text) else one_line(text)[:_MOST_SHOWN]


def _known(steps: list[Step]) -> Iterator[tuple[str, str]]:
    """Give the name and value of each credential that is sent."""
    for step in steps:
        body = body_of(step.sent)
        fields = [*query_of(step.url.query)[1]]
        match body:
            case Form(pairs):
                fields += pairs
            case Json(value):
                fields += _leaves(value, "")
            case _:
                pass
        for name, value in headers_of(step.sent, body):
            scheme = _SCHEME.fullmatch(value) if name.lower() == "authorization" else None
            if scheme is None:
                fields.append((name, value))
            elif scheme[1].lower() == "basic":
                fields += [("authorization", scheme[3]), ("password", _password_of(scheme[3]))]
            else:
                fields.append(("token", scheme[3]))
        yield from ((name, value) for name, value in fields if is_secret_name(name, value))


def _password_of(pair: str) -> str:
    try:
        return base64.b64decode(pair).decode(errors="replace").partition(":")[2]
    except ValueError:
        return ""


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON
    match value:
        case dict():
            for key, each in value.items():
                yield from _leaves(each, _within(name, key))
        case list():
            for each in value:
                yield from _leaves(each, name)
        case bool() | None:
            pass
        case str():
            yield name, value
        case _:
            yield name, repr(value)


def _within(name: str, key: str) -> str:
    """Return what a value is called within an object; all that a credential's object holds is one."""
    return name if is_secret_name(name, "") else key


def _sendable(path: str) -> str:
    """Return a part of a path as it can be sent: a recording may hold it unencoded."""
    return _UNSENT.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode(errors="replace")), path
    )


def _merged(parts: list[str | Name]) -> Text:
    merged: list[str | Name] = []
    for part in parts:
        if merged and not isinstance(part, Name) and not isinstance(merged[-1], Name):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)


def _about(recording: Recording) -> list[str]:
    """Say where it was recorded, and what was left out."""
    said = [f"Recorded at {recording.origin}, which is what --target names."]
    if recording.static:
        said.append(f"Left out: {show_count(recording.static, 'static file')} (--static keeps them).")
    if recording.unfit:
        said.append(f"Left out: {show_count(recording.unfit, 'request')} without an answer, or not HTTP.")
    if recording.others:
        said.append("Left out, because they go to other hosts:")
        said += [f"    {where} ({number})" for where, number in sorted(recording.others.items())]
    return [*(f"# {one_line(line)}" for line in said), ""]


def _lines_of(act: _Act) -> Iterator[str]:
    if act.pause_ns >= LEAST_PAUSE_NS:
        yield f'    await user.think("exp:{_rounded(act.pause_ns)}")'
    yield from (f"    # TODO: {todo}" for todo in dict.fromkeys(act.todos))
    yield from lines(f"{act.called} = " if act.uses_reply else "", act.call, 1)
    for name, code, used in act.takes:
        yield f"    {name} = {code}  # TODO: check; {used} sends it"


def _rounded(span_ns: int) -> str:
    """Return a pause as a person would write it, to two figures."""
    if span_ns < 995 * NS_PER_MS:
        return f"{round(span_ns / NS_PER_MS, -1):.0f}ms"
    seconds = span_ns / NS_PER_S
    return f"{seconds:.1f}".removesuffix(".0") + "s" if seconds < 9.95 else f"{seconds:.0f}s"
