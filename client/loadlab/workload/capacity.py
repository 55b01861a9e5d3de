"""What the place that carries a load allows it."""

from typing import Self

import msgspec

from loadlab.system.environment import cpus, open_files_limit
from loadlab.workload.plan import Plan
from loadlab.workload.traits import Traits, as_option

_SPARE_FILES = 64
"""Open files that a process needs for other things than connections."""


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What that place has."""

    cpus: float
    open_files: int | None
    """Of one process; None where it is unlimited, or that place sees to it."""

    @classmethod
    def here(cls) -> Self:
        """Return what this process may use."""
        return cls(cpus=cpus(), open_files=open_files_limit())

    @property
    def connections(self) -> int | None:
        """How many one process may hold at once; 0 or less where its files are too few for itself."""
        return None if self.open_files is None else self.open_files - _SPARE_FILES

    def problems(self, plan: Plan, traits: Traits) -> list[str]:
        """Say where a valid plan needs more connections in a process than there are open files."""
        most_each = self.connections
        if most_each is None or traits.single_user or traits.blocks_loop or traits.tasks_per_process:
            return []
        most = max(stage.concurrency or stage.requests or 1 for stage in plan.stages)
        traits_of_load = plan.workload.traits
        option = as_option("max_in_flight" if traits_of_load.has_schedule else traits_of_load.size)
        each = -(-most // (plan.processes if traits.sharded else 1))
        if each <= most_each:
            return []
        needs = f"{each} connection{'' if each == 1 else 's'}"
        fewer = f"give {most_each} or less, use more processes, or " if most_each > 0 else ""
        sentence = (
            f"{option}: {most} needs {needs} in one process and {_SPARE_FILES} files for itself, but the"
            f" system allows {self.open_files}; {fewer}raise the limit with `ulimit -n {each + _SPARE_FILES}`"
        )
        return [sentence]
