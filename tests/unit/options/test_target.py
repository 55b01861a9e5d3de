"""Options that a running stack can't follow, and the `make up` that can."""

from types import SimpleNamespace

import pytest

from loadlab.clock import NS_PER_S
from loadlab.errors import UsageError
from loadlab.options.target import TargetOptions
from loadlab.stack.container import Container
from loadlab.targets.local import Start

DEFAULTS = {
    "WORKERS": "1",
    "THREADS": "64",
    "TARGET_APP": "",
    "TARGET_SERVER": "gunicorn",
    "TARGET_DELAY": "100ms",
}


def stack(*, target=(), client=(), **env):
    common = {"id": "x", "project": "lab", "folder": "/lab", "status": "running"}
    return SimpleNamespace(
        containers={
            "target": Container(**common, service="target", env=DEFAULTS | env, **dict(target)),
            "client": Container(**common, service="client", **dict(client)),
        }
    )


def refused(serve, running):
    with pytest.raises(UsageError) as error:
        serve.check_matches_stack(running)
    return str(error.value)


@pytest.mark.parametrize(
    "serve",
    [
        TargetOptions(),
        TargetOptions(workers="1", threads="64", server="gunicorn", delay="100ms"),
        TargetOptions(delay="0.1s", threads=" 64 "),
        TargetOptions(app="loadlab_target.app:create_app()"),
    ],
)
def test_what_the_stack_already_is_can_be_said(serve):
    serve.check_matches_stack(stack())


def test_what_differs_is_named_with_the_make_line():
    assert refused(TargetOptions(workers="2", threads="64"), stack()) == (
        "--workers 2: this folder's Compose stack is up with WORKERS=1;"
        " take it down by `make down`, or change that by `make up WORKERS=2`"
    )


def test_the_make_line_keeps_what_was_set_before():
    running = stack(THREADS="8", TARGET_DELAY="exp:50ms", target={"cpu_limit_cores": 1.5}.items())
    assert refused(TargetOptions(workers="4"), running).endswith(
        "`make up WORKERS=4 THREADS=8 TARGET_DELAY=exp:50ms TARGET_CPUS=1.5`"
    )


def test_the_make_line_names_even_a_default_that_was_asked_for():
    assert refused(TargetOptions(threads="64"), stack(THREADS="8")).endswith("`make up THREADS=64`")


def test_the_make_line_quotes_and_keeps_the_apps_folder():
    running = stack(TARGET_APP="shop:sell", target={"mounts": {"/app": "/home/me/my shop"}}.items())
    assert refused(TargetOptions(app="shop:make()"), running).endswith(
        "`make up 'TARGET_APP=shop:make()' 'APP_DIR=/home/me/my shop'`"
    )


