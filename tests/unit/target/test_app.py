import time

import pytest

from loadlab_target.app import MAX_ECHO_BYTES, MAX_SIZE_BYTES, burn_cpu, create_app
from loadlab_target.quantities import QuantityError


@pytest.fixture
def client():
    return create_app(delay="0", seed=1, stream="1").test_client()


def test_the_root_says_hello(client):
    assert client.get("/").text == "Hello!"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_root_takes_every_method_that_a_load_may_use(client, method):
    assert client.open("/", method=method).status_code == 200


@pytest.mark.parametrize("delay", ["1us", "exp:1us", "uniform:1us-2us", "lognormal:1us:0.5"])
def test_the_delay_can_be_given_with_the_request(client, delay):
    assert client.get("/", query_string={"delay": delay}).text == "Hello!"


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/?delay=5", "delay"),
        ("/?delay=", "delay"),
        ("/?delay=61s", "delay"),
        ("/?delay=exp:61s", "delay"),
        ("/cpu?work=11s", "work"),
        ("/cpu?work=much", "work"),
        (f"/bytes?size={MAX_SIZE_BYTES + 1}", "size"),
        ("/bytes?size=-1", "size"),
        ("/error?ratio=2", "ratio"),
        ("/error?status=200", "status"),
        ("/error?status=5033", "status"),
        ("/error?status=٥٠٣", "status"),
    ],
)
def test_a_bad_parameter_gets_400_and_one_sentence_that_names_it(client, path, parameter):
    reply = client.get(path)
    assert reply.status_code == 400
    assert reply.mimetype == "text/plain"
    assert reply.text.startswith(f"The parameter {parameter} is ")
    assert reply.text.count("\n") == 1


def test_cpu_burns_the_thread_time_that_was_asked_for():
    before_s = time.thread_time()
    used_s = burn_cpu(0.005)
    assert 0.005 <= used_s <= time.thread_time() - before_s


def test_cpu_says_what_it_used(client):
    assert float(client.get("/cpu?work=1ms").text.removesuffix("ms\n")) >= 1


@pytest.mark.parametrize(("size", "size_bytes"), [("0", 0), ("1", 1), ("64KiB", 65536), ("150kB", 150_000)])
def test_bytes_sends_so_many_and_says_so(client, size, size_bytes):
    reply = client.get(f"/bytes?size={size}")
    assert len(reply.data) == size_bytes
    assert reply.content_length == size_bytes


def test_error_fails_always_unless_told_otherwise(client):
    assert {client.get("/error").status_code for _ in range(10)} == {503}
    assert {client.get("/error?ratio=0").status_code for _ in range(10)} == {200}
    assert client.get("/error?status=418").status_code == 418


def test_error_fails_in_its_ratio_and_repeats_with_its_seed():
    runs = []
    for _ in range(2):
        client = create_app(delay="0", seed=3, stream="1").test_client()
        runs.append([client.get("/error?ratio=0.2&status=500").status_code for _ in range(300)])
    assert runs[0] == runs[1]
    assert 30 < runs[0].count(500) < 90


def test_echo_returns_what_it_was_sent(client):
    reply = client.post("/echo?a=1&a=2", data="körper".encode(), headers={"X-Mine": "yes"}).get_json()
    assert (reply["method"], reply["path"], reply["query"]) == ("POST", "/echo", {"a": ["1", "2"]})
    assert (reply["body"], reply["body_bytes"], reply["headers"]["X-Mine"]) == ("körper", 7, "yes")


def test_a_body_that_is_too_large_for_echo_gets_413_and_one_sentence(client):
    reply = client.post("/echo", data=b"x" * (MAX_ECHO_BYTES + 1))
    assert reply.status_code == 413
    assert str(MAX_ECHO_BYTES) in reply.text


def test_healthz_is_there(client):
    assert client.get("/healthz").text == "ok\n"


def test_the_environment_gives_what_the_factory_is_not_given(monkeypatch):
    monkeypatch.setenv("TARGET_DELAY", "5 parsecs")
    with pytest.raises(QuantityError, match="5 parsecs"):
        create_app()
    monkeypatch.setenv("TARGET_DELAY", "")
    assert create_app() is not None
