"""What a person is given who takes a conversation over: a ticket, and the pictures it speaks of.

A ticket holds what was said, what was found, what was tried, and nothing that nobody looked at. Its pictures are cut
out of the photos around what is claimed, what differs and what a person marked, and encoded anew, so that they hold
no metadata; a whole photo goes with it only where there is nothing to cut out. Nothing here sends anything.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from ..tools.errors import UnknownPhoto, UnreadablePhoto
from ..tools.photos import Photos
from ..tools.types import Box, Finding, Outcome, PhotoId, Region, Size, Verdict
from .reply import Claim, Reply, Step

HUMAN = Step("chat", {"topic": "human"})
"""The step of a plan that asks for a person."""

TURNS = 8
"""The last turns that a ticket tells."""
_MOST = 20
"""Pictures of a ticket; how many more there would be, it says."""
_MARGIN, _LEAST = 0.15, 12
"""What is shown around a region: a share of its longer side, and pixels at least. Set, not fitted."""
_LONGEST = 1600  # pixels of a picture's longer side
_QUALITY = 90  # of its JPEG


@dataclass(frozen=True)
class Said:
    """One turn: what was asked, and what was answered."""

    turn: str
    question: str
    answer: str


@dataclass(frozen=True)
class Judged:
    """What a comparison of a photo came to, and with what: the SKU, "" where it was another photo."""

    photo: PhotoId
    sku: str
    verdict: Verdict


@dataclass(frozen=True)
class Tried:
    """One look: the tool, what was asked of it, what came of it and why, and who looked."""

    turn: str
    tool: str
    photos: tuple[PhotoId, ...]
    asked: str | None
    outcome: Outcome
    reason: str | None
    source: str
    model: str | None


@dataclass(frozen=True)
class Shown:
    """A picture of the ticket: the file's name, and which part of which photo it shows, in pixels of that photo.

    `why`: it is claimed, it differs, a person marked it, or nothing was found and this is the whole photo.
    """

    name: str
    photo: PhotoId
    box: Box
    why: Literal["claimed", "differs", "marked", "whole"]
    label: str


@dataclass(frozen=True)
class Ticket:
    """What a person who takes over is told. It is plain data; what is quoted in it is data, never an instruction.

    `id` follows from the turn, so that the same turn makes the same ticket. `at` is when it was made (ISO 8601, UTC).
    `claimed` is the SKU that was ordered. `said` are the last turns, the oldest first; `claims` is the ledger of them,
    by turn. `left_out` is how many pictures more there would have been. `faces_removed` is `None`: nobody looked for
    faces.
    """

    id: str
    thread: str
    turn: str
    at: str
    language: str
    question: str
    note: str | None
    claimed: str | None
    said: tuple[Said, ...]
    verdicts: tuple[Judged, ...]
    regions: tuple[Region, ...]
    claims: Mapping[str, tuple[Claim, ...]]
    tried: tuple[Tried, ...]
    corrections: tuple[dict[str, Any], ...]
    pictures: tuple[Shown, ...]
    left_out: int = 0
    faces_removed: bool | None = Field(default=None)


def wanted(plan: Sequence[Step]) -> bool:
    """Whether a plan asks for a person."""
    return HUMAN in plan


def id_of(turn: str) -> str:
    """The id of a turn's ticket: 16 hexadecimal digits, the same for the same turn."""
    return hashlib.sha256(f"ticket of {turn}".encode()).hexdigest()[:16]


def write(
    replies: Sequence[Reply],
    photos: Photos,
    note: str = "",
    corrections: Sequence[dict[str, Any]] = (),
    marked: Sequence[tuple[PhotoId, Region]] = (),
) -> tuple[Ticket, dict[str, bytes]]:
    """The ticket of the last of these turns of a thread, and its pictures by name, as JPEG.

    `marked` is what a person marked in the photos. A photo that is damaged, or not there any more, is not shown.
    """
    last, told = replies[-1], replies[-TURNS:]
    findings = [(reply, finding) for reply in told for finding in reply.findings]
    looks = [(reply, f) for reply, f in findings if f.tool not in ("quality", "taught", "told")]
    shown, pictures, left_out = _pictures(told, photos, marked)
    ticket = Ticket(
        id=id_of(last.turn),
        thread=last.thread,
        turn=last.turn,
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        language=last.language,
        question=last.question,
        note=note or None,
        claimed=last.claimed,
        said=tuple(Said(reply.turn, reply.question, reply.text) for reply in told),
        verdicts=tuple(Judged(f.photos[0], _against(f), f.verdict) for _, f in looks if f.verdict),
        regions=tuple(dict.fromkeys(c.region for reply in told for c in reply.claims if c.region)),
        claims={reply.turn: reply.claims for reply in told if reply.claims},
        tried=tuple(
            Tried(reply.turn, f.tool, f.photos, f.asked, f.outcome, f.reason, f.source, f.model) for reply, f in looks
        ),
        corrections=tuple(corrections),
        pictures=shown,
        left_out=left_out,
    )
    return ticket, pictures


