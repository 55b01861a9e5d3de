"""From the words of a command to a plan: sensible defaults, and one sentence for each word that is not."""

import json

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.errors import UsageError
from loadlab.options.load import RunOptions, build_plan
from loadlab.scenarios import names, scenario
from loadlab.workload.capacity import Capacity
from loadlab.workload.kept_plan import kept
from loadlab.workload.plan import Stage, StatusRange
from loadlab.workload.think import Exponential, Fixed
from loadlab.workload.traits import Workload

BASE = "http://127.0.0.1:8000/"
ROOM = Capacity(cpus=2.0, open_files=1024)


def planned(name="task", room=ROOM, base=BASE, **words):
    return build_plan(RunOptions(scenario=name, **words), base, room)


def refused(name="task", room=ROOM, **words):
    with pytest.raises(UsageError) as raised:
        planned(name, room, **words)
    return str(raised.value)


def test_without_options_it_is_a_short_sweep():
    plan = planned()
    assert [stage.concurrency for stage in plan.stages] == [1, 8, 32, 128]
    assert (plan.workload, plan.transport, plan.seed) == (Workload.CLOSED, "aiohttp", 1)
    seconds = len(plan.stages) * (plan.duration_ns + plan.warmup_ns) / NS_PER_S
    assert 10 <= seconds <= 15


@pytest.mark.parametrize("name", names())
def test_every_scenario_has_defaults_that_can_be_run(name):
    plan = planned(name)
    assert plan.problems(scenario(name).TRAITS) == []
    assert plan.processes == (2 if name.startswith("pool") else 1)


def test_a_batch_is_of_100_and_has_neither_warm_up_nor_duration():
    plan = planned(workload="batch")
    assert plan.stages == (Stage(requests=100),)
    assert (plan.duration_ns, plan.warmup_ns) == (None, 0)


def test_sizes_make_the_stages_of_a_batch():
    assert planned(workload="batch", requests="10,20").stages == (Stage(requests=10), Stage(requests=20))


def test_a_number_of_requests_ends_each_closed_stage():
    plan = planned(concurrency="2,4", requests="50")
    assert plan.stages == (Stage(concurrency=2, requests=50), Stage(concurrency=4, requests=50))
    assert (plan.duration_ns, plan.warmup_ns) == (None, 0)


def test_the_warm_up_grows_with_the_duration_up_to_two_seconds():
    assert planned(duration="1s").warmup_ns == 200 * NS_PER_MS
    assert planned(duration="60s").warmup_ns == 2 * NS_PER_S
    assert planned(duration="60s", warmup="0").warmup_ns == 0


def test_a_ramp_from_nothing_is_its_own_warm_up():
    assert planned(rate="0:50").warmup_ns == 0
    assert planned(rate="50:0").warmup_ns == 500 * NS_PER_MS
    assert planned(rate="0:50,50").warmup_ns == 500 * NS_PER_MS


def test_the_drain_outlasts_every_timeout():
    plan = planned(timeout="3s")
    assert plan.drain_ns > plan.timeout_ns == 3 * NS_PER_S
    assert plan.connect_timeout_ns == 3 * NS_PER_S


def test_a_request_is_made_from_path_method_headers_and_body(tmp_path):
    (tmp_path / "body").write_bytes(b"\x00\xff")
    (request,) = planned(
        path="/echo?a=b", method="put", header=("X-One: 1", "X-Two:2:3"), body=f"@{tmp_path / 'body'}"
    ).requests
    assert request.url == "http://127.0.0.1:8000/echo?a=b"
    assert (request.method, request.body) == ("PUT", b"\x00\xff")
    assert request.headers == (("X-One", "1"), ("X-Two", "2:3"))


@pytest.mark.parametrize("name", ["X-Own:", "X-Own: hidden", "", "two words", "ä"])
def test_what_is_no_name_of_a_header_is_refused_and_not_quoted(name):
    said = refused(header=("X-Own: hidden",), secret_header=(name,))
    assert said == "--secret-header: it takes the name of a header alone, such as X-Key"


def test_a_secret_header_that_no_request_has_is_refused(tmp_path):
    said = refused(header=("X-Own: hidden",), secret_header=("X-Own", "X-Onw"))
    assert said == "--secret-header: no request has a header X-Onw; check its name, or leave it out"
    mix = file_of(tmp_path, [{"path": "/"}, {"path": "/b", "headers": {"X-Own": "hidden"}}])
    assert planned(requests_file=mix, secret_header=("x-own",)).secret_headers == ("x-own",)


