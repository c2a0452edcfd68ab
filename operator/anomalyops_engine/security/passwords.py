"""Secrets as they are stored: never themselves, only what shows that one is right.

People choose passwords that can be guessed, so each guess is made dear (scrypt, RFC 7914). The secrets of API keys are
random and cannot be guessed; their digest is made quickly, since each request shows one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

_COST: Final = 2**14
_BLOCK: Final = 8
_SALT_BYTES: Final = 16


def hashed_password(password: str) -> str:
    """Return what is kept of a password."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt${_COST}${salt.hex()}${_scrypt(password, salt, _COST).hex()}"


def is_password(password: str, kept: str) -> bool:
    """Return whether a password is the one of which something is kept; takes tens of milliseconds on purpose."""
    _, cost, salt, digest = kept.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt), int(cost)), bytes.fromhex(digest))


def hashed_secret(secret: str) -> str:
    """Return what is kept of a random secret."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"{salt.hex()}${hashlib.sha256(salt + secret.encode()).hexdigest()}"


def is_secret(secret: str, kept: str) -> bool:
    """Return whether a random secret is the one of which something is kept."""
    salt, _, digest = kept.partition("$")
    return hmac.compare_digest(hashlib.sha256(bytes.fromhex(salt) + secret.encode()).hexdigest(), digest)


def _scrypt(password: str, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=_BLOCK, p=1, maxmem=2**26)
