"""Corrections over HTTP: told, listed, changed, undone, and carried from home to home."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from ...tools.types import Correction, CorrectionAbout, CorrectionScope
from ..assistant import Assistant
from .caller import Looking, Pool
from .errors import responses
from .given import BoxGiven, Given, PhotoSource, body, given
from .shown import shown
from .sources import source

router = APIRouter(prefix="/api/corrections", tags=["corrections"])

Words = Annotated[str, Field(min_length=1, max_length=2000)]


class Corrected(Given):
    """What was wrong and what is right, as in `Correction`; scope `product` needs its `sku`, any other the photo."""

    about: CorrectionAbout
    after: Words
    photo: PhotoSource | None = None
    what: Words | None = None
    before: Words | None = None
    scope: CorrectionScope = "photo"
    sku: Words | None = None
    box: BoxGiven | None = None
    by: Words | None = None


@router.post("", status_code=201, response_model=Correction, openapi_extra=body(Corrected), responses=responses(404))
async def correct(request: Request, caller: Looking, workers: Pool) -> Response:
    """Keep that something said of a photo, or of a product, is wrong; the same again changes nothing."""
    told = (await given(request, Corrected)).model_dump()
    photo, about, after = told.pop("photo"), told.pop("about"), told.pop("after")
    photo = await source(request, photo) if photo is not None else None
    return shown(await workers.run(partial(caller.assistant.correct, photo, about, after, **told)), 201)


@router.get("", response_model=list[Correction], responses=responses())
async def corrections(
    caller: Looking,
    workers: Pool,
    photo: Annotated[str | None, Query()] = None,
    sku: Annotated[str | None, Query()] = None,
    undone: Annotated[bool, Query()] = False,
) -> Response:
    """The corrections that apply, in the order in which they were told; with `undone`, all."""
    return shown(await workers.run(partial(caller.assistant.corrections, photo, sku, undone)))


@router.get("/conflicts", response_model=list[list[Correction]], responses=responses())
async def conflicts(caller: Looking, workers: Pool) -> Response:
    """Those that apply and say different things of the same."""
    from ..reply import to_json

    groups = await workers.run(caller.assistant.conflicting_corrections)
    return JSONResponse([[to_json(each) for each in group] for group in groups])


_LINES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/jsonl": {"schema": {"type": "string"}}}}}


@router.get("/export", response_class=Response, responses=responses() | _LINES)
async def export(caller: Looking, workers: Pool) -> Response:
    """The corrections that apply, as JSON Lines."""

    def exported(assistant: Assistant) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "corrections.jsonl"
            assistant.export_corrections(file)
            return file.read_bytes()

    return Response(await workers.run(partial(exported, caller.assistant)), media_type="application/jsonl")


class Imported(BaseModel):
    """How many were not here yet."""

    imported: int


class Lines(Given):
    """Corrections as JSON Lines, as they were exported."""

    lines: str


@router.post("/import", response_model=Imported, openapi_extra=body(Lines), responses=responses())
async def take(request: Request, caller: Looking, workers: Pool) -> Response:
    """Keep those that are not here yet."""
    lines = (await given(request, Lines)).lines

    def taken(assistant: Assistant) -> int:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "corrections.jsonl"
            file.write_text(lines, "utf-8")
            return assistant.import_corrections(file)

    return JSONResponse({"imported": await workers.run(partial(taken, caller.assistant))})


@router.get("/{correction}", response_model=list[Correction], responses=responses(404))
async def versions(correction: str, caller: Looking, workers: Pool) -> Response:
    """Every version of a correction, the first one first."""
    return shown(list(await workers.run(partial(caller.assistant.correction, correction))))


class Edited(Given):
    """What is right instead."""

    after: Words


@router.patch("/{correction}", response_model=Correction, openapi_extra=body(Edited), responses=responses(404))
async def edit(correction: str, request: Request, caller: Looking, workers: Pool) -> Response:
    """Say otherwise what is right; undoing brings the earlier back."""
    after = (await given(request, Edited)).after
    return shown(await workers.run(partial(caller.assistant.edit_correction, correction, after)))


@router.post("/{correction}/undo", response_model=Correction, responses=responses(404))
async def undo(correction: str, caller: Looking, workers: Pool) -> Response:
    """Take back its latest change, exactly, and give what that was."""
    return shown(await workers.run(partial(caller.assistant.undo_correction, correction)))
