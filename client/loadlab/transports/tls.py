"""Whom TLS trusts: the certificates that the system trusts, or those that the usual variables name.

There is no switch that turns verification off. A target with a certificate of its own is trusted by
naming its CA in SSL_CERT_FILE or SSL_CERT_DIR, as everywhere in Python.
"""

import os
import ssl
from functools import cache

from loadlab.workload.plan import Plan


def client_context(plan: Plan) -> ssl.SSLContext | None:
    """Return the context for a plan with an https URL, None for one without: loading takes 10 ms and more."""
    if not any(request.url.lower().startswith("https:") for request in plan.requests):
        return None
    return trusted_context()


def trusted_context() -> ssl.SSLContext:
    """Return the context that every connection with TLS is made in."""
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _context(_file: str | None, _directory: str | None) -> ssl.SSLContext:
    """Load once for each pair of values; OpenSSL reads the variables itself. Threads may share a context."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