@pytest.mark.parametrize("name", ["own=h1dden", "?own", "a&own", "", "two words", "http://h1dden/"])
def test_what_is_no_name_of_a_parameter_is_refused_and_not_quoted(name):
    said = refused(path="/?own=h1dden", secret_query=(name,))
    assert said == "--secret-query: it takes the name of a query parameter alone, such as key"


def test_a_secret_parameter_that_no_request_has_is_refused(tmp_path):
    said = refused(path="/?own=h1dden", secret_query=("own", "onw"))
    assert said == "--secret-query: no request has a parameter onw; check its name, or leave it out"
    mix = file_of(tmp_path, [{"path": "/"}, {"path": "/b?a=1&Own=h1dden"}])
    assert planned(requests_file=mix, secret_query=("own",)).secret_query == ("own",)


@pytest.mark.parametrize("name", ["a[b]", "a%5Bb%5D", "A%5bb%5d"])
@pytest.mark.parametrize("path", ["/?a[b]=h1dden", "/?a%5Bb%5D=h1dden"])
def test_a_secret_parameter_is_named_as_it_is_or_percent_encoded(name, path):
    assert "h1dden" not in str(kept(planned(path=path, secret_query=(name,))))


def test_a_body_makes_it_a_post():
    assert planned(body="x").requests[0].method == "POST"
    assert planned().requests[0].method == "GET"


def test_without_a_path_the_targets_own_is_requested():
    assert planned(base="http://h/app?x=1").requests[0].url == "http://h/app?x=1"


