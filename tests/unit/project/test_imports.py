"""The design's one direction: a folder imports only folders that stand above it in docs/architecture.md."""

import ast
import importlib
import re
from pathlib import Path

import pytest
from imports import CLIENT, arrows, folder_of, imported, levels, modules

from support.readme import ROOT

TARGET = ROOT / "target" / "loadlab_target"
LOOSE = {"clock", "errors", "units", "__main__"}
"""The only modules that stand in no folder."""
SOURCES = modules(CLIENT)
IMPORT_OF_OURS = re.compile(
    r"^[ \t]*((?:import|from(?= \S+ import )) (?:loadlab|loadlab_target|support|contract|end_to_end)\b.*)$",
    re.MULTILINE,
)
SEEN_IN_STRINGS = 12
"""So many there are at least; fewer would mean that they are no longer found."""


@pytest.fixture(scope="module")
def table():
    """The folders as the page lists them, from the ground up."""
    page = (ROOT / "docs" / "architecture.md").read_text().partition("## Folders")[2].partition("\n## ")[0]
    return [name.rstrip("/") for name in re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)]


def test_the_page_lists_every_folder_once(table):
    assert sorted(table) == sorted({folder_of(name) for name in SOURCES if "." in name})


def test_no_module_stands_loose_but_the_ground():
    assert {path.stem for path in CLIENT.glob("*.py")} == LOOSE | {"__init__"}


def test_every_folder_is_a_package():
    """Git leaves out what .gitignore names, wherever it stands: then only a clone lacks the file."""
    folders = {path.parent for path in CLIENT.rglob("*.py")}
    assert [folder.name for folder in folders if not (folder / "__init__.py").is_file()] == []


def wrong_ways(sources, table):
    """Return each import of a folder that stands below the one that imports it."""
    return [
        f"{folder} imports {other}"
        for folder, others in arrows(sources).items()
        for other in sorted(others)
        if table.index(other) > table.index(folder)
    ]


def test_every_folder_imports_only_those_that_stand_above_it(table):
    assert wrong_ways(SOURCES, table) == []


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("loadlab.units", "from loadlab.cli.run import run", "units imports cli"),
        ("loadlab.units", "def late():\n    import loadlab.cli.run", "units imports cli"),
        ("loadlab.analysis.summary", "from loadlab.agent import api", "analysis imports agent"),
        ("loadlab.transports.wire.heads", "from loadlab import scenarios", "transports imports scenarios"),
    ],
)
def test_an_import_that_breaks_the_direction_is_found(table, name, line, found):
    assert name in SOURCES
    assert wrong_ways(SOURCES | {name: f"{SOURCES[name]}\n{line}\n"}, table) == [found]


def test_no_modules_import_one_another_in_a_circle():
    imports = {
        name: {other for other in imported(source) & SOURCES.keys() if not name.startswith(other)}
        for name, source in SOURCES.items()
    }
    list(levels(imports))


def test_a_circle_is_found_and_named():
    sources = {
        "loadlab.a.x": "from loadlab.b import y",
        "loadlab.b.y": "def late():\n    import loadlab.a.x",
        "loadlab.c": "",
    }
    with pytest.raises(ValueError, match="in a circle: a, b"):
        list(levels(arrows(sources)))


@pytest.mark.parametrize(("package", "other"), [(CLIENT, "loadlab_target"), (TARGET, "loadlab")])
def test_client_and_target_never_import_each_other(package, other):
    for name, source in modules(package).items():
        assert not any(each.split(".")[0] == other for each in imported(source)), name


def test_imports_are_absolute():
    for name, source in SOURCES.items():
        relative = [
            node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.level
        ]
        assert relative == [], name


def imports_in_strings(source):
    """Yield module and name (or None) of each import in a text that a test hands to another process."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        for line in IMPORT_OF_OURS.findall(node.value):
            match ast.parse(line).body:
                case [ast.Import(names=names)]:
                    yield from ((each.name, None) for each in names)
                case [ast.ImportFrom(module=str(module), names=names)]:
                    yield from ((module, each.name) for each in names)


def exists(module, name):
    try:
        found = importlib.import_module(module)
        if name is not None and not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return True


def test_what_tests_import_in_other_processes_exists():
    read = [
        (path.relative_to(ROOT).as_posix(), module, name)
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if path != Path(__file__)
        for module, name in imports_in_strings(path.read_text())
    ]
    assert len(read) >= SEEN_IN_STRINGS
    assert [each for each in read if not exists(*each[1:])] == []


def test_an_import_in_a_string_that_leads_nowhere_is_found():
    source = 'CODE = f"""\nimport sys\nfrom loadlab.units import gone, show_count\nprint({CODE})\n"""'
    source += '\nONE = "import loadlab.gone"\nFINE = "from loadlab.cli import run"'
    assert {each: exists(*each) for each in imports_in_strings(source)} == {
        ("loadlab.units", "gone"): False,
        ("loadlab.units", "show_count"): True,
        ("loadlab.gone", None): False,
        ("loadlab.cli", "run"): True,
    }


def test_only_the_command_line_prints_and_only_it_exits():
    may = ("loadlab.cli", "loadlab.tour.examples")  # the examples are programs of their own
    quiet = {name: source for name, source in SOURCES.items() if not name.startswith(may)}
    for name, source in quiet.items():
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Call(func=ast.Name(id="print")):
                    pytest.fail(f"{name} prints")
                case ast.Call(func=ast.Attribute(value=ast.Name(id="sys"), attr="exit")):
                    pytest.fail(f"{name} exits")
                case _:
                    pass
