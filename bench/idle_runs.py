"""Does the lab doubt a machine that has nothing else to do? The same default run, again and again.

Each is `loadlab run SCENARIO` as it stands; with the stack down it starts a target of its own. One INVALID
among them is a false alarm, for here nothing is wrong with the client; a suspect stage is not, but its reason
is printed, too. Exits 1 where a run was INVALID.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from surroundings import surroundings

LOADLAB = Path(sys.executable).with_name("loadlab")
INVALID, SUSPECT, VALID = "INVALID", "suspect", "valid"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--scenario", nargs="*", default=["pool"], help="in turn, where there are several")
    parser.add_argument("--json", type=Path, default=Path("results/idle-runs.json"))
    given, options = parser.parse_known_args()  # what is left is for `loadlab run`
    found = []
    for number in range(given.runs):
        scenario = given.scenario[number % len(given.scenario)]
        found.append(judged(scenario, run(scenario, options)))
        print(f"{number + 1:>3}  {line(found[-1])}", flush=True)
    print("\n" + summary(found))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps({"environment": surroundings({}), "runs": found}, indent=1) + "\n")
    sys.exit(any(each["worth"] == INVALID for each in found))


def run(scenario: str, options: list[str]) -> dict[str, Any]:
    """Make one run; its result, whatever its verdict is."""
    with tempfile.TemporaryDirectory() as out:
        words = [LOADLAB, "run", scenario, "--json", "--quiet", "--out", out, *options]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if not done.stdout:
        sys.exit(f"loadlab run {scenario} ended with exit code {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def judged(scenario: str, result: dict[str, Any]) -> dict[str, Any]:
    """Say what a run is worth, INVALID, suspect or valid, and for which reasons, each with its stage."""
    states = {stage["state"] for stage in result["stages"]}
    worth = VALID
    if result["verdict"] == "invalid" or "invalid" in states:
        worth = INVALID
    elif "suspect" in states:
        worth = SUSPECT
    failed = [check for check in result["checks"] if check["outcome"] == "fail"]
    return {
        "scenario": scenario,
        "worth": worth,
        "exit_verdict": result["verdict"],
        "reasons": [
            {key: check[key] for key in ("name", "stage", "actual", "limit", "unit", "message")}
            for check in failed
        ],
    }


def line(each: dict[str, Any]) -> str:
    """One run in one line, and a line for each reason."""
    reasons = [f"       {reason_of(reason)}: {reason['message']}" for reason in each["reasons"]]
    return "\n".join([f"{each['scenario']:13} {each['worth']}", *reasons])


def reason_of(reason: dict[str, Any]) -> str:
    where = "" if reason["stage"] is None else f" in stage {reason['stage']}"
    return f"{reason['name']}{where} ({reason['actual']:.4g} against {reason['limit']:.4g} {reason['unit']})"


def summary(found: list[dict[str, Any]]) -> str:
    """How many were worth what, and how often each check failed."""
    worth = Counter(each["worth"] for each in found)
    lines = [
        f"{len(found)} runs: " + ", ".join(f"{worth[name]} {name}" for name in (VALID, SUSPECT, INVALID))
    ]
    reasons = Counter(reason["name"] for each in found for reason in each["reasons"])
    return "\n".join(lines + [f"  {name} failed {times} times" for name, times in reasons.most_common()])


if __name__ == "__main__":
    main()
