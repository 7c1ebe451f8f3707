"""Where a face laid flat and its reference disagree: marks, each measured, before anything is named.

Structure is compared by the best correlation over a few pixels of shift, colour by the least Lab difference over the
same shifts. What light, glare or something held in front accounts for is not a mark, and neither is what reaches
the rim without following the artwork: that is a thumb, not a change. Thresholds were chosen on six rendered packs
laid over shop photos, 96 photos, with edits of seven kinds; `benchmarks/differences.py` measures on others.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .flat import Flat, hull
from .surface import Map, lab, moved
from .types import Box

Mask = NDArray[np.bool_]
Mark = Literal["stain", "dent", "colour", "missing", "extra", "artwork"]

_UNIT = 400.0
"""Distances are given for a frame with a long side of this many pixels."""

_WINDOW, _SHIFT = 9, 2
_STRUCTURE, _COLOUR, _WEAK = 6.5, 13.0, 0.6
"""Lightness (L*) of structure that nothing in the reference explains, and Lab difference, from which on a place is
marked; a mark reaches as far as this share of it."""

_SHARE = 0.3
"""Share of the contrast that has to be unexplained too: a correlation of 0.95."""

_GRAIN = 0.9
"""Units to a pixel of the coarser picture, at least: what is smaller is how it was resampled and compressed."""

_LEAST = 0.0012
"""Share of the face under which a mark is a speck."""

_ALIKE, _CLEAR, _CLEAR_ALIKE = 0.9, 1.15, 1.6
"""Correlation over which a mark may be no more than imperfect registration, and the strength, in multiples of the
threshold, that a mark has to reach elsewhere, and there."""

_THIN = 4.0
"""A mark thinner than this is the seam where an edge of the artwork leaves the window on one side before the other."""

_RIM, _JOIN = 4.0, 6.0

_GREY, _SOFT = 4.0, 3.0
"""A shadow on a plain ground has the ground's hue within this much (Lab) and fades by less than this a pixel (L*)."""

_FOLLOWING = 0.9
"""Share of an outline on the artwork from which on it is the artwork's, whatever is behind: among dense print the
outline of a thumb lies on some artwork too."""

