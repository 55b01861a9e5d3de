"""List sentences that have to be read twice: `scripts/words.py [PATH ...]`.

Without a path it prints how many each folder has. A sentence is listed when it has more than 30 words,
or one of WORDS. It reads pages, docstrings, comments, and the texts that programs show.
`tests/words.toml` lists the exceptions, each with its reason.
"""

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LIMIT = 30
"""The most words of a sentence."""
WORDS = ("whoever", "nobody", "somebody", "of it", "is told", "beside")
READ = ("*.md", "Makefile", "*.yml", "*.toml", ".ci/run", ".github/**/*", "requirements/*.in")
FOLDERS = ("docs", "client", "target", "grafana/boards", "prometheus", "scripts", "bench", "tests")
SUFFIXES = {".md", ".py", ".js", ".css", ".html", ".sh", ".yml", ".Dockerfile", ""}
SHOWN = ("client", "target", "grafana", "scripts")
"""People see the strings of this code; in tests and benchmarks most strings are data."""
UNREAD = {"scripts/words.py", "tests/words.toml", "tests/unit/project/test_words.py", "CHANGELOG.md"}
"""The first three name the words; entries of past releases stay as they were published."""
_WORD = re.compile(rf"\b(?:{'|'.join(WORDS)})\b", re.IGNORECASE)
_END = re.compile(r"(?<!e\.g)(?<!i\.e)[.!?][)\"'*]*\s+(?=[\"'(*`[A-Z0-9–…-])")
_CODE_SPAN = re.compile(r"``[^`]*``|`[^`]*`")
_ITEM = re.compile(r"(?:[-*]|@\w+|\d+\.|[├└│]) ")

Paragraph = tuple[int, str]
"""The line on which it begins, and its text."""


class Finding(NamedTuple):
    """A sentence, its place, and what is wrong with it: one of WORDS, or how many words it has."""

    path: str
    line: int
    what: str
    sentence: str

    @property
    def folder(self) -> str:
        """The folder that it is counted in: two levels deep, for the client's modules three."""
        folders = self.path.split("/")[:-1]
        return "/".join(folders[: 3 if folders[:1] == ["client"] else 2]) or self.path


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a paragraph; code in backticks is one word, and a link is its text."""
    plain = _CODE_SPAN.sub("`code`", re.sub(r"\]\([^)\s]*\)", "]", " ".join(text.split())))
    yield from filter(None, _END.split(plain))


def judged(path: str, line: int, paragraph: str) -> Iterator[Finding]:
    """Yield what is wrong with a paragraph."""
    for sentence in sentences(paragraph):
        length = sum(bool(re.search(r"\w", word)) for word in sentence.split())
        if length > LIMIT:
            yield Finding(path, line, f"{length} words", sentence)
        for match in _WORD.finditer(sentence):
            yield Finding(path, line, match[0].lower(), sentence)


def paragraphs(text: str, first: int = 1) -> Iterator[Paragraph]:
    """Yield the paragraphs of plain text or Markdown. Items of a list and cells of a table are paragraphs."""
    gathered: list[str] = []
    begun, fenced = first, False
    for number, raw in enumerate([*text.splitlines(), ""], first):
        line = raw.strip()
        fence = line.startswith(("```", "~~~"))
        apart = fenced or fence or not line or line.startswith(("|", "#", "<!--", "!["))
        if gathered and (apart or _ITEM.match(line)):
            yield begun, " ".join(gathered)
            gathered = []
        if not apart:
            begun = begun if gathered else number
            gathered.append(_ITEM.sub("", line, count=1) if _ITEM.match(line) else line)
        elif not fenced and line.startswith(("|", "#")):
            yield from ((number, cell) for cell in re.split(r"(?<!\\)\|", line.lstrip("# ")))
        fenced ^= fence


def joined(comments: Iterator[tuple[int, str, str]]) -> Iterator[Paragraph]:
    """Yield the paragraphs of comments, each given by its line, the code before it, and its text.

    Comments on lines of their own that follow one another are joined.
    """
    block: list[str] = []
    begun = 0
    for number, code, text in (*comments, (-1, "", "")):
        if block and (code.strip() or number != begun + len(block)):
            yield from paragraphs("\n".join(block), begun)
            block = []
        if code.strip():
            yield from paragraphs(text, number)
        else:
            begun = begun if block else number
            block.append(text)


def python(source: str, *, shown: bool) -> Iterator[Paragraph]:
    """Yield a module's comments and docstrings, and the texts that it shows."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    noted = (each for each in tokens if each.type == tokenize.COMMENT)
    yield from joined((t.start[0], t.line[: t.start[1]], t.string.lstrip("#: ")) for t in noted)
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values) if shown:
                words = (str(part.value) if isinstance(part, ast.Constant) else "X" for part in values)
                yield from paragraphs("".join(words), node.lineno)
            case ast.Constant(value=str(text)) if id(node) in docstrings or (shown and id(node) not in parts):
                yield from paragraphs(text, node.lineno)
            case _:
                pass