def file_of(tmp_path, content):
    path = tmp_path / "mix.json"
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_requests_file_makes_a_mix_and_headers_are_for_all_of_it(tmp_path):
    mix = [
        {"path": "/a", "weight": 3},
        {"path": "/b", "method": "post", "headers": {"X-B": "b"}, "body": "bé"},
    ]
    one, two = planned(requests_file=file_of(tmp_path, mix), header=("X-All: 1",)).requests
    assert (one.url, one.method, one.weight, one.headers) == (f"{BASE}a", "GET", 3.0, (("X-All", "1"),))
    assert (two.method, two.body) == ("POST", "bé".encode())
    assert two.headers == (("X-All", "1"), ("X-B", "b"))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("200", [(200, 200)]),
        ("200-299", [(200, 299)]),
        ("200, 404 ,500-599", [(200, 200), (404, 404), (500, 599)]),
    ],
)
def test_expected_statuses_are_read_as_numbers_and_spans(text, spans):
    assert planned(expect_status=text).expect_status == tuple(StatusRange(*span) for span in spans)


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        ("taks", {}, "SCENARIO: there is no 'taks'. Did you mean task? It takes blocked-loop, blocking,"),
        ("zzz", {}, "SCENARIO: there is no 'zzz'. It takes"),
        ("", {}, "SCENARIO: there is no ''"),
        ("pool_map", {}, "SCENARIO: there is no 'pool_map'. Did you mean pool-map?"),
        ("task", {"workload": "close"}, "--workload: there is no 'close'. Did you mean closed?"),
        ("task", {"transport": "aiohtp"}, "--transport: there is no 'aiohtp'. Did you mean aiohttp?"),
        ("task", {"transport": "requests"}, "--transport: task cannot use 'requests'; it takes aiohttp"),
        ("pool-map", {"workload": "closed"}, "--workload: pool-map cannot carry 'closed'; it takes batch"),
        ("task", {"concurrency": "0"}, "--concurrency: '0' is not a whole number of 1 or more"),
        ("task", {"concurrency": "-8"}, "--concurrency: '-8' is not a whole number"),
        ("task", {"concurrency": "many"}, "--concurrency: 'many' is not a whole number"),
        ("task", {"concurrency": ""}, "--concurrency: '' is not a whole number"),
        ("task", {"concurrency": "1000"}, "--concurrency: 1000 needs 1000 connections in one process"),
        ("task", {"concurrency": "99999999"}, "--concurrency: 99,999,999 is more than"),
        ("blocked-loop", {"concurrency": "99999999"}, "--concurrency: 99,999,999 is more than"),
        ("threads", {"workload": "batch", "requests": "1000"}, "--requests: 1000 needs 1000 connections"),
        ("pool-map", {"requests": "99999999"}, "--requests: a batch of 99,999,999 is more than"),
        ("blocking", {"concurrency": "8"}, "--concurrency: blocking has one request in flight at a time"),
        (
            "task",
            {"workload": "batch", "concurrency": "8"},
            "--concurrency: a batch workload does not take it",
        ),
        ("task", {"requests": "1,2"}, "--requests: a closed workload takes one number, and --concurrency"),
        ("task", {"requests": "0"}, "--requests: '0' is not a whole number of 1 or more"),
        ("task", {"requests": "5", "duration": "1s"}, "--duration or --requests: a closed workload ends by"),
        ("task", {"duration": "10x"}, "--duration: '10x' is not a duration"),
        ("task", {"duration": "0s"}, "--duration: it must be more than 0"),
        ("task", {"duration": ""}, "--duration: '' is not a duration"),
        ("task", {"duration": "99999999h"}, "--duration: '99999999h' is more than 1000h"),
        ("task", {"warmup": "-1s"}, "--warmup: '-1s' is not a duration"),
        ("task", {"think": "soon"}, "--think: 'soon' is not a duration"),
        ("task", {"think": ""}, "--think: '' is not a duration"),
        ("task", {"timeout": "0"}, "--timeout: it must be more than 0"),
        ("task", {"timeout": ""}, "--timeout: '' is not a duration"),
        ("task", {"connect_timeout": "0"}, "--connect-timeout: it must be more than 0"),
        ("task", {"connect_timeout": ""}, "--connect-timeout: '' is not a duration"),
        ("task", {"connect_timeout": "11s"}, "--connect-timeout: it is longer than --timeout"),
        (
            "task",
            {"connect_timeout": "2s", "timeout": "1s"},
            "--connect-timeout: it is longer than --timeout, which",
        ),
        ("task", {"processes": "2"}, "--processes: task runs in one process; pool takes more"),
        ("pool", {"processes": "0"}, "--processes: '0' is not a whole number of 1 or more"),
        ("pool", {"processes": "999999"}, "--processes: 999,999 is more than 256"),
        ("task", {"seed": "x"}, "--seed: 'x' is not a whole number of 0 or more"),
        ("task", {"seed": ""}, "--seed: '' is not a whole number of 0 or more"),
        ("task", {"method": "G T"}, "--method: 'G T' is not an HTTP method"),
        ("task", {"method": "gét"}, "--method: 'gét' is not an HTTP method"),
        ("task", {"method": ""}, "--method: '' is not an HTTP method"),
        ("task", {"path": "x"}, "--path: 'x' must start with /"),
        ("task", {"path": "/a b"}, "--path: '/a b' "),
        ("task", {"path": "/a\r\nX: y"}, "--path: '/a\\r\\nX: y' "),
        (
            "task",
            {"header": ("no colon",)},
            "--header: a line without a colon is not a header; write 'Name: value'",
        ),
        ("task", {"header": ("X",)}, "--header: a line without a colon is not a header; write 'Name: value'"),
        ("task", {"header": (": x",)}, "--header: a header without a name; write"),
        ("task", {"header": ("A B: x",)}, "--header: the name of a header can't hold ' '"),
        ("task", {"header": ("A: x\r\nB: y",)}, "--header: the value of A holds a control character"),
        (
            "task",
            {"transport": "null", "path": "/?delay=soon"},
            "--path: delay: 'soon' is not a duration",
        ),
        ("task", {"path": "/a#b"}, "--path: '/a#b' has a fragment, which HTTP does not send"),
        ("task", {"path": "?x=1"}, "--path: '?x=1' must start with /"),
        ("task", {"path": "/\udcff"}, "--path: '/\\udcff' is not UTF-8"),
        ("task", {"method": "connect"}, "--method: CONNECT asks a proxy for a tunnel"),
        ("task", {"header": ("A: \udcff",)}, "--header: the value of A is not UTF-8"),
        ("task", {"header": ("Host: a", "host: b")}, "--header: Host is given twice"),
        ("task", {"body": "@/nowhere"}, "--body: /nowhere cannot be read: No such file"),
        ("task", {"rate": "0"}, "--rate: at 0 a second nothing is sent"),
        ("task", {"rate": "0:0"}, "--rate: at 0 a second nothing is sent"),
        ("task", {"rate": "-1"}, "--rate: '-1' is not a rate per second"),
        ("task", {"rate": "1:2:3"}, "--rate: '2:3' is not a rate per second"),
        ("task", {"rate": "5:"}, "--rate: '' is not a rate per second"),
        ("task", {"rate": "nan"}, "--rate: 'nan' is not a rate per second"),
        ("task", {"rate": "1:1000001"}, "--rate: 1000001.0 is not a rate per second from 0 to 1,000,000"),
        ("task", {"rate": "0:5", "warmup": "1s"}, "--warmup: a ramp from 0 has nothing to warm up with"),
        ("task", {"expect_status": "ok"}, "--expect-status: 'ok' is neither a status"),
        ("task", {"expect_status": "²00"}, "--expect-status: '²00' is neither a status"),
        ("task", {"expect_status": "99"}, "--expect-status: '99' is neither a status from 100 to 599"),
        ("task", {"expect_status": "300-200"}, "--expect-status: '300-200' is neither"),
        ("task", {"expect_status": "200,"}, "--expect-status: '' is neither"),
        ("task", {"expect_status": ""}, "--expect-status: '' is neither"),
        ("task", {"requests_file": "/nowhere"}, "--requests-file: /nowhere cannot be read: No such file"),
        ("task", {"requests_file": "/", "path": "/x"}, "--requests-file: it gives path, method and body"),
    ],
)
def test_each_bad_value_is_one_sentence_that_names_its_option(name, words, sentence):
    said = refused(name, **words)
    assert said.startswith(sentence)
    assert "\n" not in said


