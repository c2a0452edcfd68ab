"""What an embedded engine proves itself with, and its clients themselves: authority, certificate, password.

An authority lives for ten years and a certificate for 90 days; both are made anew well before they end. What clients
trust holds the authority before the present one until that has ended, so that nobody has to change at once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE: Final = timedelta(days=3650)
AUTHORITY_MARGIN: Final = timedelta(days=365)  # before its end in which it signs nothing any more
CERTIFICATE_LIFE: Final = timedelta(days=90)
CERTIFICATE_MARGIN: Final = timedelta(days=30)  # before its end in which it is made anew
_SKEW: Final = timedelta(hours=1)  # by which clocks may differ
_USER: Final = b"elastic"
_SHORTEST_PASSWORD: Final = 6  # that the engine takes
_PASSWORD_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The values of both Secrets, and what was made anew.

    Attributes:
        authority: `tls.crt` and `tls.key` of the authority.
        engine: `username`, `password`, `tls.crt`, `tls.key` and `ca.crt`.
        made: What was made anew, in words without values; none when all of it was there.
        ends: When the certificate ends.
        due: When something is to be made anew next.
    """

    authority: Mapping[str, bytes]
    engine: Mapping[str, bytes]
    made: tuple[str, ...]
    ends: datetime
    due: datetime

    def __repr__(self) -> str:
        return f"Keys(made={self.made!r}, ends={self.ends!r})"

    @property
    def mark(self) -> str:
        """Changes with what the engine reads when it starts; says nothing about it."""
        read = self.engine["password"] + b"\0" + self.engine["tls.crt"]
        return hmac.new(self.engine["tls.key"], read, hashlib.sha256).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def values(self) -> dict[str, bytes]:
        private = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {"tls.crt": self.certificate.public_bytes(serialization.Encoding.PEM), "tls.key": private}


def keys(
    authority: Mapping[str, bytes] | None, engine: Mapping[str, bytes] | None, names: Iterable[str], now: datetime
) -> Keys:
    """What is there, and made anew what is not there, ends soon, or does not fit.

    Args:
        authority: The authority's Secret; None when there is none.
        engine: The engine's Secret; None when there is none.
        names: The names that clients call the engine by, beside the loopback ones.
        now: The present time.
    """
    had_authority, had_engine = authority or {}, engine or {}
    made: list[str] = []
    signer = _pair(had_authority)
    if signer is None or not _signs(signer.certificate, now):
        signer = _new_authority(now)
        made.append("the authority")
    pair, wanted = _pair(had_engine), frozenset((*names, "localhost"))
    if pair is None or not _serves(pair.certificate, signer.certificate, wanted, now):
        pair = _new_certificate(signer, wanted, now)
        made.append("the certificate")
    password = had_engine.get("password", b"")
    if not _usable(password):
        password = secrets.token_urlsafe(_PASSWORD_BYTES).encode()
        made.append("the password")
    trusted = _trusted(signer.certificate, had_engine.get("ca.crt", b""), now)
    ends = pair.certificate.not_valid_after_utc
    due = min(ends - CERTIFICATE_MARGIN, signer.certificate.not_valid_after_utc - AUTHORITY_MARGIN)
    return Keys(
        authority=signer.values(),
        engine={"username": _USER, "password": password, "ca.crt": trusted, **pair.values()},
        made=tuple(made),
        ends=ends,
        due=due,
    )


def _pair(values: Mapping[str, bytes]) -> _Pair | None:
    """Certificate and key; None where they cannot be read or do not belong together."""
    try:
        certificate = x509.load_pem_x509_certificate(values["tls.crt"])
        key = serialization.load_pem_private_key(values["tls.key"], password=None)
    except (KeyError, ValueError, TypeError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
        return None
    return _Pair(certificate, key)


def _signs(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether it is an authority, and for long enough yet."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return constraints.ca and _lives(certificate, now, AUTHORITY_MARGIN)


def _serves(certificate: x509.Certificate, authority: x509.Certificate, names: frozenset[str], now: datetime) -> bool:
    """Whether it is the authority's, for all names, and for long enough yet."""
    try:
        certificate.verify_directly_issued_by(authority)
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    known = frozenset(alternatives.get_values_for_type(x509.DNSName))
    return names <= known and _lives(certificate, now, CERTIFICATE_MARGIN)


def _lives(certificate: x509.Certificate, now: datetime, margin: timedelta) -> bool:
    return certificate.not_valid_before_utc <= now + _SKEW and now < certificate.not_valid_after_utc - margin


def _usable(password: bytes) -> bool:
    """Whether the engine takes it as it is: a line of text that is long enough."""
    try:
        text = password.decode()
    except UnicodeDecodeError:
        return False
    return text.strip() == text and text.isprintable() and len(text) >= _SHORTEST_PASSWORD


def _trusted(authority: x509.Certificate, known: bytes, now: datetime) -> bytes:
    """The present authority, and those before it that have not ended."""
    try:
        earlier = x509.load_pem_x509_certificates(known)
    except ValueError:
        earlier = []
    lasting = [one for one in earlier if one != authority and _signs_still(one, authority, now)]
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (authority, *lasting))


def _signs_still(certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> bool:
    """Whether something that it has signed may yet be in use: it is ours and has not ended."""
    return certificate.subject == authority.subject and now < certificate.not_valid_after_utc


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _new_authority(now: datetime) -> _Pair:
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("anomalyops embedded engine authority")
    certificate = (
        _begun(name, name, key.public_key(), now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _new_certificate(signer: _Pair, names: frozenset[str], now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in sorted(names)]
    alternatives.append(x509.IPAddress(IPv4Address("127.0.0.1")))
    subject = signer.certificate.subject
    certificate = (
        _begun(_name("anomalyops embedded engine"), subject, key.public_key(), now, CERTIFICATE_LIFE)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False)
        .sign(signer.key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
    )