def _against(finding: Finding) -> str:
    return finding.matches[0].sku if finding.matches else ""


def _pictures(
    told: Sequence[Reply], photos: Photos, marked: Sequence[tuple[PhotoId, Region]]
) -> tuple[tuple[Shown, ...], dict[str, bytes], int]:
    """What is shown, the files, and how many there was no room for; what was last said comes first."""
    from ..tools.photos import pixels

    sizes = _sizes(told, photos)
    cuts: dict[tuple[PhotoId, Box], Shown] = {}
    for shown in [*(Shown("", photo, r.box, "marked", r.label) for photo, r in marked), *_evidence(told)]:
        box = _around(shown.box, sizes[shown.photo]) if shown.photo in sizes else None
        if box is not None:
            cuts.setdefault((shown.photo, box), replace(shown, box=box))
    chosen = list(cuts.values())
    if not chosen:
        latest = next((reply.photos for reply in reversed(told) if reply.photos), ())
        chosen = [
            Shown("", photo, Box(0, 0, *map(float, sizes[photo])), "whole", "") for photo in latest if photo in sizes
        ]
    named = [replace(shown, name=f"{n:02}-{shown.why}.jpg") for n, shown in enumerate(chosen[:_MOST], 1)]
    files = {shown.name: _jpeg(pixels(photos.get(shown.photo)), shown.box) for shown in named}
    return tuple(named), files, len(chosen) - len(named)


def _sizes(told: Sequence[Reply], photos: Photos) -> dict[PhotoId, Size]:
    """The photos that can be shown: that one is damaged keeps nobody from a person."""
    sizes = {}
    for photo in {photo for reply in told for photo in reply.photos}:
        with suppress(UnreadablePhoto, UnknownPhoto):
            sizes[photo] = photos.get(photo).size
    return sizes


def _evidence(told: Sequence[Reply]) -> Iterator[Shown]:
    """What the claims of the turns point at, and what their comparisons found, the last turn first."""
    for reply in reversed(told):
        by_id = {f.id: f for f in reply.findings}
        for finding in reply.findings:
            for difference in finding.differences:
                label = difference.region.label or difference.kind
                yield Shown("", finding.photos[0], difference.region.box, "differs", label)
        for claim in reply.claims:
            if claim.region is not None and claim.finding in by_id:
                yield Shown("", by_id[claim.finding].photos[0], claim.region.box, "claimed", claim.region.label)


def _around(box: Box, size: Size) -> Box | None:
    """A region with its margin, in whole pixels of the photo; without it, where it would be the whole photo.

    `None` where the region itself is: that is no part of the photo.
    """
    margin = max(_MARGIN * max(box.width, box.height), _LEAST)
    for m in (margin, 0.0):
        wide = Box(box.x0 - m // 1, box.y0 - m // 1, box.x1 + m // 1, box.y1 + m // 1)
        cut = Box(wide.x0 // 1, wide.y0 // 1, -(-wide.x1 // 1), -(-wide.y1 // 1)).inside(size)
        if 0 < cut.area < size.width * size.height:
            return cut
    return None


def _jpeg(photo: NDArray[np.uint8], box: Box) -> bytes:
    """A part of an upright RGB photo as JPEG: pixels and nothing else, at most `_LONGEST` on its longer side."""
    from PIL import Image

    x0, y0, x1, y1 = map(int, box)
    image = Image.fromarray(np.ascontiguousarray(photo[y0:y1, x0:x1]))
    image.thumbnail((_LONGEST, _LONGEST))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
