"""A user's cookies: what goes out with which request."""

import asyncio

import pytest

from loadlab.journeys.cookies import Cookies


@pytest.fixture
def cookies():
    async def made():
        return Cookies("http://127.0.0.1:8000/shop")

    return asyncio.run(made())


def taken(cookies, *lines, target="/login"):
    async def take():
        cookies.take(lines, target)
        return cookies

    return asyncio.run(take())


def test_a_cookie_that_was_set_goes_out_with_the_next_request(cookies):
    taken(cookies, "session=abc; HttpOnly; Path=/")
    assert cookies.header("/items?page=2") == "session=abc"
    assert cookies.get("session") == "abc"
    assert "session" in cookies


def test_without_cookies_no_header_goes_out(cookies):
    assert cookies.header("/") == ""


def test_a_cookie_is_kept_to_its_path(cookies):
    taken(cookies, "a=1; Path=/admin")
    assert cookies.header("/admin/users") == "a=1"
    assert cookies.header("/other") == ""


def test_a_cookie_that_is_set_anew_replaces_the_old_one(cookies):
    taken(cookies, "session=old; Path=/")
    assert cookies.header("/") == "session=old"
    taken(cookies, "session=new; Path=/")
    assert cookies.header("/") == "session=new"


def test_a_cookie_that_is_set_to_have_run_out_is_gone(cookies):
    taken(cookies, "session=abc; Path=/")
    taken(cookies, "session=; Path=/; Max-Age=0")
    assert cookies.header("/") == ""


def test_one_that_was_deleted_and_is_set_as_before_is_there_again(cookies):
    taken(cookies, "session=abc; Path=/")
    taken(cookies, "session=; Path=/; Max-Age=0")
    taken(cookies, "session=abc; Path=/")
    assert cookies.header("/") == "session=abc"


def test_a_quoted_value_goes_back_as_it_came(cookies):
    taken(cookies, 'prefs="a b,c"; Path=/')
    assert cookies.header("/") == 'prefs="a b,c"'


def test_several_cookies_go_out_in_one_header(cookies):
    taken(cookies, "a=1; Path=/", "b=2; Path=/")
    assert sorted(cookies.header("/").split("; ")) == ["a=1", "b=2"]
    assert sorted(cookies) == ["a", "b"]


def test_a_journey_can_set_and_clear_cookies(cookies):
    async def act():
        cookies["mode"] = "dark"
        set_header = cookies.header("/any/path")
        cookies.clear()
        return set_header, cookies.header("/any/path")

    assert asyncio.run(act()) == ("mode=dark", "")


def test_a_cookie_for_another_host_is_not_taken(cookies):
    taken(cookies, "a=1; Path=/; Domain=elsewhere.example")
    assert cookies.header("/") == ""
