"""Following a run that another container carries: what is reported and kept, and what is said of its end."""

import asyncio

import msgspec
import pytest

from loadlab.errors import ClientError, Exit, LabError, LostAgentError
from loadlab.fleet.stop import Control
from loadlab.remote.agent_runner import RunRequest
from loadlab.results import run_folder
from loadlab.results.events import Refused, RunBegan, RunEnded, StageBegan, StageEnded, Tick
from loadlab.results.result import Verdict
from loadlab.stack import run_in_stack
from loadlab.targets import App
from loadlab.workload.kept_plan import kept
from support.fake_stack import FakeStack, ScriptedAgent, carried
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


SHOP = App(module="shop:app", revision="abc", dirty=False)
BEGAN = RunBegan("r", INNER, kept(PLAN), "loadlab run", "mine", SHOP)
STAGE = (StageBegan(0), TICK, StageEnded(0, stage()))
WHOLE = (BEGAN, *STAGE, RunEnded(result(environment=INNER)))


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch):
    """The engine of these stacks notices at once."""
    monkeypatch.setattr(run_in_stack, "_POLL_S", 0.3)


def follow(tmp_path, *script, control=None, place=None):
    """Carry a plan in a stack whose agent tells this; returns result, events, stack and folder."""
    place = place or FakeStack(*script)
    events = []
    folder = run_folder.Folder(tmp_path, "task")
    carrying = carried(run_in_stack.StackRunner(place), PLAN, folder, control or Control(), events.append)
    return asyncio.run(carrying), events, place, folder


def test_events_are_told_here_as_if_they_happened_here(tmp_path):
    _, events, place, _ = follow(tmp_path, *WHOLE)
    assert [type(event) for event in events] == [RunBegan, StageBegan, Tick, StageEnded, RunEnded]
    here = msgspec.structs.replace(INNER, where=place.where)
    assert events[0] == msgspec.structs.replace(BEGAN, environment=here)


def test_the_result_says_where_it_was_measured_and_with_what(tmp_path):
    found, events, place, _ = follow(tmp_path, *WHOLE)
    assert found.environment == msgspec.structs.replace(INNER, where=place.where)
    assert events[-1].result is found


def test_the_request_names_the_run_and_the_plan(tmp_path):
    _, _, place, folder = follow(tmp_path, *WHOLE)
    assert place.scripted.asked == [RunRequest(folder.run_id, PLAN)]
    assert place.scripted.left


def test_each_stop_is_passed_on(tmp_path):
    control = Control()

    class Slow(FakeStack):
        async def condition(self, service):
            await asyncio.sleep(0.2)  # longer than a stop takes to be passed on

    place = Slow(BEGAN, control.stop, None, control.stop, None)
    follow(tmp_path, place=place, control=control)
    run_id = place.scripted.asked[0].run_id
    assert place.scripted.asked[1:] == [run_id, run_id]


def test_what_the_containers_took_is_in_stage_and_result(tmp_path):
    place = FakeStack()

    def later():
        place.now_s += 2.0

    place.scripted = ScriptedAgent(*WHOLE[:3], later, *WHOLE[3:])
    found, events, _, _ = follow(tmp_path, place=place)
    usage = found.stages[0].containers
    assert usage["client"].cpu_ratio == pytest.approx(0.5)
    assert usage["target"].cpu_ratio == pytest.approx(0.1)
    assert usage["client"].memory_limit_bytes == 2**30
    assert events[3].result == found.stages[0]


def test_the_targets_log_is_kept(tmp_path):
    _, _, _, folder = follow(tmp_path, *WHOLE)
    assert folder.log.read_text() == "what the target wrote\n"


def test_a_refusal_is_the_hosts_own_error(tmp_path):
    with pytest.raises(LabError, match=r"^nobody there$") as refused:
        follow(tmp_path, Refused("nobody there", Exit.TARGET, "r"))
    assert refused.value.exit is Exit.TARGET


def test_a_lost_target_is_told_with_what_became_of_its_container(tmp_path):
    place = FakeStack(*WHOLE[:-1], RunEnded(result(target_lost="no connection")))
    place.conditions["target"] = "has exited with code 137"
    found, *_ = follow(tmp_path, place=place)
    assert found.target_lost == "no connection (its container has exited with code 137)"


def test_a_lost_client_container_leaves_the_stages_that_were_finished(tmp_path):
    place = FakeStack(BEGAN, *STAGE, StageBegan(1), LostAgentError("the agent was lost"))
    place.conditions["client"] = "has exited with code 137"
    found, *_ = follow(tmp_path, place=place)
    assert found.verdict is Verdict.INVALID
    assert [each.label for each in found.stages] == ["1"]
    assert found.checks[0].message.startswith("the client container has exited with code 137 during the run")
    assert found.environment.container
    assert (found.command, found.label, found.app) == (BEGAN.command, BEGAN.label, SHOP)


@pytest.mark.parametrize("end", [(LostAgentError("the agent has gone"),), ()])
def test_an_agent_that_is_lost_while_its_container_runs_is_told(tmp_path, end):
    found, *_ = follow(tmp_path, BEGAN, *end)
    assert found.checks[0].message.startswith("the agent has gone during the run")
    assert found.stages == ()


def test_a_client_that_is_lost_before_the_load_leaves_no_result(tmp_path):
    place = FakeStack(LostAgentError("the agent was lost"))
    place.conditions["client"] = "is gone"
    with pytest.raises(ClientError, match="the client container is gone; the load had not begun") as lost:
        follow(tmp_path, place=place)
    assert lost.value.exit is Exit.INVALID


def test_a_silent_client_that_runs_is_waited_for_and_a_paused_one_is_lost(tmp_path):
    place = FakeStack()

    def pause():
        place.conditions["client"] = "is paused"

    place.scripted = ScriptedAgent(BEGAN, None, *STAGE, pause, None, WHOLE[-1])
    found, *_ = follow(tmp_path, place=place)
    assert found.checks[0].message.startswith("the client container is paused during the run")
    assert len(found.stages) == 1


def test_a_silent_client_is_not_waited_for_after_the_second_ctrl_c(tmp_path):
    control = Control()
    found, *_ = follow(tmp_path, BEGAN, control.stop, None, control.stop, None, WHOLE[-1], control=control)
    assert found.interrupted
    assert "does not answer" in found.checks[0].message
