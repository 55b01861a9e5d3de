"""One user: its session with the target, and the requests of its journeys."""

import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Protocol
from urllib.parse import urljoin

from loadlab.journeys.cookies import Cookies
from loadlab.journeys.message import File, Messages, Pairs, body_of, default_name, with_params
from loadlab.journeys.reply import Reply
from loadlab.recording import sample
from loadlab.transports.content import Content, Message
from loadlab.workload import think

MOST_HOPS = 10
"""Redirects that are followed one behind another."""
_MOST_NAME = 80
_HOP = " →"
_GETS_AFTER = {303: ("POST", "PUT", "PATCH", "DELETE"), 302: ("POST",), 301: ("POST",)}
"""Statuses after which a browser asks by GET (RFC 9110, section 15.4)."""

Expected = int | Collection[int]
"""A status, or several."""


class StepFailed(Exception):  # noqa: N818 - named after what happened, as a journey's author meets it
    """A step did not get what it expects: it ends the journey, unless the journey catches it."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name
        self.why = why


Expects = Callable[[int], bool]


class Sender(Protocol):
    """Carries out one user's steps, and counts them."""

    async def send(
        self, name: str, message: Message, expects: Expects | None
    ) -> tuple[sample.Outcome, int, Content | None]:
        """Send a step; return its outcome, its status and what came, None without a whole answer.

        Without `expects` a status is well that the run expects.
        """
        ...

    def expects(self, status: int) -> bool:
        """Tell whether the run expects a status."""
        ...

    def check_failed(self, text: str) -> None:
        """Count the last answer as not what was asked for, and the check that it does not hold."""
        ...

    def rest(self, pause_ns: int) -> Awaitable[None]:
        """Pause, and have the next step due after it."""
        ...


class User:
    """A user of the app: cookies, a row of data, random numbers of its own, and requests.

    Each request is a step with a name: by default method and path, without the query.
    """

    __slots__ = ("__dict__", "_messages", "_pauses", "cookies", "number", "rng", "row", "sender")

    def __init__(
        self, messages: Messages, sender: Sender, number: int, seed: int, row: Mapping[str, str] | None = None
    ) -> None:
        self.number = number
        """Which of all users this is, counted from 0."""
        self.row: Mapping[str, str] = row if row is not None else {}
        """This user's row of `--data`."""
        self.rng = random.Random(f"{seed} {number}")
        """Random numbers of this user, the same in each run with the same `--seed`."""
        self.cookies = Cookies(messages.base)
        self._messages = messages
        self.sender = sender
        """Carries out the steps; not for journeys."""
        self._pauses: dict[str, tuple[int, think.Shape]] = {}

    async def get(
        self,
        path: str,
        *,
        name: str = "",
        params: Pairs | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Expected | None = None,
        follow: bool = False,
    ) -> Reply:
        """Get a page; see `request`."""
        if params is not None or headers is not None or follow:
            return await self.request(
                "GET", path, name=name, params=params, headers=headers, expect=expect, follow=follow
            )
        message, own_name = self._messages.get(path, self.cookies.header(path))
        expects = None if expect is None else _expects(expect)
        step = name[:_MOST_NAME] or own_name
        return self._replied(step, message, *await self.sender.send(step, message, expects))

    async def post(self, path: str, **more: Any) -> Reply:  # noqa: ANN401 - as in `request`
        """Post to a path; see `request`."""
        return await self.request("POST", path, **more)

    async def put(self, path: str, **more: Any) -> Reply:  # noqa: ANN401 - as in `request`
        """Put to a path; see `request`."""
        return await self.request("PUT", path, **more)

    async def patch(self, path: str, **more: Any) -> Reply:  # noqa: ANN401 - as in `request`
        """Patch what is at a path; see `request`."""
        return await self.request("PATCH", path, **more)

    async def delete(self, path: str, **more: Any) -> Reply:  # noqa: ANN401 - as in `request`
        """Delete what is at a path; see `request`."""
        return await self.request("DELETE", path, **more)

    async def request(
        self,
        method: str,
        path: str,
        *,
        name: str = "",
        params: Pairs | None = None,
        data: bytes | str | None = None,
        json: object = None,
        form: Pairs | None = None,
        files: Mapping[str, File] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Expected | None = None,
        follow: bool = False,
    ) -> Reply:
        """Send a request and return its whole answer.

        `expect`: the status, or statuses, with which the step went well; without it those of the run
        (`--expect-status`, by default 200 to 399). Redirects are followed only with `follow`, each hop a step
        of its own, called "NAME →". Raises StepFailed where no whole answer came, or one with another status.
        """
        name = name[:_MOST_NAME] or default_name(method, path)
        if params is not None:
            path = with_params(path, params)
        target = self._messages.target(path)
        cookie = self.cookies.header(target)
        body, kind = body_of(data, json, form, files)
        message = self._messages.made(method, target, cookie, headers=headers, body=body, kind=kind)
        expects = None if expect is None else _expects(expect)
        if follow:
            return await self._follow(name, message, expects or self.sender.expects)
        return self._replied(name, message, *await self.sender.send(name, message, expects))

    def _replied(
        self, name: str, message: Message, outcome: sample.Outcome, status: int, content: Content | None
    ) -> Reply:
        """Keep what an answer sets; raise StepFailed where it is not what was expected."""
        if content is None:
            raise StepFailed(name, outcome.key)
        if content.sets_cookies:
            self.cookies.take(content.headers.all("set-cookie"), message.target)
        if outcome is not sample.Outcome.OK:
            raise StepFailed(name, f"status {status}")
        return Reply(name, status, content)

    async def _follow(self, name: str, message: Message, expects: Expects) -> Reply:
        """Send a step and go where its answers lead; what is expected is expected of the last."""
        hop = name
        for _ in range(MOST_HOPS + 1):
            sent = await self.sender.send(
                hop, message, lambda status: status in sample.REDIRECTS or expects(status)
            )
            reply = self._replied(hop, message, *sent)
            if reply.status not in sample.REDIRECTS:
                return reply
            where = urljoin(self._messages.origin + message.target, reply.headers.get("location", ""))
            target = self._messages.target(where)
            cookie = self.cookies.header(target)
            if message.method in _GETS_AFTER.get(reply.status, ()):
                message = self._messages.made("GET", target, cookie)
            else:
                message = self._messages.again(message, target, cookie)
            hop = name[: _MOST_NAME - len(_HOP)] + _HOP
        raise StepFailed(name, f"more than {MOST_HOPS} redirects")

    async def think(self, pause: str) -> None:
        """Pause for as long as a user would: `2s`, `exp:2s`, `uniform:1s-3s` or `lognormal:2s:0.5`."""
        known = self._pauses.get(pause)
        if known is None:
            known = self._pauses[pause] = think.read(pause, "user.think")
        mean_ns, shape = known
        await self.sender.rest(round(mean_ns * shape.at(self.rng.random() or 0.5)))

    def check(self, text: str, condition: object) -> bool:
        """Hold something of the last answer: where it is false, that answer counts as unexpected.

        The journey goes on; it counts as failed by this check. Returns whether it holds.
        """
        if condition:
            return True
        self.sender.check_failed(text)
        return False


def _expects(expect: Expected) -> Expects:
    return expect.__eq__ if isinstance(expect, int) else expect.__contains__
