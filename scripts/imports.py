"""What imports what in the client, folder by folder: `scripts/imports.py`. Tests read the same imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

CLIENT = Path(__file__).parents[1] / "client" / "loadlab"


def modules(package: Path) -> dict[str, str]:
    """Return the source of every module of a package, by its full name."""
    return {name_of(path, package): path.read_text() for path in sorted(package.rglob("*.py"))}


def name_of(path: Path, package: Path) -> str:
    """Return the name under which a file is imported."""
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source: str) -> set[str]:
    """Return what a module imports, wherever in it, each by its full name; `from a import b` is both."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                found |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str(module)):
                found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
            case _:
                pass
    return found


def folder_of(name: str) -> str:
    """Return where `loadlab.a.b` stands: the folder `a`, or the module's own name where it stands in none."""
    return name.split(".")[1]


def arrows(sources: dict[str, str]) -> dict[str, set[str]]:
    """Return which folders each folder imports; a module that stands in none counts as a folder."""
    found: dict[str, set[str]] = {folder_of(name): set() for name in sources if "." in name}
    for name, source in sources.items():
        for other in imported(source) & sources.keys():
            if "." in name and "." in other and folder_of(name) != folder_of(other):
                found[folder_of(name)].add(folder_of(other))
    return found


def levels(imports: dict[str, set[str]]) -> Iterator[list[str]]:
    """Yield the folders whose imports all stand in levels before; ValueError names those in a circle."""
    done: set[str] = set()
    while left := imports.keys() - done:
        level = sorted(folder for folder in left if imports[folder] <= done)
        if not level:
            raise ValueError(f"these import one another in a circle: {', '.join(sorted(left))}")
        yield level
        done |= set(level)


def main() -> None:
    """Print the levels from the ground up, each folder with what it imports."""
    imports = arrows(modules(CLIENT))
    for number, level in enumerate(levels(imports)):
        for folder in level:
            print(f"{number:2}  {folder:<12} {' '.join(sorted(imports[folder]))}")
    print(f"{len(imports)} boxes, {sum(map(len, imports.values()))} arrows, none of them in a circle")


if __name__ == "__main__":
    main()
