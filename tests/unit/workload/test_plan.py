import math

import pytest

from loadlab.clock import NS_PER_S
from loadlab.scenarios import names, scenario
from loadlab.transports import AIOHTTP, NAMES, REQUESTS
from loadlab.workload.arrivals import Spacing
from loadlab.workload.plan import Plan, Request, Stage, StatusRange, WhenFull, url_problems
from loadlab.workload.think import Lognormal, Uniform
from loadlab.workload.traits import Traits, Workload
from support.fakes import plan

ANY = Traits(
    name="any",
    idea="it can do everything",
    transports=(AIOHTTP, REQUESTS),
    workloads=(Workload.CLOSED, Workload.OPEN, Workload.BATCH),
    many_processes=True,
)
CLOSED = {"transport": "aiohttp", "stages": (Stage(concurrency=1),), "duration_ns": NS_PER_S}
BATCH = {
    "transport": "aiohttp",
    "workload": Workload.BATCH,
    "stages": (Stage(requests=10),),
    "duration_ns": None,
}
OPEN = {
    "transport": "aiohttp",
    "workload": Workload.OPEN,
    "stages": (Stage(rate_hz=50),),
    "duration_ns": NS_PER_S,
}
SHAPES = {Workload.CLOSED: CLOSED, Workload.OPEN: OPEN, Workload.BATCH: BATCH}


@pytest.mark.parametrize(
    "fine",
    [
        CLOSED,
        CLOSED | {"stages": (Stage(concurrency=1), Stage(concurrency=64)), "warmup_ns": 5, "think_ns": 5},
        CLOSED | {"stages": (Stage(concurrency=3, requests=10),), "duration_ns": None},
        BATCH,
        BATCH | {"stages": (Stage(requests=1), Stage(requests=1000)), "processes": 4},
        OPEN | {"stages": (Stage(rate_hz=0.5), Stage(rate_hz=5, rate_to_hz=500)), "warmup_ns": 5},
        OPEN | {"processes": 4, "max_in_flight": 4},
    ],
)
def test_a_plan_that_makes_sense_has_no_problem(fine):
    assert plan(**fine).problems(ANY) == []


@pytest.mark.parametrize(
    ("changed", "option"),
    [
        ({"stop_when_lost_ns": NS_PER_S}, "--stop-when-lost"),
        ({"keep_alive": False}, "--no-keep-alive"),
        ({"idle_limit_ns": NS_PER_S}, "--idle-limit"),
    ],
)
def test_what_means_nothing_without_a_target_is_refused_on_null(changed, option):
    on_null = CLOSED | {"transport": "null"}
    traits = scenario("task").TRAITS
    assert plan(**on_null).problems(traits) == []
    assert plan(**on_null, **changed).problems(traits) == [
        f"{option}: --transport null contacts no target; leave it out"
    ]


@pytest.mark.parametrize("where", ["target", "requests"])
def test_a_delay_that_cannot_be_read_is_refused_on_null_alone(where):
    url = "http://h/?delay=soon"
    urls = {"target": "http://h/", "requests": (Request(url="http://h/"),)}
    urls |= {where: url if where == "target" else (Request(url=url),)}
    traits = scenario("task").TRAITS
    assert plan(**CLOSED | urls).problems(traits) == []
    (problem,) = plan(**CLOSED | urls | {"transport": "null"}).problems(traits)
    assert problem.startswith("--path: delay: 'soon' is not")


