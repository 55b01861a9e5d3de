"""A stack without an engine: a scripted client container, or one made of processes of this machine."""

import asyncio
import socket
import subprocess
import sys
import threading

from loadlab.stack.container import Container
from loadlab.stack.exec import Attached
from loadlab.stack.stats import Frame
from support.agents import outer_environment

SECOND = 1_000_000_000


class FakeStack:
    """Two containers that use a tenth and a half of a core, by an engine's clock that tests turn."""

    base = "http://target:8000"
    where = "in a stack that is not there, http://target:8000"
    cpus = 2.0

    def __init__(self, process=None):
        self.process = process
        self.conditions = {"client": None, "target": None}
        self.containers = {name: container(name) for name in ("client", "target")}
        self.now_s = 1.0
        self.asked = []
        self.executed = []

    async def execute(self, *command):
        self.executed.append(command)
        return self.process

    async def frames(self):
        self.asked.append(self.now_s)
        ratios = {"client": 0.5, "target": 0.1}
        return {name: frame(self.now_s, self.now_s * ratio) for name, ratio in ratios.items()}

    async def condition(self, service):
        return self.conditions[service]

    async def log(self, since_s):
        return b"what the target wrote\n"


def container(service, **changed):
    values = {"id": service, "project": "lab", "service": service, "folder": "/lab", "status": "running"}
    return Container(**values | {"memory_limit_bytes": 2**30} | changed)


def frame(at_s, cpu_s, throttled_s=0.0, memory_bytes=1000):
    return Frame(
        at_ns=round(at_s * SECOND),
        cpu_ns=round(cpu_s * SECOND),
        throttled_ns=round(throttled_s * SECOND),
        memory_bytes=memory_bytes,
    )


class ScriptedProcess:
    """Says what it was given, line by line; an exception in the script is raised, a function called."""

    def __init__(self, *script, code=None, last_words=""):
        self._script = list(script)
        self._code = code
        self.last_words = last_words
        self.heard = []
        self.closed = False

    def send(self, line):
        self.heard.append(line)

    async def line(self):
        await asyncio.sleep(0)  # what was asked beside it gets its turn
        step = self._script.pop(0) if self._script else None
        while callable(step):
            step()
            step = self._script.pop(0) if self._script else None
        if isinstance(step, Exception):
            raise step
        return step

    async def exit_code(self):
        return self._code

    def close(self):
        self.closed = True


class LocalStack(FakeStack):
    """Its client container is this machine: a real agent, and `loadlab carry` spoken to as by an engine."""

    def __init__(self, agent, target_url):
        super().__init__()
        self.base = target_url
        self.agent = agent
        self.env = {"LOADLAB_TARGET": target_url, "LOADLAB_AGENT_SOCKET": str(agent.socket)}
        self.child = None

    async def execute(self, *command):
        return self._execute(command)

    def _execute(self, command):
        self.child = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=outer_environment() | self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        here, engine = socket.socketpair()
        threading.Thread(target=_feed, args=(engine, self.child.stdin), daemon=True).start()
        writers = [
            threading.Thread(target=_frame, args=(engine, stream, pipe), daemon=True)
            for stream, pipe in ((1, self.child.stdout), (2, self.child.stderr))
        ]
        for writer in writers:
            writer.start()
        threading.Thread(target=_shut, args=(engine, writers), daemon=True).start()
        return Attached(here, self._exit_code)

    def _exit_code(self):
        code = self.child.wait(5)
        return code if code >= 0 else 128 - code


def _feed(engine, stdin):
    while data := engine.recv(4096):
        stdin.write(data)
        stdin.flush()
    stdin.close()


def _frame(engine, stream, pipe):
    while data := pipe.read1(4096):
        engine.sendall(bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data)


def _shut(engine, writers):
    for writer in writers:
        writer.join()
    engine.shutdown(socket.SHUT_RDWR)
