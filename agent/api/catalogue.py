"""The catalogue over HTTP: products and their confirmed views."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from ...tools.types import Product, View
from ..assistant import Assistant
from ..reply import to_json
from .caller import Keeping, Looking, Pool
from .errors import responses
from .given import BoxGiven, Given, PhotoSource, body, given
from .photos import Id
from .shown import shown
from .sources import source, sources

router = APIRouter(prefix="/api", tags=["catalogue"])

Sku = Annotated[str, Field(min_length=1, max_length=200)]


@router.get("/products", response_model=list[Product], responses=responses())
async def products(caller: Looking, workers: Pool) -> Response:
    """The products of the catalogue, by SKU."""
    return shown(list(await workers.run(caller.assistant.products)))


class Found(BaseModel):
    """A product that words describe, and how it was found, as in the catalogue's `Hit`."""

    product: Product
    words: float | None
    similarity: float | None


@router.get("/search", response_model=list[Found], responses=responses())
async def search(
    caller: Looking,
    workers: Pool,
    words: Annotated[str, Query(max_length=500)],
    most: Annotated[int, Query(ge=1, le=10_000)] = 10,
) -> Response:
    """The products that words describe best."""
    hits = await workers.run(partial(caller.assistant.search, words, most))
    return JSONResponse([{**hit._asdict(), "product": to_json(hit.product)} for hit in hits])


@router.get("/products/{sku:path}", response_model=Product, responses=responses(404))
async def product(sku: str, caller: Looking, workers: Pool) -> Response:
    """One product."""
    return shown(await workers.run(partial(caller.assistant.product, sku)))


class Added(Given):
    """A product: its title, its official photos, and whatever else is known of it."""

    title: Annotated[str, Field(min_length=1, max_length=500)]
    images: Annotated[list[PhotoSource], Field(min_length=1, max_length=32)]
    attributes: dict[str, str] = Field(default_factory=dict)


@router.put("/products/{sku:path}", response_model=Product, openapi_extra=body(Added), responses=responses(404))
async def add(sku: str, request: Request, caller: Keeping, workers: Pool) -> Response:
    """Keep one product in place of its earlier record."""
    new = await given(request, Added)
    images = await sources(request, new.images)

    def added(assistant: Assistant) -> Product:
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for n, image in enumerate(images):
                file = Path(folder) / str(n)
                file.write_bytes(assistant.load(image).data)
                files.append(file)
            return assistant.add_product(sku, new.title, files, new.attributes)

    return shown(await workers.run(partial(added, caller.assistant)))


@router.delete("/products/{sku:path}", status_code=204, responses=responses(404))
async def remove(sku: str, caller: Keeping, workers: Pool) -> Response:
    """Remove a product with its official photos and its views."""
    await workers.run(partial(caller.assistant.remove_product, sku))
    return Response(status_code=204)


@router.get("/views", response_model=list[View], responses=responses(404))
async def views(caller: Looking, workers: Pool, sku: Annotated[str | None, Query()] = None) -> Response:
    """The confirmed views of a product, or of all."""
    return shown(list(await workers.run(partial(caller.assistant.views, sku))))


class Confirmed(Given):
    """A photo, and the product that it shows; `source` says where the photo comes from. See `catalogue confirm`."""

    photo: PhotoSource
    sku: Sku
    box: BoxGiven | None = None
    edition: str | None = None
    by: str | None = None
    source: str | None = None


@router.post(
    "/views", status_code=201, response_model=View, openapi_extra=body(Confirmed), responses=responses(404, 409)
)
async def confirm(request: Request, caller: Keeping, workers: Pool) -> Response:
    """Keep a photo as a view of a product: from now on it teaches what that looks like."""
    told: dict[str, Any] = (await given(request, Confirmed)).model_dump()
    photo, sku = await source(request, told.pop("photo")), told.pop("sku")
    return shown(await workers.run(partial(caller.assistant.confirm, photo, sku, **told)), 201)


@router.delete("/views/{photo}/{sku:path}", status_code=204, responses=responses(404))
async def withdraw(photo: Id, sku: str, caller: Keeping, workers: Pool) -> Response:
    """Take back what was confirmed of a photo and a product."""
    await workers.run(partial(caller.assistant.withdraw, photo, sku))
    return Response(status_code=204)
