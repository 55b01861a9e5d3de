"""The docs say what there is: every scenario, option, target, variable, exit code and command."""

import json
import re
import subprocess
from pathlib import Path

import click
import jsonschema
import pytest

from loadlab.cli import commands
from loadlab.errors import Exit
from loadlab.report.schema import schema
from loadlab.scenarios import names

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCS = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}


@pytest.mark.parametrize("name", names())
def test_every_scenario_stands_in_the_readme_and_in_its_own_section(name):
    assert f"| `{name}` |" in README
    assert re.search(rf"^## `{name}`$", DOCS["scenarios.md"], re.MULTILINE)


def _options():
    for command in commands.commands.values():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                yield from ((command.name, option) for option in parameter.opts if option.startswith("--"))


@pytest.mark.parametrize(("command", "option"), sorted(_options()))
def test_every_option_stands_in_the_readme(command, option):
    assert re.search(rf"{option}\b", README), f"loadlab {command} {option}"


@pytest.mark.parametrize("name", sorted(n for n, c in commands.commands.items() if not c.hidden))
def test_every_command_stands_in_the_readme(name):
    assert f"loadlab {name}" in README


def _make_targets():
    return re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("target", _make_targets())
def test_every_make_target_stands_in_the_docs(target):
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    assert f"make {target}" in text or target == "help"


# Set by the lab itself for its own processes, or by the server for the app.
_INTERNAL = {"TARGET_STREAM", "PROMETHEUS_MULTIPROC_DIR", "PATH_INFO"}


def _variables():
    compose = (ROOT / "docker-compose.yml").read_text()
    read = re.findall(r"\$\{([A-Z_]+)[:}]", compose) + re.findall(r"^\s+([A-Z_]+):", compose, re.MULTILINE)
    for source in [*(ROOT / "client").rglob("*.py"), *(ROOT / "target").rglob("*.py")]:
        read += re.findall(r"envvar=\"([A-Z_]+)\"|environ(?:\.get)?[\[(]\"([A-Z_]+)\"", source.read_text())
    flat = {name for found in read for name in ([found] if isinstance(found, str) else found) if name}
    # Handed over by the scripts of `make up`, and Grafana's own.
    foreign = {name for name in flat if name.endswith("_FILES") or name.startswith(("GF_", "DOCKER_"))}
    return sorted(flat - foreign - _INTERNAL)


@pytest.mark.parametrize("variable", _variables())
def test_every_environment_variable_stands_in_the_readme(variable):
    assert f"`{variable}`" in README


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_stands_in_the_readme(code):
    assert re.search(rf"^\| {int(code)} \|", README, re.MULTILINE)


def _shown_commands():
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        yield from (line[2:] for line in block.splitlines() if line.startswith("$ "))
    yield from re.findall(r"^\| `(make [^`]+)` \|", README, re.MULTILINE)
    yield from (f".venv/bin/{text}" for text in re.findall(r"`(loadlab (?:run|show|doctor)[^`]*)`", README))


@pytest.mark.parametrize("line", sorted(set(_shown_commands())))
def test_every_command_that_the_readme_shows_is_one(line):
    """Make is asked what it would do, and loadlab for its options."""
    line = line.partition("#")[0].strip()
    if line.startswith("make "):
        subprocess.run(["make", "--dry-run", *line.split()[1:]], cwd=ROOT, check=True, capture_output=True)
    elif "loadlab" in line:
        words = line.partition("loadlab ")[2].split()
        known = {option for name, option in _options() if name == words[0]}
        assert {word.strip("[]") for word in words if word.strip("[").startswith("--")} <= known


def test_the_published_schema_is_the_one_that_the_types_make():
    assert (ROOT / "docs" / "result.schema.json").read_bytes() == schema(), "run `make schema`"


def test_the_published_schema_is_a_valid_schema():
    jsonschema.Draft202012Validator.check_schema(json.loads(schema()))


def _links():
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            yield path, link


@pytest.mark.parametrize(("page", "link"), list(_links()))
def test_every_link_leads_somewhere(page, link):
    assert (page.parent / link).exists()
