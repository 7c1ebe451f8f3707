"""What requests bring: JSON, or a form with files, in the shape of one model; photos are never paths.

A photo is a data URI, the `sha256:…` id of a photo that the home keeps, or an address whose host the operator allows;
in a form it is a file as well.
"""

import json
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema
from starlette.datastructures import UploadFile

from ...tools.errors import BadInput

_PHOTO = "^(data:image/|sha256:[0-9a-f]{64}$|https?://)"
_MOST_FILES = 32

_M = TypeVar("_M", bound="Given")


class Given(BaseModel):
    """A request: nothing in it that nobody knows."""

    model_config = ConfigDict(extra="forbid")


def _photo(value: object) -> str | bytes:
    if isinstance(value, bytes) or (isinstance(value, str) and value.startswith(("data:", "sha256:", "http"))):
        return value
    raise ValueError("expected a photo as a data URI, the id of a kept photo, or the address of one; a path is none")


PhotoSource = Annotated[
    str | bytes, PlainValidator(_photo), WithJsonSchema({"type": "string", "pattern": _PHOTO, "title": "Photo"})
]
"""A photo as text, or as the bytes of a file."""


def _from_text(value: object) -> object:
    """In a form everything is text: a list or an object is written as JSON."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


FromText = BeforeValidator(_from_text)
"""For fields that are no text: in a form they are written as JSON."""


async def given(request: Request, model: type[_M]) -> _M:
    """The request as this model. Raises `ValidationError`, and `BadInput` for a body of another kind."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return model.model_validate_json(await request.body(), strict=True)
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return model.model_validate(await _form(request, model))
    raise BadInput(f"Expected a body of application/json or multipart/form-data; got {kind or 'neither'!r:.100}.")


async def _form(request: Request, model: type[Given]) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    many = {name for name, field in model.model_fields.items() if "list" in str(field.annotation)}
    async with request.form(max_files=_MOST_FILES) as form:
        for name, value in form.multi_items():
            got = await value.read() if isinstance(value, UploadFile) else value
            if name in many and not (isinstance(got, str) and got[:1] == "["):
                filled.setdefault(name, []).append(got)
            else:
                filled[name] = got
    return filled


def body(model: type[Given], required: bool = True) -> dict[str, Any]:
    """The request's body for the schema: as JSON, and as a form in which photos may be files."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": required, "content": content}}