def test_several_requests_of_a_closed_load_may_have_been_meant_as_batches():
    assert "for batches of these sizes, add --workload batch" in refused("task", requests="1,2")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("no json", "is not a JSON list"),
        ("{}", "is not a JSON list"),
        ([{"url": "/x"}], "unknown field `url`"),
        ([{"path": 1}], "Expected `str`"),
        ([{"weight": 0}], "the weight 0.0 is not a number of more than 0"),
        ([{"weight": -1}], "the weight -1.0 is not a number of more than 0"),
        ('[{"weight": 1e999}]', "weight"),
        ([{"path": "x"}], "'x' must start with /"),
        ([{"path": "/a b"}], "'/a b' "),
        ([{"method": "G T"}], "'G T' is not an HTTP method"),
        ([{"headers": {"A B": "x"}}], "the name of a header can't hold ' '"),
        ([{"headers": {"A": "x\ny"}}], "the value of A holds a control character"),
        ([], "it names no request"),
        ([{"headers": {"X:Y": "a"}}], "the name of a header can't hold ':'"),
        ([{"headers": {"Host": "a", "host": "b"}}], "Host is given twice"),
        ([{"path": "/a#b"}], "'/a#b' has a fragment, which HTTP does not send"),
        ([{"method": "CONNECT"}], "CONNECT asks a proxy for a tunnel"),
        (b'[{"path": "/\xff"}]', "is not UTF-8"),
        ('[{"path": "/a"}]'.encode("utf-16"), "is not UTF-8"),
        (b"[" * 100_000, "is not a JSON list"),
    ],
)
def test_a_requests_file_that_makes_no_sense_is_one_sentence_that_says_why(tmp_path, content, why):
    said = refused(requests_file=file_of(tmp_path, content))
    assert said.startswith("--requests-file: ")
    assert why in said
    assert "\n" not in said


def test_everything_that_is_wrong_with_a_plan_is_said_at_once():
    said = refused("blocking", concurrency="8", processes="2", timeout="0", transport="aiohttp")
    assert {line.split(":")[0] for line in said.splitlines()} == {
        "--concurrency",
        "--processes",
        "--timeout",
        "--transport",
    }


@pytest.mark.parametrize(("processes", "fits"), [("1", False), ("2", True)])
def test_more_processes_share_the_connections(processes, fits):
    room = Capacity(cpus=2.0, open_files=600)
    if fits:
        assert planned("pool", room, concurrency="1000", processes=processes).processes == 2
    else:
        said = refused("pool", room, concurrency="1000", processes=processes)
        assert "the system allows 600; give 536 or less" in said


