"""`loadlab show`: a result's table again."""

from pathlib import Path

import click

from loadlab import store
from loadlab.cli.console import Terminal, print_result


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
def show(result: Path) -> None:
    """Print the table of RESULT, a result.json or the folder it is in; in a terminal also a sweep's curve."""
    found = store.read(result)
    Terminal().print(
        f"{found.run_id}: {found.environment.where}", soft_wrap=True, highlight=False, markup=False
    )
    print_result(found)
