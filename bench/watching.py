"""Does watching disturb? The same load without watchers, and with all of them.

Bare: `loadlab run`, closed, 50 users, against nginx on the other core. Watched: the same through the agent,
with its metrics, a follower of its events, and a Prometheus that scrapes it every second by the lab's own
configuration. The processes that make the load, merge and tell have core 0 both times; Prometheus and the
follower run where the system puts them, as on a person's machine. Rounds alternate; the ratio is the median.

Also how long Prometheus waited for a scrape of the agent under this load, at worst. Needs two cores and the
Debian packages nginx-light and prometheus.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from lab import CONNECTIONS, run
from nginx import nginx
from surroundings import surroundings

sys.path.append(str(Path(__file__).parents[1] / "tests"))
# The agent and the Prometheus of the tests are real ones, and need no second way to be started.
from support.agents import RunningAgent
from support.scraper import free_port, scraping

LEAST = 0.97
LONGEST_SCRAPE_S = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--scenario", default="callback")
    parser.add_argument("--transport", default="wire")
    parser.add_argument("--json", type=Path, default=Path("results/watching.json"))
    given = parser.parse_args()
    bare, watched, scrapes_s = measured(given)
    ratio = statistics.median(mine / other for mine, other in zip(watched, bare, strict=True))
    result = {
        "environment": surroundings({}),
        "scenario": given.scenario,
        "transport": given.transport,
        "bare_hz": bare,
        "watched_hz": watched,
        "ratio": ratio,
        "scrapes_s": scrapes_s,
    }
    print(f"{given.scenario} + {given.transport}, {given.rounds} pairs of {given.seconds:g} s")
    print(f"bare      {statistics.median(bare):>10,.0f}/s")
    print(f"watched   {statistics.median(watched):>10,.0f}/s")
    print(f"watched / bare {ratio:.3f} (at least {LEAST}: {_told(ratio >= LEAST)})")
    median_ms, worst_ms = statistics.median(scrapes_s) * 1e3, max(scrapes_s) * 1e3
    print(
        f"{len(scrapes_s)} scrapes of the agent under load: median {median_ms:.1f} ms,"
        f" longest {worst_ms:.1f} ms"
        f" (at most {LONGEST_SCRAPE_S * 1e3:.0f} ms: {_told(max(scrapes_s) <= LONGEST_SCRAPE_S)})"
    )
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\n{given.json}")


def measured(given: argparse.Namespace) -> tuple[list[float], list[float], list[float]]:
    """Return the rates of each round, bare and watched, and how long each scrape under load took."""
    bare: list[float] = []
    watched: list[float] = []
    scrapes_s: list[float] = []
    with nginx() as url:
        for number in range(given.rounds):
            turns = [lambda: bare.append(unwatched(given, url)), lambda: seen(given, url, watched, scrapes_s)]
            for turn in turns if number % 2 == 0 else reversed(turns):
                turn()
            print(
                f"round {number + 1}: {bare[-1]:,.0f}/s bare, {watched[-1]:,.0f}/s watched", file=sys.stderr
            )
    return bare, watched, scrapes_s


def unwatched(given: argparse.Namespace, url: str) -> float:
    """Run it in a terminal that shows nothing."""
    options: list[object] = ["--target", url, "--concurrency", CONNECTIONS]
    _, stage = run(given.scenario, given.transport, given.seconds, options)
    return float(stage["throughput_hz"])


def seen(given: argparse.Namespace, url: str, rates: list[float], scrapes_s: list[float]) -> None:
    """Run it through an agent that is scraped and followed."""
    with tempfile.TemporaryDirectory() as name, RunningAgent(Path(name), "--target", url) as agent:
        os.sched_setaffinity(agent.pid, {0})
        targets = {"client": f"127.0.0.1:{agent.port}", "target": f"127.0.0.1:{free_port()}"}
        with scraping(Path(name), targets) as prometheus:
            result = _carried(agent, given)
            (stage,) = result["stages"]
            rates.append(stage["throughput_hz"])
            span = f"{given.seconds + 2:.0f}s"
            told = prometheus.ask("query", query=f'scrape_duration_seconds{{job="client"}}[{span}]')["result"]
            scrapes_s += [float(value) for _, value in told[0]["values"]]


def _carried(agent: RunningAgent, given: argparse.Namespace) -> dict[str, Any]:
    run_id = agent.start(
        {
            "scenario": given.scenario,
            "transport": given.transport,
            "concurrency": str(CONNECTIONS),
            "duration": f"{given.seconds}s",
            "warmup": "0.5s",
        }
    )
    ended = agent.ended(run_id, within_s=given.seconds + 30)
    result: dict[str, Any] = ended["result"]
    return result


def _told(holds: bool) -> str:  # noqa: FBT001 - the outcome of a comparison
    return "ok" if holds else "not reached"


if __name__ == "__main__":
    main()
