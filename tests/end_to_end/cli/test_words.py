"""Words that can't be meant: one sentence, exit code 2, and nothing is written."""

import pytest

from support.labs import QUICK, CountingServer

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "taks"], "SCENARIO: there is no 'taks'. Did you mean task?"),
        (["run", "task", "--workload", "batsh"], "--workload: there is no 'batsh'. Did you mean batch?"),
        (["run", "task", "--transport", "aiohtp"], "Did you mean aiohttp?"),
        (["run", "task", "--concurency", "3"], "Did you mean one of: '--concurrency', '--journeys'?"),
        (["rum", "task"], "Did you mean run?"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["run", "task", "--concurrency", "0"], "--concurrency: '0' is not a whole number of 1 or more"),
        (["run", "task", "--concurrency", "-3"], "--concurrency: '-3' is not a whole number of 1 or more"),
        (["run", "task", "--concurrency", "999999999"], "--concurrency: 999,999,999 is more than 1,000,000"),
        (["run", "task", "--duration", "10 parsecs"], "--duration: '10 parsecs' is not a duration"),
        (["run", "task", "--target", "ftp://127.0.0.1/"], "--target: 'ftp://127.0.0.1/' is not an http://"),
        (["run", "task", "--target", "http://127.0.0.1:99999"], "is not a URL"),
        (
            ["run", "task", "--target", "127.0.0.1:1", "--workers", "2"],
            "--workers can't be combined with --target",
        ),
        (
            ["run", "task", "--target", "http://192.0.2.1/"],
            "--target: 192.0.2.1 is neither loopback nor a private address",
        ),
        (["run", "task", "--remote"], "--remote: it allows a --target"),
        (["run", "task", "--transport", "null", "--remote"], "--remote: it allows a --target"),
        (["run", "task", "--server", "flask", "--threads", "2"], "--threads: Flask's development server"),
        (["run", "task", "--app", "shop:sell", "--delay", "1ms"], "--delay: it is how long the lab's own"),
        (["run", "task", "--timeout", "1s", "--connect-timeout", "2s"], "--connect-timeout: it is longer"),
        (["run", "task", "--threads", "0"], "--threads"),
        (["run", "task", "--delay", "ten"], "--delay"),
        (["run", "blocking", "--concurrency", "8"], "--concurrency: blocking has one request in flight"),
        (["show", "no/where"], "no/where cannot be read"),
        (["show", "nowhere"], "RESULT: 'nowhere' is no path, and there is no run in results"),
        (["show", "latest"], "RESULT: there is no run in results"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_exit_code_2_and_nothing_is_written(lab, arguments, said):
    done = lab(*arguments)
    assert done.returncode == 2, done.stderr
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert list(lab.folder.iterdir()) == []


def test_a_result_folder_that_cannot_be_written_is_found_before_the_load(lab):
    (lab.folder / "file").touch()
    with CountingServer() as server:
        done = lab("run", "task", *QUICK[:-2], "--target", server.url, "--out", "file/x")
    assert done.returncode == 2
    assert "--out: file/x cannot be written" in done.stderr
    assert server.seen == []
    assert [path.name for path in lab.folder.iterdir()] == ["file"]
