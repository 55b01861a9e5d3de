"""A folder with the Makefile and its scripts, and a stand-in for Docker that notes what it was asked."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Checkout:
    """What the chores of the stack need of the repository; `docker` is the script that stands in."""

    def __init__(self, folder: Path, docker: str) -> None:
        self.folder = folder
        for name in ("Makefile", "docker-compose.yml"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        self.programs = folder / "bin"
        self.programs.mkdir()
        (self.programs / "docker").write_text(docker)
        (self.programs / "docker").chmod(0o755)

    def run_make(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`make WORDS` with this environment and no other; nothing is checked, both outputs are kept."""
        return subprocess.run(
            ["make", "--no-print-directory", *words],
            cwd=self.folder,
            env={"PATH": f"{self.programs}:/usr/bin:/bin"} | environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    @property
    def asked(self) -> str:
        """What Docker was asked, a line each."""
        return (self.programs / "asked").read_text()