def script(source: str) -> Iterator[Paragraph]:
    """Yield the comments of a shell script, a Makefile or a configuration file."""
    found = (re.match(r"((?:.*?\s)?)#+ ?(?!!)(.*)", line) for line in source.splitlines())
    yield from joined((number, each[1], each[2]) for number, each in enumerate(found, 1) if each)


def javascript(source: str) -> Iterator[Paragraph]:
    """Yield the comments of a JavaScript module or a style sheet, and the texts that it shows."""
    lines = [re.sub(r"(?<![:\"'`])//", "\0", line, count=1).partition("\0") for line in source.splitlines()]
    yield from joined(
        (number, code, text.strip()) for number, (code, sign, text) in enumerate(lines, 1) if sign
    )
    code = "\n".join(code for code, *_ in lines)
    for match in re.finditer(r"/\*(.*?)\*/|`((?:[^`\\]|\\.)*)`|\"((?:[^\"\\\n]|\\.)*)\"", code, re.DOTALL):
        line = code.count("\n", 0, match.start()) + 1
        if match[1] is not None:
            yield from paragraphs(re.sub(r"(?m)^\s*\* ?", "", match[1]), line)
        else:
            yield line, re.sub(r"\$\{[^}]*\}", "X", match[2] or match[3] or "")


class _Texts(HTMLParser):
    """The texts of a page, element by element, and those of attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Paragraph] = []
        self._within = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = self._within and tag in {"a", "b", "code", "em", "strong", "span"}
        self.found += [(self.getpos()[0], value) for _, value in attrs if value]

    def handle_data(self, data: str) -> None:
        line, text = self.found.pop() if self._within else (self.getpos()[0], "")
        self.found.append((line, text + data))
        self._within = True


def html(source: str) -> Iterator[Paragraph]:
    """Yield the texts of an HTML page."""
    page = _Texts()
    page.feed(source)
    yield from page.found


def findings(path: Path) -> Iterator[Finding]:
    """Yield what is wrong in a file."""
    name, source = path.relative_to(ROOT).as_posix(), path.read_text()
    match path.suffix:
        case ".md":
            found = paragraphs(source)
        case ".py":
            found = python(source, shown=name.startswith(SHOWN))
        case ".js" | ".css":
            found = javascript(source)
        case ".html":
            found = html(source)
        case _:
            found = script(source)
    for line, text in found:
        yield from judged(name, line, text)


def files() -> list[Path]:
    """Return every file that people read."""
    found = [path for pattern in READ for path in ROOT.glob(pattern)]
    found += [
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in SUFFIXES and path.is_file()
    ]
    names = {path: path.relative_to(ROOT).as_posix() for path in found if path.is_file()}
    return sorted(path for path, name in names.items() if name not in UNREAD and "__pycache__" not in name)


def exceptions() -> dict[str, str]:
    """Return the sentences that may stay, by how they begin, each with its reason."""
    return dict(tomllib.loads((ROOT / "tests" / "words.toml").read_text())["exceptions"])


def all_findings() -> list[Finding]:
    """Return what is wrong in every file, exceptions left out."""
    allowed = tuple(exceptions())
    found = (each for path in files() for each in findings(path))
    return [each for each in found if not each.sentence.startswith(allowed)]


def main(paths: list[str]) -> None:
    """Print the findings of these paths, or without one the number of each folder."""
    found = all_findings()
    if paths:
        for each in found:
            if each.path.startswith(tuple(paths)):
                print(f"{each.path}:{each.line}: {each.what}: {each.sentence}")
        return
    for folder, number in sorted(Counter(each.folder for each in found).items()):
        print(f"{number:5} {folder}")
    print(f"{len(found):5} in all")


if __name__ == "__main__":
    main(sys.argv[1:])
