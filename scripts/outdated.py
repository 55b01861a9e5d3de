"""List what is newer than the locks in requirements/ and than the images of docker-compose.yml.

`uv` asks the package index that this machine is set up for. Images are asked for by their projects' tags in
Git, because a registry lists none without an account of its interface. What can't be reached is said.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ("dev", "mutants", "docs", "bench")
"""The lock of development holds those of client, target and build."""
WITHIN_S = 20
SOURCES = {
    "python": "https://github.com/python/cpython",
    "prom/prometheus": "https://github.com/prometheus/prometheus",
    "grafana/grafana": "https://github.com/grafana/grafana",
}
"""Where an image's software has its releases."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_IMAGE = re.compile(r"\$\{[A-Z]+_IMAGE:-([^}]+):([^}:]+)\}")


def versions(lock: str) -> dict[str, str]:
    """Return the versions of a lock, by package."""
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\\n]+)", lock, re.MULTILINE))


def newest(name: str, folder: Path) -> dict[str, str]:
    """Return what a list of requirements would be locked to now, its own limits kept."""
    uv = Path(sys.executable).with_name("uv")
    words = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--no-header"]
    lock = folder / f"{name}.txt"
    done = subprocess.run(
        [*words, "--upgrade", f"{name}.in", "--output-file", lock],
        cwd=ROOT / "requirements",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"What is newer than requirements/{name}.txt can't be told: {done.stderr.strip()}")
    return versions(lock.read_text())


def packages() -> Iterator[str]:
    """Say which locked packages have a newer version that the lists allow."""
    seen = set()
    with tempfile.TemporaryDirectory() as folder:
        for name in LOCKS:
            locked = versions((ROOT / "requirements" / f"{name}.txt").read_text())
            for package, version in sorted(newest(name, Path(folder)).items()):
                was = locked.get(package, "none")
                if was != version and package not in seen:
                    seen.add(package)
                    yield f"{package:32} {was:14} -> {version:14} requirements/{name}.txt"


def images(text: str) -> Iterator[str]:
    """Say which images of a Compose file have a newer release, in their own generation and after it."""
    for image, tag in sorted(set(_IMAGE.findall(text))):
        here = numbers(tag)
        released = releases(SOURCES[image])
        if not released:
            yield f"{image:32} {tag:14} its releases can't be read from here"
        newer = [each for each in released if each > here]
        within = [each for each in newer if each[0] == here[0] and (image != "python" or each[1] == here[1])]
        for found in sorted({max(each) for each in (within, newer) if each}):
            yield f"{image:32} {tag:14} -> {'.'.join(map(str, found)):14} docker-compose.yml"


def releases(source: str) -> list[tuple[int, ...]]:
    """Return the versions that a repository has a tag of; none where it can't be reached."""
    try:
        done = subprocess.run(
            ["git", "ls-remote", "--tags", "--refs", source],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        return []
    tags = [line.rpartition("refs/tags/")[2] for line in done.stdout.splitlines()]
    return [numbers(tag) for tag in tags if _VERSION.fullmatch(tag)]


def numbers(tag: str) -> tuple[int, ...]:
    """Return the three numbers of a tag."""
    found = _VERSION.match(tag)
    return tuple(map(int, found.groups())) if found else ()


def main() -> None:
    """Print what is newer."""
    found = [*packages(), *images((ROOT / "docker-compose.yml").read_text())]
    print("\n".join(found) or "Nothing is newer.")


if __name__ == "__main__":
    main()
