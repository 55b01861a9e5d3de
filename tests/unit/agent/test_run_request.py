"""From what is posted to a plan: one target and no other, no file of the agent, nothing without a bound."""

import time

import msgspec
import pytest

from loadlab.agent.limits import Limits
from loadlab.agent.run_request import Options, PostedRun, read, task
from loadlab.errors import UsageError
from loadlab.options.load import RunOptions
from loadlab.runs.runners import LocalRunner
from loadlab.targets.no_target import NoTarget
from loadlab.targets.url import UrlHost
from loadlab.workload.capacity import Capacity
from loadlab.workload.plan import Journeys, Request, Stage
from loadlab.workload.traits import Workload
from support.fakes import plan

TARGET = "http://target:8000"
HERE = LocalRunner(f"{TARGET}/", UrlHost(TARGET), {})
HERE.capacity = Capacity(cpus=2.0, open_files=None)
LIMITS = Limits()
SECOND = 1_000_000_000


def of_options(limits=LIMITS, **options):
    return task(PostedRun(options=Options(**{"scenario": "task"} | options)), HERE, limits)


def of_plan(limits=LIMITS, **changed):
    values = {"transport": "aiohttp", "target": TARGET, "requests": (Request(url=f"{TARGET}/"),)} | changed
    return task(PostedRun(plan=msgspec.structs.replace(plan(), **values)), HERE, limits)


def refused(make, *args, **values):
    with pytest.raises(UsageError) as error:
        make(*args, **values)
    return str(error.value)


def test_options_make_the_plan_that_the_command_line_makes_of_them():
    made = of_options(concurrency="2,4", duration="1s", path="/search?q=1", header=("A: b",))
    assert [stage.concurrency for stage in made.plan.stages] == [2, 4]
    assert made.plan.requests[0].url == f"{TARGET}/search?q=1"
    assert made.plan.requests[0].headers == (("A", "b"),)
    assert made.place is HERE


def test_the_command_lines_own_sentences_come_back():
    assert "--concurrency: 'many' is not a whole number" in refused(of_options, concurrency="many")
    assert "Did you mean task?" in refused(of_options, scenario="taks")


HIDDEN = "h1dden'v4lue"


@pytest.mark.parametrize(
    "options",
    [
        {"path": f"/?own={HIDDEN}#there"},
        {"path": f"/ ?a=1&own={HIDDEN}"},
        {"path": f"no-slash?own={HIDDEN}"},
        {"header": (f"X-Own: {HIDDEN}\n",)},
        {"header": (f"X-Own {HIDDEN}",)},
        {"concurrency": "many", "path": f"/?own={HIDDEN}"},
        {"concurrency": HIDDEN, "body": HIDDEN},
        {"path": "/\udcff", "header": (f"X-Own: {HIDDEN}",)},
    ],
)
def test_no_refusal_of_options_repeats_what_they_call_secret(options):
    said = refused(of_options, secret_query=("own",), secret_header=("X-Own",), **options)
    assert not any(part in said for part in ("h1dden", "v4lue"))


@pytest.mark.parametrize(
    "changed",
    [
        {"requests": (Request(url=f"http://elsewhere/?own={HIDDEN}"),)},
        {"requests": (Request(url=f"{TARGET}/?own={HIDDEN}#there"),)},
        {"requests": (Request(url=f"{TARGET}/ ?own={HIDDEN}"),)},
        {"target": f"http://\udcff:{HIDDEN}@elsewhere/?own={HIDDEN}"},
        {"requests": (Request(url=f"{TARGET}/", headers=(("X-Own", f"{HIDDEN}\n"),)),)},
        {"requests": (Request(url=f"{TARGET}/", body=HIDDEN.encode(), method=f"G {HIDDEN}"),)},
    ],
)
def test_no_refusal_of_a_plan_repeats_what_it_calls_secret(changed):
    said = refused(of_plan, secret_query=("own",), secret_headers=("x-own",), **changed)
    assert not any(part in said for part in ("h1dden", "v4lue"))


@pytest.mark.parametrize("make", [of_options, of_plan])
def test_a_secret_that_nothing_sends_is_refused_as_on_the_command_line(make):
    headers = "secret_header" if make is of_options else "secret_headers"
    assert "no request has a header X-Onw" in refused(make, **{headers: ("X-Onw",)})
    assert "no request has a parameter onw" in refused(make, secret_query=("onw",))
    said = refused(make, secret_query=(f"own={HIDDEN}",), **{headers: (f"X-Own: {HIDDEN}",)})
    assert HIDDEN not in said


