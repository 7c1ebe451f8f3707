"""Threads over HTTP, and their tickets. A name may hold a slash, so it ends its path, or stands in the body."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, BeforeValidator, Field
from starlette.responses import JSONResponse, Response

from ..assistant import Assistant
from ..handoff import Ticket
from ..reply import Ask, Reply, Step, to_json
from ..tickets import Placed
from .caller import Looking, Pool
from .errors import responses
from .given import Given, body, given
from .shown import reply_json
from .turns import ThreadName

router = APIRouter(prefix="/api", tags=["threads"])


class Listed(BaseModel):
    """A thread: how many turns it has, when the last was (seconds since 1970), its title, and what it waits for."""

    name: str
    turns: int
    at: float
    title: str
    unfinished: bool
    asks: Ask | None


@router.get("/threads", response_model=list[Listed], responses=responses())
async def threads(caller: Looking, workers: Pool) -> Response:
    """The threads of the home, the one used last first; `unfinished`: its turn was cut short and can be resumed."""

    def listed(assistant: Assistant) -> list[dict[str, Any]]:
        cut_short = set(assistant.unfinished().values())
        rows = []
        for thread in assistant.threads():
            ask = assistant.waiting(thread.name)
            rows.append({**thread._asdict(), "unfinished": thread.name in cut_short, "asks": ask and to_json(ask)})
        known = {row["name"] for row in rows}
        new = {"turns": 0, "at": 0.0, "title": "", "unfinished": True, "asks": None}
        return rows + [{"name": name, **new} for name in sorted(cut_short - known)]

    return JSONResponse(await workers.run(partial(listed, caller.assistant)))


@router.get("/unfinished", response_model=dict[str, str], responses=responses())
async def unfinished(caller: Looking, workers: Pool) -> Response:
    """The turns that were cut short and can be resumed, each with its thread."""
    return JSONResponse(await workers.run(caller.assistant.unfinished))


@router.get("/waiting/{thread:path}", response_model=Ask | None, responses=responses(404))
async def waiting(thread: str, caller: Looking, workers: Pool) -> Response:
    """What the last turn of a thread waits for; `null` where it waits for nothing."""
    ask = await workers.run(partial(caller.assistant.waiting, thread))
    return JSONResponse(ask and to_json(ask))


@router.get("/threads/{thread:path}", response_model=list[Reply], responses=responses(404))
async def history(thread: str, caller: Looking, workers: Pool) -> Response:
    """Every finished turn of a thread, oldest first."""
    turns = await workers.run(partial(caller.assistant.history, thread))
    return JSONResponse([reply_json(turn) for turn in turns])


@router.delete("/threads/{thread:path}", status_code=204, responses=responses(404))
async def forget(thread: str, caller: Looking, workers: Pool) -> Response:
    """Delete a thread, its pictures, and the photos nothing else refers to."""
    await workers.run(partial(caller.assistant.forget, thread))
    return Response(status_code=204)


class Changed(Given):
    """What to change of a thread: its title, or its name, or both."""

    title: str | None = None
    name: ThreadName | None = None


class Named(BaseModel):
    """A thread as it is called now."""

    name: str
    title: str | None


@router.patch("/threads/{thread:path}", response_model=Named, openapi_extra=body(Changed), responses=responses(404))
async def change(thread: str, request: Request, caller: Looking, workers: Pool) -> Response:
    """Give a thread a title (an empty one gives back its first words), or another name; `title` is what was set."""
    wanted = await given(request, Changed)

    def changed(assistant: Assistant) -> dict[str, Any]:
        title = assistant.title(thread, wanted.title) if wanted.title is not None else None
        if wanted.name is not None:
            assistant.rename(thread, wanted.name)
        return {"name": wanted.name or thread, "title": title}

    return JSONResponse(await workers.run(partial(changed, caller.assistant)))


_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}}


@router.get("/exports/{thread:path}", response_class=Response, responses=responses(404) | _FILE)
async def export(
    thread: str, caller: Looking, workers: Pool, kind: Annotated[Literal["zip", "jsonl"], Query()] = "zip"
) -> Response:
    """A thread as one file: a zip of its replies and photos, or the replies alone as JSON Lines."""

    def exported(assistant: Assistant) -> tuple[bytes, int]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"thread.{kind}"
            photos = assistant.export(thread, file)
            return file.read_bytes(), photos

    data, photos = await workers.run(partial(exported, caller.assistant))
    headers = {"Content-Disposition": f'attachment; filename="thread.{kind}"', "X-Photos": str(photos)}
    return Response(data, media_type="application/zip" if kind == "zip" else "application/jsonl", headers=headers)


def _whole(number: object) -> object:
    """JSON knows one kind of number, and 2.0 is whole."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


class Utterance(Given):
    """What would be asked, about how many photos, in which thread."""

    text: Annotated[str, Field(max_length=20_000)]
    photos: Annotated[int, Field(ge=0, le=1000), BeforeValidator(_whole)] = 0
    thread: ThreadName | None = None


class Planned(BaseModel):
    """The tools that a turn would be sent to; `margin` is by how much they are likelier than others, 0..1."""

    plan: list[Step]
    margin: float | None


@router.post("/plan", response_model=Planned, openapi_extra=body(Utterance), responses=responses())
async def plan(request: Request, caller: Looking, workers: Pool) -> Response:
    """Name the tools that a turn would be sent to; nothing is looked at."""
    asked = await given(request, Utterance)
    routed = await workers.run(partial(caller.assistant.plan, asked.text, asked.photos, asked.thread))
    return JSONResponse({"plan": [to_json(step) for step in routed.plan], "margin": routed.margin})


class TicketPlaced(BaseModel):
    """A ticket, and where it went; `null` where it waits, and then `problem` says why, where that is known."""

    ticket: Ticket
    where: str | None
    problem: str | None


class Handed(Given):
    """The thread to hand to a person, and what they should know beside it."""

    thread: ThreadName = "main"
    note: Annotated[str, Field(max_length=20_000)] = ""


@router.post("/tickets", response_model=TicketPlaced, openapi_extra=body(Handed), responses=responses(404))
async def hand_off(request: Request, caller: Looking, workers: Pool) -> Response:
    """Hand a thread to a person, as a ticket; again before the next turn gives the same one."""
    asked = await given(request, Handed)
    return JSONResponse(_placed(await workers.run(partial(caller.assistant.hand_off, asked.thread, asked.note))))


@router.get("/tickets", response_model=list[TicketPlaced], responses=responses())
async def tickets(caller: Looking, workers: Pool) -> Response:
    """The tickets of the home, the latest first."""
    return JSONResponse([_placed(placed) for placed in await workers.run(caller.assistant.tickets)])


@router.post("/tickets/send", response_model=list[TicketPlaced], responses=responses())
async def send(caller: Looking, workers: Pool) -> Response:
    """Hand over the tickets that wait, and say what became of each."""
    return JSONResponse([_placed(placed) for placed in await workers.run(caller.assistant.send_tickets)])


@router.get("/tickets/{ticket:path}", response_model=TicketPlaced, responses=responses(404))
async def ticket(ticket: str, caller: Looking, workers: Pool) -> Response:
    """One ticket."""
    return JSONResponse(_placed(await workers.run(partial(caller.assistant.ticket, ticket))))


def _placed(placed: Placed) -> dict[str, Any]:
    return {"ticket": to_json(placed.ticket), "where": placed.where, "problem": placed.problem}
