"""What reaches the target, and which answers are ok."""

import json

import pytest

from support.labs import TEN, CountingServer

pytestmark = pytest.mark.real


def test_method_header_and_body_reach_the_target_as_they_were_given(lab):
    (lab.folder / "body.bin").write_bytes(b"\x00\x01body")
    with CountingServer() as server:
        done = lab(
            "run", "task", *TEN, "--target", server.url, "--path", "/a/b?c=d%20e", "--method", "put",
            "--header", "X-One: 1", "--header", "Accept: x/y", "--body", "@body.bin",
        )  # fmt: skip
    assert lab.exits(done, 0), done.stderr
    assert len(server.seen) == 10
    for method, path, headers, body in server.seen:
        assert (method, path, body) == ("PUT", "/a/b?c=d%20e", b"\x00\x01body")
        assert (headers["X-One"], headers["Accept"]) == ("1", "x/y")


@pytest.mark.parametrize("scenario", ["task", "threads"])
def test_the_path_of_a_target_is_requested_as_it_stands(lab, scenario):
    with CountingServer() as server:
        done = lab("run", scenario, *TEN, "--target", f"{server.url}app/x?y=1")
    assert lab.exits(done, 0), done.stderr
    assert {path for _, path, _, _ in server.seen} == {"/app/x?y=1"}
    (result,) = lab.results()
    assert result["stages"][0]["sent_total"] == len(server.seen) == 10


def test_a_requests_file_is_a_mix_of_requests(lab):
    mix = [{"path": "/a", "weight": 3}, {"path": "/b", "method": "POST", "headers": {"X": "1"}, "body": "hi"}]
    (lab.folder / "mix.json").write_text(json.dumps(mix))
    with CountingServer() as server:
        done = lab(
            "run", "task", "--concurrency", "2", "--requests", "200",
            "--target", server.url, "--requests-file", "mix.json",
        )  # fmt: skip
    assert lab.exits(done, 0), done.stderr
    posts = [each for each in server.seen if each[0] == "POST"]
    assert {(path, headers["X"], body) for _, path, headers, body in posts} == {("/b", "1", b"hi")}
    assert {path for method, path, _, _ in server.seen if method == "GET"} == {"/a"}
    assert len(server.seen) == 200
    assert 25 <= len(posts) <= 75


@pytest.mark.parametrize(("expected", "code"), [("200-399", 1), ("404", 0), ("200,400-499", 0)])
def test_the_expected_status_decides_what_is_ok(lab, expected, code):
    with CountingServer(status=404) as server:
        done = lab("run", "task", *TEN, "--target", server.url, "--expect-status", expected)
    assert lab.exits(done, code), done.stderr
    (result,) = lab.results()
    counts = result["stages"][0]["counts"]
    assert (counts["ok"], counts["http_error"]) == ((10, 0) if code == 0 else (0, 10))


def test_a_run_without_a_single_ok_never_exits_0(lab):
    with CountingServer(status=500) as server:
        done = lab("run", "task", *TEN, "--target", server.url)
    assert lab.exits(done, 1), done.stderr
    assert "every request failed (10 × status 500)" in done.stdout


def test_a_run_in_which_most_requests_fail_fails_unless_that_is_allowed(lab):
    fifty = ["run", "task", "--concurrency", "1", "--requests", "50"]
    for allowed, code in ((), 1), (("--max-errors", "95%"), 0), (("--max-errors", "none"), 0):
        with CountingServer(status=200, later=401, after=5) as server:
            done = lab(*fifty, *allowed, "--target", server.url)
        assert lab.exits(done, code), done.stdout
        reason = "stage 1: 90 % of 50 requests failed (limit 1 %): 45 × status 401"
        assert (reason in " ".join(done.stdout.split())) == (code == 1)


def test_one_error_of_few_requests_is_a_finding_of_a_run_that_passes(lab):
    with CountingServer(status=500, later=200, after=1) as server:
        done = lab("run", "task", "--concurrency", "1", "--requests", "25", "--target", server.url)
    assert lab.exits(done, 0), done.stderr
    assert (
        "1 of 25 requests failed: too few requests to know whether that is over the limit of 1 %"
        in " ".join(done.stdout.split())
    )


def test_the_seed_reaches_the_target_that_the_lab_starts(lab):
    (lab.folder / "shop.py").write_text(
        "import os\n"
        "def sell(environ, start_response):\n"
        "    start_response('200 OK' if os.environ['TARGET_SEED'] == '7' else '500 Oh', [])\n"
        "    return []\n"
    )
    counted = []
    for seed in (["--seed", "7"], []):
        done = lab("run", "task", *TEN, "--app", "shop:sell", *seed, "--json")
        counted.append(json.loads(done.stdout)["stages"][0]["counts"]["ok"])
    assert counted == [10, 0]
