"""A plan as it is kept: without credentials, and said to lack them where it is to be carried again."""

from base64 import b64encode

import msgspec
import pytest

from loadlab.scenarios import scenario
from loadlab.workload.kept_plan import KeptPlan, kept, secrets_of
from loadlab.workload.masking import masked_header
from loadlab.workload.plan import Plan, Request
from support.fakes import plan

TRAITS = scenario("task").TRAITS


def asking(*requests, **changed):
    return msgspec.structs.replace(plan(), transport="aiohttp", requests=requests, **changed)


FULL = asking(
    Request(
        url="http://user:passw0rd@host/a?token=tok3n&own=0wn&x=1",
        headers=(("Authorization", "Bearer b3arer"), ("X-Own", "h3ader"), ("Accept", "text/html")),
        body=b"b0dy b0dy",
        method="POST",
    ),
    target="http://user:passw0rd@host",
    secret_headers=("x-own",),
    secret_query=("own",),
)


def test_each_place_of_a_credential_is_masked():
    made = kept(FULL)
    (request,) = made.requests
    assert isinstance(made, KeptPlan)
    assert made.target == "http://***@host"
    assert request.url == "http://***@host/a?token=***&own=***&x=1"
    assert request.headers == (("Authorization", "***"), ("X-Own", "***"), ("Accept", "text/html"))
    assert (request.body, request.body_bytes) == (b"", 9)
    assert made.secret_headers == FULL.secret_headers


def test_what_is_carried_stays_as_it_is():
    assert FULL.requests[0].headers[0] == ("Authorization", "Bearer b3arer")
    assert msgspec.json.decode(msgspec.json.encode(FULL), type=Plan) == FULL


def test_a_body_is_kept_where_that_is_asked_for():
    (request,) = kept(msgspec.structs.replace(FULL, keep_bodies=True)).requests
    assert (request.body, request.body_bytes) == (b"b0dy b0dy", None)


def test_a_plan_without_credentials_is_kept_as_it_is():
    bare = asking(Request(url="http://host/?x=1", headers=(("Accept", "*/*"),)), target="http://host")
    assert msgspec.json.encode(kept(bare)) == msgspec.json.encode(bare)


def test_what_is_kept_is_kept_again():
    assert kept(kept(FULL)) == kept(FULL)


def test_a_kept_plan_reads_as_one_whole():
    assert msgspec.json.decode(msgspec.json.encode(kept(FULL)), type=KeptPlan) == kept(FULL)


@pytest.mark.parametrize("value", ["passw0rd", "user:passw0rd", "tok3n", "b3arer", "h3ader", "b0dy b0dy"])
def test_each_value_is_looked_for_in_what_others_write(value):
    assert secrets_of(FULL).masked(f"it said {value}.") == "it said ***."


@pytest.mark.parametrize(
    ("line", "values"),
    [
        (("Cookie", "a=f1rst; b=s3cond"), ["a=f1rst; b=s3cond", "f1rst", "s3cond"]),
        (("Authorization", f"Basic {b64encode(b'me:p4ss').decode()}"), ["bWU6cDRzcw==", "me:p4ss", "p4ss"]),
        (("Authorization", "Basic nonsense"), ["nonsense"]),
        (("Proxy-Authorization", "plainvalue"), ["plainvalue"]),
    ],
)
def test_a_header_is_looked_for_in_its_parts(line, values):
    hidden = secrets_of(asking(Request(url="http://host/", headers=(line,))))
    for value in values:
        assert hidden.masked(f"({value})") == "(***)"


def test_userinfo_in_any_header_is_masked_and_missed():
    """As in a Referer."""
    line = ("Referer", "http://user:r3ferer@host/a, //other:0ther@host/@b")
    shown = "http://***@host/a, //***@host/@b"
    made = kept(asking(Request(url="http://host/", headers=(line, ("Accept", "a//b"))), target="http://host"))
    assert made.requests[0].headers == (("Referer", shown), ("Accept", "a//b"))
    assert kept(made) == made
    assert made.problems(TRAITS) == ["--header: Referer is masked (***), as results keep it; give its value"]
    assert masked_header(f"{line[0]}: {line[1]}") == f"Referer: {shown}"
    hidden = secrets_of(asking(Request(url="http://host/", headers=(line,))))
    for value in ("r3ferer", "user:r3ferer", "0ther", b64encode(b"user:r3ferer").decode()):
        assert hidden.masked(f"it said {value}.") == "it said ***."


def test_what_the_userinfo_is_sent_as_is_looked_for():
    assert secrets_of(FULL).masked(b64encode(b"user:passw0rd").decode()) == "***"


def test_a_body_that_is_kept_is_no_secret():
    assert secrets_of(msgspec.structs.replace(FULL, keep_bodies=True)).masked("b0dy b0dy") == "b0dy b0dy"


def test_a_plan_that_was_kept_says_what_it_lacks():
    said = kept(FULL).problems(TRAITS)
    assert said == [
        "--header: Authorization is masked (***), as results keep it; give its value",
        "--header: X-Own is masked (***), as results keep it; give its value",
        (
            "--target: 'http://***@host/a?token=***&own=***&x=1' is masked (***), as results keep it;"
            " give its value"
        ),
        "--body: results keep its length alone; give the body",
    ]


def test_a_plan_with_its_credentials_lacks_nothing():
    assert FULL.problems(TRAITS) == []
    assert kept(asking(Request(url="http://host/"), target="http://host")).problems(TRAITS) == []
