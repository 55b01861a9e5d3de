"""The design's one direction: a folder imports only folders that stand above it in docs/architecture.md."""

import ast
import re

import pytest
from imports import CLIENT, arrows, folder_of, imported, levels, modules

from support.readme import ROOT

TARGET = ROOT / "target" / "loadlab_target"
LOOSE = {"clock", "errors", "units", "__main__"}
"""The only modules that stand in no folder."""
SOURCES = modules(CLIENT)


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


def test_every_folder_imports_only_those_that_stand_above_it(table):
    for folder, others in arrows(SOURCES).items():
        below = [other for other in others if table.index(other) > table.index(folder)]
        assert below == [], folder


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


def test_only_the_command_line_prints_and_only_it_exits():
    quiet = {name: source for name, source in SOURCES.items() if not name.startswith("loadlab.cli")}
    for name, source in quiet.items():
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Call(func=ast.Name(id="print")):
                    pytest.fail(f"{name} prints")
                case ast.Call(func=ast.Attribute(value=ast.Name(id="sys"), attr="exit")):
                    pytest.fail(f"{name} exits")
                case _:
                    pass
