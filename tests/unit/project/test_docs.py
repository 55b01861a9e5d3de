"""The docs say what there is: every scenario, option, target, variable, exit code and command."""

import json
import re
import shlex
import subprocess

import click
import jsonschema
import pytest

from loadlab.analysis.judge_stage import judged
from loadlab.calibration.plans import rows
from loadlab.cli import commands
from loadlab.cli.calibrate import asked, window_ns
from loadlab.errors import Exit, UsageError
from loadlab.options.load import RunOptions, build_plan, traits_of
from loadlab.options.target import TargetOptions
from loadlab.results.schema import schema
from loadlab.runs.runners import url_of
from loadlab.scenarios import names, scenario
from loadlab.tour import chosen
from loadlab.units import duration_ns
from loadlab.workload.capacity import Capacity
from support.fakes import plan
from support.readme import README, REFERENCE, ROOT, loadlab_commands, make_commands
from support.results import stage

DOCS = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
ROOM = Capacity(cpus=2.0, open_files=1024)


def named(word, text):
    """Tell whether a text has this word, and not only a longer one that begins or ends with it."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


@pytest.mark.parametrize("longer", ["--max-in-flight", "make test-all", "----max", "--maximum"])
def test_a_longer_word_is_not_the_shorter_one(longer):
    assert not named("--max", longer)
    assert not named("make test", longer)
    assert named(longer, f"`{longer}=1`, and others")


@pytest.mark.parametrize("name", names())
def test_every_scenario_stands_in_the_reference_with_its_transports_and_in_its_own_section(name):
    offered = ", ".join(f"`{each.name}`" for each in scenario(name).TRAITS.transports)
    assert re.search(rf"^\| `{name}` \|.*\| {offered} \|$", REFERENCE, re.MULTILINE)
    assert re.search(rf"^## `{name}`$", DOCS["scenarios.md"], re.MULTILINE)


def _options():
    for command in commands.commands.values():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                yield from ((command.name, option) for option in parameter.opts if option.startswith("--"))


@pytest.mark.parametrize(("command", "option"), sorted(_options()))
def test_every_option_stands_in_the_reference(command, option):
    assert named(option, REFERENCE), f"loadlab {command} {option}"


def test_the_readme_is_read_in_some_minutes():
    assert len(README.splitlines()) <= 160
    assert len(README.split()) <= 1300


@pytest.mark.parametrize("name", sorted(n for n, c in commands.commands.items() if not c.hidden))
def test_every_command_stands_in_the_reference(name):
    assert named(f"loadlab {name}", REFERENCE)


def _checks():
    made = re.compile(r"\b(?:make_check|Check|_none_of)\((?:\s*\w+,)?\s*name=\"([a-z_]+)\"")
    return sorted(
        {name for path in (ROOT / "client").rglob("*.py") for name in made.findall(path.read_text())}
    )


@pytest.mark.parametrize("name", _checks())
def test_every_check_stands_in_the_method(name):
    assert f"\n| `{name}`" in DOCS["method.md"]


def test_no_check_of_a_stage_is_overlooked():
    assert {check.name for check in judged(plan(), scenario("task").TRAITS, 1.0, stage())[1]} <= set(
        _checks()
    )


def _make_targets():
    return re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("target", _make_targets())
def test_every_make_target_stands_in_the_docs(target):
    bench = (ROOT / "bench" / "README.md").read_text()
    text = "\n".join([README, (ROOT / "CONTRIBUTING.md").read_text(), bench, *DOCS.values()])
    assert named(f"make {target}", text) or target == "help"


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
def test_every_environment_variable_stands_in_the_reference(variable):
    assert f"`{variable}`" in REFERENCE


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_stands_in_the_reference(code):
    assert re.search(rf"^\| {int(code)} \|", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("line", make_commands())
def test_every_make_command_that_readme_and_reference_show_is_one(line):
    """Make is asked what it would do; a scenario is looked up."""
    subprocess.run(["make", "--dry-run", *shlex.split(line)[1:]], cwd=ROOT, check=True, capture_output=True)
    for name in re.findall(r"SCENARIO=(\S+)", line):
        traits_of(name)


def understood(words):
    """Read a command's words as `loadlab` does, up to where it would begin; raise where it would refuse."""
    name, *rest = words
    given = commands.commands[name].make_context(name, rest).params
    match name:
        case "run":
            TargetOptions(
                **{field: given[field] for field in TargetOptions.__struct_fields__}
            ).reject_unused()
            base = url_of(given["target"] or "http://127.0.0.1")
            build_plan(
                RunOptions(**{field: given[field] for field in RunOptions.__struct_fields__}), base, ROOM
            )
        case "calibrate":
            rows(asked(given["scenario"], given["transport"], given["processes"]), ROOM.cpus)
            window_ns(given["duration"])
        case "tour":
            chosen(given["only"])
            duration_ns(given["delay"], "--delay")
        case _:
            pass


@pytest.mark.parametrize("words", loadlab_commands(), ids=" ".join)
def test_every_loadlab_command_that_readme_and_reference_show_is_understood(words):
    understood(words)


@pytest.mark.parametrize("line", sorted(line for c in commands.commands.values() for line in c.examples))
def test_every_example_of_a_help_is_understood(line):
    understood(shlex.split(line)[1:])


def test_they_show_more_than_one_command_of_each_kind():
    assert {words[0] for words in loadlab_commands()} == {
        n for n, c in commands.commands.items() if not c.hidden
    }
    assert len(loadlab_commands()) >= 8


@pytest.mark.parametrize(
    "line",
    [
        "run taks",
        "run task --workload batsh",
        "run task --concurrency many",
        "run task --target ftp://h/",
        "run task --app shop:sell --delay 1s",
        "run task --no-such-option",
        "tour --only 99",
        "doctor --concurrency few",
        "calibrate --scenario taks",
        "calibrate --duration 1ms",
    ],
)
def test_a_command_that_loadlab_refuses_would_be_found(line):
    with pytest.raises((UsageError, click.UsageError)):
        understood(line.split())


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *(f"docs/{n}" for n in DOCS)]
)
def test_no_page_holds_a_word_where_something_is_to_be_filled_in(name):
    lone = re.findall(r"^\W*([A-Z]{3,})\W*$", (ROOT / name).read_text(), re.MULTILINE)
    marks = re.findall(r"\b(?:TODO|TBD|FIXME|XXX)\b", (ROOT / name).read_text())
    assert lone + marks == []


def test_the_published_schema_is_the_one_that_the_types_make():
    assert (ROOT / "docs" / "result.schema.json").read_bytes() == schema(), "run `make schema`"


def test_the_published_schema_is_a_valid_schema():
    jsonschema.Draft202012Validator.check_schema(json.loads(schema()))


def _links():
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("bench/*.md")]:
        for link in re.findall(r"\]\(([^):]+)\)", path.read_text()):
            yield path, link


def anchors(page):
    """Return what a link to a heading of a page ends with, for each of its headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "link"), list(_links()))
def test_every_link_leads_somewhere(page, link):
    path, _, anchor = link.partition("#")
    there = page.parent / path if path else page
    assert there.exists()
    assert not anchor or anchor in anchors(there)
