"""What the tools ask of a vision language model: to tell, to find, to read a second time, to word a difference.

What it says is passed on as its own words; where things are comes back in pixels of the upright original. It judges
nothing, and what the instruments found stands whatever it says.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..prompts import instruct, instructs
from .closer import UPSCALE, closer, margin, parts
from .dialects import Heard, Kind, read_direction
from .dialects.absent import is_none
from .dialects.dialect import spoken, without
from .errors import ModelFailed
from .kit import Kit
from .models.model import Model, Said
from .models.view import View, view
from .photos import AtHand
from .quality import quality_of
from .types import Box, Difference, Direction, Failure, Outcome, Photo, Region, Size

_LOOKS = 6
"""Requests that one search may take: the whole photo and its four parts, or a few things looked at closely."""

_REFINED = 3
"""Up to so many things are looked at again, the smallest first; more are a crowd, and their places will do."""

_SAME = 0.5
"""Share of the smaller of two boxes that lies in the other, from which on they are one thing seen in two parts."""

_BESIDE = 0.05
"""Share of a part's longer side by which two points in two parts may lie apart and be of one thing (an estimate)."""

_WORDED = 3
"""Differences that are put into words, the strongest first."""

_TOKENS = {"describe": 900, "question": 500, "inventory": 300, "turned": 40, "about": 20}
_TOKENS |= {"transcribe": 1200, "difference": 80}
_FIND_TOKENS = 1000

_TOKEN = re.compile(r"<[|｜][^<>]*[|｜]>|</?[a-z]\w*/?>|\[/?(?:INST|IMG\w*)\]")
"""A token of a template that a server let through: "<|im_end|>", "</s>"; not "<3 g and >"."""

_HOW_MANY = re.compile(r"\bhow many\b|(?:几|幾|多少)[个個只隻张張位件瓶盒人]", re.I)
_SENTENCE = re.compile(r"(?:[!?]|\.(?=\s)|(?<!\d)\.(?=[\"'”’)]*\Z))[\"'”’)]*(?=\s|\Z)|[。！？][”’」』）]*")
"""The end of a sentence; of a text that broke off, a point behind a figure may be the middle of a number."""


@dataclass(frozen=True)
class Found:
    """What a search came to, in pixels of the upright original; `reason` where it could not be told.

    `cut`: there may be more of it than was found, as the list broke off, or not all of the photo was looked at.
    `parts`: it was looked for in parts of the photo as well.
    """

    outcome: Outcome
    regions: tuple[Region, ...] = ()
    directions: tuple[Direction, ...] = ()
    reason: str | None = None
    cut: bool = False
    parts: bool = False


@dataclass(frozen=True)
class Told:
    """What a model says, in its own words, or why it says nothing; `cut`: it broke off."""

    model: str | None = None
    said: str | None = None
    failed: Failure | None = None
    cut: bool = False


def eye(photo: Photo, kit: Kit) -> Model | None:
    """The model of the kit; `None` where the photo shows nothing: a model describes noise as readily as a street."""
    return kit.model if quality_of(photo).shows else None


def told(model: Model | None, ask: Callable[[Model], Said | None]) -> Told:
    """Ask a model, where there is one."""
    if model is None:
        return Told()
    try:
        said = ask(model)
    except ModelFailed as error:
        return Told(model.name, failed=error.reason)
    return Told(model.name, said.text, cut=said.ended != "end") if said else Told(model.name)


def written_in(language: str) -> str:
    """The language that prompts for an answer in this one are written in: itself, or English."""
    return language if instructs(f"system.{language}") else "en"


def tell(
    model: Model,
    photo: Photo,
    task: str,
    language: str,
    part: Box | None = None,
    behind: Sequence[str] = (),
    **slots: str,
) -> Said:
    """What the model says of a photo, or a part of it, to a task of `prompts/models`, with what is asked `behind` it.

    Raises `ModelFailed`, `unfit` where its family is not made for the task, or it was found not to count and is to,
    and `empty` where it says nothing.
    """
    if model.contract and model.contract.counts is False and _HOW_MANY.search(slots.get("question", "")):
        raise ModelFailed(f"{model.name} was found not to count; see `sightline doctor`.", "unfit")
    seen = view(photo, model.family, part=part, zoom=UPSCALE if part else 1.0)
    return _asked(model, task, language, (seen,), (photo,), slots, behind)


def find(model: Model, photo: Photo, target: str, language: str, kind: Kind = "boxes") -> Found:
    """Where something is: in the whole photo, then in its parts, where they show more; small things once more.

    Raises `ModelFailed`, `unfit` where its family does not write what is asked for.
    """
    kind = model.dialect.places if kind == "boxes" else kind
    first = look_for(model, photo, target, language, kind)
    if first.outcome == "found" and kind == "boxes" and not first.parts:
        return replace(
            first, regions=_refined(model, photo, target, language, view(photo, model.family), first.regions)
        )
    return first


