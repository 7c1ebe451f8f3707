"""Photos by address: from hosts that were named, at public addresses, from the very address that was checked."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sightline.agent.api.fetching import Fetcher, public
from sightline.tools.errors import BadInput

HOST = "images.example.org"
PUBLIC, ELSEWHERE = "93.184.216.34", "93.184.216.35"
IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(1000)
MOST = 10_000


@cache
def certificate(name: str) -> tuple[bytes, bytes]:
    """A certificate for this name that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), private


@dataclass
class Net:
    """A public internet of one server: where connections go, what is asked there, and what names resolve to."""

    port: int = 0
    trusted: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    dead: tuple[str, ...] = ()
    resolved: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def transport(self) -> httpx.AsyncBaseTransport:
        real = httpx.AsyncHTTPTransport(verify=self.trusted, trust_env=False)
        net = self

        class Routed(httpx.AsyncBaseTransport):
            """Takes what is for an address of the internet to the server."""

            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                net.connected.append(request.url.host)
                if request.url.host in net.dead:
                    raise httpx.ConnectError("nobody there")
                request.url = request.url.copy_with(host="127.0.0.1", port=net.port)
                return await real.handle_async_request(request)

            async def aclose(self) -> None:
                await real.aclose()

        return Routed()

    def fetcher(self, *addresses: str, hosts: Sequence[str] = (HOST,), seconds: float = 5) -> Fetcher:
        async def resolve(host: str, port: int) -> Sequence[str]:
            self.resolved.append(f"{host}:{port}")
            return addresses or (PUBLIC,)

        return Fetcher(hosts, resolve, self.transport, seconds)


@asynccontextmanager
async def internet(answer: bytes, name: str = HOST, slow: bool = False) -> AsyncIterator[Net]:
    """A server with a certificate for this name that answers every request so."""
    net = Net()
    chain, key = certificate(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        net.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if slow:
            await asyncio.sleep(60)
        writer.write(answer)
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        file.write_bytes(chain + key)
        context.load_cert_chain(file)
    net.trusted.load_verify_locations(cadata=chain.decode())
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        net.port = server.sockets[0].getsockname()[1]
        yield net
    finally:
        server.close()


def sent(data: bytes, status: str = "200 OK", kind: str = "image/png", more: str = "", length: bool = True) -> bytes:
    told = f"Content-Length: {len(data)}\r\n" if length else ""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{told}{more}Connection: close\r\n\r\n".encode() + data


async def test_a_photo_comes_from_the_very_address_that_was_checked_under_its_name() -> None:
    async with internet(sent(IMAGE)) as net:
        assert await net.fetcher().fetch(f"https://{HOST}/a/b.png?size=large#top", MOST) == IMAGE
    assert (net.resolved, net.connected) == ([f"{HOST}:443"], [PUBLIC])
    (asked,) = net.asked
    assert asked.startswith("GET /a/b.png?size=large HTTP/1.1\r\n")
    assert f"\r\nHost: {HOST}\r\n" in asked


async def test_what_a_name_means_a_moment_later_is_nothing_to_us() -> None:
    """Resolved once: a name that answers with a private address the second time is never asked a second time."""
    async with internet(sent(IMAGE)) as net:
        answers = iter(([PUBLIC], ["169.254.169.254"]))

        async def rebinding(*_: object) -> Sequence[str]:
            return next(answers)

        fetcher = Fetcher([HOST], rebinding, net.transport)
        assert await fetcher.fetch(f"https://{HOST}/", MOST) == IMAGE
        assert net.connected == [PUBLIC]
        with pytest.raises(BadInput, match="public internet"):
            await fetcher.fetch(f"https://{HOST}/", MOST)
    assert net.connected == [PUBLIC]


async def test_the_certificate_must_be_that_of_the_name() -> None:
    async with internet(sent(IMAGE), name="other.example.org") as net:
        with pytest.raises(BadInput, match="certificate verify failed"):
            await net.fetcher().fetch(f"https://{HOST}/", MOST)
    assert not net.asked


async def test_the_next_address_of_a_host_is_tried_where_nobody_is_at_the_first() -> None:
    async with internet(sent(IMAGE)) as net:
        net.dead = (ELSEWHERE,)
        assert await net.fetcher(ELSEWHERE, PUBLIC).fetch(f"https://{HOST}/", MOST) == IMAGE
    assert net.connected == [ELSEWHERE, PUBLIC]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1",
        "ff02::1", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "::a00:1",
        "2001:0:5ef5:79fb::1", "fec0::1",
    ],
)  # fmt: skip
async def test_an_address_that_is_not_public_is_refused_after_resolution(address: str) -> None:
    assert not public(address)
    net = Net()
    for addresses in ((address,), (PUBLIC, address)):
        with pytest.raises(BadInput, match="public internet") as raised:
            await net.fetcher(*addresses).fetch(f"https://{HOST}/", MOST)
        assert address not in str(raised.value).replace(HOST, "")
    assert not net.connected


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_a_public_address_is_public(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (f"http://{HOST}/a.png", "https"),
        ("https://other.example.org/a.png", "not"),
        (f"https://{HOST}.evil.org/a.png", "allowed"),
        (f"https://evil.org/{HOST}", "allowed"),
        (f"https://evil.org\\@{HOST}/a.png", "none|allowed|password"),
        (f"https://{HOST}@evil.org/a.png", "password"),
        (f"https://user:secret@{HOST}/a.png", "password"),
        (f"https://{HOST}:8443/a.png", "allowed"),
        ("https://127.0.0.1/a.png", "allowed"),
        ("https://[::1]/a.png", "allowed"),
        ("https://2130706433/a.png", "allowed"),
        ("https:///a.png", "allowed|none"),
        ("https://", "allowed|none"),
        ("file:///etc/passwd", "https"),
        ("https://exa mple.org/", "allowed"),
        ("https://\ud800.org/", "none"),
    ],
)
async def test_an_address_that_is_not_allowed_is_refused_before_it_is_resolved(address: str, why: str) -> None:
    net = Net()
    with pytest.raises(BadInput, match=why):
        await net.fetcher().fetch(address, MOST)
    assert not net.resolved


