"""HAR files as browsers write them, each entry a second after the one before."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loadlab.record import har
from loadlab.record.source import source
from loadlab.record.steps import recording

SHOP = Path(__file__).parent / "recordings" / "shop.har"
BASE = "http://shop.example"
_FIRST = datetime(2026, 12, 1, tzinfo=UTC)


def pairs(headers):
    return [{"name": name, "value": value} for name, value in (headers or {}).items()]


def entry(method="GET", path="/", *, status=200, sends=None, body="", mime="text/html", replies=None, **more):
    """One exchange: `sends` and `replies` are the headers, `more` what else its parts have."""
    request = {"method": method, "url": path if "://" in path else BASE + path, "headers": pairs(sends)}
    if "data" in more:
        request["postData"] = more.pop("data")
    content = {"mimeType": mime, "text": body}
    response = {"status": status, "headers": pairs(replies), "content": content, "redirectURL": ""}
    return {"request": request, "response": response, "time": 50.0, **more}


def form(text):
    return {"mimeType": "application/x-www-form-urlencoded", "text": text}


def as_json(value):
    return {"mimeType": "application/json", "text": json.dumps(value)}


def har_file(*entries):
    for number, each in enumerate(entries):
        each.setdefault("startedDateTime", (_FIRST + timedelta(seconds=number)).isoformat())
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


def exchanges(*entries):
    return har.exchanges(har_file(*entries), "shop.har")


def written(*entries, static=False):
    """Return the journeys file of these entries."""
    return of_exchanges(exchanges(*entries), static=static)


def of_exchanges(found, *, static=False):
    return source(recording(found, static=static), prefix="shop", function="shop")


def calls(text):
    """Return the lines of the journey itself."""
    return [line.strip() for line in text.partition('recorded steps."""\n')[2].splitlines()]
