"""Where customers photograph their packs, and what is true of such a photo."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from . import packs_infusions, packs_masks, packs_oats, packs_teas, textures
from .artwork import Sheet
from .camera import Array, Camera, Patch, Points
from .packs_shop import CM, Copy, Face, Pack, Place
from .scene import Scene
from .shot import Shot, begin
from .textures import Picture
from .things import Carton, Outline, Table, box, mug, ring, wall

FAMILIES = (packs_oats, packs_infusions, packs_teas, packs_masks)
PACKS: dict[str, Pack] = {pack.sku: pack for family in FAMILIES for pack in family.packs()}

Box = tuple[float, float, float, float]
Verdict = Literal["same", "other_variant", "differs", "cannot_tell"]
Kind = Literal["text", "colour", "artwork", "missing", "extra", "damage"]


@dataclass(frozen=True)
class Difference:
    """Where a pack departs from its official picture: photo pixels, and what was there and is there."""

    kind: Kind
    box: Box
    before: str | None
    now: str | None


@dataclass(frozen=True)
class Arrival:
    """A customer's photo and its truth.

    `sku`: what it really is, None if the catalogue lacks it; `claimed`: what was ordered, where that is the
    question. `verdict` is of the comparison with what was ordered, else with what it is. `quad`: the front's
    corners in photo pixels `(4, 2)`, clockwise from its own top left. `products`: sku and quad of each, where
    a photo shows several.
    """

    shot: Shot
    sku: str | None
    verdict: Verdict | None
    quad: Points | None = None
    claimed: str | None = None
    differences: list[Difference] = field(default_factory=list)
    products: list[tuple[str, Points]] = field(default_factory=list)


@dataclass(frozen=True)
class Placed:
    """A pack in a scene: its front, where that is, and its layer."""

    camera: Camera
    face: Face
    patch: Patch
    layer: Array

    @property
    def quad(self) -> Points:
        """The corners of the front in photo pixels, `(4, 2)`."""
        return self.camera.project(self.patch.lift(np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])))

    def seen(self, place: Place) -> Box:
        """The upright box around a place of the front, photo pixels, inside the photo."""
        x0, y0, x1, y1 = place
        size = (self.face.sheet.width, self.face.sheet.height)
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) / size
        there = self.camera.project(self.patch.lift(corners)).clip((0, 0), self.camera.size)
        (left, top), (right, bottom) = there.min(axis=0).tolist(), there.max(axis=0).tolist()
        return left, top, right, bottom

    def difference(self, kind: Kind, place: str | Place, before: str | None, now: str | None) -> Difference:
        """A difference at a place of the front, by its name or its rectangle."""
        return Difference(kind, self.seen(self.face.places[place] if isinstance(place, str) else place), before, now)


@dataclass(frozen=True)
class Look:
    """A place to photograph in: its wall and its table top."""

    wall: Callable[[np.random.Generator], Picture]
    top: Callable[[np.random.Generator, int, int], Picture]
    mug: str


LOOKS: dict[str, Look] = {
    "kitchen": Look(
        lambda rng: textures.tiles(rng, 1000, 1800, (214, 222, 214), (196, 198, 190), 11, 16),
        lambda rng, high, wide: textures.wood(rng, high, wide, (164, 120, 76), (216, 176, 128), 8),
        "#b9654a",
    ),
    "desk": Look(
        lambda rng: textures.plaster(rng, 700, 1200, (170, 184, 194)),
        lambda rng, high, wide: textures.wood(rng, high, wide, (96, 64, 42), (146, 104, 72), 6),
        "#d9d2c2",
    ),
    "linen": Look(
        lambda rng: textures.plaster(rng, 700, 1200, (214, 200, 178)),
        lambda rng, high, wide: textures.linen(rng, high, wide, (150, 166, 164)),
        "#7f9aa6",
    ),
    "marble": Look(
        lambda rng: textures.plaster(rng, 700, 1200, (200, 206, 198)),
        textures.marble,
        "#8aa08c",
    ),
    "bench": Look(
        lambda rng: textures.plaster(rng, 700, 1200, (196, 176, 164)),
        lambda rng, high, wide: textures.wood(rng, high, wide, (192, 170, 142), (232, 214, 188), 5),
        "#5f7a8c",
    ),
}


def setting(scene: Scene, look: str, feet: list[tuple[Outline, float]], cup: tuple[float, float] | None = None) -> None:
    """Paint a wall and a table with the shadows of what stands on it; a mug stands out of focus at `cup`, world cm."""
    place = LOOKS[look]
    wall(scene, place.wall(scene.rng), 60, 6)
    table = Table()
    things = [*feet, (ring(*cup, 4), 9.0)] if cup else feet
    table.lay(scene, place.top(scene.rng, *table.pixels), things)
    near, far = (float(scene.camera.project(np.array([(0.0, y, 0.0)]))[0, 1]) for y in (6, 54))
    scene.soften_far(near, far, 6)
    if cup:
        mug(scene, *cup, place.mug, 3.4)


def carton(pack: Pack, x: float, y: float, turn: float = 0.0, base: float = 0.0) -> Carton:
    """The body of a pack that stands at (x, y)."""
    wide, tall, deep = pack.size
    return Carton(x, y, wide, tall, deep, turn, base)


def lying(pack: Pack, x: float, y: float, turn: float = 0.0) -> Carton:
    """The body of a pack that lies on its back, its foot towards the camera."""
    wide, tall, deep = pack.size
    return Carton(x, y, wide, deep, tall, turn)


def stand(scene: Scene, pack: Pack, copy: Copy, body: Carton, face: Face | None = None) -> Placed:
    """Paint a pack that stands; `face` is its front where something has happened to it."""
    face = face or pack.front(copy)
    layer = box(scene, body, face.sheet, pack.side(), pack.lid(copy.sealed))
    return Placed(scene.camera, face, body.front, layer)


def lie(scene: Scene, pack: Pack, copy: Copy, body: Carton) -> Placed:
    """Paint a pack that lies on its back, its front towards the ceiling; `body` is what `lying` gives."""
    face = pack.front(copy)
    thick = round(pack.size[2] * CM)
    foot, side = Sheet(face.sheet.width, thick, "#d8cfbd"), Sheet(face.sheet.height, thick, "#d8cfbd")
    for sheet in (foot, side):
        sheet.card_edge()
    box(scene, body, foot, side, face.sheet)
    return Placed(scene.camera, face, body.top, body.top.paint(scene.camera, np.asarray(face.sheet.image, np.uint8)))


def on_table(
    seed: int,
    sku: str,
    copy: Copy,
    look: str,
    camera: Camera,
    at: tuple[float, float, float],
    cup: tuple[float, float] | None = None,
    face: Face | None = None,
) -> tuple[Scene, Placed]:
    """A pack that stands on a table: `at` is the x and y of its corner, cm, and its turn, degrees."""
    scene = begin(seed, camera)
    body = carton(PACKS[sku], *at)
    setting(scene, look, [(body.foot, PACKS[sku].size[1])], cup)
    return scene, stand(scene, PACKS[sku], copy, body, face)
