"""Where a face laid flat and its reference disagree: marks, each measured, before anything is named.

Structure is compared by the best correlation over a few pixels of shift, colour by the least Lab difference over the
same shifts. What light, glare or something held in front accounts for is not a mark, and neither is what reaches
the rim without following the artwork: that is a thumb, not a change. Thresholds were chosen on six rendered packs
laid over shop photos, 96 photos, with edits of seven kinds; `benchmarks/differences.py` measures on others.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .cover import RIM, Cover, bared, unveiled
from .flat import Flat, hull
from .masks import Mask, box_of, grown, largest, shrunk, square
from .surface import Map, lab, shifted
from .types import Box

Mark = Literal["stain", "dent", "colour", "missing", "extra", "artwork"]

_UNIT = 400.0
"""Distances are given for a frame with a long side of this many pixels."""

_WINDOW, _SHIFT = 9, 2
_STRUCTURE, _COLOUR, _WEAK = 6.5, 13.0, 0.6
"""Lightness (L*) of structure that nothing in the reference explains, and Lab difference, from which on a place is
marked; a mark reaches as far as this share of it."""

_MOST_OF_IT, _USUAL, _COARSE = 0.7, 0.4, 1.5
"""Share of the face over which the score usually stays under this; where it does not, of pictures so coarse (pixels of
the frame to one of theirs), the thresholds rise with it (chosen on edits pasted into real photos, `tune` of
`benchmarks/pasted.py`)."""

_SHARE = 0.3
"""Share of the contrast that has to be unexplained too: a correlation of 0.95."""

_GRAIN = 0.9
"""Units to a pixel of the coarser picture, at least: what is smaller is how it was resampled and compressed."""

_LEAST = 0.0012
"""Share of the face under which a mark is a speck."""

_ALIKE, _CLEAR, _CLEAR_ALIKE = 0.9, 1.15, 1.6
"""Correlation over which a mark may be no more than imperfect registration, and the strength, in multiples of the
threshold, that a mark has to reach elsewhere, and there."""

_SMALL = 30.0
"""Units across up to which a mark is a letter or two."""

_UNLIKE = 0.5
"""Correlation under which nothing of the print is left."""

_THIN = 4.0
"""A mark thinner than this is the seam where an edge of the artwork leaves the window on one side before the other."""

_RING, _ESTABLISHED = 12.0, 0.83
"""How far around a mark agreement has to be established, and over what share of that (chosen likewise)."""

_NEARLY = 0.75
"""Share of the face over which agreement has to be established for the photo to show all of it. Of official pictures
that show two sides of a carton, nearly all photos show less."""

_JOIN = 6.0

_LOOKED_AT = 3
"""How many places that are no marks are looked at, the most unlike first, for how near one is to being one."""

_GREY, _SOFT = 4.0, 3.0
"""A shadow on a plain ground has the ground's hue within this much (Lab) and fades by less than this a pixel (L*)."""


@dataclass(frozen=True)
class Seen:
    """A mark in the frame.

    `strength` is in multiples of the threshold.
    """

    kind: Mark
    box: Box
    mask: Mask
    strength: float


@dataclass(frozen=True)
class Held:
    """What a comparison saw: the marks, the strongest first.

    `unsure`: how many places disagree where agreement around them is not established, and are no marks for that.
    `visible`: share of the face in view, 0..1. `agreement`: share of that which agrees. `colour`: mean Lab
    difference, lightness counted half; `None` where nothing is in view. `faint`: the place that is the nearest to
    being a mark, its strength under 1.
    """

    marks: tuple[Seen, ...]
    unsure: int
    visible: float
    agreement: float
    colour: float | None
    faint: Seen | None

    @property
    def unlike(self) -> float:
        """How clearly the place that differs the most does, in multiples of the threshold."""
        strengths = [mark.strength for mark in self.marks]
        return max(strengths, default=self.faint.strength if self.faint else 0.0)


