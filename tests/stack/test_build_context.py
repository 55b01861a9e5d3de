"""What a build of the lab's images can see of the checkout: what they are made from, and nothing else."""

import shutil
import subprocess
import tarfile

import pytest

from support.readme import ROOT

EVERYTHING = "FROM scratch\nCOPY . /\n"
SECRET = ("token", "shop.env", ".env", ".env.local", "id_rsa", "secret.txt")


@pytest.fixture
def context(engine, tmp_path):
    """The files of a build's context, of a checkout with secrets in every place."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in (
        "client",
        "target",
        "requirements",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        ".dockerignore",
    ):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, checkout / name)
    folders = [
        ".",
        ".git",
        ".venv/bin",
        "tests",
        "results/a",
        ".stack/default",
        ".stack/default/app",
        "client",
    ]
    for folder in folders:
        (checkout / folder).mkdir(parents=True, exist_ok=True)
        for name in SECRET:
            (checkout / folder / name).write_text("a secret")
    (checkout / ".stack/default/app/secret.txt").unlink()
    for name in ("requirements.txt", "requirements-more.txt", "constraints.txt", "none.env"):
        (checkout / ".stack/default/app" / name).touch()
    (checkout / "Everything").write_text(EVERYTHING)
    tag = f"loadlab-test-context:{tmp_path.name.lower()}"
    build = ["docker", "build", "--quiet", "--tag", tag, "--file", "-", str(checkout)]
    subprocess.run(build, input=EVERYTHING, text=True, check=True, capture_output=True)
    container = engine.containers.create(tag, ["none"])
    try:
        whole = tmp_path / "whole.tar"
        whole.write_bytes(b"".join(container.export()))
        with tarfile.open(whole) as archive:
            # The engine adds what every container has.
            yield {
                member.name
                for member in archive
                if member.isfile() and not member.name.startswith(("etc/", "dev/", ".dockerenv"))
            }
    finally:
        container.remove()
        engine.images.remove(tag)


def test_an_image_is_built_from_the_lab_and_the_apps_requirements_alone(context):
    staged = {
        f".stack/default/app/{name}"
        for name in ("requirements.txt", "requirements-more.txt", "constraints.txt")
    }
    assert staged <= context
    assert "client/loadlab/__main__.py" in context
    assert "requirements/client.txt" in context
    rest = {
        name
        for name in context - staged
        if not name.startswith(("client/loadlab/", "target/loadlab_target/", "requirements/"))
    }
    assert rest == {"LICENSE", "README.md", "pyproject.toml"}
    assert not any(name.endswith(SECRET) for name in context)
