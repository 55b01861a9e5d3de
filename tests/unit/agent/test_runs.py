"""The runs of an agent hold nothing up that the agent has to answer meanwhile."""

import asyncio
import threading

from loadlab.agent import runs
from loadlab.results.result import NAMELESS
from loadlab.results.run_folder import Folder
from loadlab.runs.place import nowhere
from support.fakes import plan
from support.results import result


def test_a_log_is_searched_for_secrets_in_a_thread_of_its_own(tmp_path, monkeypatch):
    async def carry_at(*_, **__):
        return result()

    searched = []
    monkeypatch.setattr(runs, "carry_at", carry_at)
    monkeypatch.setattr(Folder, "mask_log", lambda *_: searched.append(threading.current_thread()))
    carry = runs._carry(nowhere(None), Folder(tmp_path, "task"), NAMELESS)
    assert asyncio.run(carry(plan(), "run", None, None, None)) == result()
    assert len(searched) == 1
    assert searched[0] is not threading.main_thread()
