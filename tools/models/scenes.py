"""Scenes drawn to find out what a model sees: a few coloured shapes or a printed number, each with its truth.

The same seed draws the same scenes. Sizes and aspect ratios differ, and what is asked for lies off the middle and off
both diagonals, so that swapped axes, another scale and a resized image each move its box elsewhere.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from ..photos import load
from ..types import Box, Photo, Size

COLOURS = {
    "red": (214, 39, 40),
    "green": (44, 160, 44),
    "blue": (31, 90, 200),
    "yellow": (250, 210, 40),
    "orange": (255, 127, 14),
    "purple": (140, 60, 180),
}
"""The colours of the shapes, in sRGB, far enough from each other to be named without doubt."""

FORMS = ("circle", "rectangle", "triangle")
ABSENT = "yellow star"
"""What is in no scene."""

_GROUND = (246, 245, 241)
_INK = (20, 20, 24)
_COUNTED = 5
"""More than a model says when it does not count ("a few", "three"), and few enough for a small model."""


@dataclass(frozen=True)
class Scene:
    """A drawn photo; `thing` is what is asked for, as "red circle" or the number printed, and `box` where it lies."""

    photo: Photo
    thing: str
    box: Box


# Size in pixels, what is asked for, and where, in shares of width and height; then what stands beside it. No two places
# have anything in common: whoever says the same of every image finds one.
_PLACED: tuple[tuple[Size, str, tuple[float, float, float, float], str, str], ...] = (
    # The largest that is ever sent (`view.BUDGET`): a server that shrinks at all shrinks this.
    (Size(1280, 960), "red rectangle", (0.62, 0.12, 0.90, 0.30), "blue circle", "green triangle"),
    (Size(720, 1280), "blue triangle", (0.10, 0.64, 0.42, 0.82), "red circle", "yellow rectangle"),
    # Small enough for no server to shrink it.
    (Size(448, 320), "green circle", (0.36, 0.08, 0.58, 0.38), "orange rectangle", "purple triangle"),
    (Size(1600, 640), "purple rectangle", (0.47, 0.62, 0.61, 0.90), "green circle", "red triangle"),
)


@cache
def placed(seed: int) -> tuple[Scene, ...]:
    """Scenes in which one thing is to be found among others."""
    rng = random.Random(seed)  # noqa: S311
    return tuple(_placed(rng, *row) for row in _PLACED)


@cache
def counted(seed: int) -> tuple[Scene, int]:
    """A scene with several of one thing among others, and how many they are; the box is around all of them."""
    rng = random.Random(seed)  # noqa: S311
    size, thing = Size(800, 600), "red circle"
    cells = rng.sample([(x, y) for x in range(4) for y in range(3)], _COUNTED + 3)
    image, draw = _ground(size)
    boxes = []
    for n, (x, y) in enumerate(cells):
        side = rng.randint(90, 120)
        left, top = 200 * x + rng.randint(20, 60), 200 * y + rng.randint(20, 60)
        box = Box(left, top, left + side, top + side)
        _shape(draw, thing if n < _COUNTED else "blue rectangle", box)
        boxes.append(box)
    corners = [corner for box in boxes[:_COUNTED] for corner in (box[:2], box[2:])]
    return Scene(load(image), thing, Box.around(corners)), _COUNTED


@cache
def printed(seed: int) -> Scene:
    """A number of five digits that nobody could guess, printed large."""
    number = str(random.Random(seed).randint(20_000, 99_999))  # noqa: S311
    image, draw = _ground(Size(640, 480))
    font = ImageFont.load_default(size=110)
    draw.text((110, 210), number, _INK, font=font)
    return Scene(load(image), number, Box(*map(float, draw.textbbox((110, 210), number, font=font))))


@cache
def alone() -> tuple[Scene, Scene, Scene]:
    """Three scenes of one size, each with one thing, no two alike in colour or form."""
    return (
        _alone(Size(480, 360), "blue rectangle", Box(250, 60, 430, 170)),
        _alone(Size(480, 360), "red triangle", Box(50, 150, 210, 320)),
        _alone(Size(480, 360), "green circle", Box(180, 40, 330, 190)),
    )


def _placed(
    rng: random.Random, size: Size, thing: str, place: tuple[float, float, float, float], *others: str
) -> Scene:
    right, down = rng.uniform(-0.02, 0.02), rng.uniform(-0.02, 0.02)
    image, draw = _ground(size)
    # The others keep to the two corners that the thing is not in.
    corners: Sequence[tuple[float, float]] = ((0.12, 0.14), (0.66, 0.66))
    for other, (x, y) in zip(others, corners, strict=True):
        side = 0.2 * min(size)
        left, top = x * size.width, y * size.height
        _shape(draw, other, Box(left, top, left + side, top + side))
    x0, y0, x1, y1 = place
    box = Box(*(round(v) for v in ((x0 + right) * size.width, (y0 + down) * size.height)),
              *(round(v) for v in ((x1 + right) * size.width, (y1 + down) * size.height)))  # fmt: skip
    _shape(draw, thing, box)
    return Scene(load(image), thing, box)


def _alone(size: Size, thing: str, box: Box) -> Scene:
    image, draw = _ground(size)
    _shape(draw, thing, box)
    return Scene(load(image), thing, box)


def _ground(size: Size) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", size, _GROUND)
    return image, ImageDraw.Draw(image)


def _shape(draw: ImageDraw.ImageDraw, thing: str, box: Box) -> None:
    """Draw "red circle" and the like so that it fills the box."""
    colour, form = thing.split()
    # Pillow draws the last pixel too; a box ends where that pixel does.
    x0, y0, x1, y1 = box.x0, box.y0, box.x1 - 1, box.y1 - 1
    if form == "circle":
        draw.ellipse((x0, y0, x1, y1), COLOURS[colour])
    elif form == "triangle":
        draw.polygon([(x0, y1), (x1, y1), ((x0 + x1) / 2, y0)], COLOURS[colour])
    else:
        draw.rectangle((x0, y0, x1, y1), COLOURS[colour])
