"""Who asks, and what they may: each request is somebody's, and sees the home of that somebody alone."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request

from ..assistant import Assistant
from .gate import Caller, Gate, Scope
from .workers import Workers


def may(scope: Scope) -> Any:
    """The caller, as a dependency of a route that this scope allows. Raises `Unauthorised`, `Forbidden`."""

    async def caller(request: Request) -> Caller:
        gate: Gate = request.app.state.gate
        admitted = await gate.admit(request.headers.get("authorization"))
        admitted.must(scope)
        request.state.caller = admitted
        return admitted

    return Depends(caller)


def _workers(request: Request) -> Workers:
    workers: Workers = request.app.state.workers
    return workers


Pool = Annotated[Workers, Depends(_workers)]
"""The threads that call the Assistant."""

Looking = Annotated[Caller, may("look")]
"""Who may look at photos, hold conversations and correct."""

Keeping = Annotated[Caller, may("catalogue")]
"""Who may change the catalogue."""

Call = Callable[[Assistant], Any]
