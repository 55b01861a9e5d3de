"""A command line as it may be shown: as a person could type it again, but for its secrets. Pure."""

import shlex
from collections.abc import Iterator, Sequence

from loadlab.workload.kept_plan import secrets_of_parts
from loadlab.workload.masking import MASK, Secrets, masked_header, masked_query, masked_url

_VALUED = ("--header", "--body", "--target", "--path", "--secret-header", "--secret-query", "--before-each")
"""Options whose values are looked at."""


def shown(words: Sequence[str]) -> str:
    """Return the words behind `loadlab` as a command line without secrets."""
    headers, query, keeps_bodies = _named(words)

    def value_shown(option: str, value: str) -> str:
        match option:
            case "--header" if not value.startswith("@"):
                return masked_header(value, headers)
            case "--body" if not keeps_bodies and not value.startswith("@"):
                return MASK
            case "--before-each":
                return MASK  # a command for a database may hold its password
            case "--target":
                return masked_url(value, query)
            case "--path":
                return masked_query(value, query)
        return value

    told = ["loadlab"]
    for option, value, joined in _pairs(words):
        if value is None:
            told.append(option)
        elif joined:
            told.append(f"{option}={value_shown(option, value)}")
        else:
            told += [option, value_shown(option, value)]
    return " ".join(map(_quoted, told))


def _quoted(word: str) -> str:
    """Write a word for a shell; what can't be printed as its escape."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(sign: str) -> str:
    if sign in "\\'":
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    if "\udc80" <= sign <= "\udcff":  # a byte that is no text
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode()


def secrets_in(words: Sequence[str]) -> Secrets:
    """Return the secrets that stand in the words themselves."""
    headers, query, keeps_bodies = _named(words)
    given: dict[str, list[str]] = {option: [] for option in _VALUED}
    for option, value, _ in _pairs(words):
        if value is not None and not value.startswith("@"):
            given[option].append(value)
    lines = [line.partition(":") for line in given["--header"]]
    return secrets_of_parts(
        urls=(*given["--target"], *given["--path"]),
        headers=[(name.strip(), value.strip()) for name, _, value in lines],
        bodies=() if keeps_bodies else given["--body"],
        secret_headers=headers,
        secret_query=query,
    )


def _named(words: Sequence[str]) -> tuple[list[str], list[str], bool]:
    """Return the headers and the parameters that are secret besides, and whether bodies are kept."""
    pairs = list(_pairs(words))
    headers = [value for option, value, _ in pairs if option == "--secret-header" and value]
    query = [value for option, value, _ in pairs if option == "--secret-query" and value]
    return headers, query, "--keep-bodies" in words


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str | None, bool]]:
    """Give each word, with its value if it is one of those options, and whether `=` joins the two."""
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option not in _VALUED:
            yield word, None, False
        elif equals:
            yield option, value, True
        else:
            yield option, next(rest, None), False
