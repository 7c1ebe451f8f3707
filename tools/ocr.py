"""The tool `ocr`: what a photo says, or one field of it."""

import time

from .fields import find_fields
from .kit import Kit
from .photos import pixels
from .quality import measure
from .reading import read
from .types import FieldName, Finding, Line, Outcome, Photo, Reading, Region


def ocr(photo: Photo, kit: Kit, *, field: FieldName | None = None) -> Finding:
    """Read the visible text, in reading order, each line with its box.

    With `field`, only that field. The finding's `reason` is `no_text`, `partly_unreadable`,
    `unsupported_script` or `photo_too_poor` where there is one. Raises `Unavailable` without an engine.
    """
    start = time.perf_counter()
    reading = read(photo, kit)
    facts = find_fields(reading, None if field is None else (field,))
    reason = why_incomplete(reading)
    outcome: Outcome = "found"
    if not (facts if field else reading.text):
        outcome = "unreadable" if reason else "absent"
    if outcome == "absent" and measure(pixels(photo)).level == "retake":
        outcome, reason = "unreadable", "photo_too_poor"
    regions = tuple(as_region(line, photo) for line in reading.lines)
    return Finding(
        id=f"ocr:{photo.id[7:15]}" + (f":{field}" if field else ""),
        tool="ocr",
        outcome=outcome,
        photos=(photo.id,),
        source=reading.engine,
        ms=1000 * (time.perf_counter() - start),
        asked=field,
        text=reading.text or None,
        regions=regions,
        facts=facts,
        turned=reading.turned,
        mirrored=reading.mirrored,
        reason=reason,
    )


def why_incomplete(reading: Reading) -> str | None:
    """Why not all of the text could be read; `None` where it was."""
    lost = [line for line in reading.lines if line.status != "read"]
    if any(line.status == "unreadable" and line.script != "unknown" for line in lost):
        return "unsupported_script"
    return "partly_unreadable" if lost else None


def as_region(line: Line, photo: Photo) -> Region:
    """A line as a region; one that could not be read has no label."""
    label = line.text if line.status == "read" else ""
    return Region(line.box.inside(photo.size), label, "text", line.score if label else None, line.quad)