def differences(flat: Flat, official: bool = True, established: bool = True) -> Held:
    """Hold the two sides of a `Flat` against each other; `official`: the reference is a picture made for show.

    Only what lies where agreement is established is a mark, unless it is known already that this face is in view, and
    of another product (`established` false).
    """
    import cv2

    unit = _unit(flat)
    shown = face_of(flat.reference) if official else None
    if not established and shown is not None:
        pack = shown
    elif shown is not None:
        pack = _judged(shown, flat.agreed)
    else:
        places = np.argwhere(flat.agreed)[:, ::-1]
        pack = hull(places, flat.agreed.shape) if len(places) else flat.agreed
    face = shrunk(pack, 2 * RIM * unit)
    whole_face = face if shown is None else shrunk(shown, 2 * RIM * unit)
    flat = replace(flat, seen=flat.seen | bared(flat, face, unit))
    flat = unveiled(flat, face & flat.seen, unit)
    usable = face & flat.seen
    if usable.sum() <= 0.05 * whole_face.sum():
        return Held((), 0, float(usable.sum() / max(whole_face.sum(), 1)), 0.0, None, None)
    alike, structure, colour, spreads = _maps(flat, usable, unit)
    score = np.maximum(structure / _STRUCTURE, colour / _COLOUR)
    if flat.grain > _COARSE:
        # Where a small picture agrees less all over, a mark has to stand out from that.
        score /= max(1.0, float(np.quantile(score[usable], _MOST_OF_IT)) / _USUAL)
    score[~usable] = 0
    weak = cv2.morphologyEx((score > _WEAK).astype(np.uint8), cv2.MORPH_OPEN, square(_THIN * unit))
    joined = cv2.morphologyEx(weak, cv2.MORPH_CLOSE, square(_JOIN * unit))
    count, labels = cv2.connectedComponents(joined)
    cover = Cover(flat, pack, face, usable, colour > _COLOUR, _WINDOW, unit, bounded=shown is not None)
    sort = _Sort(flat, cover, usable, score, unit)
    marks, hidden = [], np.zeros_like(face)
    faint: list[tuple[float, Mask]] = []
    least = max(_LEAST * face.sum(), (7 * unit) ** 2)
    for n in range(1, count):
        whole = labels == n
        mask = whole & (weak > 0) & usable
        if not (mask & (score > 1)).any() or mask.sum() < least:
            if mask.any():
                share = float(min(score[mask].max() / _CLEAR, 1) * np.sqrt(min(mask.sum() / least, 1)))
                faint.append((share, whole))
            continue
        # What is left of it may be in front as well.
        while mask.any() and (over := cover.over(whole, mask)) is not None:
            hidden |= over
            whole = largest(whole & ~over)
            mask &= whole
        if not (mask & (score > 1)).any() or mask.sum() < least:
            continue
        strength, likeness = float(score[mask].max()), float(np.median(alike[mask]))
        kind = sort.kind(whole, mask, likeness, structure, colour)
        clear = _CLEAR_ALIKE if likeness > _ALIKE else _CLEAR
        if kind and strength > clear:
            marks.append(Seen(_by_spread(kind, spreads, mask, likeness), _tight(whole, kind, unit), whole, strength))
        elif kind:
            faint.append((strength / clear, whole))
    marks = _dents(flat, usable & ~hidden, marks, unit)
    sure = [mark for mark in marks if _surrounded(mark.mask, pack, shown, unit)]
    nearest: Seen | None = None
    for share, whole in sorted(faint, key=lambda one: -one[0])[:_LOOKED_AT]:
        mask = whole & (weak > 0) & usable
        kind = sort.kind(whole, mask, float(np.median(alike[mask])), structure, colour)
        if kind and cover.over(whole, mask) is None and _surrounded(whole, pack, shown, unit):
            nearest = Seen(kind, _tight(whole, kind, unit), whole, share)
            break
    view = usable & ~hidden
    agrees = (score < 1) & view
    return Held(
        tuple(sorted(sure, key=lambda mark: -mark.strength)),
        len(marks) - len(sure),
        float(view.sum() / max(whole_face.sum(), 1)),
        float(agrees.sum() / max(view.sum(), 1)),
        float(np.mean(colour[view])) if view.any() else None,
        nearest,
    )


def _unit(flat: Flat) -> float:
    """Pixels of the frame to a unit of the distances above; coarse pictures show coarse differences only."""
    return float(max(max(flat.photo.shape[:2]) / _UNIT, _GRAIN * flat.grain))


