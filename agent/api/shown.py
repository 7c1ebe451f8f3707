"""What leaves over HTTP: plain JSON, in which a picture is an address and no path of ours."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from starlette.responses import JSONResponse, StreamingResponse

from ..assistant import Event
from ..reply import Progress, Reply, Statement, to_json
from .errors import failure

_T = TypeVar("_T")

UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Headers of events: no proxy keeps them back to send several together."""


def picture_of(path: str) -> str:
    """The address of an annotated picture, by its file."""
    file = Path(path)
    return f"/api/pictures/{file.parent.name}/{file.name}"


def reply_json(reply: Reply) -> dict[str, Any]:
    """`Reply.to_dict`, in which `path` of a picture is its address on this server."""
    plain = reply.to_dict()
    for picture in plain["pictures"]:
        picture["path"] = picture_of(picture["path"])
    return plain


def shown(value: Any, status: int = 200) -> JSONResponse:
    """One of our dataclasses, or several, as a response."""
    plain = [to_json(each) for each in value] if isinstance(value, list | tuple) else to_json(value)
    return JSONResponse(plain, status)


def sse(event: Event) -> str:
    """One event of a turn as a server-sent event: `status`, `finding`, `sentence`, at last `reply`."""
    if isinstance(event, Reply):
        return framed("reply", reply_json(event))
    name = "status" if isinstance(event, Progress) else "sentence" if isinstance(event, Statement) else "finding"
    return framed(name, to_json(event))


def streamed(first: _T, rest: AsyncIterator[_T], as_event: Callable[[_T], str]) -> StreamingResponse:
    """A response whose events come as they happen; what goes wrong after the first is an event `error`."""

    async def told() -> AsyncIterator[str]:
        yield as_event(first)
        try:
            async for event in rest:
                yield as_event(event)
        except Exception as error:
            yield framed("error", failure(error))

    return StreamingResponse(told(), media_type="text/event-stream", headers=UNBUFFERED)


def framed(name: str, data: Any) -> str:
    """A server-sent event of this name, with JSON on its one line."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