@pytest.mark.parametrize("name", ["secret_header", "secret_query"])
def test_so_many_names_of_secrets_are_refused_before_anything_is_looked_for(name):
    options = {"scenario": "task", name: ["a"] * 100}
    assert read(msgspec.json.encode({"options": options})).options is not None
    options[name].append("a")
    assert "101 names are more than 100" in refused(read, msgspec.json.encode({"options": options}))
    field = name.replace("header", "headers")
    posted = {"plan": msgspec.structs.replace(plan(), **{field: ("a",) * 101})}
    assert "101 names are more than 100" in refused(read, msgspec.json.encode(posted))


def test_a_plan_that_is_made_to_be_hard_to_mask_is_refused_at_once():
    url = f"{TARGET}/?" + "a=&" * 80_000
    names = tuple(f"n{number}" for number in range(100))
    before_s = time.process_time()
    refused(of_plan, requests=(Request(url=url),), secret_query=names)
    assert time.process_time() - before_s < 5


def test_a_plan_with_journeys_is_refused_for_they_are_code():
    journeys = Journeys(file="/etc/passwd", sha256="")
    assert "takes no code from elsewhere" in refused(of_plan, requests=(), journeys=journeys)


def test_options_are_those_of_the_command_line_but_for_what_names_a_target_or_a_file():
    ours = set(Options.__struct_fields__)
    theirs = set(RunOptions.__struct_fields__)
    assert theirs - ours == {"target", "requests_file", "header_env", "journeys", "data", "data_order"}
    assert ours - theirs == {"delay"}


@pytest.mark.parametrize(
    "posted",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"options": {}}',
        b'{"options": {"scenario": "task", "target": "http://evil.example/"}}',
        b'{"options": {"scenario": "task", "requests_file": "/etc/passwd"}}',
        b'{"options": {"scenario": "task", "app": "os:system"}}',
        b'{"options": {"scenario": "task", "out": "/"}}',
        b'{"options": {"scenario": "task", "remote": true}}',
        b'{"options": {"scenario": "task", "concurrency": 4}}',
        b'{"options": {"scenario": "task"}, "plan": null, "more": 1}',
        b'{"options": {"scenario": "task"}, "run_id": 1}',
        b'{"plan": {"scenario": "task"}}',
        b"[" * 100_000,
        b'{"options": {"scenario": "\xff"}}',
    ],
)
def test_what_is_no_run_is_refused_in_a_sentence(posted):
    assert refused(read, posted)


SENTENCES = [
    (b"", "what is posted is not JSON"),
    (b'{"options": {"scenario": "task"} x', "what is posted is not JSON"),
    (b'{"options": {"scenario": "\xff"}}', "what is posted is not JSON"),
    (b"[]", "what is posted: expected 'object', got 'array'"),
    (b'{"more": 1}', "what is posted: object contains unknown field 'more'"),
    (b'{"options": {}}', "options: object missing required field 'scenario'"),
    (
        b'{"options": {"scenario": "task", "duration": 1.5}}',
        "options.duration: expected 'str | null', got 'float'",
    ),
    (b'{"options": {"scenario": "task", "header": [1]}}', "options.header[0]: expected 'str', got 'int'"),
    (
        b'{"options": {"scenario": "task", "target": "http://x/"}}',
        "options: object contains unknown field 'target'",
    ),
    (
        b'{"options": {"scenario": "task"}, "run_id": 1}',
        "what is posted: object contains unknown field 'run_id'",
    ),
    (b'{"plan": {"scenario": "task"}}', "plan: object missing required field 'transport'"),
    (
        b'{"plan": {"scenario": "task", "transport": "aiohttp", "workload": "all"}}',
        "plan.workload: invalid enum value 'all'",
    ),
]


@pytest.mark.parametrize(("posted", "said"), SENTENCES, ids=lambda value: str(value)[:40])
def test_what_does_not_fit_is_told_with_its_place_and_what_it_takes(posted, said):
    assert refused(read, posted).startswith(said)


@pytest.mark.parametrize("value", [b"4711", b'["4711"]', b'{"a": "4711"}', b"true"])
def test_of_what_is_posted_for_an_option_nothing_is_quoted(value):
    sentence = refused(read, b'{"options": {"scenario": "task", "body": %b}}' % value)
    assert sentence.startswith("options.body: expected")
    assert "4711" not in sentence


