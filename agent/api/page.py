"""The page at `/`: files of this package as they are, which load nothing from any other host."""

import hashlib
import re
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_FILES = Path(__file__).parent.parent / "web"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
_HEADERS = {
    # Photos are fetched with the person's key and shown as blobs; everything else is a file of ours.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    # Asked for anew each time, so that a page never mixes modules of two versions.
    "Cache-Control": "no-cache",
}


@router.get("/")
async def page(request: Request) -> Response:
    """The page."""
    return _file(request, "index.html")


@router.get("/static/{name}")
async def static(name: str, request: Request) -> Response:
    """A module, a style sheet, a drawing or the words of the page."""
    if not re.fullmatch(r"[a-z.]{1,40}", name):
        raise HTTPException(404, f"Expected a file of the page; got {name!r:.60}.")
    return _file(request, name)


def _file(request: Request, name: str) -> Response:
    file = _FILES / name
    kind = _TYPES.get(file.suffix)
    if kind is None or not file.is_file():
        raise HTTPException(404, f"Expected a file of the page; {name} is none.")
    data = file.read_bytes()
    headers = {**_HEADERS, "ETag": f'"{hashlib.sha256(data).hexdigest()[:32]}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=kind, headers=headers)
