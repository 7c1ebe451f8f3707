"""What is noted of every request: an id in and out, one line in the log, and figures. Never what it says or shows.

A path may hold the name of a thread or a product, which are people's business: what is noted is the route's template.
"""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import errors
from .calls import Call, begin
from .metrics import Metrics

_log = logging.getLogger("sightline.api")

ID = "X-Request-ID"
"""The header: taken where it is one word of letters, digits and `._-`, else made; in every response."""

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_LEFT = 499  # the status, in the log, of a request whose caller left before its response


class Watch:
    """Watches what is within it, and answers for what fails there unforeseen."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get(ID, "")
        call = Call(told if _SANE.fullmatch(told) else uuid.uuid4().hex)
        begin(call)
        begun = time.perf_counter()
        status, came, went = 0, 0, 0

        async def taken() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            nonlocal status, went
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[ID] = call.id
            went += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, taken, sent)
        except Exception as error:
            if status:
                raise  # what was begun cannot be taken back: the server ends the connection
            await errors.answer(error)(scope, taken, sent)
        finally:
            status = status or _LEFT
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route, seconds = _route(scope), time.perf_counter() - begun
            self._metrics.request(call, method, route, status, seconds)
            about = {
                "method": method,
                "route": route,
                "status": status,
                "ms": round(1000 * seconds, 1),
                "key": call.key or None,
                "tenant": call.tenant or None,
                "in": came,
                "out": went,
                "photos": call.photos,
            }
            refused = {"refused": call.refused} if call.refused else {}
            _log.log(logging.ERROR if status >= 500 else logging.INFO, "request", extra={"about": about | refused})


def _route(scope: Scope) -> str:
    """The template of the route that took the request; `none` where none did."""
    route = scope.get("route")
    template = getattr(route, "path_format", None) or getattr(route, "path", None)
    return template or "none"
