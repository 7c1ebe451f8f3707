"""The pictures that show what an answer rests on: photos with numbered marks, comparisons side by side."""

import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..prompts import say
from ..tools.kit import Kit
from ..tools.types import Box, Finding, PhotoId, Region
from . import products
from .reply import Claim, Picture
from .state import TurnKit


def marked(
    kit: TurnKit, turn: str, photos: Sequence[PhotoId], findings: Sequence[Finding], claims: Sequence[Claim]
) -> list[Picture]:
    """One picture for each photo that a claim points into, its regions numbered in the order they are claimed."""
    from ..tools.photos import pixels
    from ..tools.picture import annotate, save

    # What a comparison found is shown beside the official picture.
    of = {f.id: f.photos[0] for f in findings if f.tool != "compare"}
    pictures = []
    for photo in photos:
        regions: list[Region] = list(
            dict.fromkeys(c.region for c in claims if c.region is not None and of.get(c.finding) == photo)
        )
        if regions:
            path = kit.pictures / turn / f"{photo[7:15]}.jpg"
            save(annotate(pixels(kit.photos.get(photo)), regions), path)
            pictures.append(Picture(str(path), photo, tuple(r.label for r in regions)))
    return pictures


def compared(kit: TurnKit, turn: str, findings: Sequence[Finding], language: str) -> list[Picture]:
    """For each comparison that came to a verdict, both sides beside one another with the differences numbered."""
    pictures: list[Picture] = []
    for finding in findings:
        if finding.verdict is not None and finding.verdict.answer != "cannot_tell":
            path = kit.pictures / turn / f"{finding.photos[0][7:15]}-compared-{len(pictures) + 1}.jpg"
            if draw_compared(kit, finding, language, path):
                legend = products.legend(language, finding.differences)
                pictures.append(Picture(str(path), finding.photos[0], legend))
    return pictures


def draw_compared(kit: Kit, finding: Finding, language: str, path: Path) -> bool:
    """Save a comparison side by side; `False` where nothing was laid onto anything."""
    from ..tools.photos import pixels
    from ..tools.picture import save
    from ..tools.side_by_side import side_by_side
    from ..tools.views import corner, shown

    wanted = finding.differences[0].reference if finding.differences else None
    laid = [m for m in finding.matches if m.homography and wanted in (None, m.reference)]
    if not laid or laid[0].homography is None:
        return False
    pair = laid[0].sources == ("photo",)
    other = kit.photos.get(laid[0].reference) if pair else kit.catalogue.photo(laid[0].reference)
    left, right = ("second", "first") if pair else ("confirmed" if laid[0].confirmed else "official", "sent")
    captions = say(language, f"picture.{left}"), say(language, f"picture.{right}")
    # Of a confirmed photo the pack alone is shown, and nothing of where its customer was.
    view = kit.catalogue.view(laid[0].reference, laid[0].sku) if laid[0].confirmed else None
    quad = view.quad if view else None
    x, y = corner(quad, other.size)
    (a, b, c), (d, e, f), (g, h, i) = laid[0].homography
    homography = (a, b, a * x + b * y + c), (d, e, d * x + e * y + f), (g, h, g * x + h * y + i)
    there = [Box(m.there.x0 - x, m.there.y0 - y, m.there.x1 - x, m.there.y1 - y) for m in finding.differences]
    marks = [replace(mark, there=box) for mark, box in zip(finding.differences, there, strict=True)]
    seen = pixels(kit.photos.get(finding.photos[0]))
    save(side_by_side(seen, shown(pixels(other), quad), homography, marks, captions), path)
    return True


def copied(reply: dict[str, Any], thread: str, pictures: Path) -> dict[str, Any]:
    """A reply (plain JSON) for another thread, with an id and with pictures of its own, in this folder."""
    turn = uuid.uuid4().hex
    if (pictures / reply["turn"]).is_dir():
        # No picture is ever written again: both may be the same file.
        shutil.copytree(pictures / reply["turn"], pictures / turn, copy_function=os.link)
    shown = [{**picture, "path": str(pictures / turn / Path(picture["path"]).name)} for picture in reply["pictures"]]
    return {**reply, "thread": thread, "turn": turn, "pictures": shown}
