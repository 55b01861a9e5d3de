"""The layers of the design: a module imports from its own layer or a lower one, never from a higher one."""

import ast
import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "client" / "loadlab"
TARGET = ROOT / "target" / "loadlab_target"

LAYERS = {
    0: (
        "errors",
        "clock",
        "units",
        "arrivals",
        "address_scope",
        "terminal_text",
        "histogram",
        "fields",
        "hdr_encoding",
        "masking",
        "mix",
        "ranges",
        "think",
        "sample",
        "reasons",
        "url",
        "loops",
    ),
    1: ("kept_plan", "pacing", "plan", "window", "tape", "recorder", "slices", "presence", "resources"),
    2: ("transports", "hosts", "machine", "heap", "local_limits", "stillborn", "stop_signals", "files"),
    3: ("shard", "turns", "backing_off", "drive", "alarm", "chains", "dispatch", "scenarios", "fleet"),
    4: ("result", "analysis", "environment", "events"),
    5: (
        "agent",
        "calibration",
        "cli",
        "command_line",
        "doctor",
        "edges",
        "engine",
        "errand",
        "metrics",
        "place",
        "probe",
        "progress",
        "recent",
        "report",
        "salvage",
        "serve",
        "stack",
        "store",
        "target_watch",
        "ticks",
        "tour",
        "requested",
        "usage",
        "words",
        "__main__",
    ),
}
"""Modules and packages of `loadlab`; what stands deeper is of its package's layer."""


def layer_of(module: str) -> int | None:
    """Return the layer of `loadlab.x.y`; None where the table has none."""
    top = module.split(".")[1]
    return next((layer for layer, members in LAYERS.items() if top in members), None)


def module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(package: Path) -> dict[str, str]:
    """Return the source of every module of a package, by name, without the package itself."""
    found = {module_name(path, package): path.read_text() for path in sorted(package.rglob("*.py"))}
    return {name: source for name, source in found.items() if "." in name}


def imports(source: str) -> set[str]:
    """Return what a module imports, wherever in it, each with its full name; `from a import b` is both."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                found |= {alias.name for alias in node.names}
            case ast.ImportFrom():
                assert node.level == 0, "imports are absolute"
                assert node.module
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            case _:
                pass
    return found


def faults(sources: dict[str, str]) -> list[str]:
    """Return what breaks the layers, a sentence each."""
    found = []
    for name, source in sources.items():
        mine = layer_of(name)
        if mine is None:
            found.append(f"{name} stands in no layer")
            continue
        for imported in sorted(imports(source)):
            if not imported.startswith("loadlab.") or imported.count(".") == 0:
                continue
            theirs = layer_of(imported)
            if theirs is not None and theirs > mine:
                found.append(f"{name} of layer {mine} imports {imported} of layer {theirs}")
    return found


def test_no_module_of_loadlab_imports_a_higher_layer_and_each_stands_in_one():
    assert faults(modules(CLIENT)) == []


def page_table():
    """Return the names in each row of the page's table of layers."""
    page = (ROOT / "docs" / "architecture.md").read_text().partition("## Layers")[2]
    rows = re.findall(r"^\| (\d) [^|]*\|([^|]*)\|", page, re.MULTILINE)
    return {int(layer): re.findall(r"`([^`]+)`", cell) for layer, cell in rows}


def written(name):
    """Return how the page writes a module, or a package."""
    return f"{name}/" if (CLIENT / name).is_dir() else name


def test_the_table_on_the_page_is_this_one():
    here = {layer: sorted(map(written, members)) for layer, members in LAYERS.items()}
    assert {layer: sorted(names) for layer, names in page_table().items()} == here


def test_the_table_names_nothing_twice_and_nothing_that_is_not_there():
    named = list(itertools.chain.from_iterable(LAYERS.values()))
    assert len(named) == len(set(named))
    there = {name.split(".")[1] for name in modules(CLIENT)}
    assert set(named) == there


@pytest.mark.parametrize(
    ("name", "source", "fault"),
    [
        (
            "loadlab.units",
            "from loadlab.workload.plan import Plan",
            "loadlab.units of layer 0 imports loadlab.workload.plan",
        ),
        (
            "loadlab.workload.plan",
            "import loadlab.cli.run",
            "imports loadlab.cli.run of layer 5",
        ),
        ("loadlab.targets.new", "from loadlab import engine", "imports loadlab.runs.run of layer 5"),
        (
            "loadlab.load.closed_users",
            "def late():\n    from loadlab import store",
            "imports loadlab.results.run_folder of layer 5",
        ),
        ("loadlab.new", "", "loadlab.new stands in no layer"),
        ("loadlab.new.deeper", "", "loadlab.new.deeper stands in no layer"),
    ],
)
def test_a_module_that_breaks_the_layers_would_be_found(name, source, fault):
    assert any(fault in found for found in faults({name: source}))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("loadlab.workload.plan", "from loadlab.units import counts\nimport json"),
        ("loadlab.load.closed_users", "from loadlab.load.shard import Shard"),
        ("loadlab.cli.run", "from loadlab import store, units"),
    ],
)
def test_imports_of_the_same_layer_and_of_lower_ones_are_fine(name, source):
    assert faults({name: source}) == []


@pytest.mark.parametrize(("package", "other"), [(CLIENT, "loadlab_target"), (TARGET, "loadlab")])
def test_client_and_target_never_import_each_other(package, other):
    for name, source in modules(package).items():
        assert not any(imported.split(".")[0] == other for imported in imports(source)), name


def test_only_the_command_line_prints_and_only_it_exits():
    quiet = {name: source for name, source in modules(CLIENT).items() if not name.startswith("loadlab.cli")}
    for name, source in quiet.items():
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Call(func=ast.Name(id="print")):
                    pytest.fail(f"{name} prints")
                case ast.Call(func=ast.Attribute(value=ast.Name(id="sys"), attr="exit")):
                    pytest.fail(f"{name} exits")
                case _:
                    pass


def test_the_values_wait_for_nothing_and_nobody():
    """Layer 0 is pure: no event loop (but for the module that chooses one), no files, no processes."""
    effects = {"asyncio", "os", "pathlib", "socket", "subprocess", "threading", "multiprocessing"}
    for name, source in modules(CLIENT).items():
        if layer_of(name) == 0 and name != "loadlab.system.event_loop":
            assert not effects & {imported.split(".")[0] for imported in imports(source)}, name
