"""A labelled set of photos, JSON Lines: what each photo really shows, and where it was edited.

A row has `image`, a path relative to the file, and `sku`, what it shows, `null` where no product of any catalogue. For
`differences` it also has `edit`: `null` on a genuine photo, or `{"kind": …, "box": [x0, y0, x1, y1]}` in pixels of
the upright photo; a genuine one may say `"edited": false` instead. Whatever else a row says is passed over.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..memory.records import Problem
from ..tools.errors import BadInput
from ..tools.types import Box


@dataclass(frozen=True)
class Edit:
    """What was done to a photo: the kind, as the set calls it, and where, in pixels of the upright photo."""

    kind: str
    box: Box


@dataclass(frozen=True)
class Labelled:
    """One photo as its row states it; `edit` is `None` where it is genuine, or where nobody asked."""

    line: int
    image: Path
    sku: str | None
    edit: Edit | None = None


def read(file: Path, edits: bool) -> tuple[list[Labelled], list[Problem]]:
    """The rows of a file in its order, and what is wrong with the others; `edits`: each has to say what was edited.

    Raises `BadInput` where the file cannot be read or holds no row.
    """
    try:
        lines = file.read_text("utf-8-sig").split("\n")  # not `splitlines`: a JSON text may hold U+2028
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"Expected labelled photos, JSON Lines; {str(file)!r} cannot be read: {reason}.") from error
    rows: dict[Path, Labelled] = {}
    problems = []
    for n, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _row(n, line, file.absolute().parent, edits)
        if isinstance(row, Problem):
            problems.append(row)
        elif row.image in rows:
            first = rows[row.image].line
            problems.append(Problem(n, f"Expected each photo once; {row.image.name!r} is on line {first} too."))
        else:
            rows[row.image] = row
    if not rows and not problems:
        raise BadInput(f'Expected labelled photos, {{"image": …, "sku": …}} a line; {str(file)!r} holds none.')
    return list(rows.values()), problems


def _row(n: int, line: str, folder: Path, edits: bool) -> Labelled | Problem:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()  # half a character can be neither a path nor printed
    except (ValueError, RecursionError) as error:
        return Problem(n, f"Expected a JSON object on one line; it does not parse: {error}.")
    if not isinstance(row, dict):
        return Problem(n, f"Expected a JSON object with image and sku; got {line.strip()[:40]!r}.")
    image, sku = row.get("image"), row.get("sku", "")
    if not isinstance(image, str) or not image.strip():
        return Problem(n, f"Expected the path of a photo as image; got {_short(image)}.")
    if sku is not None and (not isinstance(sku, str) or not sku.strip()):
        return Problem(n, f"Expected the SKU of what the photo shows, or null, as sku; got {_short(sku)}.")
    edit = _edit(n, row) if edits else None
    if isinstance(edit, Problem):
        return edit
    return Labelled(n, folder / image.strip(), sku and sku.strip(), edit)


def _edit(n: int, row: dict[str, Any]) -> Edit | Problem | None:
    """What a row says was edited."""
    said = row.get("edit")
    if said is None:
        if "edit" in row or row.get("edited") is False:
            return None
        return Problem(n, "Expected edit, null on a genuine photo, or edited as false; there is neither.")
    kind, box = (said.get("kind"), said.get("box")) if isinstance(said, dict) else (None, None)
    if not isinstance(kind, str) or not kind.strip():
        return Problem(n, f'Expected edit as null or {{"kind": …, "box": [x0, y0, x1, y1]}}; got {_short(said)}.')
    if not isinstance(box, list) or len(box) != 4 or not all(type(edge) in (int, float) for edge in box):
        return Problem(n, f"Expected the box of an edit as [x0, y0, x1, y1]; got {_short(box)}.")
    if not (0 <= box[0] < box[2] and 0 <= box[1] < box[3]):
        return Problem(n, f"Expected the box of an edit with 0 <= x0 < x1 and 0 <= y0 < y1; got {_short(box)}.")
    return Edit(kind.strip(), Box(*map(float, box)))


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)[:80]