def face_of(reference: Map) -> Mask | None:
    """The part of an official picture that is the pack; `None` where it does not stand on a plain ground.

    The ground is what runs smoothly in from the rim, a soft shadow included; the pack is the hull of the rest.
    """
    import cv2

    high, wide = reference.shape[:2]
    edge = max(2, max(high, wide) // 100)
    sides = (reference[:edge], reference[-edge:], reference[:, :edge], reference[:, -edge:])
    rim = np.concatenate([lab(side).reshape(-1, 3) for side in sides])
    ground = np.median(rim, axis=0)
    if np.mean(np.linalg.norm(rim - ground, axis=1) < 6) < 0.9:
        return None
    colours = cv2.GaussianBlur(lab(reference), (0, 0), 0.8)
    off = colours - ground
    slope = np.hypot(*(cv2.Sobel(colours[..., 0], cv2.CV_32F, dx, 1 - dx) / 8 for dx in (0, 1)))
    shadow = (np.hypot(off[..., 1], off[..., 2]) < _GREY) & (slope < _SOFT) & (off[..., 0] < 0)
    plain = (np.linalg.norm(off, axis=2) < 5) | shadow
    _, labels = cv2.connectedComponents(plain.astype(np.uint8), connectivity=4)
    outside = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist()) - {0}
    filled = np.isin(labels, list(outside))
    pack = cv2.morphologyEx((~filled).astype(np.uint8), cv2.MORPH_OPEN, square(5))
    outlines, _ = cv2.findContours(pack, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    large = [outline for outline in outlines if cv2.contourArea(outline) > 0.0005 * high * wide]
    return hull(np.concatenate(large)[:, 0], reference.shape) if large else None


def _maps(flat: Flat, usable: Mask, unit: float) -> tuple[Map, Map, Map, tuple[Map, Map]]:
    """Correlation, unexplained structure (L*), colour difference (Lab), and each side's own spread (L*)."""
    import cv2

    here, there = lab(flat.photo), lab(flat.reference)
    weight = usable.astype(np.float32)
    window = (round(_WINDOW * unit) | 1,) * 2
    total = np.maximum(cv2.blur(weight, window), 1e-3)

    def mean(image: Map) -> Map:
        return np.asarray(cv2.blur(image * weight, window) / total, np.float32)

    soft = max(1.2 * unit, 1.5 * flat.grain)
    tint_here, tint_there = (_halved(cv2.GaussianBlur(image, (0, 0), soft)) for image in (here, there))
    light_here, light_there = (cv2.GaussianBlur(image[..., 0], (0, 0), 0.6 * unit) for image in (here, there))
    # Near zero, so that a mean that was taken some pixels off matters little.
    light_here, light_there = light_here - mean(light_here), light_there - mean(light_there)
    mean_here, mean_there = mean(light_here), mean(light_there)
    vary_there = np.maximum(mean(light_there**2) - mean_there**2, 0)
    varying = np.maximum(mean(light_here**2) - mean_here**2, 0)
    weighed = light_there * weight
    alike = np.full(light_here.shape, -1, np.float32)
    vary_here = np.zeros_like(alike)
    reach = max(round(_SHIFT * unit), 1)
    step = max(reach // 2, 1)
    light_at, mean_at, vary_at = (shifted(image, reach) for image in (light_here, mean_here, varying))
    for dy in range(-reach, reach + 1, step):
        for dx in range(-reach, reach + 1, step):
            vary = vary_at(dx, dy)
            both = cv2.blur(light_at(dx, dy) * weighed, window) / total - mean_at(dx, dy) * mean_there
            likeness = both / np.sqrt(np.maximum(vary * vary_there, 1))
            better = likeness > alike
            np.copyto(alike, likeness, where=better)
            np.copyto(vary_here, vary, where=better)
    colour = _colour(tint_here, tint_there, max(round(reach / 2), 1), light_here.shape)
    spreads = np.sqrt(vary_here), np.sqrt(vary_there)
    contrast = np.maximum(*spreads)
    unexplained = np.sqrt(np.maximum(1 - np.clip(alike, 0, 1) ** 2, 0)) * contrast
    # Where contrast is high, resampling and compression alone leave a share of it.
    unexplained *= _STRUCTURE / np.maximum(_STRUCTURE, _SHARE * contrast)
    return alike, np.asarray(unexplained, np.float32), colour, spreads


def _colour(here: Map, there: Map, reach: int, shape: tuple[int, int]) -> Map:
    """The least Lab difference within `reach` pixels of shift, at this shape.

    Lightness counts half: light falls unevenly, ink does not change its hue.
    """
    import cv2

    scale = np.array([np.sqrt(0.5), 1, 1], np.float32)
    at, aim = shifted(here * scale, reach), there * scale
    least = np.full(aim.shape[:2], 1e6, np.float32)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            off = at(dx, dy) - aim
            np.minimum(least, np.einsum("ijk,ijk->ij", off, off), out=least)
    return np.asarray(cv2.resize(np.sqrt(least), shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _halved(image: Map) -> Map:
    """At half the resolution, which what was softened does not need."""
    import cv2

    high, wide = image.shape[:2]
    return np.asarray(cv2.resize(image, ((wide + 1) // 2, (high + 1) // 2), interpolation=cv2.INTER_AREA), np.float32)


class _Sort:
    """What sort of mark a place is."""

    def __init__(self, flat: Flat, cover: Cover, usable: Mask, score: Map, unit: float) -> None:
        self._flat, self._cover, self._usable, self._score, self._unit = flat, cover, usable, score, unit

    def kind(self, whole: Mask, mask: Mask, alike: float, structures: Map, colours: Map) -> Mark | None:
        """What sort of mark it is, from unexplained structure and colour; `None` where it is only light."""
        score = self._score[mask]
        # What is faint around a mark says nothing of what it is.
        core = score > min(1.0, _WEAK * float(score.max()))
        structure, colour = float(np.median(structures[mask][core])), float(np.median(colours[mask][core]))
        photo, reference = self._flat.photo[mask], self._flat.reference[mask]
        through = (photo * reference).sum(axis=0) / np.maximum((reference**2).sum(axis=0), 1)
        change = max(float(np.abs(photo - reference).mean()), 1.0)
        left = float(np.abs(photo - through * reference).mean()) / change
        if self._bulges(whole) and (structure < _STRUCTURE or alike > 0.5):
            return "dent"
        # A liquid filters what is under it, blue the most, and keeps its structure.
        liquid = left < 0.45 and through.max() < 0.95 and through[0] - through[2] > 0.12
        if liquid and self._cover.on_artwork(whole) < 0.5:
            return "stain"
        if left < 0.35 and np.ptp(through) < 0.12 and structure < _STRUCTURE:
            return None
        tinted = structure < 0.8 * _STRUCTURE or alike > 0.75
        if colour > _COLOUR and tinted:
            strong = float(np.percentile(score, 90)) > 1.5 or float(score.max()) > 2
            return "colour" if strong or liquid else None
        if structure < 0.5 * _STRUCTURE:
            return None
        return "artwork"

    def _bulges(self, whole: Mask) -> bool:
        """Whether it is light alone, softly brighter on one flank and darker on the other."""
        import cv2

        around = grown(whole, _WINDOW * self._unit) & self._usable
        change = self._cover.here - self._cover.there
        light = cv2.GaussianBlur(change[..., 0], (0, 0), 0.6 * self._unit)
        sharp = light - cv2.GaussianBlur(light, (0, 0), 3 * self._unit)
        low, high = np.percentile(light[around], [5, 95])
        hue = np.median(np.hypot(change[..., 1], change[..., 2])[whole])
        soft = sharp[around].std() / max(float(light[around].std()), 1e-3)
        # A fold loses much of its light at once, and one flank always catches some.
        gentle = hue < 6 and soft < 0.35 and low < -4 and high > 4
        return bool(gentle or (hue < 10 and soft < 0.5 and low < -20 and high > 3))


def _judged(shown: Mask, agreed: Mask) -> Mask:
    """All that the official picture shows where it agrees nearly everywhere; else where agreement is established."""
    return shown if (shown & agreed).sum() > _NEARLY * shown.sum() else shown & agreed


def _surrounded(mask: Mask, agreed: Mask, shown: Mask | None, unit: float) -> bool:
    """Whether agreement is established around a mark, as far as the face goes."""
    ring = grown(mask, 2 * _RING * unit) & ~grown(mask, 2 * unit)
    ring = ring if shown is None else ring & shown
    return bool((ring & agreed).sum() >= _ESTABLISHED * ring.sum())


def _tight(whole: Mask, kind: Mark, unit: float) -> Box:
    """The box of a mark; of a small one without what the window of measuring added, which would be most of it."""
    box = box_of(whole)
    inner = shrunk(whole, _WINDOW / 2 * unit)
    return box_of(inner) if kind == "artwork" and max(box.width, box.height) < _SMALL * unit and inner.any() else box


def _by_spread(kind: Mark, spreads: tuple[Map, Map], mask: Mask, likeness: float) -> Mark:
    """Artwork that is only on one side is missing, or extra; so is what has another colour and none of its print."""
    here, there = (float(np.mean(spread[mask])) for spread in spreads)
    if kind == "artwork" or (kind == "colour" and likeness < _UNLIKE and max(here, there) > _STRUCTURE / 2):
        return "missing" if here < 0.5 * there else "extra" if there < 0.5 * here else kind
    return kind


def _dents(flat: Flat, view: Mask, marks: list[Seen], unit: float) -> list[Seen]:
    """Marks that are one dent: features that moved together, under one flank that is lighter and one that is darker."""
    import cv2

    moves = flat.moves / unit
    size = np.linalg.norm(moves, axis=1)
    weight = view.astype(np.float32)
    total = cv2.GaussianBlur(weight, (0, 0), 6 * unit) + 1e-3
    light = np.log((flat.photo.mean(axis=2) + 12) / (flat.reference.mean(axis=2) + 12)).clip(-0.7, 0.7)
    light = cv2.GaussianBlur((light * weight).astype(np.float32), (0, 0), 6 * unit) / total
    clear = view & (total > 0.6)
    best: tuple[float, Box] | None = None
    for n in np.flatnonzero(size > 3):
        close = np.linalg.norm(flat.points - flat.points[n], axis=1) < 22 * unit
        if close.sum() < 6:
            continue
        shared = np.median(moves[close], axis=0)
        length = float(np.linalg.norm(shared))
        together = (moves[close] @ shared) / (size[close] * length + 1e-6) > 0.6
        if length < 3 or together.mean() < 0.7 or (best and length <= best[0]):
            continue
        x, y = flat.points[n]
        box = Box(x - 25 * unit, y - 25 * unit, x + 25 * unit, y + 25 * unit)
        part = _slices(box, light.shape)
        flank = light[part][clear[part]]
        if len(flank) and np.percentile(flank, 3) < -0.1 and np.percentile(flank, 97) > 0.04:
            best = (length, box)
    if best is None:
        return marks
    length, box = best
    if any(mark.box.shared(box) > 0 and mark.box.area > 4 * box.area for mark in marks):
        # Features that moved within another picture altogether are no dent.
        return marks
    own: list[Seen] = []
    others: list[Seen] = []
    for mark in marks:
        x, y = mark.box.centre
        apart = max(box.x0 - x, x - box.x1, box.y0 - y, y - box.y1)
        (own if apart < 10 * unit and mark.kind != "stain" else others).append(mark)
    edges = [box, *(mark.box for mark in own)]
    merged = Box(min(b.x0 for b in edges), min(b.y0 for b in edges), max(b.x1 for b in edges), max(b.y1 for b in edges))
    high, wide = view.shape
    merged = Box(max(merged.x0, 0), max(merged.y0, 0), min(merged.x1, wide), min(merged.y1, high))
    mask = np.zeros_like(view)
    mask[_slices(merged, mask.shape)] = True
    return [*others, Seen("dent", merged, mask, length)]


def _slices(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    return slice(max(int(box.y0), 0), min(int(box.y1) + 1, shape[0])), slice(
        max(int(box.x0), 0), min(int(box.x1) + 1, shape[1])
    )
