"""The tools over HTTP: one photo gives a finding; many give one each, or what was wrong with that photo."""

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, create_model
from starlette.responses import JSONResponse, Response

from ...tools.toolbox import TOOLS
from ...tools.types import FieldName, Finding
from ..reply import to_json
from .caller import Looking, Pool
from .errors import Failure, failure, responses
from .given import Given, PhotoSource, body, given
from .shown import shown
from .sources import source, sources

_MOST = 64
"""Photos of one batch."""


class Describe(Given):
    """A question about the photo, else what it shows; and how much of it."""

    question: str | None = None
    detail: Literal["brief", "normal", "full"] = "normal"


class Ocr(Given):
    """One field, else all text."""

    field: FieldName | None = None


class Ground(Given):
    """What to find."""

    target: Annotated[str, Field(min_length=1, max_length=500)]


class Identify(Given):
    """Nothing beside the photo."""


class Compare(Given):
    """What was ordered, or another photo; else the product that it is identified as."""

    claimed: str | None = None
    other: PhotoSource | None = None


class Result(BaseModel):
    """Of one photo of a batch: its finding, or its error."""

    finding: Finding | None
    error: Failure | None


_ARGS: dict[str, type[Given]] = {
    "describe": Describe,
    "ocr": Ocr,
    "ground": Ground,
    "identify": Identify,
    "compare": Compare,
}
"""What the Assistant's methods take. A tool that it has no method for takes what it takes itself, as text."""


def router() -> APIRouter:
    """The routes of every tool there is."""
    made = APIRouter(prefix="/api", tags=["tools"])
    for tool, looks in TOOLS.items():
        _add(made, tool, _ARGS.get(tool) or _taken(looks), (looks.__doc__ or "").strip().splitlines()[0])
    return made


def _taken(tool: Callable[..., Finding]) -> type[Given]:
    names = [name for name in signature(tool).parameters if name not in ("photo", "kit")]
    fields: Any = dict.fromkeys(names, (str | None, None))
    made: type[Given] = create_model(tool.__name__.capitalize(), __base__=Given, **fields)
    return made


def _add(router: APIRouter, tool: str, args: type[Given], says: str) -> None:
    one = type(f"{args.__name__}One", (args,), {"__annotations__": {"photo": PhotoSource}})
    many_photos = Annotated[list[PhotoSource], Field(min_length=1, max_length=_MOST)]
    many = type(f"{args.__name__}Many", (args,), {"__annotations__": {"photos": many_photos}})

    async def look(request: Request, caller: Looking, workers: Pool) -> Response:
        asked: dict[str, Any] = (await given(request, one)).model_dump(exclude_none=True)
        for name in ("photo", "other"):
            if name in asked:
                asked[name] = await source(request, asked[name])
        call: Callable[..., Finding] = getattr(caller.assistant, tool, partial(caller.assistant.look, tool))
        return shown(await workers.run(partial(call, **asked)))

    async def each(request: Request, caller: Looking, workers: Pool) -> Response:
        asked: dict[str, Any] = (await given(request, many)).model_dump(exclude_none=True)
        photos = await sources(request, asked.pop("photos"))
        if "other" in asked:
            asked["other"] = await source(request, asked["other"])
        results: list[dict[str, Any]] = []
        async for _, got in workers.stream(partial(caller.assistant.each, tool, photos, **asked)):
            error = isinstance(got, Exception)
            results.append({"finding": None if error else to_json(got), "error": failure(got) if error else None})  # type: ignore[arg-type]
        return JSONResponse(results)

    router.add_api_route(
        f"/{tool}",
        look,
        methods=["POST"],
        operation_id=tool,
        summary=tool.capitalize(),
        description=says,
        response_model=Finding,
        responses=responses(404),
        openapi_extra=body(one),
    )
    router.add_api_route(
        f"/batch/{tool}",
        each,
        methods=["POST"],
        operation_id=f"{tool}_each",
        summary=f"{tool.capitalize()} each",
        description=f"{says} Of many photos: each one's finding, or what is wrong with it, in their order.",
        response_model=list[Result],
        responses=responses(404),
        openapi_extra=body(many),
    )
