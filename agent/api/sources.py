"""The photos of a request, as the Assistant takes them: never a path, and no address that is not allowed."""

from collections.abc import Iterable

from fastapi import Request

from ...tools.errors import BadInput
from .calls import under_way


async def source(request: Request, given: str | bytes) -> str | bytes:
    """A photo that a request brings: bytes, a data URI or an id. Raises `BadInput` for an address."""
    del request
    if isinstance(given, bytes) or not given.startswith("sha256:"):
        under_way().photos += 1
    if isinstance(given, bytes) or given.startswith(("data:", "sha256:")):
        return given
    raise BadInput("Expected a photo as a data URI, a file or an id; got an address, and none is fetched here.")


async def sources(request: Request, given: Iterable[str | bytes]) -> list[str | bytes]:
    """As `source`, of several."""
    return [await source(request, each) for each in given]
