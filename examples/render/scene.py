"""A photograph in the making: things laid over one another as the camera sees them, and their truth.

Layers are painted from the back to the front. A mark that a later layer covers, or that leaves the
photo, is reported as hidden.
"""

from dataclasses import dataclass, field

import numpy as np

from .artwork import Mark, Sheet
from .camera import OVERSAMPLE, Array, Camera, Patch, Points, Surface
from .textures import Picture

# A line is hidden where more than this share of its box is covered: about one letter in eight.
COVERED = 0.12


@dataclass(frozen=True)
class Seen:
    """A mark as it lies in the photo; `quad` in photo pixels `(4, 2)`, clockwise as the thing is read."""

    mark: Mark
    quad: Points
    hidden: bool


@dataclass
class Scene:
    """One photograph being composed; the canvas is RGB in 0..1, oversampled."""

    camera: Camera
    rng: np.random.Generator
    canvas: Array = field(init=False)
    _layers: list[tuple[Array, list[tuple[Mark, Points]]]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Start black."""
        wide, high = self.camera.size
        self.canvas = np.zeros((high * OVERSAMPLE, wide * OVERSAMPLE, 3), np.float32)

    def cover(self, layer: Array, marks: list[tuple[Mark, Points]] | None = None) -> None:
        """Lay premultiplied RGBA over everything so far; what it covers is hidden."""
        self.darken(layer)
        self._layers.append((layer[::OVERSAMPLE, ::OVERSAMPLE, 3].copy(), marks or []))

    def darken(self, layer: Array) -> None:
        """Lay premultiplied RGBA over everything so far without hiding anything: a shadow."""
        self.canvas = layer[..., :3] + self.canvas * (1 - layer[..., 3:])

    def lose(self, share: Array) -> None:
        """Count as hidden what lies under `share` (0..1, oversampled): a reflection blew it out."""
        self._layers.append((share[::OVERSAMPLE, ::OVERSAMPLE].copy(), []))

    def add(self, surface: Surface, sheet: Sheet, blur: float = 0) -> Array:
        """Lay a sheet with its marks on a surface; `blur` is its defocus, photo pixels. Returns its layer."""
        marks = [(mark, outline(self.camera, surface, sheet, mark)) for mark in sheet.marks]
        layer = surface.paint(self.camera, np.asarray(sheet.image, np.uint8))
        if blur:
            layer = defocus(layer, blur)
        self.cover(layer, marks)
        return layer

    def ground(self, surface: Surface, picture: Picture, blur: float = 0) -> None:
        """Lay a texture without marks: a table, a wall, a lid."""
        layer = surface.paint(self.camera, picture)
        self.cover(defocus(layer, blur) if blur else layer)

    def soften_far(self, near: float, far: float, blur: float) -> None:
        """Defocus what is painted so far above row `far` fully, below row `near` not at all (photo rows)."""
        rows = (np.arange(self.canvas.shape[0]) / OVERSAMPLE - near) / (far - near)
        amount = np.clip(rows, 0, 1).astype(np.float32)[:, None, None]
        half, full = defocus(self.canvas, blur / 3), defocus(self.canvas, blur)
        first, second = np.clip(amount * 2, 0, 1), np.clip(amount * 2 - 1, 0, 1)
        self.canvas = (self.canvas * (1 - first) + half * first) * (1 - second) + full * second

    def sight(self) -> list[Seen]:
        """Every mark painted so far, in order, with what later layers did to it."""
        import cv2

        wide, high = self.camera.size
        seen: list[list[Seen]] = []
        above = np.zeros((high, wide), np.float32)
        for alpha, marks in reversed(self._layers):
            group = []
            for mark, quad in marks:
                inside = bool((quad >= 0).all() and (quad <= (wide, high)).all())
                area = np.zeros((high, wide), np.uint8)
                cv2.fillConvexPoly(area, quad.round().astype(np.int32), 1)
                covered = float(above[area > 0].mean()) if area.any() else 1.0
                group.append(Seen(mark, quad, hidden=not inside or covered > COVERED))
            seen.append(group)
            above = np.maximum(above, alpha)
        return [one for group in reversed(seen) for one in group]


def defocus(layer: Array, radius: float) -> Array:
    """Blur as a lens does, `radius` in photo pixels."""
    import cv2

    return np.asarray(cv2.GaussianBlur(layer, (0, 0), radius * OVERSAMPLE), np.float32)


def outline(camera: Camera, surface: Surface, sheet: Sheet, mark: Mark) -> Points:
    """The corners of a mark in photo pixels, `(4, 2)`, clockwise as the thing is read.

    On a flat patch they are the projected corners. On a turned body a line of text is curved, and
    they are those of the smallest box along its direction that holds all of it.
    """
    size = (sheet.width, sheet.height)
    corners = np.array(mark.corners)
    quad = camera.project(surface.lift(corners / size))
    if isinstance(surface, Patch):
        return quad
    steps = np.linspace(0, 1, 16, endpoint=False)[:, None]
    ends = np.roll(corners, -1, axis=0)
    edge = np.concatenate([start + (end - start) * steps for start, end in zip(corners, ends, strict=True)])
    points = camera.project(surface.lift(edge / size))
    along = quad[1] + quad[2] - quad[0] - quad[3]
    along = along / np.linalg.norm(along)
    across = np.array([-along[1], along[0]])
    far, off = points @ along, points @ across
    places = ((far.min(), off.min()), (far.max(), off.min()), (far.max(), off.max()), (far.min(), off.max()))
    return np.array([u * along + v * across for u, v in places])
