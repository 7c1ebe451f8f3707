"""What is refused before anybody reads it: bodies that are too large or too slow, and pages of somebody else's."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...tools.errors import Forbidden, TooLarge, TooSlow
from ..note import LOOPBACK
from . import errors
from .gate import Gate

_GRACE, _SLOWEST = 30.0, 8_000.0
"""Seconds that a body may take whatever its size, and the bytes a second that it must come at beyond them: a photo on a
bad phone line does, and who sends byte by byte to hold the connection does not."""


class Bodies:
    """Ends a request whose body is larger than `most` bytes, whatever it said it would be, or hardly comes at all."""

    def __init__(self, app: ASGIApp, most: int, larger: Mapping[str, int]) -> None:
        """`most` is in bytes; of paths whose bodies are not read into memory, `larger` says how many."""
        self._app, self._most, self._larger = app, most, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], self._most)
        told = Headers(scope=scope).get("content-length", "0")
        if told.isdecimal() and int(told) > most:
            await errors.answer(_too_large(most))(scope, receive, send)
            return
        came, whole = 0, False
        begun = asyncio.get_running_loop().time()

        async def counted() -> Message:
            nonlocal came, whole
            if whole:  # what is waited for now is that the caller leaves
                return await receive()
            try:
                async with asyncio.timeout_at(begun + _GRACE + came / _SLOWEST):
                    message = await receive()
            except TimeoutError:
                raise TooSlow("Expected the request to come faster; it was not waited for. Try again.") from None
            came += len(message.get("body", b""))
            if came > most:
                raise _too_large(most)
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, counted, send)


class Origins:
    """Refuses requests that a browser sends for a page of another origin: it would act for whoever looks at that page.

    Such a page can send what it likes to an address of this machine; its `Origin` tells.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and urlsplit(origin).netloc != headers.get("host"):
                refused = Forbidden(f"Expected a request from this server's own page; it comes from {origin:.200}.")
                await errors.answer(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Hosts:
    """Refuses, where no key is needed, requests for another host than this machine.

    The page of a stranger can have its own name lead here; the browser then takes our answers for that page's.
    """

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and not self._gate.keyed:
            host = Headers(scope=scope).get("host", "")
            if _host_name(host) not in LOOPBACK:
                refused = Forbidden(
                    f"Expected a request for {', '.join(LOOPBACK)}, as long as there are no keys; got one for "
                    f"{host!r:.200}. `sightline keys add` makes one."
                )
                await errors.answer(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"Expected a request of {most // 1_000_000} MB at most; got more. Send less at once.")
