"""Users on their journeys, on virtual time: what is due when, what is counted, what ends a journey."""

import asyncio
import itertools
from contextlib import suppress

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.journeys import User, journey, setup, teardown
from loadlab.journeys.declare import Journey, mark_of
from loadlab.journeys.journeys_file import Journeys
from loadlab.journeys.message import Messages
from loadlab.journeys.run import SetupFailedError, Traveller, arriving, closed
from loadlab.journeys.steps import Steps
from loadlab.load.shard import Shard, Share
from loadlab.recording import reasons
from loadlab.recording.journeys import Kind
from loadlab.recording.sample import Outcome, Reply, Sample
from loadlab.transports.content import RawContent
from loadlab.transports.status_outcomes import failed
from loadlab.workload.plan import Stage, Workload
from support.fakes import START_NS, FakeClock, FakeEvent, FakeTimer, plan, run

MS = NS_PER_MS
NAME = 32
"""Above this bit of a row's status stands the number of its name."""


class FakeSession:
    """Answers each path by a script, in so many milliseconds."""

    def __init__(self, clock, answers):
        self.clock = clock
        self.answers = answers
        self.seen = []

    async def exchange(self, message):
        self.seen.append((message.method, message.target, dict(message.lines)))
        answer = self.answers.get(message.target.partition("?")[0], 200)
        status, delay_ms, lines = answer if isinstance(answer, tuple) else (answer, 100, b"")
        await asyncio.sleep(delay_ms / 1_000)
        if status is None:
            return failed(Outcome.CONNECT_ERROR, reasons.CLOSED), None
        raw = b"HTTP/1.1 %d X\r\n%bContent-Length: 0\r\n\r\n" % (status, lines)
        outcome = Outcome.OK if 200 <= status < 400 else Outcome.HTTP_ERROR
        return Reply(outcome, status, 0), RawContent(raw, 0)

    async def close(self):
        pass


class Tour:
    """A stage of these journeys against a scripted app."""

    def __init__(self, *acts, answers=None, users=1, setups=(), teardowns=(), **changed):
        self.clock = FakeClock()
        self.names = []
        changed.setdefault("stages", (Stage(concurrency=users),))
        self.plan = plan(requests=(), **changed)
        weights = tuple(mark.weight if isinstance(mark := mark_of(act), Journey) else 1 for act in acts)
        self.journeys = Journeys(
            {act.__name__: act for act in acts}, weights, setups, teardowns, "", "shop.py"
        )
        self.answers = answers or {}
        self.users = users
        self.shard = Shard(self.plan, Share(self.plan.stages[0]), self.clock)
        self.shard.halted = FakeEvent(self.clock)
        self.shard.timer = FakeTimer(self.clock)
        self.travellers = []

    def number_of(self, name):
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name) << NAME

    def new(self, index):
        session = FakeSession(self.clock, self.answers)
        steps = Steps(self.shard, session, self.number_of)
        user = User(Messages(self.plan.target, keeps=True), steps, index, seed=1)
        self.travellers.append(Traveller(self.shard, steps, user, self.journeys))
        return self.travellers[-1]

    def run(self):
        async def barrier():
            self.shard.start_at(self.clock.now_ns())

        if self.plan.workload is Workload.OPEN:
            run(self.clock, arriving(self.shard, self.new, self.journeys, barrier))
        else:
            users = [self.new(index) for index in range(self.users)]
            run(self.clock, closed(self.shard, users, self.journeys, barrier))
        rows = [Sample(*row) for row in self.shard.tape.cut(1 << 30).tolist()]
        self.rows = sorted(rows, key=lambda row: row.sent_ns)
        return self

    @property
    def steps(self):
        """Name, outcome and status of each row."""
        return [
            (self.names[row.status >> NAME], Outcome(row.outcome & 255).key, row.status & 0xFFFF)
            for row in self.rows
        ]

    @property
    def ended(self):
        return [(event.name, event.kind, event.why) for event in self.shard.journeys]


@journey
async def two_pages(user: User) -> None:
    await user.get("/a?page=1")
    await user.get("/b", name="second")


def test_a_user_takes_step_after_step_and_begins_again():
    tour = Tour(two_pages, duration_ns=400 * MS).run()
    assert tour.steps == [("GET /a", "ok", 200), ("second", "ok", 200)] * 2
    assert tour.ended == [("two_pages", Kind.FINISHED, "")] * 2


def test_a_step_is_due_when_the_one_before_was_done():
    tour = Tour(two_pages, duration_ns=400 * MS).run()
    assert [row.due_ns - START_NS for row in tour.rows] == [0, 100 * MS, 200 * MS, 300 * MS]
    assert [row.done_ns - row.due_ns for row in tour.rows] == [100 * MS] * 4


def test_time_in_a_journey_s_own_code_is_lag():
    @journey
    async def slow(user):
        await user.get("/a")
        tour.clock.turn(30 * MS)
        await user.get("/b")

    tour = Tour(slow, duration_ns=230 * MS)
    rows = tour.run().rows
    assert [row.sent_ns - row.due_ns for row in rows[:2]] == [0, 30 * MS]


