"""What the MCP server gives back, thrice: as text, as structured content, and as pictures.

Each carries what was found by itself, since clients drop one or the other.
"""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcp_types import CallToolResult, ImageContent, TextContent
from PIL import Image
from pydantic import TypeAdapter

LONGEST = 1568
"""Pixels of the longer side of a picture, at most: what models see of one, and small enough for clients' limits."""


def schema(kind: Any) -> dict[str, Any]:
    """The JSON Schema of what `reply.to_json` makes of one of our types."""
    return TypeAdapter(kind).json_schema(mode="serialization")


def result(text: str, structured: dict[str, Any], pictures: Sequence[Path] = ()) -> CallToolResult:
    """One result; pictures are files, sent smaller where they are large."""
    images = [ImageContent(data=_encoded(jpeg(path)), mime_type="image/jpeg") for path in pictures]
    return CallToolResult(content=[TextContent(text=text), *images], structured_content=structured)


def jpeg(picture: Path | io.BytesIO) -> bytes:
    """A picture, a file or its bytes, as JPEG, its longer side no more than `LONGEST` pixels."""
    out = io.BytesIO()
    with Image.open(picture) as image:
        image.thumbnail((LONGEST, LONGEST))
        image.convert("RGB").save(out, "JPEG", quality=85)
    return out.getvalue()


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
