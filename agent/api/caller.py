"""Who asks, and what they may: each request is somebody's, and sees the home of that somebody alone."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from ...tools.errors import BadInput
from .gate import Caller, Gate, Known
from .keys import Scope
from .workers import Workers

_BEARER = Depends(HTTPBearer(auto_error=False, description="A key; without configured keys, any or none."))
"""For the schema alone: the gate reads the header."""


def may(scope: Scope) -> Any:
    """The caller, as a dependency of a route that this scope allows.

    Raises `Unauthorised`, `Forbidden`, `Overloaded`, `Busy`; nothing of the request's body is read before.
    """

    async def caller(request: Request, _: Any = _BEARER) -> AsyncIterator[Caller]:
        gate: Gate = request.app.state.gate
        async with gate.admitted(request.headers.get("authorization"), scope) as admitted:
            _refuse_unknown(request)
            yield admitted

    return Depends(caller)


def _refuse_unknown(request: Request) -> None:
    """Refuse a parameter that the route does not have: a slip in one would go unnoticed. Raises `BadInput`.

    Not for OpenAI's clients, which send new ones all the time.
    """
    if request.url.path.startswith("/api/"):
        known = {parameter.alias for parameter in request.scope["route"].dependant.query_params}
        if unknown := sorted(request.query_params.keys() - known):
            has = f"none but {', '.join(sorted(known))}" if known else "none"
            raise BadInput(f"Expected of parameters in the address {has}; got {unknown[0]!r:.100}.")


async def _operator(request: Request, _: Any = _BEARER) -> AsyncIterator[Known]:
    gate: Gate = request.app.state.gate
    known = gate.known(request.headers.get("authorization"))
    known.must("operate")
    with gate.within_limits(known):
        yield known


def _workers(request: Request) -> Workers:
    workers: Workers = request.app.state.workers
    return workers


Pool = Annotated[Workers, Depends(_workers)]
"""The threads that call the Assistant."""

Looking = Annotated[Caller, may("look")]
"""Who may look at photos, hold conversations and correct."""

Keeping = Annotated[Caller, may("catalogue")]
"""Who may change the catalogue."""

Operating = Annotated[Known, Depends(_operator)]
"""Who may see how the server does; no home is opened for them."""
