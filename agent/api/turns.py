"""Turns over HTTP: the whole reply at once, or its events as they come; and finding earlier ones."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from ..reply import Reply
from .caller import Looking, Pool
from .errors import responses
from .given import Given, PhotoSource, body, given
from .shown import reply_json, sse, streamed
from .sources import sources

router = APIRouter(prefix="/api/turns", tags=["turns"])

ThreadName = Annotated[str, Field(min_length=1, max_length=200)]


class Turn(Given):
    """One turn: words, and the photos they are about; without photos, those of the thread's last turn."""

    text: Annotated[str, Field(max_length=20_000)] = ""
    photos: Annotated[list[PhotoSource], Field(max_length=16)] = Field(default_factory=list)
    thread: ThreadName = "main"
    claimed: str | None = None
    manner: Literal["plain", "service", "narrator"] = "plain"
    strict: bool = False


class Sought(BaseModel):
    """A turn in which words were found."""

    thread: str
    turn: str
    question: str
    snippet: str


_EVENTS = {
    "text/event-stream": {
        "schema": {
            "type": "object",
            "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
            "description": "Events `status` (Progress), `finding` (Finding, without the words of a model, which are "
            "not checked yet), `sentence` (Statement), at last `reply` (Reply), or `error` (Error); the data of each "
            "is JSON on one line. Send `Accept: text/event-stream`.",
        }
    }
}


@router.post(
    "",
    response_model=Reply,
    openapi_extra=body(Turn),
    responses=responses(404) | {200: {"content": _EVENTS, "description": "The reply, or its events."}},
)
async def take(request: Request, caller: Looking, workers: Pool) -> Response:
    """Take one turn. With `Accept: text/event-stream` its events come as they happen.

    A released sentence is final. A turn whose caller goes away is given up.
    """
    turn = await given(request, Turn)
    photos = await sources(request, turn.photos)
    assistant = caller.assistant
    events = workers.stream(
        partial(assistant.stream, turn.text, photos, turn.thread, turn.claimed, turn.manner, turn.strict),
        after=(assistant.home, turn.thread),
    )
    # What is wrong with a request comes before its first event, and has a status of its own.
    first = await anext(events)
    if "text/event-stream" in request.headers.get("accept", ""):
        return streamed(first, events, sse)
    last = first
    async for event in events:
        last = event
    if not isinstance(last, Reply):
        raise TypeError(f"A turn ends with its Reply; got {last!r}.")
    return JSONResponse(reply_json(last))


@router.get("", response_model=list[Sought], responses=responses())
async def find(
    caller: Looking,
    workers: Pool,
    words: Annotated[str, Query(max_length=500)],
    most: Annotated[int, Query(ge=1, le=10_000)] = 20,
) -> Any:
    """Find turns by what was asked and answered, in all threads; the latest first."""
    found = await workers.run(partial(caller.assistant.find_turns, words, most))
    return JSONResponse([turn._asdict() for turn in found])


class Resume(Given):
    """The thread whose turn was cut short."""

    thread: ThreadName = "main"


@router.post("/resume", response_model=Reply | None, openapi_extra=body(Resume), responses=responses(404))
async def resume(request: Request, caller: Looking, workers: Pool) -> Response:
    """Finish the turn of a thread that a crash cut short; `null` where there is none."""
    asked = await given(request, Resume)
    reply = await workers.run(partial(caller.assistant.resume, asked.thread))
    return JSONResponse(reply and reply_json(reply))
