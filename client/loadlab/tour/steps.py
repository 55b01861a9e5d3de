"""What each step says, shows and predicts.

A term stands between asterisks at its first use, and is explained there.
"""

import math
import os
from collections.abc import Callable
from enum import Enum, auto

import msgspec

from loadlab.analysis.omission import Stall, latency_ns
from loadlab.clock import NS_PER_MS
from loadlab.tour.events import Prediction
from loadlab.units import show_ns

FEW_THREADS = 8
STALL_NS = 1400 * NS_PER_MS
MANY = 100
"""Requests of the steps that send many."""
_POOL_TASKS = 16
"""How many tasks aiomultiprocess gives to one process of a pool at a time, unless told otherwise."""


class Server(Enum):
    """What a program calls."""

    FLASK = auto()
    """Waits in each request, with a thread for each."""
    GUNICORN = auto()
    """The same with `FEW_THREADS` threads."""
    SINK = auto()
    """Answers at once, for little CPU time."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a step's program."""

    predict: Callable[[int], tuple[Prediction, ...]]
    """What it should take with this delay in nanoseconds, for each `Cost time` that it prints."""
    names: tuple[str, ...] = ("",)
    """The names that it prints with each `Cost time`."""
    server: Server = Server.FLASK
    where: str = ""
    """The server in words, where that is part of the lesson."""
    path: str = "/"
    arguments: tuple[str, ...] = ()
    stalls: bool = False
    """Whether the server stands still for `STALL_NS` meanwhile."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One idea."""

    title: str
    idea: str
    shows: tuple[str, ...]
    """Functions of the program whose source is shown."""
    remember: str
    runs: tuple[Run, ...]


def rounds(delay_ns: int, requests: int, at_once: int, more: str = "") -> Prediction:
    """Predict requests of which so many wait at the same time; `more` names what else takes time."""
    count = math.ceil(requests / at_once)
    return Prediction(count * delay_ns, f"{count} × {show_ns(delay_ns)}{more}", is_least=bool(more))


def in_turn(delay_ns: int) -> tuple[Prediction, ...]:
    """Predict five requests, one after another."""
    return (rounds(delay_ns, 5, 1),)


def together(delay_ns: int) -> tuple[Prediction, ...]:
    """Predict five requests at the same time."""
    return (rounds(delay_ns, 5, 5),)


def pooled(delay_ns: int) -> tuple[Prediction, ...]:
    """Predict many requests of a pool with a process for each core, and of one event loop."""
    processes = os.cpu_count() or 2
    pool = rounds(delay_ns, MANY, processes * _POOL_TASKS, f", and the start of {processes} processes")
    return pool, rounds(delay_ns, MANY, MANY, f", and the work for {MANY} requests")


def worked(_: int) -> tuple[Prediction, ...]:
    """Predict what only CPU time limits."""
    return (
        Prediction(None, "no waiting, so as long as the work takes"),
        Prediction(None, "half of that at best, with a free core for each process and the server"),
    )


def stalled(_: int) -> tuple[Prediction, ...]:
    """Predict the 90th percentile from due of the program's schedule."""
    stall = Stall(rate_hz=100, window_ns=2200 * NS_PER_MS, stall_ns=STALL_NS, base_ns=5 * NS_PER_MS, places=4)
    because = f"of a stop of {show_ns(STALL_NS)}, what all but a tenth of the requests wait at most"
    return (Prediction(latency_ns(stall, 0.9), because),)


