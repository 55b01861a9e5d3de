"""Print requirements/wheels.tsv: from which wheels the packages of a lock are installed.

    wheels.py LOCK    where LOCK is a pylock.toml (PEP 751)

A row is package, version, the supported Pythons that take it, and tags: `any` of a pure wheel, else Python,
ABI and architecture of the wheel that each of them takes. Exits with 1 where one would have to be compiled.
"""

import sys
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).parents[1]
NEWEST_MINOR = 30
ARCHITECTURES = ("x86_64", "aarch64")
OLDEST_GLIBC, NEWEST_GLIBC = 17, 36
"""Minor versions of glibc 2: manylinux2014's, and that of the oldest Debian that images are made from."""


def supported() -> list[tuple[int, int]]:
    """Return the Pythons that the distribution may be installed on, as (3, minor)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    allowed = SpecifierSet(project["requires-python"])
    return [(3, minor) for minor in range(NEWEST_MINOR + 1) if f"3.{minor}" in allowed]


def wheel_tag(wheels: set[Tag], python: tuple[int, int], architecture: str) -> str | None:
    """Return what tells the wheel that is installed there, None where none fits."""
    glibc = range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)
    platforms = [f"manylinux_2_{minor}_{architecture}" for minor in glibc] + [f"manylinux2014_{architecture}"]
    taken = (*cpython_tags(python, platforms=platforms), *compatible_tags(python, platforms=platforms))
    for tag in taken:
        if tag in wheels:
            return "any" if tag.platform == "any" else f"{tag.interpreter}-{tag.abi}-{architecture}"
    return None


def needed(package: dict[str, Any], python: tuple[int, int], architecture: str) -> bool:
    """Tell whether a package is installed there at all."""
    machine = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": architecture}
    version = {"python_version": f"3.{python[1]}", "python_full_version": f"3.{python[1]}.0"}
    implementation = {"platform_python_implementation": "CPython", "implementation_name": "cpython"}
    marker = package.get("marker")
    return marker is None or Marker(marker).evaluate(machine | version | implementation)


def rows(lock: dict[str, Any]) -> Iterator[tuple[str, str, list[str], list[str | None]]]:
    """Give name, version, Pythons and tags of each package; None stands for a wheel that is missing."""
    for package in lock["packages"]:
        names = [Path(wheel["url"]).name for wheel in package.get("wheels", [])]
        wheels = {tag for name in names for tag in parse_wheel_filename(name)[3]}
        places = [place for place in product(supported(), ARCHITECTURES) if needed(package, *place)]
        tags = dict.fromkeys(wheel_tag(wheels, *place) for place in places)
        if places:
            pythons = dict.fromkeys(f"3.{minor}" for (_, minor), _ in places)
            yield package["name"], package["version"], list(pythons), list(tags)


def main() -> None:
    """Print the table, and say which packages lack a wheel."""
    table = list(rows(tomllib.loads(Path(sys.argv[1]).read_text())))
    for name, version, pythons, tags in table:
        print(name, version, " ".join(pythons), " ".join(tag for tag in tags if tag), sep="\t")
    if missing := [f"{name} {version}" for name, version, _, tags in table if None in tags]:
        sys.exit(
            f"No wheel of {', '.join(missing)} for each supported Python on {' and '.join(ARCHITECTURES)}:"
            " images could not be built there. Choose another version or package."
        )


if __name__ == "__main__":
    main()
