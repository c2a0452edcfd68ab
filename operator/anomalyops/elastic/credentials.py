"""Credentials for one connection. They live in memory only; printing them shows nothing."""

from __future__ import annotations

import base64
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials:
    """How to authenticate, and whom to trust.

    At most one of `username`+`password`, `api_key` and `bearer` is used, an API key first.

    Attributes:
        username: For basic authentication, together with `password`.
        password: For basic authentication.
        api_key: The encoded form (base64 of `id:key`) or `id:key` itself.
        bearer: A token for `Authorization: Bearer`.
        ca_pem: PEM text of the authorities to trust instead of the system's.
        certificate_pem: PEM text of the certificate to show the server, with its chain; together with `key_pem`.
        key_pem: PEM text of its private key.
    """

    username: str | None = None
    password: str | None = None
    api_key: str | None = None
    bearer: str | None = None
    ca_pem: str | None = None
    certificate_pem: str | None = None
    key_pem: str | None = None

    def __repr__(self) -> str:
        given = ", ".join(f"{f.name}=***" for f in fields(self) if getattr(self, f.name) is not None)
        return f"Credentials({given})"

    def authorization(self) -> str | None:
        """The value of the `Authorization` header, None without credentials. Never log it."""
        if self.api_key is not None:
            encoded = _base64(self.api_key) if ":" in self.api_key else self.api_key
            return f"ApiKey {encoded}"
        if self.username is not None:
            return f"Basic {_base64(':'.join((self.username, self.password or '')))}"
        if self.bearer is not None:
            return f"Bearer {self.bearer}"
        return None


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
