"""A URL is taken apart the same for every transport, or refused in the rest of a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.errors import UsageError
from loadlab.runs.runners import url_of
from loadlab.workload.url import origin_and_rest, read_url, request_target

VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://h", (False, "h", 80, "", "h", "/")),
        ("https://H:8443/a?b", (True, "h", 8443, "", "h:8443", "/a?b")),
        ("HTTP://h:80/", (False, "h", 80, "", "h:80", "/")),
        *(
            (f"http://{text}/", (False, "127.0.0.1", 80, "", "127.0.0.1", "/"))
            for text in (
                "127.1",
                "127.0.0.1.",
                "0x7F000001",
                "2130706433",
                "0177.0.0.1",
                "\uff11\uff12\uff17.1",
            )
        ),
        ("http://0:81", (False, "0.0.0.0", 81, "", "0.0.0.0:81", "/")),
        ("http://h:/", (False, "h", 80, "", "h", "/")),
        ("http://h?x=1", (False, "h", 80, "", "h", "/?x=1")),
        ("http://h?", (False, "h", 80, "", "h", "/?")),
        ("http://me:p%40w@h/", (False, "h", 80, "me:p%40w", "h", "/")),
        ("http://h/@x:y", (False, "h", 80, "", "h", "/@x:y")),
        ("http://[::1]:8000//a", (False, "::1", 8000, "", "[::1]:8000", "//a")),
        ("http://[FE80::1%25eth0]/", (False, "fe80::1%eth0", 80, "", "[fe80::1]", "/")),
        ("http://[fe80::1%eth0]:1/", (False, "fe80::1%eth0", 1, "", "[fe80::1]:1", "/")),
        ("http://my_app.lan./", (False, "my_app.lan.", 80, "", "my_app.lan.", "/")),
        (
            "http://B\u00fccher.example:81/",
            (False, "xn--bcher-kva.example", 81, "", "xn--bcher-kva.example:81", "/"),
        ),
        ("http://fa\u00df.de/\u00fc", (False, "xn--fa-hia.de", 80, "", "xn--fa-hia.de", "/%C3%BC")),
    ],
)
def test_a_url_is_what_is_connected_to_a_host_header_and_a_target(text, expected):
    assert tuple(read_url(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "h", "//h/", "ftp://h/", "http:/h", "http://", "http:///x", "http://:80/", "http://@/"),
        *(
            "http://[::1",
            "http://[::1]x/",
            "http://[::1]80/",
            "http://[h]/",
            "http://[::1%]/",
            "http://[v1.a]/",
        ),
        *(
            "http://h:0/",
            "http://h:65536/",
            "http://h:x/",
            "http://h:1:2/",
            "http://h:-1/",
            "http://h:\u0661/",
        ),
        *("http://a..b/", "http://.a/", "http://a%20b/", "http://a\\b/", "http://a\\@b/", "http://a,b/"),
        *("http://1.2.3.4.5/", "http://256.0.0.1/", "http://4294967296/", "http://0x/", "http://a.1/"),
        *("http://1_0.1/", "http://-1.1/"),
        *(f"http://{'a' * 64}/", f"http://{'a.' * 127}a.de/", "http://\u00fc..b/", "http://\u2603\u200d/"),
        *("http://h/a b", "http://h/\t", "http://h/\n", "http://h\r\n/", "http://h/\x7f", " http://h/"),
        *(
            "http://h/#a",
            "http://h#a",
            "http://h/?#",
            "http://h/\udcff",
            "http://\udcff/",
            "http://\udcff@h/",
        ),
    ],
)
def test_what_no_transport_can_send_is_refused(text):
    with pytest.raises(ValueError, match=r"^(is not|has|holds) "):
        read_url(text)


@given(st.text(VISIBLE.replace("#", "")))
def test_ascii_is_sent_as_it_is_written(text):
    assert request_target(f"/{text}") == f"/{text}"


@given(
    st.text(
        st.characters(codec="utf-8", exclude_characters="#", min_codepoint=0x21, exclude_categories=["Cc"])
    )
)
def test_what_is_sent_is_visible_ascii_and_sent_again_stays_as_it_is(text):
    sent = request_target(f"/{text}")
    assert set(sent) <= set(VISIBLE)
    assert request_target(sent) == sent


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://h", ("http://h", "/")),
        ("http://h?a=/b", ("http://h", "/?a=/b")),
        ("http://u@h:1/a?u=http://x/", ("http://u@h:1", "/a?u=http://x/")),
        ("/a?u=http://x/", ("", "/a?u=http://x/")),
    ],
)
def test_an_origin_and_the_rest_are_kept_as_they_are_written(url, parts):
    assert origin_and_rest(url) == parts


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("h", "http://h/"),
        ("h:1/base", "http://h:1/base"),
        ("h?x=1", "http://h/?x=1"),
        ("h/?u=http://x", "http://h/?u=http://x"),
        ("https://h?", "https://h/?"),
        ("http://h//a/%zz", "http://h//a/%zz"),
        ("http://B\u00fccher.example/\u00fc", "http://xn--bcher-kva.example/\u00fc"),
        ("http://me@B\u00fccher.example:1", "http://me@xn--bcher-kva.example:1/"),
        ("HTTPS://me:X@EXAMPLE.com:0443/A", "https://me:X@example.com:443/A"),
        ("http://h:", "http://h/"),
        ("[FE80::1%25eth0]:8/", "http://[fe80::1%eth0]:8/"),
        ("[::1]", "http://[::1]/"),
        ("127.1:80", "http://127.0.0.1:80/"),
        ("BÜCHER。example", "http://xn--bcher-kva.example/"),
    ],
)
def test_a_target_is_read_with_what_is_left_out_put_in_and_its_host_in_ascii(text, url):
    assert url_of(text) == url


@pytest.mark.parametrize(
    "text", ["", "://x", "http:///x", "ftp://h", "file:///etc/passwd", "h#a", "a b", "h:0"]
)
def test_what_is_no_target_is_refused_by_its_option(text):
    with pytest.raises(UsageError, match=r"^--target: "):
        url_of(text)
