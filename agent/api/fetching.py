"""Photos by address: fetched from hosts that the operator names, and from nowhere else.

A name is resolved first, every address it has must be public, and the connection goes to the very address that was
checked: what a name means a moment later is nothing to us. Only https, with the certificate checked against the name;
no redirect is followed, nothing of ours is sent along (no cookies, keys, proxies of the environment), and what comes is
an image of a size and within a time, or refused.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

from ...tools.errors import BadInput

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, for a port. Raises `OSError` where it has none."""

_SECONDS = 20.0
"""For all of one photo: resolving, connecting, and every byte."""
_AT_ONCE = 8
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")
"""All that was ever handed out of IPv6; what `ipaddress` calls global is more (fec0::/10)."""


class Fetcher:
    """Fetches photos from the hosts that were named."""

    def __init__(
        self,
        hosts: Iterable[str],
        resolve: Resolve | None = None,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        """`hosts` are exact names, each with its port where it is not 443. `transport` makes one for each fetch.

        Raises `BadInput` for what is no host.
        """
        self._hosts = frozenset(map(_host, hosts))
        self._resolve = resolve or _resolved
        self._seconds = seconds
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._transport = transport or partial(_transport, httpx.create_ssl_context())

    async def fetch(self, address: str, most: int) -> bytes:
        """The bytes of an image, at most so many. Raises `BadInput`, which says why there are none."""
        url = self._allowed(address)
        host, port = url.raw_host.decode(), url.port or 443
        try:
            async with self._places, asyncio.timeout(self._seconds):  # waiting for a place is not its host's fault
                addresses = await self._addresses(host, port)
                for there in addresses[:-1]:
                    with suppress(httpx.ConnectError):
                        return await self._get(url, host, port, there, most)
                return await self._get(url, host, port, addresses[-1], most)
        except TimeoutError:
            raise BadInput(f"Expected a photo within {self._seconds:g} seconds; {host} took longer.") from None
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise BadInput(f"Expected a photo; {host} could not be fetched from ({why}).") from error

    def _allowed(self, address: str) -> httpx.URL:
        """The address, if its host is named. What is refused is not resolved."""
        try:
            url = httpx.URL(address)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise BadInput(f"Expected the address of a photo; {address!r:.100} is none ({error}).") from None
        if url.scheme != "https":
            raise BadInput(f"Expected an https address of a photo; got {url.scheme or 'none'}: {address!r:.100}.")
        if url.userinfo:
            raise BadInput("Expected the address of a photo without a user name or password in it; got one with them.")
        host = url.raw_host.decode().lower()
        if (host if url.port is None else f"{host}:{url.port}") not in self._hosts:
            raise BadInput(
                f"Expected a photo at a host that is allowed here; {host!r:.100} is not. "
                "Send the photo itself, or ask the operator to name it (sightline serve --fetch)."
            )
        return url

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Where the name is, if that is public through and through."""
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise BadInput(f"Expected the name of a host; {host} has no address ({error}).") from None
        if not found or not all(map(public, found)):
            # Not where: that would tell a stranger what our network looks like.
            raise BadInput(f"Expected a host on the public internet; {host} is not there, or not only there.")
        return found

    async def _get(self, url: httpx.URL, host: str, port: int, there: str, most: int) -> bytes:
        # A client of its own for each: no connection made for one name is used for another, and no cookie stays.
        async with httpx.AsyncClient(
            transport=self._transport(), trust_env=False, follow_redirects=False, timeout=self._seconds
        ) as client:
            request = client.build_request(
                "GET",
                url.copy_with(host=there, port=port, fragment=None),
                headers={
                    "Host": host if url.port is None else f"{host}:{port}",
                    "Accept": "image/*",
                    "Accept-Encoding": "identity",
                    "User-Agent": "Sightline",
                },
                extensions={"sni_hostname": host},
            )
            response = await client.send(request, stream=True)
            try:
                _fit(response, host, most)
                data = bytearray()
                async for part in response.aiter_raw():
                    data += part
                    if len(data) > most:
                        raise _too_large(host, most)
                return bytes(data)
            finally:
                await response.aclose()


def public(address: str) -> bool:
    """Whether this is an address on the public internet, also where it only stands for another."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped or ip in _NAT64:
            return public(str(IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip not in _UNICAST or ip.sixtofour or ip.teredo:
            return False  # the latter are tunnels to an IPv4 address, which nothing that serves photos is behind
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _fit(response: httpx.Response, host: str, most: int) -> None:
    """Raise `BadInput` where this is no image, before any of it is read."""
    if response.is_redirect or 300 <= response.status_code < 400:
        raise BadInput(
            f"Expected a photo; {host} sends elsewhere ({response.status_code}), and no redirect is followed. "
            "Give the address that it leads to."
        )
    if response.status_code != 200:
        raise BadInput(f"Expected a photo; {host} answers {response.status_code}.")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind.startswith("image/"):
        raise BadInput(f"Expected an image from {host}; got {kind or 'no type'!r:.100}.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadInput(f"Expected an image as it is from {host}; it comes compressed once more.")
    told = response.headers.get("content-length", "0")
    if told.isdecimal() and int(told) > most:
        raise _too_large(host, most)


def _too_large(host: str, most: int) -> BadInput:
    return BadInput(f"Expected a photo of at most {most:,} bytes; {host} sends more. Send a smaller copy.")


def _host(given: str) -> str:
    """A host as it is compared: in small letters, with a port where that is not 443. Raises `BadInput`."""
    name, colon, port = given.strip().lower().partition(":")
    if not _NAME.fullmatch(name) or (colon and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise BadInput(
            f"Expected a host to fetch photos from, as images.example.org or with :port; got {given!r:.100}."
        )
    return f"{name}:{port}" if colon and port != "443" else name


async def _resolved(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


def _transport(context: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
