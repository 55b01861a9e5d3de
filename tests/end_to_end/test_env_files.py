"""A file of settings that Compose can't read is refused before it does: Compose would print the line."""

import pytest

from support.checkouts import Checkout

pytestmark = pytest.mark.real

SECRET = "h1dden"
DOCKER = """#!/bin/sh
echo "$*" >>"$(dirname "$0")/asked"
exit 1
"""
BAD = {
    f"A=1\n{SECRET} B\n": "line 2: it is not NAME=value",
    f"{SECRET}\n": "line 1: it is not NAME=value",
    f"={SECRET}\n": "line 1: it is not NAME=value",
    f"A: {SECRET}\n": "line 1: it is not NAME=value",
    f"A B={SECRET}\n": "line 1: it is not NAME=value",
    f"1A={SECRET}\n": "line 1: it is not NAME=value",
    f"# note\n\nA='{SECRET}\n": "line 3: its quote is not closed",
    f'A="1\n2"\nB="{SECRET}\n': "line 3: its quote is not closed",
    f"A='{SECRET}\\'\n": "line 1: its quote is not closed",
    f'A="1"{SECRET}\n': "line 1: something follows the closing quote",
    f"A=pa${SECRET}\n": "line 1: Compose would take the $ for a variable; put the value in single quotes",
    f'A="pa${{{SECRET}}}"\n': "line 1: Compose would take the $ for a variable",
    f"A={SECRET}\0\n": "it is not text",
    f"A={SECRET}\udcff\n": "it is not UTF-8",
}
GOOD = (
    "\ufeff# note\n\nA=1\r\nexport B = two words # note\nC=\nD='pa$s\"' # note\n"
    'E="-----BEGIN\nline\n-----END"\nF=it\'s\nG="a\\"b"\nA.B-C=ä'
)


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "checkout").mkdir()
    return Checkout(tmp_path / "checkout", DOCKER)


def up(checkout, **settings):
    return checkout.run_make("up", *(f"{name}={value}" for name, value in settings.items()))


def write(path, text):
    path.write_bytes(text.encode(errors="surrogateescape"))
    return path


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_line_of_an_apps_environment_is_named_by_its_number_and_not_shown(checkout, tmp_path, text):
    file = write(tmp_path / "shop.env", text)
    done = up(checkout, TARGET_APP="shop:sell", APP_DIR=tmp_path, APP_ENV_FILE=file)
    assert done.returncode == 2
    assert done.stderr.startswith(f"APP_ENV_FILE={file}: {BAD[text]}")
    assert SECRET not in done.stdout + done.stderr
    assert not (checkout.programs / "asked").exists()


@pytest.mark.parametrize("chore", ["up", "down", "ps", "logs", "open"])
def test_so_is_a_line_of_the_stacks_own_settings_by_every_chore(checkout, chore):
    write(checkout.folder / ".env", f"LOADLAB_TOKEN='{SECRET}\n")
    done = checkout.run_make(chore)
    assert done.returncode == 2
    assert done.stderr.startswith(".env: line 1: its quote is not closed")
    assert SECRET not in done.stdout + done.stderr
    assert not (checkout.programs / "asked").exists()


def test_what_compose_reads_as_it_is_written_is_accepted(checkout, tmp_path):
    file = write(tmp_path / "shop.env", GOOD)
    write(checkout.folder / ".env", GOOD)
    done = up(checkout, TARGET_APP="shop:sell", APP_DIR=tmp_path, APP_ENV_FILE=file)
    assert done.stderr.startswith("The Docker engine does not answer")