def test_a_step_is_due_after_a_pause():
    @journey
    async def thoughtful(user):
        await user.get("/a")
        await user.think("250ms")
        await user.get("/b")

    rows = Tour(thoughtful, duration_ns=500 * MS).run().rows
    assert [row.due_ns - START_NS for row in rows] == [0, 350 * MS, 450 * MS]


def test_a_stage_that_ends_cuts_the_journey_without_a_failure():
    @journey
    async def stubborn(user):
        await user.get("/a")
        with suppress(Exception):
            await user.think("10s")
        await user.get("/b")

    tour = Tour(stubborn).run()
    assert tour.steps == [("GET /a", "ok", 200)]
    assert tour.ended == [("stubborn", Kind.CUT, "")]


def test_a_request_in_flight_at_the_end_of_the_drain_is_unfinished():
    tour = Tour(two_pages, answers={"/a": (200, 60_000, b"")}, drain_ns=NS_PER_S).run()
    assert tour.steps == [("GET /a", "unfinished", 0)]
    assert tour.ended == [("two_pages", Kind.CUT, "")]


@pytest.mark.parametrize(
    ("status", "outcome", "why"),
    [(500, "http_error", "status 500"), (None, "connect_error", "connect_error")],
)
def test_an_answer_that_is_not_expected_ends_the_journey(status, outcome, why):
    tour = Tour(two_pages, answers={"/a": status}, duration_ns=100 * MS).run()
    assert [(name, kind) for name, kind, _ in tour.steps] == [("GET /a", outcome)]
    assert tour.ended == [("two_pages", Kind.FAILED, f"GET /a: {why}")]


def test_a_step_can_expect_another_status():
    @journey
    async def picky(user):
        await user.get("/gone", expect=404)
        await user.get("/any", expect=range(200, 600))
        await user.get("/a", expect=(201, 202))
        await user.get("/never")

    tour = Tour(picky, answers={"/gone": 404, "/any": 500}, duration_ns=300 * MS).run()
    assert [(name, outcome) for name, outcome, _ in tour.steps] == [
        ("GET /gone", "ok"),
        ("GET /any", "ok"),
        ("GET /a", "unexpected"),
    ]
    assert tour.ended == [("picky", Kind.FAILED, "GET /a: status 200")]


def test_a_journey_may_catch_what_failed_and_go_on():
    @journey
    async def careful(user):
        with pytest.raises(Exception, match="status 500"):
            await user.get("/bad")
        await user.get("/a")

    tour = Tour(careful, answers={"/bad": 500}, duration_ns=200 * MS).run()
    assert [outcome for _, outcome, _ in tour.steps] == ["http_error", "ok"]
    assert tour.ended == [("careful", Kind.FINISHED, "")]


def test_a_check_that_does_not_hold_makes_its_answer_unexpected_and_the_journey_failed():
    @journey
    async def checking(user):
        await user.get("/a")
        assert user.check("has items", []) is False
        await user.get("/b")
        user.check("is there", "yes")

    tour = Tour(checking, duration_ns=200 * MS).run()
    assert [outcome for _, outcome, _ in tour.steps] == ["unexpected", "ok"]
    assert tour.ended == [("checking", Kind.FAILED, "check: has items")]


def test_an_exception_ends_its_journey_and_not_the_users():
    @journey
    async def broken(user):
        await user.get("/a")
        raise KeyError("price")

    tour = Tour(broken, duration_ns=200 * MS).run()
    assert len(tour.rows) == 2
    [event, _] = tour.shard.journeys
    assert (event.kind, event.why) == (Kind.FAILED, "KeyError")
    assert 'raise KeyError("price")' in event.trace


def test_a_journey_without_a_request_does_not_hold_the_loop():
    @journey
    async def idle(user):
        del user

    tour = Tour(idle, duration_ns=50 * MS).run()
    assert len(tour.shard.journeys) == 5
    assert tour.rows == []


def test_cookies_go_from_one_answer_to_the_next_request():
    answers = {"/a": (200, 100, b"Set-Cookie: session=s1; Path=/\r\n")}
    tour = Tour(two_pages, answers=answers, duration_ns=200 * MS).run()
    [(_, _, first), (_, _, second)] = tour.travellers[0].steps.session.seen
    assert ("Cookie" in first, second["Cookie"]) == (False, "session=s1")


def test_a_redirect_is_followed_where_the_step_says_so_each_hop_with_a_name():
    @journey
    async def log_in(user):
        reply = await user.post("/login", form={"name": "ann"}, follow=True)
        assert reply.status == 200

    answers = {
        "/login": (302, 100, b"Location: ../home?x=1\r\nSet-Cookie: s=1; Path=/\r\n"),
        "/home": (307, 100, b"Location: /start\r\n"),
    }
    tour = Tour(log_in, answers=answers, duration_ns=300 * MS).run()
    assert tour.steps == [
        ("POST /login", "ok", 302),
        ("POST /login →", "ok", 307),
        ("POST /login →", "ok", 200),
    ]
    seen = tour.travellers[0].steps.session.seen
    assert [(method, target) for method, target, _ in seen] == [
        ("POST", "/login"),
        ("GET", "/home?x=1"),
        ("GET", "/start"),
    ]
    assert seen[1][2]["Cookie"] == "s=1"


