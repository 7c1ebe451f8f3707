"""What is refused before anybody reads it: bodies that are too large, and requests from pages of somebody else's."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...tools.errors import Forbidden, TooLarge
from . import errors


class Bodies:
    """Ends a request whose body is larger than `most` bytes, whatever it said it would be."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        """`most` is in bytes."""
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "0")
        if told.isdecimal() and int(told) > self._most:
            await errors.answer(self._too_large())(scope, receive, send)
            return
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._most:
                raise self._too_large()
            return message

        await self._app(scope, counted, send)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"Expected a request of {self._most // 1_000_000} MB at most; got more. Send less at once.")


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
