"""Which recorded requests are steps: those to one host, without static files, redirects joined. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from loadlab.journeys.user import MOST_HOPS
from loadlab.record.exchange import Answer, Exchange
from loadlab.recording.sample import REDIRECTS
from loadlab.workload.fields import method_problem
from loadlab.workload.url import read_url

_STATIC_KINDS = frozenset({"image", "stylesheet", "script", "font", "media", "manifest", "texttrack"})
_STATIC_MIME = re.compile(
    r"(?:image|font|audio|video)/.*|text/css|(?:text|application)/(?:x-)?(?:java|ecma)script"
    r"|application/(?:font.*|x-font.*|vnd\.ms-fontobject|wasm|manifest\+json)"
)
_STATIC_NAME = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp|css|m?js|map|woff2?|ttf|otf|eot|mp[34]|web[am]|ogg|wasm)",
    re.IGNORECASE,
)


class Step(NamedTuple):
    """A request, and the answers that it led to: of several all but the last are redirects."""

    sent: Exchange
    url: SplitResult
    answers: list[Answer]
    follows: bool
    pause_ns: int
    """Since the step before was done."""
    leads_to: str
    """The other host that its last answer sends the user to; empty where it does not."""


class Recording(NamedTuple):
    """The steps, and what was left out of them."""

    origin: str
    steps: list[Step]
    static: int
    others: Counter[str]
    """Requests to other origins."""
    unfit: int
    """What no journey can send, such as a web socket."""


def recording(exchanges: Sequence[Exchange], *, static: bool) -> Recording:
    """Choose the steps; `static` keeps images, style sheets, scripts and fonts."""
    fit = [(each, url) for each in exchanges if (url := _url(each)) is not None]
    unfit = len(exchanges) - len(fit)
    origin = _own([url for _, url in fit])
    others = Counter(where for _, url in fit if (where := _origin(url)) != origin)
    own = [(each, url) for each, url in fit if _origin(url) == origin]
    kept = [(each, url) for each, url in own if static or not is_static(each, url.path)]
    return Recording(origin, _joined(kept), len(own) - len(kept), others, unfit)


def is_static(exchange: Exchange, path: str) -> bool:
    """Tell whether a request is for a file that an app serves as it lies there."""
    if exchange.method not in ("GET", "HEAD"):
        return False
    answer = exchange.answer
    mime = answer.mime if answer and answer.status < 400 else ""  # an error page is no file
    if exchange.kind in _STATIC_KINDS or _STATIC_MIME.fullmatch(mime):
        return True
    named = _STATIC_NAME.fullmatch(path[path.rfind(".") :]) if "." in path else None
    return named is not None and mime in ("", "application/octet-stream", "x-unknown")


def _url(exchange: Exchange) -> SplitResult | None:
    """Return the URL of what a journey can send."""
    if method_problem(exchange.method, "") or (exchange.answer and exchange.answer.status == 101):
        return None
    if exchange.answer is None and exchange.ended_ns:
        return None  # a browser gave it up
    try:
        url = urlsplit(exchange.url)
        if url.scheme not in ("http", "https") or not url.hostname:
            return None
        read_url(_origin(url))
    except ValueError:
        return None
    return url


def _origin(url: SplitResult) -> str:
    """Return scheme, host and port, without userinfo."""
    return f"{url.scheme}://{url.netloc.rpartition('@')[2].lower()}"


def _own(urls: list[SplitResult]) -> str:
    """Return the origin that most requests to the first host go to: a site may change to https."""
    if not urls:
        return ""
    there = [_origin(url) for url in urls if url.hostname == urls[0].hostname]
    return Counter(there).most_common(1)[0][0]


def _joined(kept: list[tuple[Exchange, SplitResult]]) -> list[Step]:
    """Take each redirect together with the request that it led to."""
    steps: list[Step] = []
    hops: set[int] = set()
    done_ns = kept[0][0].begun_ns if kept else 0
    for number, (sent, url) in enumerate(kept):
        if number in hops:
            continue
        at, answers = number, [sent.answer] if sent.answer else []
        target = _target(*kept[at])
        while target and len(answers) <= MOST_HOPS:
            following = range(at + 1, len(kept))
            found = next((i for i in following if i not in hops and kept[i][1].geturl() == target), None)
            answer = None if found is None else kept[found][0].answer
            if found is None or answer is None:
                break
            hops.add(found)
            answers.append(answer)
            at, target = found, _target(*kept[found])
        pause_ns = max(sent.begun_ns - done_ns, 0)
        done_ns = max(done_ns, kept[at][0].ended_ns)
        leads_off = _leads_off(target, url)
        steps.append(Step(sent, url, answers, at != number or sent.follows, pause_ns, leads_off))
    return steps


def _target(exchange: Exchange, url: SplitResult) -> str:
    """Return where a redirect leads, as the next request's URL has it; empty where the answer is none."""
    answer = exchange.answer
    if answer is None or answer.status not in REDIRECTS:
        return ""
    try:
        found = urlsplit(urljoin(url.geturl(), next(iter(answer.all("location")), "")))
        return found._replace(fragment="").geturl()
    except ValueError:
        return ""


def _leads_off(target: str, url: SplitResult) -> str:
    there = _origin(urlsplit(target)) if target else ""
    return there if there != _origin(url) else ""