def test_one_of_options_and_plan_is_given():
    both = msgspec.json.encode(PostedRun(options=Options(scenario="task"), plan=plan()))
    assert "give one of the two" in refused(read, both)


def test_a_body_is_never_a_file_of_the_agents():
    assert "@FILE is read by the command line alone" in refused(of_options, body="@/etc/passwd")
    assert of_options(body="a@b").plan.requests[0].body == b"a@b"


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/",
        "http://target/",
        "http://target:8001/",
        "https://target:8000/",
        "http://target:8000@evil.example/",
        "http://evil.example:80@target:8000/",
        "http://user@target:8000/",
        "http://target:8000\\@evil.example/",
        "http://target:8000.evil.example/",
        "http://target.evil.example:8000/",
        "//target:8000/",
        "/",
        "http://[target]:8000/",
        "http://target:8000\r\nHost: evil.example/",
        "file:///etc/passwd",
        "http://null/",
        "",
    ],
)
def test_a_plan_that_names_another_address_is_refused_wherever_it_names_it(url):
    assert "target" in refused(of_plan, target=url)
    whole = refused(of_plan, target=url, requests=(Request(url=url),))
    assert "is not the target of this agent" in whole or whole.startswith("target: ")
    assert refused(of_plan, requests=(Request(url=url),))
    mixed = (Request(url=f"{TARGET}/"), Request(url=url))
    said = refused(of_plan, requests=mixed, limits=None)
    assert "is not at the plan's target" in said or said.startswith("--target: ")


@pytest.mark.parametrize(
    "url", [f"{TARGET}/", f"{TARGET}/a?b=c", "HTTP://TARGET:8000/", f"{TARGET}/@evil.example"]
)
def test_every_path_of_the_target_may_be_requested(url):
    assert of_plan(requests=(Request(url=url),)).plan.requests[0].url == url


def test_the_null_transport_needs_no_target_and_reaches_none():
    made = of_options(transport="null", delay="5ms")
    assert made.plan.target == "http://null/?delay=5ms"
    assert isinstance(made.place.host(None, 1), NoTarget)
    again = task(PostedRun(plan=made.plan), HERE, LIMITS)
    assert isinstance(again.place.host(None, 1), NoTarget)
    elsewhere = msgspec.structs.replace(made.plan, requests=(Request(url=f"{TARGET}/"),))
    assert "is not at the plan's target" in refused(task, PostedRun(plan=elsewhere), HERE, LIMITS)


def test_a_delay_is_the_null_transports_alone():
    assert "--delay" in refused(of_options, delay="5ms")
    assert "--delay" in refused(of_options, transport="null", delay="exp:5ms")


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "GET\r\nX: y"},
        {"method": "get it"},
        {"method": ""},
        {"headers": (("A", "b\r\nHost: evil.example"),)},
        {"headers": (("A\r\nB", "c"),)},
        {"headers": (("A b", "c"),)},
        {"headers": (("Transfer-Encoding", "chunked"),)},
        {"headers": (("content-length", "5"),)},
        {"headers": (("Connection", "upgrade"),)},
        {"weight": 0.0},
        {"weight": -1.0},
    ],
)
def test_a_request_that_would_be_more_than_one_on_the_wire_is_refused(request_):
    assert refused(of_plan, requests=(Request(**{"url": f"{TARGET}/"} | request_),))


def closed(**changed):
    return {"stages": (Stage(concurrency=1),), "workload": Workload.CLOSED, "duration_ns": SECOND} | changed


