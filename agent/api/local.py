"""What the command line of a home's owner, on the same machine, asks beside what everybody may ask."""

import asyncio
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from ...memory.indexing import Report
from ...tools.errors import BadInput, Cancelled, Forbidden
from .caller import Keeping, Pool
from .errors import responses
from .gate import Gate
from .given import Given, body, given
from .shown import framed, streamed
from .workers import Workers

router = APIRouter(prefix="/api", tags=["local"])


class Proof(BaseModel):
    """What only the server can say that left its note in a home."""

    proof: str


@router.get("/proof/{nonce}", response_model=Proof, responses=responses())
async def prove(nonce: Annotated[str, InPath(pattern="^[0-9a-f]{32}$")], request: Request) -> Response:
    """Show that this is the server of a home, to who can read the note in it; nobody else learns anything."""
    gate: Gate = request.app.state.gate
    return JSONResponse({"proof": gate.prove(nonce)})


class CatalogueFile(Given):
    """A catalogue, JSON Lines or CSV, by its absolute path on the server's machine; `within`: see `Assistant.index`."""

    path: str
    within: str | None = None


_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "object",
                    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
                    "description": "Events `progress` (step, done, total), at last `report` (added, updated, "
                    "unchanged, problems), or `error` (Error); the data of each is JSON on one line.",
                }
            }
        }
    }
}


@router.post("/index", openapi_extra=body(CatalogueFile), responses=responses() | _EVENTS)
async def index(request: Request, caller: Keeping, workers: Pool) -> Response:
    """Keep the products of a file of this machine in the catalogue, for its owner's command line and nobody else.

    Where the caller goes away it is given up; what was kept by then stays.
    """
    if not caller.local:
        raise Forbidden(
            "Expected the command line of the home's owner; a file of this machine is nobody else's to name."
        )
    asked = await given(request, CatalogueFile)
    path = Path(asked.path)
    if not path.is_absolute() or (path.exists() and not (path.is_file() or path.is_dir())):
        raise BadInput(f"Expected the path of a file from the root on; got {str(path)!r:.300}.")
    events = _indexing(partial(caller.assistant.index, path, within=asked.within), workers)
    # What is wrong with the file comes before the first event, and has a status of its own.
    first = await anext(events)
    return streamed(first, events, str)


async def _indexing(index: "partial[Report]", workers: Workers) -> AsyncIterator[str]:
    """The events of indexing, which stops at its next step where nobody listens any more."""
    loop = asyncio.get_running_loop()
    steps: asyncio.Queue[str | None] = asyncio.Queue()
    gone = threading.Event()

    def progress(step: str, done: int, total: int) -> None:
        if gone.is_set():
            raise Cancelled("Whoever asked for this has gone.")
        event = framed("progress", {"step": step, "done": done, "total": total})
        loop.call_soon_threadsafe(steps.put_nowait, event)

    running = asyncio.create_task(workers.run(lambda: index(progress)))
    running.add_done_callback(lambda _: steps.put_nowait(None))
    try:
        while (event := await steps.get()) is not None:
            yield event
        report = await running
    finally:
        gone.set()
        running.cancel()
    problems = [problem._asdict() for problem in report.problems]
    yield framed("report", {**report._asdict(), "problems": problems})
