"""Certificates for one test run, by the openssl program: an authority, a server, a client, a stranger."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

SERVER_NAME = "smsc.test"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM below one folder."""

    folder: Path

    @property
    def ca(self) -> str:
        return str(self.folder / "ca.pem")

    def pair(self, name: str) -> tuple[str, str]:
        """Certificate and key of `server`, `client` or `outsider`."""
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")

    def server_context(self, name: str = "server", *, wants_client: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.pair(name))
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        return context


def make_certificates(folder: Path) -> Certificates:
    _make(folder, "ca", "/CN=Carrier authority", "-addext", "basicConstraints=critical,CA:TRUE")
    signed = ("-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"))
    name = ("-addext", f"subjectAltName=DNS:{SERVER_NAME}")
    _make(folder, "server", f"/CN={SERVER_NAME}", *name, *signed)
    _make(folder, "client", "/CN=acme", *signed)
    _make(folder, "outsider", "/CN=acme")
    return Certificates(folder)


def _make(folder: Path, name: str, subject: str, *options: str) -> None:
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"),
            *("-subj", subject, "-days", "2", *options),
        ],
        check=True,
        capture_output=True,
        timeout=20,
    )