TOO_MUCH = {
    "stages": closed(stages=(Stage(concurrency=1),) * 65),
    "concurrency": closed(stages=(Stage(concurrency=10_001),)),
    "requests": {
        "workload": Workload.BATCH,
        "stages": (Stage(requests=10_001),),
        "duration_ns": None,
        "warmup_ns": 0,
    },
    "duration_ns with": closed(duration_ns=3601 * SECOND),
    "timeout_ns": closed(timeout_ns=121 * SECOND),
    "think_ns": closed(think_ns=3601 * SECOND),
    "processes": closed(scenario="pool", transport="aiohttp", processes=65),
    "seed": closed(seed=2**64),
    "rate_hz": {
        "workload": Workload.OPEN,
        "stages": (Stage(rate_hz=100_001.0),),
        "duration_ns": SECOND,
        "max_in_flight": 10,
    },
    "max_in_flight": {
        "workload": Workload.OPEN,
        "stages": (Stage(rate_hz=1.0),),
        "duration_ns": SECOND,
        "max_in_flight": 10_001,
    },
    "requests of different kinds": closed(requests=(Request(url=f"{TARGET}/"),) * 101),
    "headers": closed(requests=(Request(url=f"{TARGET}/", headers=(("A", "b"),) * 65),)),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_too_much_of_anything_is_refused_with_the_most(what):
    said = refused(of_plan, **TOO_MUCH[what])
    assert said.startswith(what)
    assert "is more than" in said


OPEN = {"workload": Workload.OPEN, "duration_ns": SECOND, "max_in_flight": 10}


def test_a_limit_that_is_not_given_counts_as_none():
    said = refused(of_plan, **OPEN | {"stages": (Stage(rate_hz=1.0),), "max_in_flight": None})
    assert said == "max_in_flight: no limit is more than 10,000, the most that the agent takes"


@pytest.mark.parametrize("limits", [LIMITS, None])
@pytest.mark.parametrize(
    "posted",
    [
        b'"stages": [{"rate_hz": 5, "rate_to_hz": -5}]',
        b'"stages": [{"rate_hz": -5}]',
        b'"stages": [{"rate_hz": 0}]',
        b'"stages": [{"rate_hz": 1e308}]',
        b'"stages": [{"rate_hz": 5}], "seed": -1',
        b'"stages": [{"rate_hz": 5}], "drain_ns": 10000000000000000000',
        b'"stages": [{"rate_hz": 5}], "max_in_flight": -1',
        b'"stages": [{"rate_hz": 5}], "expect_status": [{"first": -1, "last": 9999}]',
    ],
)
def test_a_posted_number_that_none_can_count_with_is_refused(posted, limits):
    body = (
        b'{"plan": {"scenario": "task", "transport": "aiohttp", "workload": "open", "target": "%b/",'
        b' "requests": [{"url": "%b/"}], "duration_ns": 1000000000, "max_in_flight": 10, %b}}'
    ) % (TARGET.encode(), TARGET.encode(), posted)
    said = refused(task, read(body), HERE, limits)
    assert "\n" not in said


def test_a_closed_stage_that_counts_requests_may_have_more_of_them_than_users():
    most = {"duration_ns": None, "warmup_ns": 0}
    of_plan(**closed(stages=(Stage(concurrency=1, requests=1_000_000),), **most))
    said = refused(of_plan, **closed(stages=(Stage(concurrency=1, requests=1_000_001),), **most))
    assert "requests: 1,000,001 is more than 1,000,000" in said


def test_users_that_would_think_for_longer_than_a_run_may_take_are_refused():
    counted = {"scenario": "task", "think": "1m"}
    of_options(**counted, concurrency="10,20", requests="400")  # 39 and then 19 pauses of each user
    of_options(**counted, concurrency="1", requests="61")
    said = refused(of_options, **counted, concurrency="1", requests="62")
    what = "--think × --requests / --concurrency, of all stages"
    assert said.startswith(f"{what}: 3,660 s is more than 3,600 s")
    assert "3,660 s" in refused(of_options, **counted, concurrency="10,20", requests="420")


def test_what_ends_by_requests_is_stopped_at_the_most_and_what_ends_by_time_ends_itself():
    counted = of_options(concurrency="1", requests="10").plan
    assert LIMITS.stops_after_s(counted) == LIMITS.seconds
    assert LIMITS.stops_after_s(of_options(concurrency="1", duration="1s").plan) is None


def test_the_time_of_all_stages_counts_together():
    made = {"stages": (Stage(concurrency=1),) * 10, "duration_ns": 400 * SECOND}
    assert "of all stages: 4" in refused(of_plan, **closed(**made))


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency": "9" * 4000},
        {"concurrency": "1," * 20_000 + "1"},
        {"rate": "1e308"},
        {"rate": "99999999999:1"},
        {"duration": "1e9h"},
        {"duration": "999h"},
        {"seed": "9" * 19},
        {"timeout": "inf"},
        {"think": "nan"},
        {"processes": "9" * 17},
        {"workload": "open", "rate": "1", "max_in_flight": "9" * 17},
        {"expect_status": "9" * 1000},
        {"concurrency": "-1"},
    ],
)
def test_absurd_numbers_are_refused_in_a_sentence(options):
    assert refused(of_options, **options)


def test_over_the_socket_only_the_plans_own_limits_hold():
    made = of_options(limits=None, duration="2h", concurrency="20000")
    assert made.plan.stages[0].concurrency == 20_000
    assert "2,000,000 is more than" in refused(of_options, limits=None, concurrency="2000000")
