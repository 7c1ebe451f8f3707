"""The app: every route, bound to the Assistants it serves and the threads that call them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import BaseModel

from ... import __version__
from . import (
    catalogue,
    corrections,
    errors,
    imports,
    local,
    looks,
    openai_chat,
    operating,
    page,
    photos,
    threads,
    turns,
)
from .fetching import Fetcher
from .gate import Gate
from .limits import Bodies, Hosts, Origins
from .metrics import Metrics
from .watch import Watch
from .workers import Workers


class Health(BaseModel):
    """That the server is up, and which it is."""

    status: str
    version: str


def create_app(
    gate: Gate,
    *,
    at_once: int = 2,
    in_line: int = 64,
    most_bytes: int = 100_000_000,
    fetcher: Fetcher | None = None,
) -> FastAPI:
    """The app behind this gate.

    `at_once` calls of an Assistant run at once and `in_line` more wait; `most_bytes` is how much one request may bring.
    `fetcher` fetches photos by their addresses; without one none is.
    """

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        app.state.workers = Workers(at_once, in_line, metrics.seen)
        try:
            yield
        finally:
            app.state.workers.close()
            await gate.close()

    metrics = Metrics(lambda: app.state.workers.running, lambda: app.state.workers.in_line)

    app = FastAPI(
        title="Sightline",
        version=__version__,
        summary="Look at photos and say only what can be shown.",
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.gate, app.state.metrics, app.state.fetcher = gate, metrics, fetcher
    app.state.imports = gate.imports
    errors.install(app)
    for module in (openai_chat, turns, photos, threads, corrections, catalogue, imports, local, operating, page):
        app.include_router(module.router)
    app.include_router(looks.router())

    @app.get("/health", response_model=Health, tags=["server"])
    async def health() -> Health:
        """Whether the server takes requests."""
        return Health(status="ok", version=__version__)

    app.add_middleware(Bodies, most=most_bytes, larger={imports.PATH: imports.MOST_BYTES})
    app.add_middleware(Origins)
    app.add_middleware(Hosts, gate=gate)
    app.add_middleware(Watch, metrics=metrics)  # the outermost
    return app
