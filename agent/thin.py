"""Where evidence is thin: which part of a photo to look at again, which look stands, and what one question settles.

Decided from findings alone, before a word is written. What is printed on a photo is no reason for anything here: only
outcomes, sizes and places are.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..prompts import say
from ..tools.crops import whole
from ..tools.types import Box, Finding, PhotoId, Quality, Reading, Size, first_look
from .reply import Ask, Option, Step

ROUNDS, CROPS = 2, 4
"""How many times a turn looks closer, and at how many parts in all."""

_NARROWER = 0.75
"""Share of the longer side of what was seen that a part of a large photo may have at most: more shows hardly more."""

_SMALL_PRINT = 22
"""Height in pixels of most lines up to which text is read better enlarged: of 128 lines on the samples shrunk to a
quarter, where they are 16 pixels high, 104 are read, and 113 where the area of text is enlarged."""

_LARGE = 1600
"""Long side in pixels of a photo from which on text is detected on a reduced copy. Source: `tools/reader.py`."""

_MARGIN = 0.08
"""Share of its longer side that is seen around an area."""

_OPTIONS = 4
"""Products that a person is asked to choose between; more are no choice."""


class Closer(NamedTuple):
    """A step to take again, on a part of a photo, in pixels of the upright original."""

    step: Step
    photo: PhotoId
    part: Box


def closer_looks(
    findings: Sequence[Finding],
    sizes: Mapping[PhotoId, Size],
    readings: Mapping[PhotoId, Reading],
    poor: Sequence[PhotoId],
) -> list[Closer]:
    """What is worth a closer look of what was found so far; nothing in a photo that has to be taken again.

    `readings` are those that were made anyway. A look is taken again once. Products are not looked at closer: on five
    sample photos of packs that are a small part of a large photo, two of four that were named so were named as their
    twin, and one that is genuine was said to differ.
    """
    wanted = []
    for finding in standing(findings):
        photo = finding.photos[0]
        if finding.outcome != "not_looked" and photo not in poor and len(finding.photos) == 1:
            part = _part(finding, sizes[photo], readings.get(photo))
            if part:
                wanted.append(Closer(_step(finding), photo, part))
    taken = sum(finding.part is not None for finding in findings)
    return wanted[: max(CROPS - taken, 0)]


def _part(finding: Finding, size: Size, reading: Reading | None) -> Box | None:
    """The part of the photo that is worth a closer look; `None` where it was seen as well as it can be."""
    if finding.part is not None:
        return None
    boxes = [line.box for line in reading.lines] if reading else []
    lost = finding.reason == "partly_unreadable" and not finding.asked
    if finding.tool == "ocr" and (finding.outcome != "found" or lost):
        return _of_small_print([region.box for region in finding.regions], size)
    if finding.tool == "ground" and finding.outcome in ("absent", "unreadable") and not finding.matches:
        return _of_small_print(boxes, size)
    return None


def _of_small_print(boxes: Sequence[Box], size: Size) -> Box | None:
    """The area that holds all lines, where they are small in the photo, or the photo was reduced to find them."""
    if not boxes:
        return None
    part = _around(boxes, size)
    if max(size) > _LARGE:
        return part if max(part.width, part.height) < _NARROWER * max(size) else None
    heights = sorted(min(box.width, box.height) for box in boxes)
    return part if heights[len(heights) // 2] <= _SMALL_PRINT else None


def _around(boxes: Sequence[Box], size: Size) -> Box:
    area = Box.around([corner for box in boxes for corner in box.corners])
    margin = _MARGIN * max(area.width, area.height)
    return whole(Box(area.x0 - margin, area.y0 - margin, area.x1 + margin, area.y1 + margin), size)


def _step(finding: Finding) -> Step:
    """What a tool was told that left this finding."""
    if finding.tool == "ground":
        return Step("ground", {"target": first_look(finding.id).split(":", 2)[2]})
    name = {"ocr": "field", "compare": "against"}.get(finding.tool)
    return Step(finding.tool, {name: finding.asked} if name and finding.asked else {})


def standing(findings: Sequence[Finding], sent: Sequence[PhotoId] = ()) -> list[Finding]:
    """The looks that an answer is written from: of those taken again the one that says more.

    Where photos were `sent` because the others did not show it, and they do, what the others lack is not said.
    """
    best: dict[str, Finding] = {}
    for finding in findings:
        held = best.get(first_look(finding.id))
        if held is None or _says_more(finding, held):
            best[first_look(finding.id)] = finding
    # Whoever was asked which of several it is has said it: that it cannot be told is no news.
    word = {f.photos[0] for f in findings if f.tool == "told"}
    best = {key: f for key, f in best.items() if not (f.reason == "variant_undetermined" and f.photos[0] in word)}
    shown = {_question(f) for f in best.values() if f.photos[0] in sent and f.outcome == "found"}
    return [f for f in best.values() if f.outcome == "found" or f.photos[0] in sent or _question(f) not in shown]


def _says_more(finding: Finding, held: Finding) -> bool:
    if any("told" in match.sources for match in finding.matches):
        return True
    if finding.outcome != "found" or held.outcome != "found":
        return finding.outcome == "found"
    return finding.tool == "ocr" and len(finding.text or "") > len(held.text or "")


def _question(finding: Finding) -> str:
    """What was looked for, whatever the photo."""
    return first_look(finding.id).replace(finding.photos[0][7:15], "")


def ask_for(
    language: str, findings: Sequence[Finding], qualities: Mapping[PhotoId, Quality], retake: Sequence[PhotoId]
) -> Ask | None:
    """The one photo or the one choice that would settle what these looks could not tell; `None` where none would.

    A photo that has to be taken again comes first, then the looks in their order. What one photo of several shows is
    not asked for again.
    """
    poor = [qualities[photo] for photo in retake]
    if poor and len(poor) == len(qualities):
        view = poor[0].advice or "hold_still_closer"
        return Ask("photo", say(language, "quality.retake", advice=say(language, f"advice.{view}")), view)
    told = {_question(finding) for finding in findings if finding.outcome == "found"}
    asks = (_ask(language, f) for f in findings if f.photos[0] not in retake and _question(f) not in told)
    # Of several photos it would have to be said which one is meant.
    return next((ask for ask in asks if ask and (ask.kind == "photo" or len(qualities) == 1)), None)


def _ask(language: str, finding: Finding) -> Ask | None:
    if finding.tool == "compare" and finding.verdict and finding.verdict.answer == "cannot_tell":
        # What was ordered is not settled by a word of who wants to know whether it came.
        choice = None if finding.asked else _choice(language, finding)
        return choice or _photo(language, finding.verdict.view)
    if finding.tool == "identify" and finding.outcome in ("absent", "unreadable"):
        return _choice(language, finding) or _photo(language, _SHOWS.get(finding.reason, None))
    if finding.tool == "ocr" and finding.asked and finding.outcome in ("absent", "unreadable"):
        if finding.outcome == "absent":
            field = say(language, f"field.{finding.asked}")
            return Ask("photo", say(language, "ask.other_side", field=field), "other_side")
        return _photo(language, _SHOWS.get(finding.reason, "closer_label"))
    return None


_SHOWS: Mapping[str | None, str] = {
    None: "straight_front",
    "weak_evidence": "straight_front",
    "variant_undetermined": "closer_label",
    "code_conflict": "whole_front",
}
"""The view that would settle it, by the reason why it could not be told."""


def _photo(language: str, view: str | None) -> Ask | None:
    return Ask("photo", say(language, f"view.{view}"), view) if view else None


def _choice(language: str, finding: Finding) -> Ask | None:
    """Which of the products it may be, by their numbers; `None` where it is not between a few."""
    options = tuple(Option(match.sku, match.title) for match in finding.matches)
    if finding.reason != "variant_undetermined" or not 2 <= len(options) <= _OPTIONS:
        return None
    numbered = (say(language, "ask.option", n=n, title=option.title) for n, option in enumerate(options, 1))
    text = say(language, "ask.choice", options=say(language, "list.and").join(numbered))
    return Ask("choice", text, options=options)
