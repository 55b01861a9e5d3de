"""Build the docs as a site, `site/index.html`; a link that leads nowhere is an error.

The pages are copied with their folders, so a link works here as it does where the files are read. The list in
`docs/README.md` becomes the site's navigation.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SITE = ROOT / "site"
COPIED = ("*.md", "bench/*.md", "docs/**/*")
HOME = "docs/README.md"


def listed(home: str) -> list[tuple[str, list[str]]]:
    """Return the kinds of pages that the list of all docs has, each with its links."""
    kinds = re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", home, re.MULTILINE | re.DOTALL)
    return [(kind, re.findall(r"^- \[[^]]+\]\(([^)]+)\)$", body, re.MULTILINE)) for kind, body in kinds]


def navigation(home: str) -> str:
    """Return the list as Sphinx reads a site's navigation."""
    trees = (
        "\n".join([f"```{{toctree}}\n:caption: {kind}\n:hidden:\n", *links, "```\n"])
        for kind, links in listed(home)
    )
    return "\n".join(["", *trees])


def prepare(folder: Path) -> None:
    """Copy the pages into a folder, with the navigation in them."""
    for pattern in COPIED:
        for path in ROOT.glob(pattern):
            if path.is_file():
                there = folder / path.relative_to(ROOT)
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, there)
    home = folder / HOME
    home.write_text(home.read_text() + navigation(home.read_text()))
    decisions = folder / "docs" / "decisions"
    names = sorted(path.name for path in decisions.glob("*.md") if path.name != "README.md")
    with (decisions / "README.md").open("a") as file:
        file.write("\n".join(["", "```{toctree}", ":hidden:", "", *names, "```", ""]))


def main() -> None:
    """Build the site; exit with Sphinx's code, which is not 0 where it has a warning."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch)
        prepare(source)
        words = ["-q", "-W", "--keep-going", "-n", "-c", ROOT / "docs", source, SITE]
        done = subprocess.run(
            [sys.executable, "-m", "sphinx", "-b", "html", "-d", source / ".trees", *words], check=False
        )
    if done.returncode == 0:
        (SITE / "index.html").write_text('<meta http-equiv="refresh" content="0; url=docs/README.html">\n')
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
