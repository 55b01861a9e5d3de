"""What acts on a terminal is written as its escape; everything else stays as it is."""

import io
import json
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Group
from rich.table import Table
from rich.text import Text

from loadlab.system.terminal_text import EscapingStream, escaped, escaped_json, one_line
from loadlab.terminal.console import Terminal
from support.promtool import ROOT

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "".join(chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cc")
ACTING = CONTROLS.replace("\n", "").replace("\t", "") + BIDI + "\u2028\u2029\ud800\udcff\udfff"


def acts(text):
    return [sign for sign in text if sign in ACTING or "\ud800" <= sign <= "\udfff"]


@pytest.mark.parametrize("sign", ACTING, ids=[f"{ord(sign):04x}" for sign in ACTING])
def test_what_acts_is_written_as_its_escape(sign):
    shown = escaped(f"a{sign}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert shown.endswith("b")


def test_lines_stay_unless_it_is_to_be_one():
    assert escaped("a\n\tb\r") == "a\n\tb\\r"
    assert one_line("a\n\tb\r") == "a\\n\\tb\\r"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"])))
def test_everything_else_is_left_alone(text):
    assert escaped(text) == one_line(text) == text
    assert escaped("Zürich · 5 µs ≥ ⣿ 日本 👩‍🚀") == "Zürich · 5 µs ≥ ⣿ 日本 👩‍🚀"


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_a_json_text_means_the_same_without_what_acts(value):
    data = escaped_json(json.dumps(value, ensure_ascii=False).encode("utf-8"))
    assert not acts(data.decode())
    assert json.loads(data) == value


@given(st.text(), st.text())
def test_a_stream_escapes_what_is_written_to_it_in_whatever_way(first, second):
    raw = io.BytesIO()
    stream = EscapingStream(raw, encoding="utf-8", newline="")
    assert stream.write(first) == len(first)
    stream.writelines([second])
    print(first, file=stream, flush=True)
    assert not acts(raw.getvalue().decode())
    stream.unescaped.write("\x1b[1m")
    stream.flush()
    assert raw.getvalue().endswith(b"\x1b[1m")


@given(st.text(alphabet=st.one_of(st.sampled_from(ACTING + "[]/\\"), st.characters())))
def test_a_console_writes_no_sequences_but_its_own(text):
    table = Table(text)
    table.add_row(text, Text(text, "bold"))
    raw = io.BytesIO()
    stream = EscapingStream(raw, encoding="utf-8", errors="replace", newline="")
    console = Terminal(file=stream, force_terminal=False, width=60)
    console.print(text, table, Group(Text(text)), style="bold")
    console.print(text, soft_wrap=True)
    stream.flush()
    assert not acts(raw.getvalue().decode())


@pytest.mark.real
def test_the_scripts_write_what_a_log_says_without_what_acts():
    log = f"Zürich 日本\tone\n{ACTING.encode('utf-8', 'ignore').decode()}\ntwo\n"
    for command in ("plain", 'say "$(cat)"', 'warn "$(cat)" 2>&1'):
        script = f". ./scripts/common.sh; {command}"
        done = subprocess.run(
            ["/bin/sh", "-c", script, "scripts/x"],
            cwd=ROOT,
            input=log.encode(),
            capture_output=True,
            check=True,
        )
        said = done.stdout.decode()
        assert said.startswith("Zürich 日本\tone\n")
        assert said.endswith("\ntwo\n")
        assert not [sign for sign in acts(said) if sign != "\0"]


def test_a_console_writes_its_own():
    raw = io.BytesIO()
    stream = EscapingStream(raw, encoding="utf-8", newline="")
    console = Terminal(file=stream, force_terminal=True, width=60, color_system="standard", no_color=False)
    console.print("[red]a\x1b[31m", style="green", highlight=False)
    stream.flush()
    assert raw.getvalue() == b"\x1b[32m[red]a\\x1b[31m\x1b[0m\n"