@pytest.mark.parametrize("name", names())
def test_an_idle_limit_is_refused_where_no_connection_is_ever_idle(name):
    """That is so where each request has a client of its own, as in pool-map."""
    traits = scenario(name).TRAITS
    sizes = SHAPES[traits.workloads[0]] | {"transport": traits.transports[0].name}
    whole = plan(**sizes, scenario=name, idle_limit_ns=NS_PER_S)
    refused = [each for each in whole.problems(traits) if each.startswith("--idle-limit")]
    assert bool(refused) == traits.client_per_request == (name == "pool-map")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            CLOSED | {"transport": "pigeon"},
            "--transport: any cannot use 'pigeon'; it takes aiohttp or",
        ),
        (CLOSED | {"stages": ()}, "--concurrency: there is no stage to run"),
        (CLOSED | {"stages": (Stage(),)}, "--concurrency: a closed workload needs it"),
        (CLOSED | {"stages": (Stage(concurrency=0),)}, "--concurrency and --requests: they start at 1"),
        (
            CLOSED | {"stages": (Stage(concurrency=10_000_000),)},
            "--concurrency: 10,000,000 is more than 1,000,000",
        ),
        (BATCH | {"stages": (Stage(requests=10_000_000),)}, "--requests: a batch of 10,000,000"),
        (
            CLOSED | {"duration_ns": None},
            "--duration or --requests: a closed workload ends by one",
        ),
        (CLOSED | {"stages": (Stage(concurrency=1, requests=5),)}, "--duration or --requests: "),
        (
            CLOSED | {"stages": (Stage(concurrency=1, requests=5),), "duration_ns": None, "warmup_ns": 1},
            "--warmup: a stage that ends by --requests has none; every request counts",
        ),
        (CLOSED | {"duration_ns": 0}, "--duration: it must be more than 0"),
        (CLOSED | {"timeout_ns": 0}, "--timeout: it must be more than 0"),
        (CLOSED | {"connect_timeout_ns": 0}, "--connect-timeout: it must be more than 0"),
        (CLOSED | {"max_errors_ratio": 1.5}, "--max-errors: it must be from 0% to 100%, or none"),
        (CLOSED | {"max_errors_ratio": float("nan")}, "--max-errors: it must be from 0% to 100%, or none"),
        (CLOSED | {"think_ns": -1}, "--think: it must not be negative"),
        (CLOSED | {"processes": 0}, "--processes: it starts at 1"),
        (CLOSED | {"processes": 100_000}, "--processes: 100,000 is more than 256"),
        (CLOSED | {"requests": ()}, "--requests-file: it names no request"),
        (
            BATCH | {"stages": (Stage(),)},
            "--requests: a batch workload needs it: requests at once",
        ),
        (
            BATCH | {"stages": (Stage(requests=1, concurrency=1),)},
            "--concurrency: a batch workload does not take it; its size is --requests; --workload closed",
        ),
        (
            BATCH | {"duration_ns": 1},
            "--duration: a batch workload does not take it; --workload closed or",
        ),
        (
            BATCH | {"warmup_ns": 1},
            "--warmup: a batch workload does not take it; --workload closed or open",
        ),
        (
            CLOSED | {"think_shape": Uniform(2.0)},
            "--think: half of a uniform think time's width, in its mean: 2.0",
        ),
        (
            CLOSED | {"think_shape": Lognormal(float("inf"))},
            "--think: sigma: inf is not a number from 0 to 5",
        ),
        (CLOSED | {"ramp_up_ns": -1}, "--ramp-up: it must not be negative"),
        (
            CLOSED | {"ramp_up_ns": 5 * NS_PER_S, "warmup_ns": NS_PER_S},
            "--ramp-up: users would still start in the window; use --warmup 5.00s or longer",
        ),
        (OPEN | {"ramp_up_ns": 1}, "--ramp-up: an open workload does not take it; --workload closed does"),
        (BATCH | {"ramp_up_ns": 1}, "--ramp-up: a batch workload does not take it; --workload closed does"),
        (BATCH | {"think_ns": 1}, "--think: a batch workload does not take it; --workload closed does"),
        (OPEN | {"think_ns": 1}, "--think: an open workload does not take it; --workload closed does"),
        (OPEN | {"duration_ns": None}, "--duration: an open workload ends by it"),
        (OPEN | {"stages": (Stage(),)}, "--rate: an open workload needs it: arrivals per second"),
        (OPEN | {"stages": (Stage(rate_hz=0),)}, "--rate: at 0 a second nothing is sent"),
        (OPEN | {"stages": (Stage(rate_hz=0, rate_to_hz=0),)}, "--rate: at 0 a second nothing is sent"),
        (
            OPEN | {"stages": (Stage(rate_hz=0, rate_to_hz=5),), "warmup_ns": 1},
            "--warmup: a ramp from 0 has nothing to warm up with",
        ),
        (CLOSED | {"expect_status": ()}, "--expect-status: it names no status"),
        (OPEN | {"stages": (Stage(rate_hz=2_000_000),)}, "--rate: 2000000 is not a rate"),
        (OPEN | {"stages": (Stage(rate_hz=5, rate_to_hz=2_000_000),)}, "--rate: 2000000 is not a rate"),
        (
            OPEN | {"stages": (Stage(rate_hz=5, concurrency=1),)},
            "--concurrency: an open workload does not",
        ),
        (OPEN | {"processes": 4, "max_in_flight": 3}, "--max-in-flight: it must be at least one for each"),
        (
            CLOSED | {"stages": (Stage(concurrency=1, rate_hz=5),)},
            "--rate: a closed workload does not take it; its size is --concurrency; --workload open does",
        ),
        (CLOSED | {"stages": (Stage(concurrency=1, rate_to_hz=5),)}, "--rate: a closed workload does not"),
        (
            CLOSED | {"spacing": Spacing.POISSON, "max_in_flight": 5, "when_full": WhenFull.WAIT},
            "--arrivals, --max-in-flight, --when-full: a closed workload does not take them; --workload open",
        ),
        (
            CLOSED | {"keep_alive": False, "idle_limit_ns": NS_PER_S},
            "--idle-limit: with --no-keep-alive no connection is idle; leave one out",
        ),
        (CLOSED | {"target": "ftp://x"}, "--target: 'ftp://x' is not an http:// or https:// URL"),
        (
            CLOSED | {"requests": (Request(url="http://user:pass@elsewhere/"),)},
            "--path: 'http://***@elsewhere/' is not at the plan's target, ",
        ),
        (
            CLOSED | {"secret_headers": ("X-Key",)},
            "--secret-header: no request has a header X-Key; check its name, or leave it out",
        ),
        (
            CLOSED | {"secret_headers": ("X Key: 4711",)},
            "--secret-header: it takes the name of a header alone, such as X-Key",
        ),
        (
            BATCH | {"stages": (Stage(requests=1, rate_hz=5),)},
            "--rate: a batch workload does not take it",
        ),
    ],
)
def test_each_thing_that_makes_no_sense_is_said_in_a_sentence_that_names_its_option(changed, sentence):
    (problem,) = plan(**changed).problems(ANY)
    assert problem.startswith(sentence)


