"""The commands that README and the reference show, as a reader would type them."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
SHOWN = f"{README}\n{REFERENCE}"

_STAND_INS = {"SCENARIO": "task", "STEP": "1", "N": "8", "RESULT": "results/run"}
"""What a reader puts where they have a word in capitals."""


def lines() -> list[str]:
    """Return what follows the prompt in blocks, and the code in sentences and tables."""
    blocks = re.findall(r"```console\n(.*?)```", SHOWN, re.DOTALL)
    typed = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    prose = re.sub(r"```.*?```", "", SHOWN, flags=re.DOTALL)
    return typed + re.findall(r"`([^`\n]+)`", prose)


def loadlab_commands() -> list[tuple[str, ...]]:
    """Return the words after each `loadlab`, its options in brackets as if they were given."""
    found = set()
    for line in lines():
        for text in re.findall(r"(?:^|[ /])loadlab +([^&#|]+)", line):
            words = shlex.split(text.replace("[", "").replace("]", ""))
            found.add(tuple(_STAND_INS.get(word, word) for word in words))
    return sorted(found)


def make_commands() -> list[str]:
    """Return each line that begins with `make` and is whole."""
    return sorted({line.partition("#")[0].strip() for line in lines() if re.match(r"make [a-z]+\b", line)})
