"""What must not be written down, and the environment variables that stand in its place. Pure.

Names tell most credentials; a few have a shape of their own. A value that is known as one is hidden wherever
it stands.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from loadlab.record.python import Identifiers, Name, Text, identifier
from loadlab.workload.masking import LEAST_SIGNS, SECRET_HEADERS, SECRET_QUERY, USERINFO, Secrets

_WORDS = re.compile(
    r"api_?key|auth|authentication|authorization|bearer|credentials?|csrf|cvc|cvv|jwt|otp|pass|passcode|pin|pw|pwd"
    r"|session|sessionid|sig|signature|totp|xsrf"
)
_WITHIN = re.compile(r"passw|passphrase|secret|token|apikey|accesskey|privatekey|csrf|xsrf")
_IF_LONG = re.compile(r"assertion|code|hash|key|nonce|samlresponse|sid|state|ticket|verifier")
_LONG = 16
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ASSIGNED = re.compile(
    r"(?<![\w$-])[\w-]{0,40}?(?:passw|passphrase|pwd|secret|token|api[_-]?key|credential|session|jwt|authorization)"
    r"[\w-]{0,40}[\\\"']{0,3}\s*[:=>]\s*[\\\"']{0,3}[^\s$\\\"'<{&]|\bbearer\s+[\w.~+/-]{8}",
    re.IGNORECASE,
)


def is_secret_name(name: str, value: str) -> bool:
    """Tell whether a field, a parameter or a header of this name holds a credential."""
    small = name.lower()
    if small in SECRET_HEADERS or small in SECRET_QUERY:
        return True
    joined = re.sub(r"[^a-z]", "", small)
    words = [joined, *(word.lower() for word in _WORD.findall(name))]
    if _WITHIN.search(joined) or any(map(_WORDS.fullmatch, words)):
        return True
    return any(map(_IF_LONG.fullmatch, words)) and len(value) >= _LONG and " " not in value


def holds_secret(value: str) -> bool:
    """Tell whether a text has a credential within: a token's shape, userinfo of a URL, a `password=…`."""
    looked_for = (_JWT, USERINFO, _ASSIGNED)
    return any(each.search(text) for text in {value, unquote(value)} for each in looked_for)


class Credentials:
    """The credentials of one recording, and the constants that the file reads them into."""

    def __init__(self, prefix: str, names: Identifiers, known: Iterable[tuple[str, str]]) -> None:
        """Take what stands before each variable's name, and all credentials as name and value."""
        self._prefix = prefix
        self._names = names
        self._field_of = {
            value: field for field, value in reversed(tuple(known)) if len(value) >= LEAST_SIGNS
        }
        longest_first = sorted(self._field_of, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        self._secrets = Secrets(self._field_of)
        self._constants: dict[str, Name] = {}

    @property
    def variables(self) -> dict[str, str]:
        """The environment variable of each constant."""
        return {name: f"{self._prefix}_{name}" for name in self._constants.values()}

    def hidden(self, field: str, value: str) -> Text:
        """Return what stands for a credential; an empty one is none."""
        if not value:
            return ("",)
        if value not in self._constants:
            name = identifier(self._field_of.get(value, field), "secret").strip("_").upper()
            self._constants[value] = Name(self._names.new(name))
        return (self._constants[value],)

    def text(self, field: str, value: str) -> Text:
        """Return a text without the credentials in it."""
        if is_secret_name(field, value) or holds_secret(value):
            return self.hidden(field, value)
        written: list[str] = self._known.split(value)
        if any(self._secrets.masked(part) != part for part in written):  # it is encoded there
            return self.hidden(field, value)
        parts: list[str | Name] = [written[0]]
        for known, after in zip(self._known.findall(value), written[1:], strict=True):
            parts += [*self.hidden("", known), after]
        return tuple(part for part in parts if part) or ("",)

    def reveals(self, value: str) -> bool:
        """Tell whether a text holds a credential."""
        return holds_secret(value) or self._secrets.masked(value) != value
