"""A conversation as one file: its turns as JSON Lines and, in a zip, its photos beside them, as they are stored."""

import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from ..tools.errors import BadInput
from ..tools.types import Photo

TURNS = "turns.jsonl"
"""The turns in the zip: a reply a line, oldest first."""

_ENDINGS = {"JPEG": "jpg", "TIFF": "tif"}


def name_of(photo: Photo) -> str:
    """A photo's place in the zip: `photos/`, the 64 digits of its id, and the ending of its format."""
    return f"photos/{photo.id.removeprefix('sha256:')}.{_ENDINGS.get(photo.format, photo.format.lower())}"


def export(file: Path, turns: Sequence[dict[str, Any]], photos: Iterable[Photo]) -> int:
    """Write turns and photos to a `.zip`, or the turns alone to a `.jsonl`; how many photos it holds.

    The file is written whole or not at all, in place of one that is there. Raises `BadInput` where its name ends
    otherwise or it cannot be written.
    """
    lines = "".join(json.dumps(turn, ensure_ascii=False) + "\n" for turn in turns)
    kind, written = kind_of(file), 0
    with whole(file) as out:
        if kind == "jsonl":
            out.write(lines.encode())
        else:
            # Photos are compressed already.
            with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as zipped:
                zipped.writestr(TURNS, lines, zipfile.ZIP_DEFLATED)
                for photo in photos:
                    zipped.writestr(name_of(photo), photo.data)
                    written += 1
    return written


def kind_of(file: Path) -> Literal["zip", "jsonl"]:
    """What a file of this name is to hold. Raises `BadInput` for any other."""
    match file.suffix.lower():
        case ".zip":
            return "zip"
        case ".jsonl":
            return "jsonl"
    raise BadInput(f"Expected a file that ends in .zip, or in .jsonl for the turns alone; got {file.name!r}.")


@contextmanager
def whole(file: Path) -> Iterator[IO[bytes]]:
    """What is written to this takes the place of a file once all of it is there, and never before.

    Raises `BadInput` where it cannot be written.
    """
    try:
        handle, part = tempfile.mkstemp(prefix=".export-", dir=file.absolute().parent)
        try:
            with os.fdopen(handle, "wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            Path(part).replace(file)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadInput(f"Expected a place to write to; {file} cannot be written ({error}).") from error
