"""`python -m boards`: write the dashboards to grafana/dashboards."""

from pathlib import Path

from boards import concurrency, run, target

FOLDER = Path(__file__).parents[1] / "dashboards"
BOARDS = {"run": run.build, "concurrency": concurrency.build, "target": target.build}


def main() -> None:
    """Write each; what is no dashboard any more goes."""
    FOLDER.mkdir(exist_ok=True)
    for stale in set(FOLDER.glob("*.json")) - {FOLDER / f"{name}.json" for name in BOARDS}:
        stale.unlink()
    for name, build in BOARDS.items():
        (FOLDER / f"{name}.json").write_bytes(build())


if __name__ == "__main__":
    main()
