"""Whether a target speaks what its URL says: TLS that can be trusted with https, none with http.

Asked where requests fail and none is answered: an outage may end, a certificate or a scheme stays as it is.
"""

import asyncio
import ssl

from loadlab.system.resources import causes
from loadlab.transports.refusals import NO_TLS, refusal, remedy
from loadlab.transports.tls import trusted_context
from loadlab.workload.url import read_url

_WITHIN_S = 3.0


async def mismatch(url: str, address: str, port: int) -> str | None:
    """Return in one sentence why a target that accepts connections can't be loaded by this URL, or None."""
    server = read_url(url)
    error = await _handshake(server.host.rstrip("."), address, port, _context(is_tls=server.tls))
    if server.tls:
        if error is None or not _is_definite(error):
            return None
        reason = refusal(error, tls=True)
        advice = remedy(reason)
        return f"{url} cannot be loaded: {reason}" + f"; {advice}" * bool(advice)
    if error is None or (_is_definite(error) and refusal(error, tls=True) != NO_TLS):
        return f"{url} cannot be loaded: the port speaks TLS; use https://"
    return None


async def _handshake(host: str, address: str, port: int, context: ssl.SSLContext) -> Exception | None:
    """Try a TLS handshake; return what it failed with."""
    try:
        async with asyncio.timeout(_WITHIN_S):
            _, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=host)
    except Exception as error:  # noqa: BLE001 - of many kinds; its causes say what it means
        return error
    writer.transport.abort()
    return None


def _context(*, is_tls: bool) -> ssl.SSLContext:
    if is_tls:
        return trusted_context()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent: it is only asked whether there is TLS
    return context


def _is_definite(error: Exception) -> bool:
    """Tell whether the other side said something in a handshake that it would say again."""
    said = [each for each in causes(error) if isinstance(each, ssl.SSLError)]
    return bool(said) and not any(isinstance(each, ssl.SSLEOFError) for each in said)