@pytest.mark.parametrize("limit", [8, 64])
def test_a_room_too_small_for_the_lab_itself_is_told_what_it_takes(limit):
    with pytest.raises(UsageError, match=r"the system allows \d+; raise the limit with `ulimit -n 66`$"):
        planned(room=Capacity(cpus=1.0, open_files=limit), concurrency="2")


def test_a_room_without_a_limit_takes_any_number():
    assert (
        planned(room=Capacity(cpus=1.0, open_files=None), concurrency="100000").stages[0].concurrency
        == 100_000
    )


def test_scenarios_that_open_few_connections_are_not_held_to_the_limit():
    room = Capacity(cpus=2.0, open_files=128)
    assert planned("blocked-loop", room, concurrency="5000")
    assert planned("blocking", room, workload="batch", requests="5000")
    assert planned("pool-map", room, requests="5000")


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "Connection"])
def test_a_header_that_frames_the_request_is_the_transports_own(name):
    with pytest.raises(UsageError, match=f"--header: {name} is set by the transport"):
        build_plan(RunOptions(scenario="task", header=(f"{name}: 3",)), "http://127.0.0.1/")


@pytest.mark.parametrize("base", ["http://h/base", "http://h/?x=1", "http://h/?", "http://h//"])
def test_a_path_beside_a_target_that_has_one_is_refused(base, tmp_path):
    with pytest.raises(UsageError, match=r"--path: --target .* names a path already"):
        planned(base=base, path="/x")
    mix = file_of(tmp_path, [{"path": "/x"}])
    with pytest.raises(UsageError, match=r"--requests-file: .* gives paths, and so does --target"):
        planned(base=base, requests_file=mix)


def test_a_path_is_requested_as_it_is_written():
    odd = "//a?filter[a]=%zz&u=http://x/"
    assert planned(path=odd).requests[0].url == f"http://127.0.0.1:8000{odd}"


def test_a_requests_file_may_begin_with_a_byte_order_mark(tmp_path):
    mix = file_of(tmp_path, b'\xef\xbb\xbf[{"path": "/a"}]')
    assert planned(requests_file=mix).requests[0].url == f"{BASE}a"


def test_a_body_is_the_bytes_that_were_written_on_the_command_line():
    assert planned(body="b\u00e9\udcff").requests[0].body == b"b\xc3\xa9\xff"


@pytest.mark.parametrize(("text", "ratio"), [(None, 0.01), ("5%", 0.05), ("0%", 0.0), ("none", None)])
def test_how_many_requests_may_fail_is_a_share_or_none(text, ratio):
    assert planned(max_errors=text).max_errors_ratio == ratio


def test_a_think_time_is_a_span_or_a_distribution():
    assert planned().think_ns == 0
    assert planned(think="2s").think_ns == 2 * NS_PER_S
    drawn = planned(think="exp:2s")
    assert (drawn.think_ns, drawn.think_shape) == (2 * NS_PER_S, Exponential())
    assert planned(think="2s").think_shape == Fixed()


def test_a_warm_up_begins_when_the_last_user_has_started():
    usual = planned(duration="10s").warmup_ns
    assert planned(duration="10s", ramp_up="30s").warmup_ns == usual + 30 * NS_PER_S
    assert planned(duration="10s", ramp_up="1s", think="2s").warmup_ns == usual
    assert planned(duration="10s", ramp_up="0").ramp_up_ns == 0
    assert planned(duration="10s", ramp_up="3s", warmup="3s").warmup_ns == 3 * NS_PER_S


def test_connections_are_kept_for_less_than_a_second_unless_it_is_said_otherwise():
    assert (planned().keep_alive, planned().idle_limit_ns) == (True, 900 * NS_PER_MS)
    assert planned(idle_limit="1.5s").idle_limit_ns == 1_500 * NS_PER_MS
    assert planned(no_keep_alive=True).keep_alive is False


def test_an_idle_limit_of_connections_that_are_not_kept_is_refused():
    assert refused(no_keep_alive=True, idle_limit="1s").startswith("--idle-limit:")
    assert refused(idle_limit="0s").startswith("--idle-limit:")


def test_a_request_may_close_its_connection_and_do_nothing_else_to_it():
    assert planned(header=("Connection: close",)).requests[0].headers == (("Connection", "close"),)
    assert "Connection" in refused(header=("Connection: upgrade",))
