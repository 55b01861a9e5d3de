"""The runs of an agent hold nothing up that the agent has to answer meanwhile."""

import asyncio
import threading

import pytest

from loadlab.agent import runs
from loadlab.results.result import NAMELESS
from loadlab.results.run_folder import Folder
from loadlab.runs.runners import nowhere
from support.fakes import plan
from support.results import result


@pytest.fixture
def searched(tmp_path, monkeypatch):
    """Carry a run to its end and return the threads that searched its log."""

    async def carry_at(*_, **__):
        return result()

    def carried():
        threads = []
        monkeypatch.setattr(runs, "carry_at", carry_at)
        monkeypatch.setattr(Folder, "mask_log", lambda *_: threads.append(threading.current_thread()))
        carry = runs._carry(nowhere(None), Folder(tmp_path, "task"), NAMELESS)
        assert asyncio.run(carry(plan(), "run", None, None, None)) == result()
        return threads

    return carried


def test_a_log_is_searched_for_secrets_in_a_thread_of_its_own(searched):
    (thread,) = searched()
    assert thread is not threading.main_thread()


def test_without_memory_for_a_thread_it_is_searched_all_the_same(searched, monkeypatch):
    async def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(asyncio, "to_thread", refuse)
    assert searched() == [threading.main_thread()]
