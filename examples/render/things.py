"""What stands in a scene: tables, cartons, bottles, cups and walls, and the shadows they throw."""

import itertools
from dataclasses import dataclass

import numpy as np

from .artwork import Sheet
from .camera import Array, Patch, Points, Turned
from .scene import Scene
from .textures import Picture

Outline = list[tuple[float, float]]
"""The foot of a thing on a plane."""


def shade(picture: Picture, cm: float, shadows: list[tuple[Outline, float]], slide: tuple[float, float]) -> Picture:
    """Darken a texture where things stand on it.

    `cm`: pixels of the texture in a centimetre. Each shadow is the outline of a foot in texture
    pixels and the height of the thing, cm; `slide` is how far the shadow runs for a centimetre of
    height, texture centimetres to the right and down.
    """
    import cv2

    coarse = 4
    high, wide = picture.shape[0] // coarse, picture.shape[1] // coarse
    light = np.ones((high, wide), np.float32)
    for outline, height in shadows:
        foot = np.array(outline, np.float32)
        cast = np.zeros((high, wide), np.float32)
        steps = 9
        for step in range(steps):
            lift = height * step / (steps - 1)
            moved = (foot + np.array(slide, np.float32) * lift * cm) / coarse
            part = np.zeros((high, wide), np.float32)
            cv2.fillConvexPoly(part, cv2.convexHull(moved.astype(np.float32)).astype(np.int32), 1.0)
            spread = (0.18 + 0.16 * lift) * cm / coarse
            part = np.asarray(cv2.GaussianBlur(part, (0, 0), max(spread, 0.6)), np.float32)
            cast = np.maximum(cast, part * (1 - 0.45 * step / steps))
        touch = np.zeros((high, wide), np.float32)
        firm = min(1.0, 0.3 + height / 4)
        cv2.fillConvexPoly(touch, cv2.convexHull(foot / coarse).astype(np.int32), 1.0)
        touch = np.asarray(cv2.GaussianBlur(touch, (0, 0), 0.35 * cm / coarse), np.float32)
        light *= (1 - 0.42 * cast) * (1 - 0.30 * firm * touch)
    full = np.asarray(cv2.resize(light, (picture.shape[1], picture.shape[0])), np.float32)[..., None]
    shaded = picture.copy()
    # A shadow indoors is not black: the room fills it, a little cooler than the window.
    tone = np.array([1.0, 0.985, 0.96], np.float32)
    shaded[..., :3] = np.clip(picture[..., :3] * (full * tone + (1 - tone)), 0, 255).astype(np.uint8)
    return shaded


@dataclass(frozen=True)
class Table:
    """A table top around the origin of the world, `wide` x `deep` cm, from y = `front` backwards."""

    wide: float = 140.0
    deep: float = 110.0
    front: float = -55.0
    cm: float = 22.0
    height: float = 0.0

    @property
    def pixels(self) -> tuple[int, int]:
        """Height and width of its texture."""
        return round(self.deep * self.cm), round(self.wide * self.cm)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A world point of the table, as texture pixels."""
        return (x + self.wide / 2) * self.cm, (self.front + self.deep - y) * self.cm

    def lay(self, scene: Scene, picture: Picture, things: list[tuple[Outline, float]], blur: float = 0) -> None:
        """Paint the table with the shadows of things: the outline of each foot in world cm, and its height."""
        feet = [([self.place(x, y) for x, y in foot], tall) for foot, tall in things]
        top = Patch(
            (-self.wide / 2, self.front + self.deep, self.height), (self.wide, 0, 0), (0, -self.deep, 0), light=None
        )
        scene.ground(top, shade(picture, self.cm, feet, (0.50, -0.34)), blur)


@dataclass(frozen=True)
class Carton:
    """A box that stands on the table, its front's lower left edge at (x, y), turned `turn` degrees to the left."""

    x: float
    y: float
    wide: float
    tall: float
    deep: float
    turn: float = 0.0
    base: float = 0.0

    @property
    def _axes(self) -> tuple[Points, Points, Points]:
        turn = np.radians(self.turn)
        right = np.array([np.cos(turn), np.sin(turn), 0])
        back = np.array([-np.sin(turn), np.cos(turn), 0])
        return np.array([self.x, self.y, self.base]), right, back

    @property
    def _up(self) -> Points:
        return np.array([0, 0, self.tall])

    @property
    def foot(self) -> Outline:
        """Its outline on the table, world cm."""
        corner, right, back = self._axes
        ends = [
            corner,
            corner + right * self.wide,
            corner + right * self.wide + back * self.deep,
            corner + back * self.deep,
        ]
        return [(float(end[0]), float(end[1])) for end in ends]

    def _patch(self, corner: Points, across: Points, down: Points, light: float = 1.0) -> Patch:
        return Patch(tuple(corner), tuple(across), tuple(down), light)

    @property
    def front(self) -> Patch:
        """The face towards the camera."""
        corner, right, _ = self._axes
        return self._patch(corner + self._up, right * self.wide, -self._up)

    @property
    def left(self) -> Patch:
        """The face on the left."""
        corner, _, back = self._axes
        return self._patch(corner + back * self.deep + self._up, -back * self.deep, -self._up)

    @property
    def right(self) -> Patch:
        """The face on the right."""
        corner, right, back = self._axes
        return self._patch(corner + right * self.wide + self._up, back * self.deep, -self._up)

    @property
    def top(self) -> Patch:
        """The face above."""
        corner, right, back = self._axes
        return self._patch(corner + back * self.deep + self._up, right * self.wide, -back * self.deep)


