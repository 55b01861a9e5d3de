"""Following a run that another container carries: what is told, what is kept, and what is said of its end."""

import asyncio

import msgspec
import pytest

from loadlab.errors import ClientError, Exit, LabError, UsageError
from loadlab.fleet.stop import Control
from loadlab.remote import protocol
from loadlab.remote.protocol import Accepted, Refused, RunRequest
from loadlab.results import run_folder
from loadlab.results.events import RunBegan, RunEnded, StageBegan, StageEnded, Tick
from loadlab.results.result import About, Verdict
from loadlab.stack import run_in_stack
from loadlab.targets import App
from loadlab.workload.kept_plan import kept
from support.fake_stack import FakeStack, ScriptedProcess
from support.fakes import plan
from support.results import result, stage

PLAN = plan()
INNER = msgspec.structs.replace(result().environment, container=True, where="inside")
TICK = Tick(
    index=0,
    phase="measuring",
    fraction=0.5,
    finished=1,
    rate_hz=1.0,
    in_flight=1,
    p50_ns=None,
    p99_ns=None,
    errors=0,
)


def lines(*events):
    return [protocol.encode(event) for event in events]


ACCEPTED = Accepted(INNER)
ABOUT = About(command="loadlab run", label="mine")
SHOP = App(module="shop:app", revision="abc", dirty=False)
BEGAN = RunBegan("inner", "from this process", kept(PLAN), "loadlab run", "mine", SHOP)
STAGE = (StageBegan(0), TICK, StageEnded(0, stage()))
WHOLE = (ACCEPTED, BEGAN, *STAGE, RunEnded(result(environment=INNER)))


def follow(tmp_path, *script, control=None, place=None, **process):
    """Carry a plan in a stack whose client says this; returns the result, the events and the stack."""
    place = place or FakeStack(ScriptedProcess(*script, **process))
    events = []
    folder = run_folder.Folder(tmp_path, "task")
    carrying = run_in_stack.StackRunner(place).carry(PLAN, folder, control or Control(), events.append, ABOUT)
    return asyncio.run(carrying), events, place, folder


def test_events_are_told_here_as_if_they_happened_here(tmp_path):
    _, events, place, folder = follow(tmp_path, *lines(*WHOLE))
    assert [type(event) for event in events] == [RunBegan, StageBegan, Tick, StageEnded, RunEnded]
    assert events[0] == RunBegan(folder.run_id, place.where, kept(PLAN), "loadlab run", "mine", SHOP)


def test_the_result_says_where_it_was_measured_and_with_what(tmp_path):
    found, events, place, _ = follow(tmp_path, *lines(*WHOLE))
    assert found.environment == msgspec.structs.replace(INNER, where=place.where)
    assert events[-1].result is found


def test_the_request_names_the_run_and_the_plan(tmp_path):
    _, _, place, folder = follow(tmp_path, *lines(*WHOLE))
    assert place.executed == [("loadlab", "carry")]
    assert protocol.decode_request(place.process.heard[0]) == RunRequest(folder.run_id, PLAN, ABOUT)
    assert place.process.closed


def test_what_the_containers_took_is_in_stage_and_result(tmp_path):
    place = FakeStack()

    def later():
        place.now_s += 2.0

    script = lines(*WHOLE)
    place.process = ScriptedProcess(*script[:4], later, *script[4:])
    found, events, _, _ = follow(tmp_path, place=place)
    usage = found.stages[0].containers
    assert usage["client"].cpu_ratio == pytest.approx(0.5)
    assert usage["target"].cpu_ratio == pytest.approx(0.1)
    assert usage["client"].memory_limit_bytes == 2**30
    assert events[3].result == found.stages[0]


def test_the_targets_log_is_kept(tmp_path):
    _, _, _, folder = follow(tmp_path, *lines(*WHOLE))
    assert folder.log.read_text() == "what the target wrote\n"


def test_a_refusal_is_the_hosts_own_error(tmp_path):
    with pytest.raises(LabError, match=r"^nobody there$") as refused:
        follow(tmp_path, *lines(ACCEPTED, Refused("nobody there", Exit.TARGET)))
    assert refused.value.exit is Exit.TARGET


def test_a_lost_target_is_told_with_what_became_of_its_container(tmp_path):
    place = FakeStack(ScriptedProcess(*lines(*WHOLE[:-1], RunEnded(result(target_lost="no connection")))))
    place.conditions["target"] = "has exited with code 137"
    found, *_ = follow(tmp_path, place=place)
    assert found.target_lost == "no connection (its container has exited with code 137)"


def test_a_lost_client_container_leaves_the_stages_that_were_finished(tmp_path):
    place = FakeStack(ScriptedProcess(*lines(ACCEPTED, BEGAN, *STAGE, StageBegan(1)), code=137))
    place.conditions["client"] = "has exited with code 137"
    found, events, *_ = follow(tmp_path, place=place)
    assert found.verdict is Verdict.INVALID
    assert [each.label for each in found.stages] == ["1"]
    assert found.checks[0].message.startswith("the client container has exited with code 137 while the run")
    assert found.environment.container
    assert (found.command, found.label, found.app) == (ABOUT.command, ABOUT.label, SHOP)
    assert isinstance(events[-1], RunEnded)


def test_a_client_process_that_ended_by_itself_is_told_with_its_last_words(tmp_path):
    found, *_ = follow(tmp_path, *lines(ACCEPTED, BEGAN), code=70, last_words="Traceback\nMemoryError")
    assert "ended with exit code 70: MemoryError" in found.checks[0].message
    assert found.stages == ()


def test_a_client_that_is_lost_before_the_load_leaves_no_result(tmp_path):
    place = FakeStack(ScriptedProcess(*lines(ACCEPTED)))
    place.conditions["client"] = "is gone"
    with pytest.raises(ClientError, match="the client container is gone; the load had not begun") as lost:
        follow(tmp_path, place=place)
    assert lost.value.exit is Exit.INVALID


@pytest.mark.parametrize("line", [b"{}", b"not json", b'{"type":"Tick","index":"0"}'])
def test_a_client_of_another_version_is_told_with_the_remedy(tmp_path, line):
    with pytest.raises(UsageError, match="`make up` brings it up to date"):
        follow(tmp_path, line)


def test_a_client_without_the_command_is_of_another_version(tmp_path):
    with pytest.raises(UsageError, match=r"`make up` brings it up to date .*No such command 'carry'"):
        follow(tmp_path, code=2, last_words="Usage: loadlab\nError: No such command 'carry'.")


def test_a_silent_client_that_runs_is_waited_for_and_a_paused_one_is_lost(tmp_path):
    place = FakeStack()

    def pause():
        place.conditions["client"] = "is paused"

    script = lines(ACCEPTED, BEGAN)
    place.process = ScriptedProcess(*script, TimeoutError(), *lines(*STAGE), pause, TimeoutError())
    found, *_ = follow(tmp_path, place=place)
    assert found.checks[0].message.startswith("the client container is paused while the run went on")
    assert len(found.stages) == 1


def test_a_silent_client_is_not_waited_for_after_the_second_ctrl_c(tmp_path):
    control = Control()

    def twice():
        control.stop()
        control.stop()

    script = [*lines(ACCEPTED, BEGAN), twice, TimeoutError()]
    found, *_ = follow(tmp_path, *script, control=control)
    assert found.interrupted
    assert "does not answer" in found.checks[0].message
