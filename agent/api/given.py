"""What requests bring: JSON, or a form with files, in the shape of one model; photos are never paths.

A photo is a data URI, the `sha256:…` id of a photo that the home keeps, or an address whose host the operator allows;
in a form it is a file as well.
"""

import json
import re
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from starlette.datastructures import UploadFile

from ...tools.errors import BadInput

_PHOTO = re.compile(r"^(data:image/[a-z0-9.+-]+;base64,|sha256:[0-9a-f]{64}$|https?://)")
_MOST_FILES = 32

OURS = "x-ours"
"""In a field's schema: the name of the schema that the API has for it already, which stands in its place."""

_M = TypeVar("_M", bound="Given")


class Given(BaseModel):
    """A request: nothing in it that nobody knows."""

    model_config = ConfigDict(extra="forbid")


def _photo(value: object) -> str | bytes:
    if isinstance(value, bytes) or (isinstance(value, str) and _PHOTO.match(value)):
        return value
    raise ValueError("expected a photo as a data URI, the id of a kept photo, or the address of one; a path is none")


PhotoSource = Annotated[
    str | bytes, PlainValidator(_photo), WithJsonSchema({"type": "string", "pattern": _PHOTO.pattern, "title": "Photo"})
]
"""A photo as text, or as the bytes of a file."""


BoxGiven = Annotated[list[float], Field(min_length=4, max_length=4)]
"""x0, y0, x1, y1 in pixels of the upright photo."""


async def given(request: Request, model: type[_M]) -> _M:
    """The request as this model. Raises `ValidationError`, and `BadInput` for a body of another kind."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return model.model_validate_json(await request.body(), strict=True)
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return model.model_validate(await _form(request, model), strict=True)
    raise BadInput(f"Expected a body of application/json or multipart/form-data; got {kind or 'neither'!r:.100}.")


async def _form(request: Request, model: type[Given]) -> dict[str, Any]:
    """What is filled in: text and files as they are, a field that comes several times as a list, all else as JSON."""
    filled: dict[str, Any] = {}
    fields = _fields(model)
    async with request.form(max_files=_MOST_FILES) as form:
        for name, value in form.multi_items():
            got = await value.read() if isinstance(value, UploadFile) else value
            kind = fields.get(name, {})
            if kind.get("type") == "array":
                filled.setdefault(name, []).append(_parsed(kind["items"], got))
            elif name in filled:
                raise BadInput(f"Expected {name!r:.100} once; it comes several times.")
            else:
                filled[name] = _parsed(kind, got)
    return filled


def _parsed(kind: dict[str, Any], value: str | bytes) -> Any:
    if kind.get("type", "string") == "string":
        return value
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    return value if parsed is None else parsed


def _fields(model: type[Given]) -> dict[str, dict[str, Any]]:
    """The fields of a form: what is not filled in stands in none."""
    return {name: _filled(field) for name, field in model.model_json_schema()["properties"].items()}


def body(model: type[Given]) -> dict[str, Any]:
    """The request's body for the schema: as JSON, and as a form in which photos may be files."""
    schema = model.model_json_schema()
    as_json = {name: _referred(field) for name, field in schema["properties"].items()}
    as_form = {name: _referred(field) for name, field in _fields(model).items()}
    content = {
        "application/json": {"schema": {**schema, "properties": as_json}},
        "multipart/form-data": {"schema": {**schema, "properties": as_form}},
    }
    return {"requestBody": {"required": True, "content": content}}


def _referred(field: dict[str, Any]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{field[OURS]}"} if OURS in field else field


def _filled(field: dict[str, Any]) -> dict[str, Any]:
    others = [kind for kind in field.get("anyOf", []) if kind.get("type") != "null"]
    return {**{k: v for k, v in field.items() if k not in ("anyOf", "default")}, **others[0]} if others else field
