"""What files, servers and plans say reaches no terminal raw, whichever command shows it."""

import http.server
import json
import re
import threading

import msgspec
import pytest

from loadlab.results.result import Finding, decode, encode
from support.results import result, stage
from support.terminals import AtTerminal

pytestmark = pytest.mark.real

HOSTILE = "\x1b]0;owned\x07\x1bc\x08\x7f\x9b31m\u202e\u2066[/x][bold]\n\nFORGED"
SEQUENCES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Those that the lab writes: colours, and where the cursor is."""
ACTING = re.compile(
    "[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@pytest.fixture
def at_terminal(tmp_path):
    made = []

    def start(*arguments, **given):
        made.append(AtTerminal(tmp_path, arguments, width=200, **given))
        return made[-1]

    yield start
    for each in made:
        each.close()


def shown(terminal):
    """Return what stands at the terminal when its command has ended; nothing acts but the lab's own."""
    terminal.end()
    text = SEQUENCES.sub("", terminal.written.decode("utf-8", "surrogateescape"))
    assert not ACTING.search(text), ascii(text)
    return text


def infected(value, decodes, whole=None):
    """Put hostile text behind each text of a JSON value where it can still be read."""
    whole = value if whole is None else whole
    keys = value if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        if isinstance(value[key], dict | list):
            infected(value[key], decodes, whole)
        elif isinstance(value[key], str):
            before, value[key] = value[key], value[key] + HOSTILE
            if not decodes(whole):
                value[key] = before
    return value


def reads(value):
    try:
        decode(json.dumps(value).encode())
    except msgspec.ValidationError:
        return False
    return True


@pytest.fixture
def hostile_result(tmp_path):
    found = result(
        stages=(stage(findings=(Finding(name="f", message="m"),)),),
        target_lost="lost",
        failure="failed",
    )
    text = infected(json.loads(encode(found)), reads)
    folder = tmp_path / "results" / "20261123-120000-task-0000"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(text))
    assert json.dumps(text).count("owned") > 20
    return folder


def test_show_of_a_hostile_result(hostile_result, at_terminal):
    text = shown(at_terminal("show", "latest"))
    assert "\\x1b]0;owned" in text
    assert not re.search(r"^FORGED", text, re.MULTILINE), "no line of the result's making"


def test_a_hostile_folder_and_name_are_refused_in_words(tmp_path, at_terminal):
    (tmp_path / "results").mkdir()
    text = shown(at_terminal("show", HOSTILE))
    assert "\\x1b" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "task", "--concurrency", HOSTILE),
        ("run", HOSTILE),
        ("run", "task", f"--{HOSTILE}"),
        ("run", "task", "--target", f"http://{HOSTILE}/"),
        ("run", "task", "--header", HOSTILE),
        ("run", "task", "--requests-file", HOSTILE.replace("/", "")),
        ("run", "task", "--out", "/dev/null/\x1b]0;owned\x07"),
        (HOSTILE,),
        ("agent", "--bind", HOSTILE),
        ("tour", "--only", HOSTILE),
        ("calibrate", "--scenario", HOSTILE),
        ("doctor", "--concurrency", HOSTILE),
    ],
    ids=range(12),
)
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_refusals(arguments, locale, at_terminal):
    terminal = at_terminal(*arguments, LC_ALL=locale, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert shown(terminal).strip()


def test_names_that_are_no_text(at_terminal):
    assert shown(at_terminal("show", b"\xff\xfe\x9b".decode("utf-8", "surrogateescape") + "/x"))


def test_a_doctor_in_a_hostile_environment(tmp_path, at_terminal):
    (tmp_path / "docker-compose.yml").write_text(f"${{X_IMAGE:-{HOSTILE}}}")
    terminal = at_terminal("doctor", DOCKER_HOST=f"tcp://{HOSTILE}", TERM=HOSTILE.replace("\n", ""))
    assert shown(terminal)


ACCEPTED = b"http://127.0.0.1/\x9b31m\x85[/x][bold]owned"
"""Where a redirect leads: no byte that a header may not have, and yet signs that act on a terminal."""


class Hostile(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/accepted":
            head = b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n"
            self.wfile.write(head % ACCEPTED)
            return
        location = f"http://127.0.0.1/{HOSTILE}".replace("\r", "").replace("\n", "").encode()
        reason = b"\x1b]0;owned\x07" if self.path == "/reason" else b"Found"
        self.wfile.write(b"HTTP/1.1 302 %b\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n" % (reason, location))

    def log_message(self, *_):
        pass


@pytest.fixture
def hostile_server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("transport", ["wire", "aiohttp"])
@pytest.mark.parametrize("path", ["/", "/reason"])
def test_a_run_against_a_hostile_server(hostile_server, at_terminal, transport, path):
    options = ["--transport", transport, "--concurrency", "1", "--requests", "5", "--expect-status", "200"]
    assert shown(at_terminal("run", "task", "--target", f"{hostile_server}{path}", *options))


@pytest.mark.parametrize("transport", ["wire", "aiohttp"])
def test_a_redirect_of_a_hostile_server_is_shown_without_what_acts(hostile_server, at_terminal, transport):
    options = ["--transport", transport, "--concurrency", "1", "--requests", "5"]
    text = shown(at_terminal("run", "task", "--target", f"{hostile_server}/accepted", *options))
    assert "answers are redirects to http://127.0.0.1/ 31m [/x][bold]owned" in " ".join(text.split())


def test_the_last_words_of_a_hostile_app(tmp_path, at_terminal):
    (tmp_path / "hostile.py").write_text(f"import sys\nsys.exit({HOSTILE!r})\n")
    text = shown(at_terminal("run", "task", "--app", "hostile:app", PYTHONPATH=str(tmp_path)))
    assert "owned" in text


def test_json_has_escapes_of_its_own(at_terminal):
    command = [
        "run",
        "task",
        "--transport",
        "null",
        "--concurrency",
        "1",
        "--requests",
        "5",
        "--json",
        "--path",
    ]
    terminal = at_terminal(*command, "/\u202e\x9b", LC_ALL="C.UTF-8")
    assert '"url":"http://null/\\u202e\\u009b"' in shown(terminal).replace(" ", "")
