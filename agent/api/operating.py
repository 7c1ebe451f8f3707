"""Routes for whoever operates the server."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from .caller import Operating
from .errors import responses
from .metrics import Metrics

router = APIRouter(tags=["server"])

_FIGURES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
_KIND = "text/plain; version=0.0.4; charset=utf-8"
"""Source: the text format 0.0.4 of Prometheus's exposition formats."""


@router.get("/metrics", response_class=Response, responses=responses() | _FIGURES)
async def metrics(request: Request, _: Operating) -> PlainTextResponse:
    """Figures for Prometheus: requests, turns, looks, what runs and what waits."""
    kept: Metrics = request.app.state.metrics
    return PlainTextResponse(kept.text(), media_type=_KIND)
