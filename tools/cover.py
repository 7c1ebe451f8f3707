"""What lies over a face or shines on it, and is no difference: a lamp's reflection, a thumb, a shelf's price tag.

A reflection adds white, and fades on all sides; the artwork under it is kept where it is weak, and is taken back out of
it. What was held in front comes in over the rim, in one colour on both sides of it.
"""

from dataclasses import replace

import numpy as np

from .flat import Flat
from .masks import Mask, box_of, grown, pieces, shrunk, square
from .surface import Map, darkest, lab

RIM = 4.0
"""Units by which the rim of a face is left out of account: it is never cut off to the pixel."""

_JOIN = 6.0

_CROSSING = 18.0
"""Lab difference under which two places of the photo have one colour."""

_BEYOND, _GOING_ON = 12.0, 11.0
"""Units from within the rim to beyond it, and the Lab difference up to which the photo goes on in one colour."""

_FOLLOWING = 0.55
"""Share of an outline on the artwork from which on it may be the artwork's: that of a part that is missing."""

_PAPER = 0.15
"""Share of a face from which on what has one colour is what it is made of."""

_OUTSHONE, _BARED = 60.0, 20.0
"""Of 255, from which on a channel is brighter than print can be in the light of the face; units across, at least."""

_LEAST = 16.0
"""Square units of the rim, at least, over which something comes in."""

_COARSER = 4
"""Pixels of the frame to one of the field in which a reflection is sought."""

_BLUR, _WIDEST, _LOST = 3.0, 40.0, 0.6
"""Units by which that field is softened; across the least reflection; share of white over which nothing is left."""

_FADING, _RAMP, _HALO = 0.85, (0.003, 0.05), 1.2
"""A reflection fades: this share of where it is weaker than half has a slope, share of white a unit, in this range, and
it is weak on so many times as much as it is strong. On 72 photos reflections gave 0.87 and more; what is paler, for it
was printed so or is covered, has a sharp rim, and gave 0.75 and less, or was smaller."""


def unveiled(flat: Flat, usable: Mask, unit: float) -> Flat:
    """The face without its reflections: what of them could be taken out of the photo is, the rest is not seen."""
    import cv2

    high, wide = usable.shape
    field = _field(flat, usable, unit, np.full(3, 255, np.float32))
    slope = np.hypot(*(cv2.Sobel(field, cv2.CV_32F, dx, 1 - dx) / 8 for dx in (0, 1))) * unit / _COARSER
    count, labels, stats, _ = cv2.connectedComponentsWithStats((field > 0.06).astype(np.uint8))
    photo, seen = flat.photo, flat.seen
    for n in range(1, count):
        if min(stats[n, cv2.CC_STAT_WIDTH], stats[n, cv2.CC_STAT_HEIGHT]) < _WIDEST * unit / _COARSER:
            continue
        here = labels == n
        weak = here & (field < 0.5)
        fading = (slope[weak] > _RAMP[0]) & (slope[weak] < _RAMP[1])
        if field[here].max() > 0.2 and weak.sum() > _HALO * (here & ~weak).sum() and fading.mean() > _FADING:
            around = cv2.dilate(here.astype(np.uint8), np.ones((5, 5), np.uint8))
            # What shines is as white as it gets there, which is not white once the light is evened.
            lamp = np.percentile(
                photo[cv2.resize(around, (wide, high), interpolation=cv2.INTER_NEAREST) > 0], 99, axis=0
            )
            veil = np.maximum(_field(flat, usable, unit, np.asarray(lamp, np.float32)), 0) * around
            share = np.asarray(cv2.resize(veil, (wide, high), interpolation=cv2.INTER_LINEAR), np.float32)
            taken = np.minimum(share, _LOST)[..., None]
            # Where a channel was cut off, less was added than that.
            darkest = np.clip((photo - lamp * taken) / (1 - taken), 0, photo)
            photo = np.clip(flat.reference, darkest, photo).astype(np.float32)
            seen = seen & (share < _LOST)
    return flat if photo is flat.photo else replace(flat, photo=photo, seen=seen)