def test_a_redirect_that_is_not_followed_is_an_answer():
    tour = Tour(two_pages, answers={"/a": (302, 100, b"Location: /b\r\n")}, duration_ns=200 * MS).run()
    assert [status for _, _, status in tour.steps] == [302, 200]


def test_a_redirect_to_another_host_is_not_followed():
    @journey
    async def away(user):
        await user.get("/a", follow=True)

    tour = Tour(away, answers={"/a": (302, 100, b"Location: //other/\r\n")}, duration_ns=100 * MS).run()
    assert len(tour.rows) == 1
    assert tour.ended == [("away", Kind.FAILED, "ValueError")]


def test_each_user_is_set_up_before_the_load_and_leaves_after_it_unmeasured():
    @setup
    async def log_in(user):
        reply = await user.post("/login", expect=200)
        user.token = reply.status

    @journey
    async def shop(user):
        assert user.token == 200
        await user.get("/a")

    @teardown
    async def log_out(user):
        await user.post("/logout")

    tour = Tour(shop, users=2, setups=(log_in,), teardowns=(log_out,), duration_ns=100 * MS).run()
    assert tour.steps == [("GET /a", "ok", 200)] * 2
    assert tour.shard.sent == 2
    for each in tour.travellers:
        targets = [target for _, target, _ in each.steps.session.seen]
        assert targets == ["/login", "/a", "/logout"]


def test_a_user_that_can_not_be_set_up_ends_the_stage_before_it_begins():
    @setup
    async def log_in(user):
        await user.post("/login")

    with pytest.raises(SetupFailedError, match="could not set its users up: POST /login: status 401"):
        Tour(two_pages, setups=(log_in,), answers={"/login": 401}, users=40).run()


def test_journeys_are_chosen_by_weight():
    @journey(weight=3)
    async def often(user):
        await user.get("/often")

    @journey
    async def seldom(user):
        await user.get("/seldom")

    tour = Tour(often, seldom, users=4, duration_ns=10 * NS_PER_S).run()
    share = sum(name == "often" for name, _, _ in tour.ended) / len(tour.ended)
    assert share == pytest.approx(0.75, abs=0.02)


def test_users_draw_random_numbers_of_their_own_and_the_same_in_each_run():
    def draws():
        tour = Tour(two_pages, users=2, duration_ns=100 * MS)
        return [tour.new(index).user.rng.random() for index in range(2)]

    first, again = draws(), draws()
    assert first == again
    assert first[0] != first[1]


def test_journeys_arrive_by_the_schedule_and_their_first_step_is_due_then():
    @journey
    async def one(user):
        await user.get("/a")

    changed = {"workload": Workload.OPEN, "stages": (Stage(rate_hz=10),)}
    tour = Tour(one, duration_ns=NS_PER_S, **changed).run()
    assert [row.due_ns - START_NS for row in tour.rows] == [each * 100 * MS for each in range(10)]


def test_an_arrival_takes_a_user_that_is_free_and_else_a_new_one_who_is_set_up_first():
    @setup
    async def log_in(user):
        await user.post("/login")

    @journey
    async def one(user):
        await user.get("/a")

    changed = {"workload": Workload.OPEN, "stages": (Stage(rate_hz=10),), "setups": (log_in,)}
    tour = Tour(one, answers={"/a": (200, 150, b"")}, duration_ns=NS_PER_S, **changed).run()
    assert 2 <= len(tour.travellers) <= 3
    assert sum(name == "POST /login" for name, _, _ in tour.steps) == len(tour.travellers)
    assert sum(name == "GET /a" for name, _, _ in tour.steps) == 10


def test_arrivals_beyond_the_limit_in_flight_are_dropped():
    changed = {"workload": Workload.OPEN, "stages": (Stage(rate_hz=10),), "max_in_flight": 1}
    tour = Tour(two_pages, duration_ns=NS_PER_S, **changed).run()
    outcomes = [Outcome(row.outcome & 255).key for row in tour.rows]
    assert outcomes.count("dropped") == 5
    assert outcomes.count("ok") == 10


def test_a_user_backs_off_after_a_connection_that_failed_at_once():
    @journey
    async def one(user):
        await user.get("/a")

    rows = Tour(one, answers={"/a": (None, 1, b"")}, duration_ns=20 * MS).run().rows
    gaps = [(after.due_ns - before.done_ns) / MS for before, after in itertools.pairwise(rows)]
    assert gaps == [1, 2, 4, 8][: len(gaps)]
    assert len(gaps) >= 3
