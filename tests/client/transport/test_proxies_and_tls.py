"""Connecting through proxies, and with the certificate of a private authority."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace
from websockets.exceptions import InvalidProxy

from longwire import Server
from longwire.catalog import Announcement
from longwire.client import ClientOptions, ConnectionState
from longwire.client.transport.handshake import open_websocket
from longwire.client.transport.websocket import WebSocket
from longwire.engineio.state import Transport
from longwire.errors import NotConnected
from tests.client.conftest import Connect, until
from tests.client.peer import Peer, connected
from tests.serving import serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "longwire test")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password)
    path.write_bytes(signed.public_bytes(pem) + secret)
    return path


@pytest.fixture
async def secure_url(
    server: Server, certificate: Path, no_leaked_tasks: None
) -> AsyncIterator[str]:
    """URL of the real server with TLS."""
    async with serving(server, ssl_certfile=str(certificate)) as url:
        yield url.replace("http://", "https://")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_private_certificate_authority_can_be_trusted(
    server: Server,
    secure_url: str,
    certificate: Path,
    token: str,
    clients: Connect,
    transport: Transport,
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    client = clients(secure_url, token=token, ssl=trusting, transports=(transport,))
    received: asyncio.Queue[Announcement] = asyncio.Queue()
    client.on(Announcement, received.put_nowait)
    await client.connect()
    await server.publish(Announcement(message="in private"))
    assert (await received.get()).message == "in private"


@pytest.mark.parametrize("transports", [("websocket",), ("polling",), ("websocket", "polling")])
async def test_an_untrusted_certificate_is_final(
    secure_url: str, token: str, clients: Connect, transports: tuple[Transport, ...]
) -> None:
    client = clients(secure_url, token=token, transports=transports)
    with pytest.raises((NotConnected, ssl.SSLCertVerificationError), match="certificate"):
        await client.connect()
    assert client.state is ConnectionState.ERROR


async def test_a_certificate_error_after_a_connection_is_retried(
    peer: Peer, clients: Connect
) -> None:
    """Regression: the client gave up when the certificate expired or a captive portal answered."""
    opened = 0

    async def open_every_other(options: ClientOptions) -> WebSocket:
        nonlocal opened
        opened += 1
        if opened == 2:
            raise ssl.SSLCertVerificationError("certificate has expired")
        return await open_websocket(replace(options, open_websocket=None))

    client = clients(peer.url, open_websocket=open_every_other)
    socket = await connected(client, peer)
    await socket.close()
    await (await peer.next_socket()).accept()
    await until(client, ConnectionState.CONNECTED)
    assert opened == 3


async def test_a_websocket_connects_through_a_proxy_with_a_password(
    server: Server, url: str, token: str, clients: Connect
) -> None:
    async with tunnelling() as (proxy, requests):
        client = clients(url, token=token, transports=("websocket",), proxy=f"http://me:pw@{proxy}")
        await client.connect()
        assert client.transport == "websocket"
        password = base64.b64encode(b"me:pw").decode()
        assert requests == [(url.removeprefix("http://"), f"Basic {password}")]
        await client.disconnect()


async def test_a_proxy_of_the_environment_is_used_by_default(
    url: str, token: str, clients: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "ws_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with tunnelling() as (proxy, requests):
        monkeypatch.setenv("http_proxy", f"http://{proxy}")
        client = clients(url, token=token, transports=("websocket",))
        await client.connect()
        assert len(requests) == 1
        await client.disconnect()
        direct = clients(url, token=token, transports=("websocket",), proxy=None)
        await direct.connect()
        assert len(requests) == 1


async def test_an_invalid_proxy_of_the_environment_fails_at_once(
    url: str, clients: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the client retried it for the whole `timeout`."""
    for name in ("no_proxy", "NO_PROXY", "ws_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "ftp://127.0.0.1:1")
    client = clients(url, timeout=60.0)
    with pytest.raises(InvalidProxy, match="ftp"):
        await asyncio.wait_for(client.connect(), 5)
    assert client.state is ConnectionState.ERROR


@asynccontextmanager
async def tunnelling() -> AsyncGenerator[tuple[str, list[tuple[str, str]]]]:
    """An HTTP proxy: its address, and the target and credentials of each CONNECT request."""
    requests: list[tuple[str, str]] = []

    async def relay(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (e.partition(": ") for e in lines)}
        method, address, _ = request.split(" ")
        assert method == "CONNECT"
        requests.append((address, headers.get("proxy-authorization", "")))
        host, _, port = address.rpartition(":")
        upstream_reader, upstream = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(relay(reader, upstream), relay(upstream_reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}", requests