async def test_a_port_is_allowed_where_it_was_named() -> None:
    async with internet(sent(IMAGE)) as net:
        fetcher = net.fetcher(hosts=[f"{HOST.upper()}:8443"])
        assert await fetcher.fetch(f"https://{HOST}:8443/", MOST) == IMAGE
        with pytest.raises(BadInput, match="allowed"):
            await fetcher.fetch(f"https://{HOST}/", MOST)
    assert net.resolved == [f"{HOST}:8443"]
    assert f"\r\nHost: {HOST}:8443\r\n" in net.asked[0]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (sent(b"", "302 Found", more="Location: https://169.254.169.254/\r\n"), "no redirect is followed"),
        (sent(b"", "304 Not Modified"), "no redirect"),
        (sent(b"", "404 Not Found"), "404"),
        (sent(b"", "204 No Content"), "204"),
        (sent(b"<html>", kind="text/html"), "text/html"),
        (sent(b"x" * 20_000), "10,000 bytes"),
        (sent(b"x" * 20_000, length=False), "10,000 bytes"),
        (sent(b"x", more="Content-Encoding: gzip\r\n"), "compressed"),
        (b"220 mail.example.org ESMTP\r\n", "could not be fetched"),
        (b"", "could not be fetched"),
    ],
    ids=["redirect", "not modified", "missing", "nothing", "a page", "long", "endless", "packed", "mail", "silence"],
)
async def test_what_is_no_photo_is_refused(answer: bytes, why: str) -> None:
    async with internet(answer) as net:
        with pytest.raises(BadInput, match=why):
            await net.fetcher().fetch(f"https://{HOST}/a.png", MOST)
    assert net.connected == [PUBLIC]


async def test_a_host_that_takes_too_long_is_given_up() -> None:
    async with internet(b"", slow=True) as net:
        with pytest.raises(BadInput, match=r"within 0\.3 seconds"):
            await net.fetcher(seconds=0.3).fetch(f"https://{HOST}/a.png", MOST)


async def test_a_host_that_has_no_address_is_told() -> None:
    async def nowhere(*_: object) -> Sequence[str]:
        raise OSError("Name or service not known")

    with pytest.raises(BadInput, match="has no address"):
        await Fetcher([HOST], nowhere).fetch(f"https://{HOST}/", MOST)


async def test_proxies_and_keys_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text(f"machine {HOST} login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with internet(sent(IMAGE, more="Set-Cookie: a=b\r\n")) as net:
        fetcher = net.fetcher()
        for _ in range(2):
            assert await fetcher.fetch(f"https://{HOST}/", MOST) == IMAGE
    assert not any("cookie" in asked.lower() or "authorization" in asked.lower() for asked in net.asked)


@pytest.mark.parametrize("host", ["", "https://a.org", "a.org/b", "a.org:", "a.org:99999", "*.a.org", "[::1]", "a b"])
def test_what_is_no_host_is_refused_when_it_is_named(host: str) -> None:
    with pytest.raises(BadInput, match="Expected a host"):
        Fetcher([host])