def ring(x: float, y: float, radius: float) -> Outline:
    """The outline of a round foot, world cm."""
    turns = np.radians(np.arange(0, 360, 15))
    return [(x + radius * float(np.cos(turn)), y + radius * float(np.sin(turn))) for turn in turns]


def disc(scene: Scene, x: float, y: float, z: float, radius: float, sheet: Sheet, blur: float = 0) -> None:
    """Lay a round lid; what is outside its circle is left out."""
    sheet.round_off(sheet.width // 2)
    scene.add(Patch((x - radius, y + radius, z), (2 * radius, 0, 0), (0, -2 * radius, 0)), sheet, blur)


def wall(
    scene: Scene, picture: Picture, y: float, blur: float, wide: float = 300, bottom: float = -60, top: float = 150
) -> None:
    """Paint a wall behind everything, at depth y, from height `bottom` to `top`, cm."""
    scene.ground(Patch((-wide / 2, y, top), (wide, 0, 0), (0, 0, bottom - top), light=None), picture, blur)


def box(scene: Scene, body: Carton, front: Sheet, side: Sheet, top: Sheet, blur: float = 0) -> Array:
    """Paint the faces of a carton that the camera sees, the front last; returns the front's layer."""
    eye = np.array(scene.camera.eye)
    if eye[2] > body.base + body.tall:
        scene.add(body.top, top, blur)
    for patch in (body.left, body.right):
        if (eye - np.array(patch.corner)) @ np.cross(patch.down, patch.across) > 0:
            scene.add(patch, side, blur)
    return scene.add(body.front, front, blur)


def vessel(
    scene: Scene, profile: list[tuple[float, float]], sheet: Sheet, gloss: float = 0.34, slices: int = 28
) -> None:
    """A turned body at the origin with a smooth outline through (height, radius) points, cm, from the foot up."""
    heights, radii = (np.array(column) for column in zip(*profile, strict=True))

    def radius(level: float) -> float:
        # Eased between the points: straight runs would show as rings on glass.
        place = float(np.interp(level, heights, np.arange(len(heights))))
        lower = min(int(place), len(radii) - 2)
        share = place - lower
        return float(radii[lower] + (radii[lower + 1] - radii[lower]) * share * share * (3 - 2 * share))

    levels = np.linspace(heights[0], heights[-1], slices + 1).tolist()
    for floor, roof in itertools.pairwise(levels):
        # Slices overlap a little, so that nothing shines through between them.
        low = max(floor - 0.12, 0.0)
        scene.add(Turned((0, 0), low, roof, radius(low), radius(roof), gloss=gloss), sheet)


def mug(scene: Scene, x: float, y: float, colour: str, blur: float) -> None:
    """A mug of coffee, 8 cm high, out of focus."""
    side = Sheet(400, 300, colour)
    side.draw.rectangle((0, 0, 400, 14), fill="#f4efe6")
    scene.add(Turned((x, y), 0, 8, 3.4, 3.7, gloss=0.18), side, blur)
    brim(scene, x, y, 8, 3.7, "#4a342a", "#f4efe6", blur)


def brim(scene: Scene, x: float, y: float, z: float, radius: float, drink: str, rim: str, blur: float) -> None:
    """The open top of a cup with what is in it."""
    sheet = Sheet(400, 400, drink)
    sheet.draw.ellipse((2, 2, 398, 398), outline=rim, width=20)
    disc(scene, x, y, z, radius, sheet, blur)