def test_the_make_line_names_the_folder_of_an_app_that_the_stack_does_not_know(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert refused(TargetOptions(app="shop:sell"), stack()).endswith(
        f"`make up TARGET_APP=shop:sell APP_DIR={tmp_path}`"
    )


@pytest.mark.parametrize("value", ["0", "-1", "two", ""])
def test_a_count_that_is_none_is_refused_as_such(value):
    assert "is not a whole number of 1 or more" in refused(TargetOptions(workers=value), stack())


FLASK = "Flask's development server has no such limit"
FOREIGN = "it is how long the lab's own app waits"


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (TargetOptions(server="flask", workers="2"), f"--workers: {FLASK}"),
        (TargetOptions(server="flask", workers="1", threads="64"), f"--workers, --threads: {FLASK}"),
        (TargetOptions(app="shop:sell", delay="50ms"), f"--delay: {FOREIGN}"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused_here_and_in_the_stack(serve, said):
    with pytest.raises(UsageError) as error:
        serve.reject_unused()
    assert str(error.value).startswith(said)
    assert refused(serve, stack()).startswith(said)


def test_an_option_that_does_nothing_with_what_the_stack_runs_is_refused_even_where_it_is_no_other():
    assert refused(TargetOptions(workers="1"), stack(TARGET_SERVER="flask")).startswith(f"--workers: {FLASK}")
    assert refused(TargetOptions(delay="100ms"), stack(TARGET_APP="shop:sell")).startswith(
        f"--delay: {FOREIGN}"
    )


@pytest.mark.parametrize(
    "serve",
    [
        TargetOptions(server="flask", delay="50ms"),
        TargetOptions(server="gunicorn", workers="2"),
        TargetOptions(app="shop:sell", threads="2"),
        TargetOptions(app="loadlab_target.app:create_app", delay="50ms"),
    ],
)
def test_options_that_go_together_are_taken(serve):
    serve.reject_unused()


def test_the_make_line_leaves_out_what_would_do_nothing():
    assert refused(TargetOptions(server="flask"), stack(WORKERS="4")).endswith(
        "`make up TARGET_SERVER=flask`"
    )
    running = stack(TARGET_DELAY="50ms", THREADS="8")
    assert "`make up TARGET_APP=shop:sell THREADS=8 APP_DIR=" in refused(
        TargetOptions(app="shop:sell"), running
    )


GUNICORN_BY_CONFIG = {"GUNICORN_CONFIG": "/etc/gunicorn.conf.py", "WORKERS": "", "THREADS": ""}


def by_config(path, **env):
    return stack(target={"mounts": {"/etc/gunicorn.conf.py": str(path)}}.items(), **GUNICORN_BY_CONFIG | env)


def test_a_stack_that_a_gunicorn_config_serves_is_told_by_the_file_that_is_mounted(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    TargetOptions(gunicorn_config="mine.py").check_matches_stack(by_config(tmp_path / "mine.py"))
    TargetOptions().check_matches_stack(by_config(tmp_path / "mine.py"))
    assert refused(TargetOptions(gunicorn_config="other.py"), by_config(tmp_path / "mine.py")).endswith(
        f"change that by `make up GUNICORN_CONFIG={tmp_path}/other.py`"
    )
    assert refused(TargetOptions(gunicorn_config="mine.py"), stack()).startswith(
        f"--gunicorn-config {tmp_path}/mine.py: this folder's Compose stack is up with no GUNICORN_CONFIG;"
    )


def test_what_a_stacks_gunicorn_config_says_of_threads_is_not_the_labs_default(tmp_path):
    file = tmp_path / "mine.py"
    assert refused(TargetOptions(threads="64"), by_config(file)).endswith(
        f"`make up THREADS=64 GUNICORN_CONFIG={file}`"
    )
    TargetOptions(threads="8").check_matches_stack(by_config(file, THREADS="8"))


def test_flasks_server_takes_no_gunicorn_config():
    assert refused(TargetOptions(server="flask", gunicorn_config="mine.py"), stack()).startswith(
        "--gunicorn-config: it is of gunicorn"
    )


def test_a_gunicorn_config_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"--gunicorn-config: .* is not a file"):
        TargetOptions(gunicorn_config=str(tmp_path)).served()


def test_what_surrounds_a_start_is_no_option_of_the_target_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = TargetOptions(
        app="shop:sell",
        app_python=".venv/bin/python",
        before_each="make db",
        ready_path="/up",
        ready_timeout="1m",
    )
    assert options.served() == {"--app": "shop:sell"}
    assert options.start() == Start(
        app_python=tmp_path / ".venv/bin/python",
        before_each="make db",
        ready_path="/up",
        ready_timeout_ns=60 * NS_PER_S,
    )
    assert TargetOptions().start() == Start()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("before_each", " ", "--before-each: it is empty"),
        ("ready_path", "health", "--ready-path: 'health' is not a path, such as /health"),
        ("ready_path", "/a b\r\n", "--ready-path: "),
        ("ready_timeout", "0", "--ready-timeout: '0' is not above 0, such as 60s"),
        ("ready_timeout", "soon", "--ready-timeout: 'soon' is not a duration"),
    ],
)
def test_what_cannot_be_meant_of_a_start_is_refused(option, value, said):
    with pytest.raises(UsageError) as error:
        TargetOptions(**{option: value}).start()
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("option", ["app_python", "before_each", "ready_path", "ready_timeout"])
def test_a_stack_that_is_up_starts_its_target_otherwise(option):
    said = refused(TargetOptions(**{option: "/x"}), stack())
    assert said.startswith(f"--{option.replace('_', '-')}: this folder's Compose stack is up, and `make up`")