def _field(flat: Flat, usable: Mask, unit: float, lamp: Map) -> Map:
    """The share of a lamp's colour that was added, as far as it varies smoothly, coarser than the frame."""
    import cv2

    high, wide = usable.shape
    size = (max(wide // _COARSER, 1), max(high // _COARSER, 1))
    weight = usable.astype(np.float32)
    room = np.maximum(lamp - flat.reference, 0)
    added = ((flat.photo - flat.reference) * room).sum(axis=2) * weight
    whole = (room**2).sum(axis=2) * weight
    parts = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (added, whole, weight))
    softer = [cv2.GaussianBlur(part, (0, 0), _BLUR * unit / _COARSER) for part in parts]
    return np.asarray(np.where(softer[2] > 0.5, softer[0] / (softer[1] + 500), 0), np.float32)


def bared(flat: Flat, face: Mask, unit: float) -> Mask:
    """What is so white in the photo that nothing can be seen, though no light there is strong enough to hide print.

    Where print is gone from overexposed paper, it is as white as the paper around it; a reflection would go on there.
    """
    back = np.zeros_like(face)
    room = np.maximum(255 - flat.reference, 0)
    added = ((flat.photo - flat.reference) * room).sum(axis=2)
    for piece in pieces(face & ~flat.seen & (darkest(flat.photo) > darkest(flat.reference) + _OUTSHONE)):
        box = box_of(piece)
        if min(box.width, box.height) < _BARED * unit:
            continue
        ring = grown(piece, 24 * unit) & ~grown(piece, 8 * unit) & face & flat.seen
        inked = float((room[ring] ** 2).sum(axis=1).mean()) if ring.any() else 0.0
        if ring.any() and added[ring].mean() < 0.06 * max(inked, 3 * 25.0**2):
            back |= grown(piece, 8 * unit) & face
    return back


class Cover:
    """What stands around a mark, and whether something other than the pack accounts for it.

    `pack` is where the face is, and `bounded` whether it ends there; `face` is that without its rim, `tinted` where
    colours differ, and `window` how far measuring reaches, units. `here` and `there` are both sides in Lab.
    """

    def __init__(
        self,
        flat: Flat,
        pack: Mask,
        face: Mask,
        usable: Mask,
        tinted: Mask,
        window: float,
        unit: float,
        *,
        bounded: bool,
    ) -> None:
        import cv2

        self.here, self.there = lab(flat.photo), lab(flat.reference)
        self._flat, self._face, self._usable = flat, face, usable
        self._tinted, self._window, self._unit = tinted, window, unit
        self._bounded = bounded
        artwork = cv2.Canny(flat.reference.astype(np.uint8), 40, 100)
        self._edges = cv2.dilate(artwork, square(5 * unit)) > 0
        self._rim = face & ~shrunk(face, 8 * unit)
        self._goes_on = self._rim & self._same_beyond(pack)
        self._lost = face & ~flat.seen
        self._outside = ~grown(pack, 4 * unit)
        self._beside_lost = grown(self._lost, window * unit)
        change, room = flat.photo - flat.reference, 255 - flat.reference
        weight = usable.astype(np.float32)
        near = (int(9 * unit) | 1,) * 2
        added = cv2.blur((change * room).sum(axis=2) * weight, near)
        self._white = np.asarray(added / (cv2.blur((room**2).sum(axis=2) * weight, near) + 200), np.float32)

    def over(self, whole: Mask, mask: Mask) -> Mask | None:
        """What lies over the pack here: a thumb that comes in at the rim, or a lamp's reflection; `None` without."""
        crossing = self._crossing(whole)
        if crossing is not None:
            return crossing
        if self._bounded and self._in_front(whole):
            return whole
        on_artwork = self.on_artwork(whole)
        ring = grown(whole, 9 * self._unit) & ~grown(whole, 2 * self._unit) & self._face
        photo, reference, white = self._flat.photo[mask], self._flat.reference[mask], self._white[mask][:, None]
        change = np.abs(photo - reference).mean()
        left = np.abs(photo - reference - white * (255 - reference)).mean() / max(float(change), 1.0)
        near = ring & self._usable
        halo = float(np.median(self._white[near])) if near.any() else 1.0
        blown = (ring & self._lost).sum() > 0.05 * max(ring.sum(), 1)
        glare = left < 0.4 and np.median(white) > 0.25 and (blown or (halo > 0.04 and on_artwork < 0.5))
        return whole if glare else None

    def on_artwork(self, whole: Mask) -> float:
        """Share of a mark's outline that follows the reference's artwork."""
        body = self._body(whole)
        # What ends where nothing can be seen has no outline there.
        outline = body & ~shrunk(body, 1) & ~self._rim & ~self._beside_lost
        return float(self._edges[outline].mean()) if outline.any() else 0.0

    def _crossing(self, whole: Mask) -> Mask | None:
        """The part that comes in over the rim: the photo goes on in its colour, or its outline is not the artwork's."""
        touching = self._body(whole) & self._rim
        if self._bounded:
            over = np.zeros_like(whole)
            apart = self.on_artwork(whole) < _FOLLOWING
            for piece in pieces(touching & self._goes_on):
                if piece.sum() > _LEAST * self._unit**2 and (apart or self._foreign(whole, piece)):
                    over |= self._one_thing(whole, piece)
            if over.any():
                return over
        if touching.sum() < np.sqrt(whole.sum()):
            return None
        # Where the face ends is not always known: then this may be another side of it.
        return whole if not self._bounded or self.on_artwork(whole) < 0.5 else None

    def _in_front(self, whole: Mask) -> bool:
        """Whether what is seen here has one colour, in which it goes on over the pack to beyond it, as a strap does.

        What covers a large part of the pack in one colour is its paper.
        """
        import cv2

        body = self._body(whole)
        colour = np.median(self.here[body], axis=0) if body.any() else None
        if colour is None or np.median(np.linalg.norm(self.here[body] - colour, axis=1)) > _CROSSING / 3:
            return False
        alike = np.linalg.norm(self.here - colour, axis=2) < _CROSSING / 2
        _, labels = cv2.connectedComponents(alike.astype(np.uint8), connectivity=4)
        largest = int(np.bincount(labels[body & alike]).argmax())
        thing = labels == largest
        beyond = (thing & self._outside).sum() > _LEAST * self._unit**2
        return bool(largest and beyond and (thing & self._face).sum() < _PAPER * self._face.sum())

    def _foreign(self, whole: Mask, piece: Mask) -> bool:
        """Whether a piece has another colour than what is around the mark, the ground that a missing part bares."""
        ring = grown(whole, 12 * self._unit) & ~grown(whole, 3 * self._unit) & self._face
        off = np.linalg.norm(self.here[ring] - np.median(self.here[piece], axis=0), axis=1)
        return bool((off < _CROSSING / 2).mean() < 0.2) if off.size else False

    def _one_thing(self, whole: Mask, touching: Mask) -> Mask:
        """What of a mark has the colour in which it comes in, in one piece with that, and the window around it."""
        import cv2

        colour = np.median(self.here[touching], axis=0)
        alike = whole & (np.linalg.norm(self.here - colour, axis=2) < 2 * _CROSSING)
        closed = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_CLOSE, square(_JOIN * self._unit))
        _, labels = cv2.connectedComponents(closed)
        joined = set(labels[touching & alike].tolist()) - {0}
        return grown(np.isin(labels, list(joined)), 2 * self._window * self._unit) & whole

    def _body(self, whole: Mask) -> Mask:
        """A mark without what the window of measuring added; its colour, which is sharper, where it has one."""
        tinted = whole & self._tinted
        if tinted.sum() > 0.3 * whole.sum():
            return tinted
        # Measuring ends at the rim, and so does what it added.
        return whole & shrunk(whole | ~self._face, self._window / 2 * self._unit)

    def _same_beyond(self, pack: Mask) -> Mask:
        """Where, going out over the pack's rim in some direction, the photo keeps its colour."""
        import cv2

        soft = cv2.GaussianBlur(self.here, (0, 0), self._unit)
        outside = ~grown(pack, 2 * self._unit)
        same = np.zeros_like(pack)
        rows, columns = np.nonzero(self._rim)
        inside = soft[rows, columns]
        for turn in np.arange(0, 2 * np.pi, np.pi / 12):
            y = (rows + _BEYOND * self._unit * np.sin(turn)).astype(int)
            x = (columns + _BEYOND * self._unit * np.cos(turn)).astype(int)
            known = (y >= 0) & (y < len(pack)) & (x >= 0) & (x < pack.shape[1])
            at = np.flatnonzero(known)
            at = at[outside[y[at], x[at]]]
            off = np.linalg.norm(soft[y[at], x[at]] - inside[at], axis=1)
            same[rows[at], columns[at]] |= off < _GOING_ON
        return same
