"""Why no connection could be made, in the words that every transport has for it.

A library hides the system's error in some of its own; what is looked for is the first that says something.
"""

import errno
import os
import re
import socket
import ssl
from typing import Final

from loadlab.recording.reasons import short_of, shown
from loadlab.system.resources import Resource, causes, resource_of, what_to_do
from loadlab.transports.itself import ToItselfError

TO_ITSELF: Final = "connected to itself: the target's port was closed"
REFUSED: Final = os.strerror(errno.ECONNREFUSED).lower()
NO_NAME: Final = "no address for the host name"
NO_TLS: Final = "TLS failed: the port does not speak TLS (http, not https?)"
TLS_CUT_OFF: Final = "TLS failed: the handshake was cut off"
NOT_MADE: Final = "no connection could be made"

_CERTIFICATE: Final = {
    9: "certificate is not yet valid",
    10: "certificate has expired",
    18: "self-signed certificate",
    19: "self-signed certificate",
    20: "certificate of an unknown issuer",
    21: "certificate of an unknown issuer",
    62: "certificate for another host name",
    64: "certificate for another address",
}
"""By OpenSSL's number of what verification found (X509_V_ERR_...)."""
_NO_TLS_SIGNS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
_CUT_OFF_SIGNS: Final = ("UNEXPECTED_EOF_WHILE_READING",)
_BROKEN: Final = (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE)
_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")


_FOR_ANOTHER: Final = (_CERTIFICATE[62], _CERTIFICATE[64])
_OF_TIME: Final = (_CERTIFICATE[9], _CERTIFICATE[10])
_REMEDIES: Final = {
    NO_TLS: "use http://",
    NO_NAME: "check the host name in the URL",
    **dict.fromkeys(
        _FOR_ANOTHER, "use a name or address that stands in the certificate, or have one made for this one"
    ),
    **dict.fromkeys(_OF_TIME, "renew the certificate, or set the clocks right"),
    **{short_of(resource): what_to_do(resource) for resource in Resource},
}


def remedy(reason: str) -> str:
    """Return what to do about a connection that was refused for this reason; empty where that is open."""
    if reason in _REMEDIES:
        return _REMEDIES[reason]
    if "certificate" in reason:
        return "to trust its certificate, name the CA's file in SSL_CERT_FILE"
    return "see the server's TLS settings and its log" if reason.startswith("TLS failed") else ""


def refusal(error: BaseException, *, tls: bool) -> str:
    """Return why a connection could not be made; `tls` where it was to be one with TLS."""
    if resource := resource_of(error):
        return short_of(resource)
    for each in causes(error):
        if reason := _reason(each, tls=tls):
            return reason
    return NOT_MADE


def _reason(error: BaseException, *, tls: bool) -> str | None:
    match error:
        case ssl.SSLError():
            return _tls_reason(error)
        case ToItselfError():
            return TO_ITSELF
        case socket.gaierror() | UnicodeError():
            return NO_NAME
        case OSError():
            return _system_reason(error, tls=tls)
    return None


def _tls_reason(error: ssl.SSLError) -> str | None:
    if not hasattr(error, "reason"):  # a library's own, around the one that says something
        return None
    if isinstance(error, ssl.SSLCertVerificationError):
        told = f"certificate is not trusted: {shown(error.verify_message)}"
        return _CERTIFICATE.get(error.verify_code, told)
    if error.reason in _NO_TLS_SIGNS:
        return NO_TLS
    if isinstance(error, ssl.SSLEOFError) or error.reason in _CUT_OFF_SIGNS:
        return TLS_CUT_OFF
    return f"TLS failed: {_words(error.reason)}" if error.reason else None


def _system_reason(error: OSError, *, tls: bool) -> str | None:
    """Return the system's own words; where several addresses failed, those of the last."""
    number = error.errno
    if number is None and (found := _NUMBER.findall(str(error))):
        number = int(found[-1])
    if number is None:
        return None
    if number in _BROKEN:
        return TLS_CUT_OFF if tls else "connection reset while it was made"
    return _words(os.strerror(number))


def _words(text: str) -> str:
    return shown(text.replace("_", " ").lower())