_CROSSING = 18.0
"""Lab difference under which what is on both sides of the pack's rim is one thing that lies over it."""


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

    `visible`: share of the face in view, 0..1. `agreement`: share of that which agrees. `colour`: mean Lab
    difference, lightness counted half; `None` where nothing is in view.
    """

    marks: tuple[Seen, ...]
    visible: float
    agreement: float
    colour: float | None


def differences(flat: Flat, official: bool = True) -> Held:
    """Hold the two sides of a `Flat` against each other; `official`: the reference is a picture made for show."""
    import cv2

    unit = _unit(flat)
    shown = face_of(flat.reference) if official else None
    pack = flat.agreed if shown is None else shown
    face = _shrunk(pack, 2 * _RIM * unit)
    usable = face & flat.seen
    if usable.sum() < 0.05 * face.size:
        return Held((), float(usable.sum() / max(face.sum(), 1)), 0.0, None)
    alike, structure, colour, spreads = _maps(flat, usable, unit)
    score = np.maximum(structure / _STRUCTURE, colour / _COLOUR)
    score[~usable] = 0
    weak = cv2.morphologyEx((score > _WEAK).astype(np.uint8), cv2.MORPH_OPEN, _square(_THIN * unit))
    joined = cv2.morphologyEx(weak, cv2.MORPH_CLOSE, _square(_JOIN * unit))
    count, labels = cv2.connectedComponents(joined)
    around = _Around(flat, pack, face, usable, score, colour, unit)
    marks, hidden = [], np.zeros_like(face)
    least = max(_LEAST * face.sum(), (7 * unit) ** 2)
    for n in range(1, count):
        whole = labels == n
        mask = whole & (weak > 0) & usable
        if not (mask & (score > 1)).any() or mask.sum() < least:
            continue
        over = around.over(whole, mask)
        if over is not None:
            hidden |= over
            whole = _largest(whole & ~over)
            mask &= whole
            if not (mask & (score > 1)).any() or mask.sum() < least:
                continue
        strength, likeness = float(score[mask].max()), float(np.median(alike[mask]))
        # What is faint around a mark says nothing of what it is.
        core = mask & (score > 1)
        kind = around.kind(whole, mask, likeness, float(np.median(structure[core])), float(np.median(colour[core])))
        if kind and strength > (_CLEAR_ALIKE if likeness > _ALIKE else _CLEAR):
            marks.append(Seen(_by_spread(kind, spreads, mask), _box(whole), whole, strength))
    marks = _dents(flat, usable & ~hidden, marks, unit)
    view = usable & ~hidden
    agrees = (score < 1) & view
    return Held(
        tuple(sorted(marks, key=lambda mark: -mark.strength)),
        float(view.sum() / max(face.sum(), 1)),
        float(agrees.sum() / max(view.sum(), 1)),
        float(np.mean(colour[view])) if view.any() else None,
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
    pack = cv2.morphologyEx((~filled).astype(np.uint8), cv2.MORPH_OPEN, _square(5))
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
    tint_here, tint_there = (cv2.GaussianBlur(image, (0, 0), soft) for image in (here, there))
    light_here, light_there = (cv2.GaussianBlur(image[..., 0], (0, 0), 0.6 * unit) for image in (here, there))
    mean_there = mean(light_there)
    vary_there = np.maximum(mean(light_there**2) - mean_there**2, 0)
    alike = np.full(light_here.shape, -1, np.float32)
    colour = np.full(light_here.shape, 1e3, np.float32)
    vary_here = np.zeros_like(alike)
    reach = max(round(_SHIFT * unit), 1)
    step = max(reach // 2, 1)
    for dy in range(-reach, reach + 1, step):
        for dx in range(-reach, reach + 1, step):
            light = moved(light_here, dx, dy)
            mean_here = mean(light)
            vary = np.maximum(mean(light**2) - mean_here**2, 0)
            both = mean(light * light_there) - mean_here * mean_there
            likeness = both / np.sqrt(np.maximum(vary * vary_there, 1))
            better = likeness > alike
            alike[better], vary_here[better] = likeness[better], vary[better]
            off = moved(tint_here, dx, dy) - tint_there
            # Lightness counts half: light falls unevenly, ink does not change its hue.
            np.minimum(colour, np.sqrt(0.5 * off[..., 0] ** 2 + off[..., 1] ** 2 + off[..., 2] ** 2), out=colour)
    spreads = np.sqrt(vary_here), np.sqrt(vary_there)
    contrast = np.maximum(*spreads)
    unexplained = np.sqrt(np.maximum(1 - np.clip(alike, 0, 1) ** 2, 0)) * contrast
    # Where contrast is high, resampling and compression alone leave a share of it.
    unexplained *= _STRUCTURE / np.maximum(_STRUCTURE, _SHARE * contrast)
    return alike, np.asarray(unexplained, np.float32), colour, spreads


class _Around:
    """What stands around a mark, and whether something other than the pack accounts for it."""

    def __init__(self, flat: Flat, pack: Mask, face: Mask, usable: Mask, score: Map, colour: Map, unit: float) -> None:
        import cv2

        self._flat, self._face, self._usable, self._score = flat, face, usable, score
        self._colour, self._unit, self._pack = colour, unit, pack
        self._here, self._there = lab(flat.photo), lab(flat.reference)
        artwork = cv2.Canny(flat.reference.astype(np.uint8), 40, 100)
        self._edges = cv2.dilate(artwork, _square(5 * unit)) > 0
        self._rim = face & ~_shrunk(face, 4 * unit)
        self._lost = face & ~flat.seen
        change, room = flat.photo - flat.reference, 255 - flat.reference
        weight = usable.astype(np.float32)
        window = (int(9 * unit) | 1,) * 2
        added = cv2.blur((change * room).sum(axis=2) * weight, window)
        self._white = np.asarray(added / (cv2.blur((room**2).sum(axis=2) * weight, window) + 200), np.float32)

    def over(self, whole: Mask, mask: Mask) -> Mask | None:
        """What lies over the pack here: a thumb that comes in at the rim, or a lamp's reflection; `None` without."""
        crossing = self._crossing(whole)
        if crossing is not None:
            return crossing
        on_artwork = self._on_artwork(whole)
        ring = _grown(whole, 9 * self._unit) & ~_grown(whole, 2 * self._unit) & self._face
        photo, reference, white = self._flat.photo[mask], self._flat.reference[mask], self._white[mask][:, None]
        change = np.abs(photo - reference).mean()
        left = np.abs(photo - reference - white * (255 - reference)).mean() / max(float(change), 1.0)
        near = ring & self._usable
        halo = float(np.median(self._white[near])) if near.any() else 1.0
        blown = (ring & self._lost).sum() > 0.05 * max(ring.sum(), 1)
        glare = left < 0.4 and np.median(white) > 0.25 and (blown or (halo > 0.04 and on_artwork < 0.5))
        return whole if glare else None

    def _crossing(self, whole: Mask) -> Mask | None:
        """The part that comes in over the rim: the photo goes on in its colour, or its outline is not the artwork's."""
        body = self._body(whole)
        touching = body & self._rim
        if touching.sum() < 0.5 * np.sqrt(whole.sum()):
            return None
        if self._pack is self._flat.agreed:
            # Where the thing ends is not known: this may be another side of it.
            return whole
        on_artwork = self._on_artwork(whole)
        beyond = _grown(touching, (4 * _RIM + 6) * self._unit) & ~_grown(self._pack, 2 * self._unit)
        if on_artwork < _FOLLOWING and beyond.sum() > 0.3 * touching.sum():
            inside, outside = (np.median(self._here[part], axis=0) for part in (touching, beyond))
            if np.linalg.norm(inside - outside) < _CROSSING:
                return self._one_thing(whole, touching, outside)
        return whole if on_artwork < 0.5 else None

    def _one_thing(self, whole: Mask, touching: Mask, colour: Map) -> Mask:
        """What of a mark has this colour (Lab), in one piece with where it comes in, and the window around it."""
        import cv2

        alike = whole & (np.linalg.norm(self._here - colour, axis=2) < 2 * _CROSSING)
        closed = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_CLOSE, _square(_JOIN * self._unit))
        _, labels = cv2.connectedComponents(closed)
        pieces = set(labels[touching & alike].tolist()) - {0}
        return _grown(np.isin(labels, list(pieces)), 2 * _WINDOW * self._unit) & whole

    def kind(self, whole: Mask, mask: Mask, alike: float, structure: float, colour: float) -> Mark | None:
        """What sort of mark it is; `None` where it is only light."""
        photo, reference = self._flat.photo[mask], self._flat.reference[mask]
        through = (photo * reference).sum(axis=0) / np.maximum((reference**2).sum(axis=0), 1)
        change = max(float(np.abs(photo - reference).mean()), 1.0)
        left = float(np.abs(photo - through * reference).mean()) / change
        if self._bulges(whole):
            return "dent"
        # A liquid filters what is under it, blue the most, and keeps its structure.
        if left < 0.45 and through.max() < 0.95 and through[0] - through[2] > 0.12 and self._on_artwork(whole) < 0.5:
            return "stain"
        if left < 0.35 and np.ptp(through) < 0.12 and structure < _STRUCTURE:
            return None
        tinted = structure < 0.8 * _STRUCTURE or alike > 0.75
        if colour > _COLOUR and tinted:
            strong = float(np.percentile(self._score[mask], 90)) > 1.5
            return "colour" if strong else None
        if structure < 0.5 * _STRUCTURE:
            return None
        return "artwork"

    def _on_artwork(self, whole: Mask) -> float:
        """Share of a mark's outline that follows the reference's artwork."""
        body = self._body(whole)
        outline = body & ~_shrunk(body, 1) & ~self._rim
        return float(self._edges[outline].mean()) if outline.any() else 0.0

    def _body(self, whole: Mask) -> Mask:
        """A mark without what the window of measuring added; its colour, which is sharper, where it has one."""
        tinted = whole & (self._colour > _COLOUR)
        return tinted if tinted.sum() > 0.3 * whole.sum() else _shrunk(whole, _WINDOW / 2 * self._unit)

    def _bulges(self, whole: Mask) -> bool:
        """Whether it is light alone, softly brighter on one flank and darker on the other."""
        import cv2

        around = _grown(whole, _WINDOW * self._unit) & self._usable
        change = self._here - self._there
        light = cv2.GaussianBlur(change[..., 0], (0, 0), 0.6 * self._unit)
        sharp = light - cv2.GaussianBlur(light, (0, 0), 3 * self._unit)
        low, high = np.percentile(light[around], [5, 95])
        hue = np.median(np.hypot(change[..., 1], change[..., 2])[whole])
        return bool(sharp[around].std() < 0.35 * light[around].std() and low < -4 and high > 4 and hue < 6)


def _largest(mask: Mask) -> Mask:
    """Its largest piece."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return mask if count < 2 else labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())


def _by_spread(kind: Mark, spreads: tuple[Map, Map], mask: Mask) -> Mark:
    """Artwork that is only on one side is missing, or extra."""
    if kind != "artwork":
        return kind
    here, there = (float(np.mean(spread[mask])) for spread in spreads)
    return "missing" if here < 0.5 * there else "extra" if there < 0.5 * here else kind


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


def _box(mask: Mask) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def _square(side: float) -> NDArray[np.uint8]:
    return np.ones((max(int(side), 1) | 1,) * 2, np.uint8)


def _shrunk(mask: Mask, by: float) -> Mask:
    import cv2

    return np.asarray(cv2.erode(mask.astype(np.uint8), _square(max(by, 3)), borderValue=0) > 0)


def _grown(mask: Mask, by: float) -> Mask:
    import cv2

    return np.asarray(cv2.dilate(mask.astype(np.uint8), _square(by)) > 0)
