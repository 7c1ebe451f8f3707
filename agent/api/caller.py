"""Who asks, and what they may: each request is somebody's, and sees the home of that somebody alone."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

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
            request.state.caller = admitted
            yield admitted

    return Depends(caller)


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
