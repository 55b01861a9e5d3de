"""A HAR file is read as browsers write it, and what is wrong with one is a sentence."""

import base64
import json

import pytest

from loadlab.errors import UsageError
from loadlab.record import har
from loadlab.record.exchange import Part
from support.har_files import SHOP, entry, exchanges, har_file


def test_a_recording_of_a_browser_is_read_whole():
    found = har.exchanges(SHOP.read_bytes(), "shop.har")
    assert len(found) == len(json.loads(SHOP.read_bytes())["log"]["entries"]) > 10
    login = next(each for each in found if each.method == "POST")
    assert login.body.startswith("csrf=")
    assert login.answer.status == 302
    assert login.answer.all("location") == ["/items"]


def test_entries_are_taken_in_the_order_of_time_whatever_their_order_in_the_file():
    late = entry(path="/late", startedDateTime="2026-12-01T12:00:01.500+01:00")
    early = entry(path="/early", startedDateTime="2026-12-01T11:00:00Z")
    found = exchanges(late, early)
    assert [each.url[-6:] for each in found] == ["/early", "e/late"]
    assert found[1].begun_ns - found[0].begun_ns == 1_500_000_000
    assert found[0].ended_ns - found[0].begun_ns == 50_000_000


def test_a_body_in_base64_is_text_and_a_broken_one_is_empty():
    whole, broken = entry(), entry()
    whole["response"]["content"] |= {"text": base64.b64encode(b"h\xc3\xa4").decode(), "encoding": "base64"}
    broken["response"]["content"] |= {"text": "%", "encoding": "base64"}
    assert [each.answer.text for each in exchanges(whole, broken)] == ["h\u00e4", ""]


def test_a_redirect_without_its_header_has_the_one_that_the_browser_names():
    found = entry(status=302)
    found["response"]["redirectURL"] = "/next"
    assert exchanges(found)[0].answer.all("location") == ["/next"]


@pytest.mark.parametrize("listed", [True, False], ids=["as parameters", "as text"])
def test_a_multipart_form_has_its_fields_and_the_names_of_its_files(listed):
    text = (
        '--x\r\nContent-Disposition: form-data; name="note"\r\n\r\nfine\r\n'
        '--x\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\nPNG\r\n--x--\r\n"
    )
    params = [{"name": "note", "value": "fine"}, {"name": "photo", "fileName": "a.png", "value": "PNG"}]
    data = {
        "mimeType": "multipart/form-data; boundary=x",
        **({"params": params} if listed else {"text": text}),
    }
    [found] = exchanges(entry("POST", data=data))
    assert [(part.name, part.file) for part in found.parts] == [("note", None), ("photo", "a.png")]
    assert found.parts[0] == Part("note", "fine")


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_is_kept():
    found = entry(body="X")
    data = har_file(found).replace(b'"X"', b'"\\ud83d\\ude00 \\ud83d \\\\ud83d"')
    [read] = har.exchanges(data, "shop.har")
    assert read.answer.text == "\U0001f600 \ufffd \\ud83d"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is not a HAR file"),
        (b"{}", "`log`"),
        (b'{"log": {"entries": [{"request": {"method": "GET"}}]}}', "`$.log.entries[0].request`"),
        (b"[" * 100_000, "is not a HAR file"),
        (b'{"log": "\xff"}', "is not a HAR file"),
        (har_file(*(entry() for _ in range(2))).replace(b"50.0", b'"soon"', 1), "$.log.entries[0].time"),
    ],
)
def test_what_is_no_har_file_is_refused_with_the_place(data, why):
    with pytest.raises(UsageError, match=r"^shop\.har is not a HAR file: ") as raised:
        har.exchanges(data, "shop.har")
    assert why in str(raised.value)


def test_more_entries_than_a_person_makes_are_refused(monkeypatch):
    monkeypatch.setattr(har, "MOST_ENTRIES", 2)
    with pytest.raises(UsageError, match="holds 3 requests, and 2 are the most"):
        exchanges(entry(), entry(), entry())
