"""What doctor says of the packages that a run is made with."""

import subprocess
import sys

import pytest

from loadlab.cli import diagnosis
from loadlab.cli.diagnosis import Mark
from support.promtool import ROOT


@pytest.fixture
def installed(monkeypatch):
    """Have these versions installed; other packages are not."""
    versions = {}
    monkeypatch.setattr(diagnosis, "_installed", versions.get)
    return versions


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "client.txt").write_text(
        "numpy==1.0 ; python_version < '3.12' \\\n    --hash=x\nnumpy==2.0 \\\n"
    )
    (folder / "target.txt").write_text("flask==3.1.3 \\\n    --hash=x\n    # via\n    #   other==9\n")
    return tmp_path


@pytest.mark.parametrize("version", ["22.0.0", "23.0.0", "27.0.1"])
def test_a_gunicorn_that_can_be_measured_is_fine(installed, version):
    installed["gunicorn"] = version
    assert diagnosis._gunicorn().mark is Mark.FINE


@pytest.mark.parametrize("version", ["21.2.0", "9.9", None])
def test_a_gunicorn_that_is_too_old_or_missing_is_wrong_and_says_what_is_needed(installed, version):
    if version is not None:
        installed["gunicorn"] = version
    found = diagnosis._gunicorn()
    assert found.mark is Mark.WRONG
    assert "--app" in found.advice


@pytest.mark.parametrize("numpy", ["1.0", "2.0"])
def test_packages_at_a_locked_version_are_fine(installed, checkout, numpy):
    installed.update(numpy=numpy, flask="3.1.3")
    assert diagnosis._packages(checkout).mark is Mark.FINE


def test_a_package_that_an_apps_requirements_changed_is_named_with_both_versions(installed, checkout):
    installed.update(numpy="2.0", flask="2.3.3")
    found = diagnosis._packages(checkout)
    assert found.mark is Mark.NOTE
    assert found.seen == "flask 2.3.3 (locked: 3.1.3)"


def test_a_package_that_is_not_installed_is_none_that_was_changed(installed, checkout):
    installed.update(flask="3.1.3")
    assert diagnosis._packages(checkout).mark is Mark.FINE


VARIABLES = (
    *("TARGET_PORT", "AGENT_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT", "PYTHON_IMAGE", "PROMETHEUS_IMAGE"),
    *("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"),
    *("COMPOSE_PROJECT_NAME", "HOME", "XDG_CACHE_HOME", "PATH", "TMPDIR", "COLUMNS", "LINES"),
)
VALUES = (
    "",
    "x",
    "-1",
    "9" * 5000,
    "9" * 20,
    "\udcff\udcfe",
    "/dev/zero",
    "unix://",
    "tcp://h:x",
    "[red]",
    "\u0661",
)


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
@pytest.mark.parametrize("variable", VARIABLES)
def test_doctor_never_raises_whatever_the_environment_holds(variable, value, monkeypatch):
    """With an engine and its answers made up, so that every examination is made."""
    monkeypatch.setattr(diagnosis, "_said", lambda *_: "1.0")
    monkeypatch.setattr("loadlab.stack.compose.fit", lambda *_: None)
    monkeypatch.setenv(variable, value)
    found = list(diagnosis.examine(128, ROOT))
    assert not [each for each in found if each.seen.startswith("unknown: ")]
    assert "python" in [each.subject for each in found]


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("tcp://user:passw0rd@engine:2375", "tcp://***@engine:2375"),
        ("ssh://user:pass/w0rd@engine", "ssh://***@engine"),
        ("tcp://engine:2375", "tcp://engine:2375"),
    ],
)
def test_the_engines_address_is_shown_without_its_password(address, seen, monkeypatch):
    monkeypatch.setattr(diagnosis, "_said", lambda *_: None)
    monkeypatch.setenv("DOCKER_HOST", address)
    assert diagnosis._engine().seen == seen


def test_an_examination_that_fails_shows_no_password(monkeypatch):
    def fail():
        raise OSError("no answer from tcp://user:passw0rd@engine:2375")

    monkeypatch.setattr(diagnosis, "_cores", fail)
    found = {each.subject: each for each in diagnosis.examine(128, ROOT / "docs")}
    assert found["cores"].seen == "unknown: OSError: no answer from tcp://***@engine:2375"


@pytest.mark.parametrize("value", ["x", "-1", "0", "65536", "9" * 5000, "\u0661"])
def test_what_is_no_port_is_said(value, monkeypatch):
    monkeypatch.setenv("AGENT_PORT", value)
    found = {each.subject: each for each in diagnosis._ports("127.0.0.1:${AGENT_PORT:-9200}:9200")}
    assert found["AGENT_PORT"].mark is Mark.WRONG
    assert "is no port" in found["AGENT_PORT"].seen


def test_an_examination_that_fails_hides_no_other(monkeypatch, tmp_path):
    def fail():
        raise OSError("no such thing")

    monkeypatch.setattr(diagnosis, "_cores", fail)
    found = {each.subject: each for each in diagnosis.examine(128, tmp_path)}
    assert found["cores"].seen == "unknown: OSError: no such thing"
    assert {"ceilings", "docker engine"} <= set(found)


@pytest.mark.real
@pytest.mark.parametrize("environment", [{}, {"HOME": ""}, {"COLUMNS": "9" * 5000}, {"TARGET_PORT": "x"}])
def test_the_command_ends_in_words_where_there_is_hardly_an_environment(environment, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m loadlab doctor"
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in (0, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert "python" in done.stdout