SPANS = ("duration_ns", "warmup_ns", "drain_ns", "think_ns", "timeout_ns", "connect_timeout_ns")
COUNTS = ("max_in_flight", "processes", "seed")
NO_COUNTS = (-1, 10**30, True, 1.5, math.nan, math.inf)
NO_RATES = (-5, -5.0, 1e-10, 1e308, 10**30, math.nan, math.inf, -math.inf, True)


@pytest.mark.parametrize("value", NO_COUNTS)
@pytest.mark.parametrize("name", [*SPANS, *COUNTS])
def test_a_number_that_none_can_count_with_is_refused_whoever_made_the_plan(name, value):
    (problem,) = plan(**OPEN | {"max_in_flight": 5, name: value}).problems(ANY)
    assert problem.startswith(("--", "drain_ns: "))


@pytest.mark.parametrize("value", NO_COUNTS)
@pytest.mark.parametrize("name", ["concurrency", "requests"])
def test_so_is_the_size_of_a_stage(name, value):
    (problem,) = plan(**CLOSED | {"stages": (Stage(**{name: value}),)}).problems(ANY)
    assert problem.startswith(f"--{name}: ")


@pytest.mark.parametrize("value", NO_RATES)
@pytest.mark.parametrize("name", ["rate_hz", "rate_to_hz"])
def test_so_is_either_end_of_a_ramp(name, value):
    (problem,) = plan(**OPEN | {"stages": (Stage(**{"rate_hz": 5, name: value}),)}).problems(ANY)
    assert problem.startswith(f"--rate: {value!r} is not a rate per second")


@pytest.mark.parametrize("weight", [0, -1, math.nan, math.inf, True])
def test_so_is_a_weight(weight):
    (problem,) = plan(**CLOSED | {"requests": (Request(url="http://h/", weight=weight),)}).problems(ANY)
    assert problem.startswith(f"--requests-file: the weight {weight!r}")


@pytest.mark.parametrize(("first", "last"), [(99, 200), (200, 600), (300, 200), (True, 200), (200, 2e2)])
def test_so_is_a_status_that_does_not_exist(first, last):
    (problem,) = plan(**CLOSED | {"expect_status": (StatusRange(first, last),)}).problems(ANY)
    assert problem.startswith("--expect-status: ")


@pytest.mark.parametrize("ends", [(0, 50), (50, 0), (0.5, 0), (1e-9, 1_000_000)])
def test_a_ramp_may_begin_or_end_at_nothing(ends):
    assert plan(**OPEN | {"stages": (Stage(rate_hz=ends[0], rate_to_hz=ends[1]),)}).problems(ANY) == []


def test_everything_that_is_wrong_is_said_at_once():
    wrong = plan(
        transport="pigeon",
        stages=(Stage(concurrency=2),),
        duration_ns=0,
        timeout_ns=0,
        processes=0,
        requests=(Request(url="ftp://x/"), Request(url="http://127.0.0.1:0/")),
    )
    assert len(set(wrong.problems(ANY))) == len(wrong.problems(ANY))
    assert {problem.split(":")[0] for problem in wrong.problems(ANY)} == {
        "--transport",
        "--duration",
        "--timeout",
        "--processes",
        "--target",
    }


