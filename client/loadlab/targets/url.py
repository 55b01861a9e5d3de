"""A target that is already there: anything with a URL."""

import asyncio
import socket

from loadlab.errors import ClientError, TargetError, UsageError
from loadlab.system.resources import resource_of, shortage
from loadlab.targets import App, Target, Tried
from loadlab.targets.address_scope import may_be_loaded
from loadlab.targets.addresses import Address, find, first_that_answers, unreachable
from loadlab.targets.gunicorn import gunicorn_of
from loadlab.targets.scheme import mismatch
from loadlab.workload.masking import masked_url
from loadlab.workload.url import read_url

_RESTARTED_S = 2.0


class UrlHost:
    """A target that loadlab did not start.

    Its addresses must be loopback or private unless `remote` is set, so that no host is loaded by accident.
    Those that were checked are the ones that are connected to: the names are looked up once.
    """

    def __init__(
        self,
        url: str,
        *,
        metrics_url: str | None = None,
        remote: bool = False,
        where: str | None = None,
        named_by: str = "--target",
        is_container: bool = False,
        app: App | None = None,
    ) -> None:
        """Take the base URL, and where load and target run in words, if that is known.

        `named_by` is what gave the URL; `is_container` says that its name is gone when the target has ended.
        """
        self._url = url
        self._metrics_url = metrics_url
        self._shown = masked_url(url)
        self._where = where or f"{self._shown}, from this process"
        self._remote = remote
        self._named_by = named_by
        self._is_container = is_container
        self._app = app
        self._chosen: Address | None = None

    async def start(self) -> Target:
        """Look the addresses up, refuse foreign ones, and choose the first that accepts a connection."""
        name = read_url(self._url).host
        addresses = await self._addresses(name)
        self._refuse_foreign(name, addresses)
        self._chosen, tried = await first_that_answers(self._shown, addresses)
        where = self._where + (_named(name, tried) if len(addresses) > 1 else "")
        metrics_url = await self._found_metrics()
        return Target(
            url=self._url,
            metrics_url=metrics_url,
            where=where,
            tried=tried,
            app=self._app,
            gunicorn=await gunicorn_of(metrics_url),
        )

    def _refuse_foreign(self, name: str, addresses: list[Address]) -> None:
        foreign = [each.text for each in addresses if not may_be_loaded(each.text)]
        if foreign and not self._remote:
            named = name if name == foreign[0] else f"{name} ({foreign[0]})"
            raise UsageError(
                f"{self._named_by}: {named} is neither loopback nor a private address;"
                " give --remote if you may load it"
            )

    async def _found_metrics(self) -> str | None:
        """Return the metrics' URL at an address that was checked as the target's is; None without one."""
        if self._metrics_url is None:
            return None
        url = read_url(self._metrics_url)
        try:
            addresses = await find(url.host, url.port)
        except (OSError, UnicodeError):
            return None
        self._refuse_foreign(url.host, addresses)
        host = addresses[0].text
        return f"http://{f'[{host}]' if ':' in host else host}:{url.port}{url.target}"

    async def ended(self, *, silent: bool = True) -> str | None:
        """Say that the stack's container has stopped: its name is gone. Nothing of what others run.

        While a container is restarted its name is gone for a moment, so it is looked up twice.
        """
        if not (silent and self._is_container and await self._is_nameless()):
            return None
        await asyncio.sleep(_RESTARTED_S)
        if not await self._is_nameless():
            return None
        return f"{self._shown} has no address any more: its container has stopped"

    async def _is_nameless(self) -> bool:
        try:
            await self._find()
        except socket.gaierror as error:
            return error.errno == socket.EAI_NONAME
        return False

    async def lost(self) -> str | None:
        """Try to connect to the address that was chosen."""
        assert self._chosen is not None, "it was started"
        return await unreachable(self._shown, self._chosen)

    async def mismatch(self) -> str | None:
        """Say that the target does not speak what its URL says; None where it does."""
        assert self._chosen is not None, "it was started"
        return await mismatch(self._shown, self._chosen.text, read_url(self._url).port)

    async def stop(self, *, at_once: bool = False) -> None:
        """Leave it as it is."""

    async def _find(self) -> list[Address]:
        server = read_url(self._url)
        return await find(server.host, server.port)

    async def _addresses(self, name: str) -> list[Address]:
        try:
            return await self._find()
        except (OSError, UnicodeError) as error:
            if resource := resource_of(error):
                raise ClientError(f"{self._shown} was not tried: {shortage(resource)}") from None
            said = getattr(error, "strerror", None) or error
            raise TargetError(f"{self._shown} cannot be reached: no address for {name!r} ({said})") from None


def _named(name: str, tried: tuple[Tried, ...]) -> str:
    """Say which of several addresses of a name is loaded, and why not those before it."""
    *failed, chosen = tried
    others = "".join(f"; not {each.address}: {each.problem}" for each in failed)
    return f" ({name} is {chosen.address} in this run{others})"
