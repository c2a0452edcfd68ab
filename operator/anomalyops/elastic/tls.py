"""Whom a connection trusts, and the certificate that it shows."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi

from anomalyops.elastic.credentials import Credentials


def tls_context(credentials: Credentials | None, *, skip_verify: bool) -> ssl.SSLContext:
    """Verification against the given authority alone, else against the system's and the bundled ones.

    Args:
        credentials: Whom to trust and what to show; None for the system's authorities and nothing.
        skip_verify: Accept any certificate.

    Raises:
        ValueError: The CA or the client certificate is not PEM, or the key is not that of the certificate.
    """
    ca_pem = credentials.ca_pem if credentials else None
    try:
        context = ssl.create_default_context(cadata=ca_pem)
    except ssl.SSLError as error:
        raise ValueError(
            f"the connection's CA is not a PEM certificate ('-----BEGIN CERTIFICATE-----' ...): {error.reason or error}"
        ) from None
    if ca_pem is None:
        context.load_verify_locations(cafile=certifi.where())
    if skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credentials is not None and credentials.certificate_pem is not None:
        _show(context, credentials.certificate_pem, credentials.key_pem or "")
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Have the context show a certificate."""
    with _as_file(f"{key}\n{certificate}\n") as path:
        try:
            # A key with a password would ask for it on the terminal.
            context.load_cert_chain(path, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ValueError(
                f"the client certificate and its key cannot be used: {reason}; both must be PEM, the key without "
                "password and that of the certificate"
            ) from None


def _no_password() -> str:
    raise ValueError("the key has a password")


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """A path under which OpenSSL, which reads files alone, finds the text. Where possible it is in memory only."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("client-certificate", os.MFD_CLOEXEC), "w") as file:
            file.write(text)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.TemporaryDirectory() as folder:  # for this user alone
        path = Path(folder) / "client.pem"
        path.write_text(text)
        yield str(path)