SENSIBLE = {
    "blocking": (("requests",), {"closed", "batch"}),
    "coroutine": (("aiohttp", "wire"), {"closed", "batch"}),
    "blocked-loop": (("requests",), {"closed", "batch"}),
    "task": (("aiohttp", "wire", "null"), {"closed", "open", "batch"}),
    "callback": (("aiohttp", "wire", "null"), {"closed", "open", "batch"}),
    "threads": (("requests",), {"closed", "batch"}),
    "pool": (("aiohttp", "wire", "null"), {"closed", "open", "batch"}),
    "pool-map": (("aiohttp",), {"batch"}),
}


def test_the_eight_scenarios_of_the_design_are_all_there_are():
    assert set(names()) == SENSIBLE.keys()


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("transport", NAMES)
@pytest.mark.parametrize("workload", list(Workload))
def test_a_combination_is_taken_or_refused_with_those_that_are(name, transport, workload):
    traits = scenario(name).TRAITS
    found = plan(**SHAPES[workload] | {"scenario": name, "transport": transport}).problems(traits)
    transports, workloads = SENSIBLE[name]
    assert any(problem.startswith("--transport") for problem in found) == (transport not in transports)
    assert any(problem.startswith("--workload") for problem in found) == (workload not in workloads)
    named = {
        "--transport": " or ".join(each.name for each in traits.transports),
        "--workload": " or ".join(traits.workloads),
    }
    for problem in found:
        assert named[problem.partition(":")[0]] in problem


@pytest.mark.parametrize("name", names())
def test_only_the_pools_take_more_than_one_process(name):
    found = plan(**BATCH | {"scenario": name, "processes": 2}).problems(scenario(name).TRAITS)
    assert any(problem.startswith("--processes") for problem in found) == (not name.startswith("pool"))


@pytest.mark.parametrize("name", names())
def test_more_than_one_user_is_refused_where_only_one_request_can_be_in_flight_by_design(name):
    traits = scenario(name).TRAITS
    found = plan(**CLOSED | {"scenario": name, "stages": (Stage(concurrency=2),)}).problems(traits)
    refused = any(problem.startswith("--concurrency") for problem in found)
    assert refused == (name in {"blocking", "coroutine"})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://[::1]:8443/a?b=c", "http://localhost:8000", "http://a.b.c.:80/"]
)
def test_a_url_that_can_be_requested_has_no_problem(url):
    assert url_problems(url) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1",
        "ftp://a/",
        "http://",
        "http:///path",
        "http://[::1",
        "http://a:port/",
        "http://a:99999/",
        "http://a:0/",
        "http://a b/",
        "http://a/b c",
        "http://a/#b",
        "http://a..b/",
        "http://a/\n",
    ],
)
def test_what_is_no_url_is_refused_in_a_sentence_that_names_the_option(url):
    (problem,) = url_problems(url)
    assert problem.startswith("--target: ")


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:4567", "http://127.0.0.1:4567/", "http://127.0.0.1:4567/app?x=1"]
)
def test_a_plan_moves_to_another_target_with_its_paths_as_they_are(target):
    urls = ("http://old:1", "http://old:1/", "http://old:1/app?x=1", "http://old:1/deep/er?a=b&c=%20d")
    urls += ("http://old:1?x=1", "http://old:1//b", "/a?", "http://old:1/a?u=http://x")
    moved = plan(requests=tuple(Request(url=url) for url in urls)).with_target(target)
    assert [request.url.removeprefix("http://127.0.0.1:4567") for request in moved.requests] == [
        "/",
        "/",
        "/app?x=1",
        "/deep/er?a=b&c=%20d",
        "/?x=1",
        "//b",
        "/a?",
        "/a?u=http://x",
    ]
    assert moved.target == target


def test_the_address_is_the_targets_and_never_the_plans_own():
    posted = plan(address="203.0.113.7")
    assert posted.with_target("http://127.0.0.1:4567/").address is None
    assert posted.with_target("http://two.test/", "127.0.0.2").address == "127.0.0.2"


def test_expected_statuses_are_ranges_with_both_ends():
    strict = plan(expect_status=(StatusRange(200, 204), StatusRange(404, 404)))
    expected = [status for status in range(100, 600) if strict.expects(status)]
    assert expected == [200, 201, 202, 203, 204, 404]


def test_a_plan_cannot_be_changed():
    with pytest.raises(AttributeError):
        plan().seed = 2
    assert Plan.__struct_config__.frozen
