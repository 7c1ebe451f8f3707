"""Catalogues over HTTP: sent as one file or a zip, indexed in the background, with progress."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from ...tools.errors import BadInput
from .arriving import Upload
from .caller import Keeping, Pool
from .errors import responses
from .importing import AllImports, Import, Imports

PATH = "/api/imports"
MOST_BYTES = 2_000_000_000
"""Of one request; it is written to the disk as it comes."""

router = APIRouter(prefix=PATH, tags=["catalogue"])

Id = Annotated[str, InPath(pattern="^[0-9a-f]{32}$")]

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "A .zip of one .jsonl or .csv and its images, or a .jsonl or .csv alone.",
                        },
                        "images": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "Beside a .jsonl or .csv: its images, which its rows name by file name.",
                        },
                    },
                    "additionalProperties": False,
                }
            }
        },
    }
}


@router.post("", status_code=202, response_model=Import, openapi_extra=_FORM, responses=responses())
async def begin(request: Request, caller: Keeping, workers: Pool) -> Response:
    """Send a catalogue with its images: once it is kept it is acknowledged, and then indexed; ask how far that is."""
    imports = await workers.run(_of(request, caller.assistant))
    folder = await run_in_threadpool(imports.arrive)
    try:
        upload = await run_in_threadpool(Upload, request.headers.get("content-type", ""), folder)
        try:
            async for chunk in request.stream():
                await run_in_threadpool(upload.feed, chunk)
        except ClientDisconnect:
            raise BadInput("Expected a whole upload; whoever sent it went away.") from None
        finally:
            upload.close()
        job = await workers.run(partial(imports.accept, upload))
    finally:
        await run_in_threadpool(imports.leave, folder)
    return JSONResponse(job.model_dump(), 202, {"Location": f"{PATH}/{job.id}"})


@router.get("", response_model=list[Import], responses=responses())
async def all_(request: Request, caller: Keeping, workers: Pool) -> Response:
    """The imports of the home, the latest first."""
    imports = await workers.run(_of(request, caller.assistant))
    return JSONResponse([job.model_dump() for job in imports.all()])


@router.get("/{id}", response_model=Import, responses=responses(404))
async def one(id: Id, request: Request, caller: Keeping, workers: Pool) -> Response:  # noqa: A002
    """How far an import is, or how it ended."""
    imports = await workers.run(_of(request, caller.assistant))
    return JSONResponse(imports.get(id).model_dump())


@router.delete("/{id}", status_code=204, responses=responses(404))
async def forget(id: Id, request: Request, caller: Keeping, workers: Pool) -> Response:  # noqa: A002
    """Delete the record of an import that has ended; its products stay."""
    imports = await workers.run(_of(request, caller.assistant))
    await workers.run(partial(imports.forget, id))
    return Response(status_code=204)


def _of(request: Request, assistant: Any) -> Callable[[], Imports]:
    every: AllImports = request.app.state.imports
    return partial(every.of, assistant)
