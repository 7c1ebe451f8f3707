"""The photos of a request, as the Assistant takes them: never a path, and no address that is not allowed."""

from collections.abc import Iterable

from fastapi import Request

from ...tools.errors import BadInput
from ...tools.photos import LIMITS
from .calls import under_way
from .fetching import Fetcher

_MOST = 100_000_000
"""Bytes that are fetched for one request, all its addresses together."""


async def source(request: Request, given: str | bytes) -> str | bytes:
    """A photo that a request brings: bytes, a data URI, an id, or what is at an address whose host is allowed.

    Raises `BadInput` for any other address, for what cannot be fetched, and where too much would be.
    """
    if isinstance(given, bytes) or not given.startswith("sha256:"):
        under_way().photos += 1
    if isinstance(given, bytes) or given.startswith(("data:", "sha256:")):
        return given
    fetcher: Fetcher | None = request.app.state.fetcher
    if fetcher is None:
        raise BadInput("Expected a photo as a data URI, a file or an id; got an address, and none is fetched here.")
    left = _MOST - getattr(request.state, "fetched", 0)
    data = await fetcher.fetch(given, min(LIMITS.bytes, left))
    request.state.fetched = _MOST - left + len(data)
    return data


async def sources(request: Request, given: Iterable[str | bytes]) -> list[str | bytes]:
    """As `source`, of several."""
    return [await source(request, each) for each in given]