def look_for(model: Model, photo: Photo, target: str, language: str, kind: Kind) -> Found:
    """Where something is, without a closer look at what is small; raises as `find` does."""
    if kind not in model.dialect.kinds or not model.grounds:
        raise ModelFailed(f"{model.name} does not say where things are in a form that can be read.", "unfit")
    shown = view(photo, model.family)
    first = _found(model, photo, shown, target, language, kind)
    if first.outcome != "absent":
        return first
    return replace(_in_parts(model, photo, target, language, kind, model.scale(shown)), parts=True)


def shows(model: Model, photo: Photo, target: str, language: str, place: Box) -> bool | None:
    """Whether the photo shows it in this place, by a look at that place alone; `None` where that cannot be told."""
    seen = view(photo, model.family, part=margin(photo.size, place), zoom=UPSCALE)
    found = _found(model, photo, seen, target, language, model.dialect.places)
    return None if found.outcome == "unreadable" else found.outcome == "found"


def reread(model: Model, photo: Photo, language: str, lines: Sequence[Box]) -> Said | None:
    """The text in the place of these lines as the model reads it; `None` where it reads none.

    Raises `ModelFailed`, `unfit` where it was found not to read.
    """
    if model.contract and model.contract.reads is False:
        raise ModelFailed(f"{model.name} was found not to read; see `sightline doctor`.", "unfit")
    corners = [corner for line in lines for corner in line.corners]
    said = tell(model, photo, "transcribe", language, margin(photo.size, Box.around(corners)))
    return None if is_none(said.text) else said


def worded(
    model: Model, photo: Photo, reference: Photo, language: str, found: Sequence[Difference], *, official: bool = True
) -> tuple[Difference, ...]:
    """The differences, the first few with what the model says of both crops; it is not asked whether they are any.

    `official`: whether the reference is a picture of the catalogue, and not another photo of the person.

    Raises `ModelFailed`, `unfit` where it does not tell two images apart.
    """
    if model.images is not None and model.images < 2:
        raise ModelFailed(f"{model.name} does not tell two images apart.", "unfit")
    task = "difference" if official else "difference.pair"
    return tuple(
        replace(each, said=_word(model, photo, reference, task, language, each)) if n < _WORDED else each
        for n, each in enumerate(found)
    )


def _word(model: Model, photo: Photo, reference: Photo, task: str, language: str, found: Difference) -> str | None:
    there = view(reference, model.family, part=margin(reference.size, found.there), zoom=UPSCALE)
    here = view(photo, model.family, part=margin(photo.size, found.region.box), zoom=UPSCALE)
    said = _asked(model, task, language, (there, here), (photo, reference), {})
    return None if is_none(said.text) else " ".join(said.text.split())


def _asked(
    model: Model,
    task: str,
    language: str,
    views: Sequence[View],
    photos: Iterable[Photo],
    slots: dict[str, str],
    behind: Sequence[str] = (),
) -> Said:
    kind = task.partition(".")[0]
    key = f"{task}.{written_in(language)}" if model.family.turns else f"{model.family.name}.{kind}"
    if not instructs(key):
        raise ModelFailed(f"{model.name} is not made for this task ({kind}).", "unfit")
    prompt = instruct(key, **slots)
    if model.family.turns and language != written_in(language) and not behind:
        prompt += "\n" + instruct("answer_in.en", language=instruct(f"language.{language}"))
    system = instruct(f"system.{written_in(language)}")
    prompt = "\n\n".join([prompt, *behind])
    said = model.ask(prompt, views, AtHand(*photos), tokens=_TOKENS[kind], system=system)
    # What it thought before it spoke is no answer.
    text = spoken(said.text).strip()
    if kind != "transcribe":
        text = without(text, _TOKEN)
    if said.ended != "end" and not behind:
        text = whole(text, kind)
    if not text:
        raise ModelFailed(f"{model.name} said nothing.", "empty")
    return replace(said, text=text)


def whole(text: str, kind: str) -> str:
    """A reply that broke off, up to its last whole sentence, with dots where none is; of print, its whole lines."""
    if kind == "transcribe":  # half of a date is another date
        return text.rpartition("\n")[0].strip()
    ends = [match.end() for match in _SENTENCE.finditer(text)]
    return text[: ends[-1]] if ends else f"{text} …" if text else ""


def _found(model: Model, photo: Photo, seen: View, target: str, language: str, kind: Kind) -> Found:
    """One look at one view."""
    dialect = model.dialect
    # Before a photo every task says the same, so that what a model has read of it can be kept for all of them.
    system = instruct(f"system.{written_in(language)}")
    said = model.ask(dialect.ask(kind, target), (seen,), AtHand(photo), tokens=_FIND_TOKENS, system=system)
    heard = dialect.read(said.text, model.frame(seen.size), target)
    if kind == "direction":
        heard = read_direction(heard, target)
    found = _original(heard, seen, photo.size, target)
    return replace(found, cut=found.outcome == "found" and (heard.cut or said.ended != "end"))


