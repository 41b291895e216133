"""TLS towards a carrier: which certificates count, and what a failure means in words.

Owns the reading of certificate files and the translation of OpenSSL's reasons. Refuses to know connections.
"""

import ssl
from dataclasses import dataclass
from typing import Final

from gateway.session.errors import TlsUnusable


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How one carrier is reached by TLS. Paths are files in PEM."""

    ca_file: str | None = None
    """Authorities to trust; None trusts those of this machine."""
    check_name: bool = True
    server_name: str | None = None
    """For SNI and the name check, instead of the host that is connected to."""
    certificate_file: str | None = None
    key_file: str | None = None


def open_context(settings: TlsSettings) -> ssl.SSLContext:
    """Read the files and make a context. Blocks for some 20 ms with the machine's own authorities.

    Raises `TlsUnusable` naming the file. Reading them at each connection takes up renewed certificates.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ValueError) as exc:
        raise TlsUnusable("ca_file", str(settings.ca_file), exc) from exc
    context.check_hostname = settings.check_name
    if settings.certificate_file is not None:
        try:
            # Without a password given OpenSSL would ask for it at the terminal.
            context.load_cert_chain(settings.certificate_file, settings.key_file, password=lambda: "")
        except (OSError, ValueError) as exc:
            files = settings.certificate_file + (f" with {settings.key_file}" if settings.key_file else "")
            raise TlsUnusable("certificate_file", files, exc) from exc
    return context


_UNTRUSTED: Final = frozenset((2, 18, 19, 20, 21))
"""X509_V_ERR_* of a chain whose end is not among the authorities we have; openssl-verification-options(1)."""
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_WRONG_NAME: Final = frozenset((62, 64))

_BY_REASON: Final[dict[str, str]] = {
    "WRONG_VERSION_NUMBER": "it speaks no TLS on this port; take the carrier's TLS port, or turn tls off",
    "HTTP_REQUEST": "it speaks HTTP on this port",
    "UNSUPPORTED_PROTOCOL": "it offers only TLS versions that are too old; 1.2 is the oldest used here",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it offers no TLS version that is used here, 1.2 and 1.3",
    "NO_PROTOCOLS_AVAILABLE": "there is no TLS version in common",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate of ours; set tls.certificate_file",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it refuses our offer; often it wants a certificate of ours, "
    "tls.certificate_file",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it says that our certificate, tls.certificate_file, has expired",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not take our certificate, tls.certificate_file",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not take our certificate, tls.certificate_file",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust the authority behind our certificate, tls.certificate_file",
    "TLSV1_ALERT_DECRYPT_ERROR": "it does not take our certificate: key and certificate do not fit",
    "TLSV1_UNRECOGNIZED_NAME": "it does not know the name it was asked for; set tls.server_name",
}


_BROKEN_OFF: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def is_tls_fault(exc: BaseException) -> bool:
    """Whether TLS itself failed, and not only the connection below it."""
    return isinstance(exc, ssl.SSLError) and not isinstance(exc, _BROKEN_OFF)


def describe_tls_fault(exc: ssl.SSLError) -> str:
    """A failure of TLS for an operator: what is wrong, and which setting or file to look at.

    OpenSSL's own word stands behind in brackets.
    """
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"{_describe_certificate(exc)} ({exc.verify_message.rstrip('.')})"
    reason = exc.reason or "no reason given"
    what = _BY_REASON.get(reason)
    return f"{what} ({reason})" if what is not None else reason.replace("_", " ").lower()


def _describe_certificate(exc: ssl.SSLCertVerificationError) -> str:
    code = exc.verify_code
    if code in _UNTRUSTED:
        return "its certificate is of an authority that is not trusted here; set tls.ca_file to the carrier's"
    if code in _WRONG_NAME:
        return "its certificate is for another name; set tls.server_name to the name that it carries"
    if code == _EXPIRED:
        return "its certificate has expired; the carrier must renew it"
    if code == _NOT_YET_VALID:
        return "its certificate is not valid yet; compare the clocks"
    return "its certificate is not accepted"
