"""What doctor says of the packages that a run is made with."""

import pytest

from loadlab import doctor
from loadlab.doctor import Mark


@pytest.fixture
def installed(monkeypatch):
    """Have these versions installed; other packages are not."""
    versions = {}
    monkeypatch.setattr(doctor, "_installed", versions.get)
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
    assert doctor._gunicorn().mark is Mark.FINE


@pytest.mark.parametrize("version", ["21.2.0", "9.9", None])
def test_a_gunicorn_that_is_too_old_or_missing_is_wrong_and_says_what_is_needed(installed, version):
    if version is not None:
        installed["gunicorn"] = version
    found = doctor._gunicorn()
    assert found.mark is Mark.WRONG
    assert "--app" in found.advice


@pytest.mark.parametrize("numpy", ["1.0", "2.0"])
def test_packages_at_a_locked_version_are_fine(installed, checkout, numpy):
    installed.update(numpy=numpy, flask="3.1.3")
    assert doctor._packages(checkout).mark is Mark.FINE


def test_a_package_that_an_apps_requirements_changed_is_named_with_both_versions(installed, checkout):
    installed.update(numpy="2.0", flask="2.3.3")
    found = doctor._packages(checkout)
    assert found.mark is Mark.NOTE
    assert found.seen == "flask 2.3.3 (locked: 3.1.3)"


def test_a_package_that_is_not_installed_is_none_that_was_changed(installed, checkout):
    installed.update(flask="3.1.3")
    assert doctor._packages(checkout).mark is Mark.FINE