def _original(heard: Heard, seen: View, size: Size, target: str) -> Found:
    """What was heard of a view, in pixels of the photo."""
    moved = [(region, seen.region(region, size)) for region in heard.regions]
    # A box in the grey that was added around a photo comes out without area; a point has none to begin with.
    inside = tuple(replace(b, label=b.label or target) for a, b in moved if b.box.area or not a.box.area)
    if heard.outcome == "unreadable" or (heard.outcome == "found" and not inside):
        return Found("unreadable", reason="reply_unreadable")
    # The two places that tell which way something points are not two of what was asked for: where it starts is one.
    ways = tuple(seen.direction(each, size) for each in heard.directions)
    return Found(heard.outcome, tuple(way.region for way in ways) or inside, ways)


def _in_parts(model: Model, photo: Photo, target: str, language: str, kind: Kind, scale: float) -> Found:
    """What is not seen in the whole photo may be seen in its parts; absent is said after all of them."""
    known: list[tuple[Region, Box]] = []  # each thing and what was shown of the photo where it was seen
    ways: dict[Region, Direction] = {}
    unreadable = cut = False
    for part in parts(photo.size, scale):
        seen = view(photo, model.family, part=part)
        try:
            look = _found(model, photo, seen, target, language, kind)
        except ModelFailed:
            if known:
                cut = True
                break
            raise
        unreadable |= look.outcome == "unreadable"
        cut |= look.cut
        known = _joined(known, look.regions, seen.box.inside(photo.size))
        ways |= {way.region: way for way in look.directions}
    if known:
        regions = tuple(region for region, _ in known)
        pointing = tuple(ways[region] for region in regions if region in ways)
        return Found("found", regions, pointing, cut=cut or unreadable)
    return Found("unreadable", reason="reply_unreadable") if unreadable else Found("absent")


def _joined(known: list[tuple[Region, Box]], more: Sequence[Region], part: Box) -> list[tuple[Region, Box]]:
    """What is known and what one more part shows; a thing on the seam, of which each shows a piece, is one."""
    old, new = list(known), []
    for region in more:
        pieces = [each for each in old if _one(region.box, part, *each)]
        if not region.box.area:  # of several points near it, it is one
            pieces = sorted(pieces, key=lambda each: math.dist(each[0].point, region.point))[:1]
        old = [each for each in old if each not in pieces]
        corners = [corner for one in (region, *(r for r, _ in pieces)) for corner in one.box.corners]
        box = Box.around(corners) if region.box.area else region.box
        shown = Box.around([corner for one in (part, *(p for _, p in pieces)) for corner in one.corners])
        new.append((replace(region, box=box), shown))
    return [*old, *new]


def _one(box: Box, part: Box, other: Region, shown: Box) -> bool:
    """Whether two places, each seen in its part, are of one thing: boxes, by what of them both parts could show."""
    if not (box.area and other.box.area):
        return math.dist(box.centre, other.box.centre) <= _BESIDE * max(part.width, part.height)
    both = Box(max(part.x0, shown.x0), max(part.y0, shown.y0), min(part.x1, shown.x1), min(part.y1, shown.y1))
    smaller = min(box.shared(both), other.box.shared(both))
    return smaller > 0 and box.shared(other.box) >= _SAME * smaller


def _refined(
    model: Model, photo: Photo, target: str, language: str, whole: View, regions: Sequence[Region]
) -> tuple[Region, ...]:
    """The small ones as they are seen from closer by; where a closer look does not see one alone, it stays."""
    if len(regions) > _REFINED:
        return tuple(regions)
    kept = list(regions)
    looks = _LOOKS - 1
    for n in sorted(range(len(kept)), key=lambda n: max(kept[n].box.width, kept[n].box.height)):
        shown = whole.box
        while looks and (part := closer(photo.size, shown, kept[n].box)):
            looks -= 1
            try:
                seen = view(photo, model.family, part=part, zoom=UPSCALE)
                look = _found(model, photo, seen, target, language, "boxes")
            except ModelFailed:  # what was seen from farther off was seen
                return tuple(kept)
            near = [r for r in look.regions if _near(r.box, kept[n].box)]
            if len(near) != 1:
                break
            kept[n], shown = near[0], part
    return tuple(kept)


def _near(box: Box, coarse: Box) -> bool:
    """Whether a closer look shows what was seen from farther off."""
    x, y = box.centre
    wide, high = max(coarse.width, box.width), max(coarse.height, box.height)
    return abs(x - coarse.centre.x) < wide and abs(y - coarse.centre.y) < high
