"""`loadlab record`: from a recording to a file that loads the app it was recorded at."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from loadlab.errors import Exit
from loadlab.journeys import journeys_file
from support.har_files import BASE, SHOP, as_json, entry, har_file
from support.labs import CARRIED, LOADLAB, Lab, ended
from support.live import PATIENCE_S

pytestmark = pytest.mark.real

APP = Path(__file__).parents[3] / "examples" / "shop" / "app.py"
SHORT = ["--concurrency", "2", "--duration", "2s", "--warmup", "0", "--workers", "2", "--threads", "4"]


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    yield lab
    lab.close()


def piped(lab, data, *arguments):
    return subprocess.run(
        [*LOADLAB, "record", *arguments],
        cwd=lab.folder,
        input=data,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.quick
def test_what_was_recorded_at_the_shop_loads_the_shop(lab, monkeypatch):
    shutil.copy(APP, lab.folder)
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, str(lab.folder / "app.py")]) == 0
    done = lab("record", str(SHOP), "--out", "shop.py")
    assert (done.returncode, done.stderr) == (Exit.PASS, "")
    assert done.stdout.splitlines() == [
        "shop.py: 8 steps, 6 TODOs to look at",
        "Set in the environment before you use it: SHOP_PASSWORD",
    ]

    file = lab.folder / "shop.py"
    file.write_text(re.sub(r'think\("exp:[^"]+"\)', 'think("exp:20ms")', file.read_text()))
    monkeypatch.setenv("SHOP_PASSWORD", "secret7")
    assert list(journeys_file.load(str(file)).acts) == ["shop"]
    done = lab("run", "task", "--app", "app:app", "--journeys", "shop.py", "--transport", "wire", *SHORT)
    assert done.returncode in CARRIED, done.stderr
    [stage] = lab.results()[0]["stages"]
    [journey] = stage["journeys"]
    assert (journey["failed"], journey["started"]) == ([], journey["finished"] + journey["cut"])
    assert journey["finished"] > 1
    assert {each["name"] for each in stage["by_name"]} == {
        *("GET /login", "POST /login", "POST /login →", "GET /search", "GET /items/ID"),
        *("POST /cart", "POST /cart →", "POST /api/token", "GET /api/items"),
    }
    assert Counter(stage["statuses"]).keys() == {"200", "302", "404"}
    assert stage["counts"]["unexpected"] == 0


def test_a_file_that_lacks_its_variable_says_which(lab):
    assert lab("record", str(SHOP), "--out", "shop.py").returncode == Exit.PASS
    done = lab("run", "task", "--target", "http://127.0.0.1:1", "--journeys", "shop.py")
    assert done.returncode == Exit.USAGE
    assert "KeyError: 'SHOP_PASSWORD'" in done.stderr


@pytest.mark.parametrize(
    "data",
    [
        har_file(entry("POST", "/caf\u00e9", data=as_json({"q": "\u202e\u00e4"}))),
        b"curl -d 'q=\xc3\xa4\xff' h/caf",
    ],
)
@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_a_recording_comes_from_standard_input_and_goes_to_standard_output(lab, data, arguments):
    done = piped(lab, data, *arguments)
    assert (done.returncode, done.stderr) == (Exit.PASS, b"")
    assert "\u00e4".encode() in done.stdout
    compile(done.stdout, "recorded.py", "exec")


def test_an_output_that_is_ascii_gets_the_same_file(lab, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "\u00e4".encode() in piped(lab, "curl -d q=\u00e4 h".encode()).stdout


def test_a_command_may_stand_in_the_arguments(lab):
    done = lab("record", "curl -H 'Authorization: Bearer s3cret' http://h/x")
    assert done.returncode == Exit.PASS
    assert 'await user.get("/x", headers={"Authorization": f"Bearer {TOKEN}"})' in done.stdout
    assert "s3cret" not in done.stdout


def test_static_files_are_kept_where_they_are_asked_for(lab):
    (lab.folder / "a.har").write_bytes(har_file(entry(path="/a.css", mime="text/css")))
    refused = lab("record", "a.har")
    assert refused.returncode == Exit.USAGE
    assert "RECORDING holds no request" in refused.stderr
    assert "1 static file can be kept with --static" in refused.stderr
    assert 'user.get("/a.css")' in lab("record", "a.har", "--static").stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["missing.har"], "RECORDING missing.har can't be read: No such file or directory"),
        (["."], "can't be read: Is a directory"),
        (["empty"], "RECORDING empty is empty"),
        (["text"], "RECORDING text is not a HAR file: "),
        (["curl -d 'x"], "RECORDING: command 1: a quote is not closed"),
        (["curl h", "--out", "text"], "--out: text exists already; name another file, or remove it"),
        (["curl h", "--out", "no/such/shop.py"], "--out: no/such/shop.py can't be written: No such file"),
    ],
)
def test_what_can_not_be_done_is_refused_in_a_sentence(lab, arguments, why):
    (lab.folder / "empty").write_bytes(b" \n")
    (lab.folder / "text").write_text("so\n")
    done = lab("record", *arguments)
    assert done.returncode == Exit.USAGE
    assert done.stderr.startswith("loadlab: ")
    assert why in done.stderr
    assert (lab.folder / "text").read_text() == "so\n"


def test_a_secret_is_in_no_refusal(lab):
    done = lab("record", f"curl -H 'Authorization: Bearer s3cret' --no-such {BASE}")
    assert done.returncode == Exit.USAGE
    assert "s3cret" not in done.stdout + done.stderr


def test_nothing_on_standard_input_is_said(lab):
    assert b"on standard input" in piped(lab, b"").stderr


def test_the_reader_of_its_output_may_leave(lab):
    process = lab.start("record", str(SHOP))
    process.stdout.close()
    process.stdout = None
    assert ended(process).returncode == Exit.PASS
