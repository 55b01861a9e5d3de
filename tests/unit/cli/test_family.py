"""The commands are one family: help in groups with examples, shared options, guesses at what was mistyped."""

import re
from collections import defaultdict

import click
import pytest
from click.testing import CliRunner

from loadlab.cli import commands
from loadlab.cli.family import OTHERS, Command, GroupedOption, option, with_options
from loadlab.cli.show import meant
from loadlab.errors import UsageError
from loadlab.results.result import encode
from support.results import result

COMMANDS = sorted(commands.commands.items())
OWN_MEANING = {
    ("doctor", "concurrency"): "one number: the most of a sweep",
    ("tour", "delay"): "the tour has servers of its own, and a default that can be watched",
    ("calibrate", "duration"): "rows instead of stages, and another default",
    ("calibrate", "processes"): "several, each measured",
    ("calibrate", "transport"): "several, each measured",
    ("calibrate", "as_json"): "it prints ceilings instead of a result",
    ("agent", "out"): "earlier results are read there as well",
    ("show", "out"): "it only reads there",
    ("record", "out"): "one file, no folder of results",
}
"""Options whose help differs from that of `loadlab run`, and why."""


def help_of(name):
    return CliRunner().invoke(commands, [name, "--help"], terminal_width=100).output


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_every_command_has_examples_that_begin_as_a_reader_types_them(name, command):
    assert isinstance(command, Command)
    assert len(command.examples) >= 2
    assert all(example.startswith(f"loadlab {name}") for example in command.examples)
    assert "\nExamples:\n  $ loadlab" in help_of(name)


def test_the_list_of_commands_cuts_no_sentence_off():
    shown = CliRunner().invoke(commands, ["--help"]).output
    assert not re.search(r"\w\.\.\.$", shown, re.MULTILINE)


def test_every_option_of_run_belongs_to_a_group():
    groups = ["Load", "Transport and connections", "Request", "Verdict", "Target", "Output"]
    options = [each for each in commands.commands["run"].params if isinstance(each, click.Option)]
    assert {each.heading for each in options} == set(groups)
    headings = re.findall(r"^(\w[\w ]*):$", help_of("run"), re.MULTILINE)
    assert headings == [*groups, OTHERS, "Examples"]


def test_options_stand_in_their_order_below_their_heading():
    @click.command(cls=Command)
    @with_options("First", (option("--b", help="B."), option("--a", help="A.")))
    @option("--c", help="C.")
    def carried(**_):
        pass

    shown = CliRunner().invoke(carried, ["--help"]).output
    places = [shown.index(each) for each in ("First:", "--b", "--a", f"{OTHERS}:", "--c")]
    assert places == sorted(places)


def test_an_option_means_the_same_in_every_command_that_has_it():
    seen = defaultdict(set)
    for name, command in COMMANDS:
        for parameter in command.params:
            if isinstance(parameter, GroupedOption) and (name, parameter.name) not in OWN_MEANING:
                seen[parameter.name].add((parameter.metavar, parameter.help))
    assert {name for name, meanings in seen.items() if len(meanings) > 1} == set()


@pytest.mark.parametrize(
    ("words", "guessed"),
    [
        ("rnu", "run"),
        ("run taks", "task"),
        ("run task --concurency 8", "--concurrency"),
        ("run task --workload clsoed", "closed"),
        ("run task --transport aiohtp", "aiohttp"),
        ("run task --rate 5 --arrivals poison", "poisson"),
        ("run task --rate 5 --when-full drp", "drop"),
        ("run task --server gunicron", "gunicorn"),
        ("agent --server flsk", "flask"),
        ("agent --taget http://127.0.0.1/", "--target"),
        ("calibrate --scenario pol", "pool"),
        ("calibrate --transport wir", "wire"),
        ("tour --only bloking", "blocking"),
        ("doctor --concurency 8", "--concurrency"),
    ],
)
def test_what_was_mistyped_is_guessed(words, guessed):
    with pytest.raises((click.UsageError, UsageError)) as refused:
        commands.main(words.split(), standalone_mode=False)
    error = refused.value
    said = error.format_message() if isinstance(error, click.UsageError) else str(error)
    assert re.search(rf"Did you mean (one of: )?'?{guessed}\b", said)


def test_a_mistyped_latest_is_guessed(tmp_path):
    (tmp_path / "20261124-100000-task-aaaa").mkdir()
    (tmp_path / "20261124-100000-task-aaaa" / "result.json").write_bytes(encode(result()))
    with pytest.raises(UsageError, match="Did you mean latest\\?"):
        meant("lates", tmp_path)
