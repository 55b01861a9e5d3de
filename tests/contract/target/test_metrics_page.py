"""docs/metrics.md describes every metric of the target, and no other."""

import pytest

from loadlab_target.cgroup import Usage
from loadlab_target.vitals import Size, Vitals, WorkersGone
from support.metrics_page import exposition, page
from support.promtool import promtool

pytestmark = [pytest.mark.quick, pytest.mark.real]


class Container:
    """A control group that tells all there is to tell."""

    def read(self):
        return Usage(
            cpu_s=1.0,
            cpu_limit_cores=1.0,
            throttled_s=1.0,
            throttled_periods=1,
            memory_bytes=1,
            memory_limit_bytes=1,
        )


def all_there_is_to_tell():
    size = Size(app="app:app", server="gunicorn", workers=1, threads=1)
    vitals = Vitals(size, accept_queue=lambda: None, worker_pids=list, gone=WorkersGone())
    vitals._cgroup = Container()
    return {family.name: family for family in vitals.collect()}


def test_the_page_describes_what_a_target_exposes_and_promtool_accepts_it(start):
    target = start()
    target.get("/")
    families = target.families()
    assert exposition(all_there_is_to_tell() | families) == page("target_")
    checked = promtool("check", "metrics", given=target.exposition())
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@pytest.mark.parametrize("server", ["gunicorn", "flask"])
def test_neither_server_exposes_what_the_page_does_not_describe(start, server):
    target = start("--server", server)
    target.get("/")
    described = page("target_")
    exposed = exposition(target.families())
    assert exposed == {name: described[name] for name in exposed}
