"""A server's app in this process, and keys to it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from numpy.typing import NDArray
from starlette.testclient import TestClient

from sightline.agent.api.app import create_app
from sightline.agent.api.gate import Gate
from sightline.agent.assistant import Assistant
from sightline.tools.types import Point, Quad

SECRET = "the owner's secret"
FREE = {"/health", "/api/openapi.json", "/api/proof/{nonce}"}
"""What needs no key; and whatever is served from `/` and `/static`, which is the page.

The proof says something to whoever knows the secret already, and nothing to anybody else.
"""


@contextmanager
def app_of(
    home: Path, *, at_once: int = 2, in_line: int = 64, most_bytes: int = 10_000_000, **gate: Any
) -> Iterator[FastAPI]:
    """The app of a home, before it is started."""
    with Assistant.open(home) as assistant:
        assistant.own()
        yield create_app(Gate(assistant, SECRET, **gate), at_once=at_once, in_line=in_line, most_bytes=most_bytes)


@contextmanager
def serving(home: Path, **bounds: Any) -> Iterator[TestClient]:
    """A client of the app of a home."""
    with app_of(home, **bounds) as app, TestClient(app, base_url="http://localhost") as client:
        yield client


class OneLine:
    """An OCR engine that reads the same line on every photo, at once."""

    name = "one line"

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, pixels: NDArray[np.uint8]) -> Sequence[tuple[str, float, Quad]]:
        height, width = pixels.shape[:2]
        low, high, right = 0.2 * height, 0.3 * height, 0.9 * width
        return [(self.text, 0.99, (Point(10, low), Point(right, low), Point(right, high), Point(10, high)))]


def bearing(key: str) -> dict[str, str]:
    """The header of a key."""
    return {"Authorization": f"Bearer {key}"}


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Each method and path that the app takes and that is not free."""
    found = []
    for context in iter_route_contexts(app.routes):
        path = str(context.path)
        if path in {*FREE, "/"} or path.startswith("/static"):
            continue
        # What is mounted has no methods.
        found += [(method, path) for method in sorted(context.methods or ("GET",)) if method != "HEAD"]
    return sorted(found)