STEPS = {
    "blocking": Step(
        title="Blocking calls, one after another",
        idea=(
            "A program runs in *threads*, lines of execution; this one has just one. A *blocking call*"
            " returns when it has its result, and its thread does nothing else until then. `requests.get`"
            " sends a request and blocks until the answer is there. `say` prints what happens and when."
        ),
        shows=("get", "main"),
        remember="One after another, the waiting adds up: five calls take five times as long as one.",
        runs=(Run(predict=in_turn),),
    ),
    "coroutine": Step(
        title="Coroutines, still one after another",
        idea=(
            "`async def` makes a function whose call runs nothing yet: it returns a *coroutine*, a call that"
            " can pause. `asyncio.run(main())` starts the *event loop*, which runs coroutines in one thread."
            " *`await`* runs another coroutine and pauses this one until the result is there. Meanwhile the"
            " loop may run something else, but here there is nothing else. A *session* keeps what requests"
            " share, such as connections."
        ),
        shows=("get", "main"),
        remember="`await` alone makes nothing faster: this waits for each answer before the next request.",
        runs=(Run(predict=in_turn),),
    ),
    "task": Step(
        title="Five tasks that wait at the same time",
        idea=(
            "`create_task` hands a coroutine to the event loop as a *task*: the loop runs it whenever the"
            " others pause. Each task here sends its request (`get` of step 2) and pauses, so the next can"
            " send."
            " `wait` leaves results and errors in the tasks; `gather` returns the results in order and"
            " raises the first error; `TaskGroup` also *cancels* the other tasks then: it ends them where"
            " they pause."
        ),
        shows=("with_wait", "with_gather", "with_task_group"),
        remember=(
            "Five waiting calls take as long as one, if the server can take them all (step 8) and the"
            " client has next to nothing to do for each (step 9). Use `TaskGroup` unless you need another."
        ),
        runs=(
            Run(
                predict=lambda delay_ns: together(delay_ns) * 3,
                names=("with_wait", "with_gather", "with_task_group"),
            ),
        ),
    ),
    "blocked-loop": Step(
        title="A blocking call stops the whole loop",
        idea=(
            "`get` of step 1 blocks, it never awaits. A task that calls it keeps the loop's only thread, so"
            " the other four can't run. `asyncio.to_thread` runs a blocking call in a thread of its own and"
            " awaits that."
        ),
        shows=("get", "in_the_loop", "in_a_thread", "main"),
        remember=(
            "One blocking call stops every task of its loop. Use a library that awaits, or `to_thread`."
        ),
        runs=(
            Run(
                predict=lambda delay_ns: in_turn(delay_ns) + together(delay_ns),
                names=("in_the_loop", "in_a_thread"),
            ),
        ),
    ),
    "states": Step(
        title="What a coroutine, a task and a future are",
        idea=(
            "`look` prints their states. A coroutine is created, running, suspended (it pauses) or closed"
            " (it has ended). A *future* holds the place of a result, which is pending until it comes. A"
            " task is a future that also runs a coroutine. `sleep(0)` pauses `main` once, so that the loop"
            " starts the task."
        ),
        shows=("get", "main"),
        remember=(
            "A coroutine is a call that can pause, a task runs it, a future is a result to come."
            " `await` takes any of the three."
        ),
        runs=(Run(predict=lambda delay_ns: (rounds(delay_ns, 1, 1),)),),
    ),
    "callback": Step(
        title="Callbacks, which `await` is made of",
        idea=(
            "A *callback* is a function that you hand over, to be called later. The event loop calls it with"
            " the task when that is done. `await` does the same: it leaves a callback that goes on with"
            " the coroutine. Here the callbacks print `done`, and a bar ends where its callback ran."
        ),
        shows=("get", "called_back", "main"),
        remember="Use a callback where no code waits for the result; otherwise `await` reads in order.",
        runs=(Run(predict=together),),
    ),
    "threads": Step(
        title="Threads, the other way to wait together",
        idea=(
            "A *thread pool* keeps threads and hands them calls. Each of these five may block (`get` of"
            " step 1), for the operating system runs the others meanwhile. Python runs one thread at a time:"
            " the one that holds its *global lock* (GIL). A thread that waits for an answer gives it back."
        ),
        shows=("get", "main"),
        remember=(
            "Threads wait together too, with the libraries that you have. Each costs memory and switching,"
            " so for thousands of waiting calls use tasks."
        ),
        runs=(Run(predict=together),),
    ),
    "pressure": Step(
        title='The first "if": the server takes them all',
        idea=(
            "A hundred tasks send at once (`get` of step 2; every twentieth is drawn). *gunicorn* is a web"
            " server for production with a fixed number of threads; a request that finds none free waits in"
            " a *queue*. Flask's own server starts a thread for each request."
        ),
        shows=("main",),
        remember=(
            "More requests than the server has threads only make its queue longer. No limit is no gift"
            " either: each thread costs the server CPU time and memory."
        ),
        runs=(
            Run(
                predict=lambda delay_ns: (rounds(delay_ns, MANY, FEW_THREADS),),
                server=Server.GUNICORN,
                where=f"gunicorn, {FEW_THREADS} threads",
            ),
            Run(
                predict=lambda delay_ns: (
                    rounds(delay_ns, MANY, MANY, f", and the start of {MANY} threads"),
                ),
                where="Flask, a thread each",
            ),
        ),
    ),
    "cpu": Step(
        title='The second "if": the client has next to nothing to do',
        idea=(
            "This server answers at once, so there is no waiting to share, only work. An event loop is one"
            " thread and uses one *core*, a part of the machine that runs one thread at a time. A *process*"
            " is a running program with a memory and a global lock of its own: two can use two cores."
        ),
        shows=("user", "users", "one_loop", "two_loops"),
        remember=(
            "Tasks share waiting, processes share work: as much as there are cores, less what the server"
            " and the start of the processes take."
        ),
        runs=(Run(predict=worked, names=("one_loop", "two_loops"), server=Server.SINK),),
    ),
    "pool-map": Step(
        title="`Pool().map(get, urls)`: processes with tasks in each",
        idea=(
            "A *pool* of `aiomultiprocess` starts a process for each core. `map` calls `get` with each of a"
            f" hundred URLs, as tasks in these processes: at most {_POOL_TASKS} at a time in each."
        ),
        shows=("get", "with_pool", "with_tasks"),
        remember="A pool is for work. Calls that only wait gain nothing from it and pay for its start.",
        runs=(Run(predict=pooled, names=("with_pool", "with_tasks")),),
    ),
    "omission": Step(
        title="Coordinated omission: a waiting client misses the pause",
        idea=(
            "The server stands still for a moment. One user waits for each answer before the next request,"
            " so only one of its requests meets the pause. A schedule has 100 requests due each second; four"
            " may be on their way, the others wait (dots). *p90*, the 90th percentile, is the time that"
            " 90 % of the requests stay within; p50 and max follow suit. Missing just the slow"
            " requests is called *coordinated omission*."
        ),
        shows=("on_schedule",),
        remember="Measure from when a request was due, and keep to the schedule while the server is slow.",
        runs=(Run(predict=stalled, names=("p90, from due",), path="/?delay=5ms", stalls=True),),
    ),
}
"""By the names of `loadlab.tour.NAMES`."""
