"""TLS: whom the gateway trusts. The key in `tls/` is for this test alone."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from anomalyops.elastic import Credentials, Endpoint, Gateway, GatewayError, TlsFailed

TLS = Path(__file__).parent / "tls"
OWN = (TLS / "localhost.pem").read_text()
ANOTHER = (TLS / "another-authority.pem").read_text()


KEY = (TLS / "localhost.key").read_text()


@pytest.fixture
async def port(server):
    async for port in served(server, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)):
        yield port


@pytest.fixture
async def asking_port(server):
    """Of a server that talks only to who shows a certificate that it trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(TLS / "localhost.pem")
    async for port in served(server, context):
        yield port


async def served(server, context):
    context.load_cert_chain(TLS / "localhost.pem", TLS / "localhost.key")
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.handle)
    https = TestServer(app, scheme="https")
    await https.start_server(ssl=context)
    yield https.port
    await https.close()


async def jobs(url, **options):
    gateway = Gateway(Endpoint(urls=(url,), **options))
    try:
        return await gateway.jobs()
    finally:
        await gateway.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_the_given_authority_is_trusted(port, host):
    assert await jobs(f"https://{host}:{port}", credentials=Credentials(ca_pem=OWN)) == {}


@pytest.mark.parametrize("ca_pem", [None, ANOTHER])
async def test_an_unknown_authority_is_named_as_the_problem(port, ca_pem):
    with pytest.raises(TlsFailed, match="certificate verify failed"):
        await jobs(f"https://127.0.0.1:{port}", credentials=Credentials(ca_pem=ca_pem))


async def test_verification_can_be_switched_off(port):
    assert await jobs(f"https://127.0.0.1:{port}", insecure_skip_verify=True) == {}


async def test_a_client_certificate_is_shown(asking_port):
    shown = Credentials(ca_pem=OWN, certificate_pem=OWN, key_pem=KEY)
    assert await jobs(f"https://localhost:{asking_port}", credentials=shown) == {}
    with pytest.raises(GatewayError):
        await jobs(f"https://localhost:{asking_port}", credentials=Credentials(ca_pem=OWN), read_retries=0)


@pytest.mark.parametrize(
    ("certificate", "key"), [("nonsense", KEY), (OWN, "nonsense"), (ANOTHER, KEY), (OWN, ""), (OWN, None)]
)
def test_a_client_certificate_that_cannot_be_used_says_so_and_shows_nothing(certificate, key):
    shown = Credentials(ca_pem=OWN, certificate_pem=certificate, key_pem=key)
    with pytest.raises(ValueError, match="the client certificate and its key cannot be used") as error:
        Gateway(Endpoint(urls=("https://localhost:9",), credentials=shown))
    assert "BEGIN" not in str(error.value)
    assert KEY.splitlines()[1] not in str(error.value)
