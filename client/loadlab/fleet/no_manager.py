"""aiomultiprocess without its manager process.

The library keeps each worker's return value in a `multiprocessing` manager, a process of its own. Nothing
reads that value: workers of the lab report over their pipes. And starting a manager waits without a limit
where it can start no thread. `pool-map` shows the library as it is, manager included; the parent watches it.
"""

from types import SimpleNamespace

from aiomultiprocess import core


class _InProcess:
    """Stands in for the manager: what it hands out is pickled to the worker like any other argument."""

    def Namespace(self) -> SimpleNamespace:  # noqa: N802 - as the library calls it
        return SimpleNamespace()


def keep_in_process() -> None:
    """Have the library make workers in this process without a manager."""
    core._manager = _InProcess()  # noqa: SLF001 - the library has no other way in
