"""What takes long holds up no loop, and is done also where no thread can be started."""

import asyncio
import threading

import pytest

from loadlab.agent import runs
from loadlab.fleet.stop import Control
from loadlab.results.events import RunEnded
from loadlab.results.result import NAMELESS
from loadlab.results.run_folder import Folder
from loadlab.runs import runners
from loadlab.runs.runners import nowhere
from loadlab.stack import run_in_stack
from loadlab.system.threads import in_thread
from support.fake_stack import FakeStack
from support.fakes import plan
from support.results import result

WITHIN_S = 30


async def by_the_agent(folder):
    carry = runs._run_plan(nowhere(None), folder, NAMELESS)
    await carry(plan(), "run", None, None, None)


async def by_the_command_line(folder):
    await nowhere(None).run(plan(), folder, Control(), print)


async def in_the_stack(folder):
    runner = run_in_stack.StackRunner(FakeStack(RunEnded(result())))
    await runner.run(plan(), folder, Control(), print)


@pytest.mark.parametrize("carry", [by_the_agent, by_the_command_line, in_the_stack])
def test_a_log_is_searched_for_secrets_while_the_loop_turns(tmp_path, monkeypatch, carry):
    async def run_at(*_, **__):
        return result()

    async def main():
        turns, turned = asyncio.get_running_loop(), threading.Event()

        def search(*_):
            turns.call_soon_threadsafe(turned.set)
            assert turned.wait(WITHIN_S), "the loop waited for the search"
            searched.append(True)

        searched = []
        for module in (runners, runs):
            monkeypatch.setattr(module, "run_at", run_at)
        monkeypatch.setattr(Folder, "mask_log", search)
        monkeypatch.setattr(Folder, "write_log", search)
        await carry(Folder(tmp_path, "task"))
        assert searched == [True]

    asyncio.run(main())


def test_without_memory_for_a_thread_it_is_done_all_the_same(monkeypatch):
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    async def main():
        with monkeypatch.context() as short:
            short.setattr(threading.Thread, "start", refuse)
            return await in_thread(threading.current_thread)

    assert asyncio.run(main()) is threading.main_thread()


def test_an_error_of_the_work_is_raised_and_the_work_done_once():
    def work():
        done.append(True)
        raise RuntimeError("an error of the work")

    done = []
    with pytest.raises(RuntimeError, match="of the work"):
        asyncio.run(in_thread(work))
    assert done == [True]
