"""Photos and annotated pictures over HTTP: upright, as a browser shows them, so that boxes lie where they should."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from pydantic import BaseModel, TypeAdapter, WithJsonSchema
from starlette.responses import FileResponse, JSONResponse, Response

from ...tools.errors import BadInput, SightlineError, UnknownPhoto
from ...tools.types import Finding, Photo
from ..assistant import Assistant
from .caller import Looking, Pool
from .errors import responses
from .given import OURS, Given, PhotoSource, body, given
from .sources import source

router = APIRouter(prefix="/api", tags=["photos"])

Id = Annotated[str, InPath(pattern="^sha256:[0-9a-f]{64}$")]
_IMAGES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}
}
Stored = Annotated[bool, Query(description="As it is stored, whatever its encoding, and not upright.")]
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""What an id names never changes."""


class Kept(BaseModel):
    """A photo that is kept: its id, and its width and height in pixels, upright."""

    id: str
    width: int
    height: int


class Sent(Given):
    """A photo to keep until it is let go of."""

    photo: PhotoSource


@router.post("/photos", status_code=201, response_model=Kept, openapi_extra=body(Sent), responses=responses(404))
async def keep(request: Request, caller: Looking, workers: Pool) -> Response:
    """Keep a photo ahead of the turns that are about it, until it is deleted, and give its id."""
    sent = await source(request, (await given(request, Sent)).photo)

    def kept(assistant: Assistant) -> Photo:
        return assistant.load(assistant.keep(sent))

    photo = await workers.run(partial(kept, caller.assistant))
    return JSONResponse({"id": photo.id, "width": photo.size.width, "height": photo.size.height}, 201)


@router.delete("/photos/{photo}", status_code=204, responses=responses(404))
async def drop(photo: Id, caller: Looking, workers: Pool) -> Response:
    """Let go of a photo that was kept ahead; one that a thread is about stays with it."""
    await workers.run(partial(caller.assistant.drop, photo))
    return Response(status_code=204)


@router.get("/photos/{photo}", response_class=Response, responses=responses(404) | _IMAGES)
async def show(photo: Id, caller: Looking, workers: Pool, stored: Stored = False) -> Response:
    """A photo that the home keeps, upright."""
    return await workers.run(lambda: _shown(caller.assistant, caller.assistant.load(photo), stored))


@router.get("/references/{photo}", response_class=Response, responses=responses(404) | _IMAGES)
async def official(photo: Id, caller: Looking, workers: Pool, stored: Stored = False) -> Response:
    """An official photo of the catalogue, or a confirmed one, upright."""
    return await workers.run(lambda: _shown(caller.assistant, caller.assistant.official(photo), stored))


@router.get("/pictures/{turn}/{name}", response_class=FileResponse, responses=responses(404) | _IMAGES)
async def picture(
    turn: Annotated[str, InPath(pattern="^[0-9A-Za-z][0-9A-Za-z_-]{0,199}$")],
    name: Annotated[str, InPath(pattern=r"^[0-9a-z-]{1,80}\.jpg$")],
    caller: Looking,
) -> Response:
    """A photo with numbered marks that a reply shows."""
    file = caller.assistant.home / "pictures" / turn / name
    if not file.is_file():
        raise UnknownPhoto(f"Expected a picture of a turn that is kept; {turn}/{name} is not there.")
    return FileResponse(file, media_type="image/jpeg", headers=_FOREVER)


class Drawn(Given):
    """A photo and what was found in it; of two photos, the other."""

    photo: PhotoSource
    finding: Annotated[dict[str, Any], WithJsonSchema({"type": "object", OURS: "Finding"})]
    other: PhotoSource | None = None


@router.post("/pictures", response_class=Response, openapi_extra=body(Drawn), responses=responses(404) | _IMAGES)
async def draw(request: Request, caller: Looking, workers: Pool) -> Response:
    """A JPEG of a photo with the regions of a finding as numbered marks."""
    asked = await given(request, Drawn)
    finding = TypeAdapter(Finding).validate_json(json.dumps(asked.finding), strict=True)
    photo = await source(request, asked.photo)
    other = await source(request, asked.other) if asked.other is not None else None
    return Response(
        await workers.run(lambda: _marked(caller.assistant, photo, finding, other)), media_type="image/jpeg"
    )


def _marked(assistant: Assistant, photo: str | bytes, finding: Finding, other: str | bytes | None) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            return assistant.draw(photo, finding, Path(folder) / "picture.jpg", other).read_bytes()
        except SightlineError:
            raise
        except Exception as error:
            # It comes from outside: its places may lie nowhere, and its homography fold the plane.
            raise BadInput(
                "Expected a finding as a tool left it for this photo; got one that cannot be drawn."
            ) from error


def _shown(assistant: Assistant, photo: Photo, stored: bool) -> Response:
    data, kind = (photo.data, "application/octet-stream") if stored else assistant.upright(photo)
    return Response(data, media_type=kind, headers=_FOREVER)
