"""Photos of papers and signs: each composes a scene and says what a person would answer about it."""

from typing import Literal

import numpy as np

from . import papers, textures
from .artwork import Sheet
from .camera import Camera, Patch
from .scene import Scene
from .shot import Shot, begin, finish
from .things import Outline, Table, shade

Plate = tuple[Sheet, float, float, float, float]
"""A sign on a wall: its sheet, left, top, width and height in cm."""


def _paper(
    seed: int, sheet: Sheet, wide: float, turn: float, size: tuple[int, int], top: Literal["wood", "slate", "linen"]
) -> Scene:
    """A paper `wide` cm across on a table, seen from above by someone who sits there, turned `turn` degrees."""
    tall = wide * sheet.height / sheet.width
    scene = begin(seed, Camera((0.5, -0.55 * tall, 1.72 * tall), (0, -0.02 * tall, 0), size, 1.58))
    rng = scene.rng
    table = Table(60, 60, -30, 40)
    match top:
        case "wood":
            picture = textures.wood(rng, *table.pixels, (132, 92, 60), (190, 146, 102), 9)
        case "slate":
            picture = textures.marble(rng, *table.pixels, (104, 112, 116))
        case "linen":
            picture = textures.linen(rng, *table.pixels, (118, 140, 152))
    angle = np.radians(turn)
    across, down = np.array([np.cos(angle), np.sin(angle)]), np.array([np.sin(angle), -np.cos(angle)])
    corner = -across * wide / 2 - down * tall / 2
    ends = [corner, corner + across * wide, corner + across * wide + down * tall, corner + down * tall]
    table.lay(scene, picture, [([(float(x), float(y)) for x, y in ends], 0.5)])
    scene.add(Patch((float(corner[0]), float(corner[1]), 0.05), (*(across * wide), 0.0), (*(down * tall), 0.0)), sheet)
    return scene


def receipt_en() -> Shot:
    """An English till receipt."""
    scene = _paper(7, papers.receipt_en(), 8, 4, (1000, 1400), "wood")
    said = "A till receipt in English with five items and a total of 14.10 pounds."
    return finish(scene, said, "en", {"date": "2026-06-21", "phone": "01632 960284"}, 0.24)


def receipt_zh() -> Shot:
    """A Chinese till receipt."""
    scene = _paper(8, papers.receipt_zh(), 8, -5, (1000, 1400), "slate")
    said = "A till receipt in Chinese with five items and a total of 80.80 yuan."
    return finish(scene, said, "zh", {"date": "2026-06-18", "phone": "400-000-0456"}, 0.24)


def leaflet() -> Shot:
    """A leaflet in two columns with a QR code."""
    scene = _paper(18, papers.leaflet(), 15, 3, (1150, 1500), "linen")
    return finish(
        scene, "A walking leaflet with two columns of text and a QR code.", "en", {"phone": "01632 960731"}, 0.24
    )


def _plates(
    scene: Scene, picture: textures.Picture, top: float, wide: float, plates: list[Plate], depth: float
) -> None:
    """Paint a wall at `depth` whose upper edge is at height `top`, with its plates, their screws and shadows."""
    cm = picture.shape[1] / wide
    feet: list[tuple[Outline, float]] = []
    for _, left, upper, width, height in plates:
        x0, y0 = (left + wide / 2) * cm, (top - upper) * cm
        x1, y1 = x0 + width * cm, y0 + height * cm
        feet.append(([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], 2.4))
    tall = picture.shape[0] / cm
    scene.ground(
        Patch((-wide / 2, depth, top), (wide, 0, 0), (0, 0, -tall), light=None), shade(picture, cm, feet, (0.7, 0.9))
    )
    for sheet, left, upper, width, height in plates:
        for x in (44, sheet.width - 44):
            for y in (44, sheet.height - 44):
                sheet.draw.ellipse((x - 11, y - 11, x + 11, y + 11), fill="#8d9094")
                sheet.draw.ellipse((x - 8, y - 9, x + 6, y + 5), fill="#d5d7da")
        scene.add(Patch((left, depth - 0.6, upper), (width, 0, 0), (0, 0, -height)), sheet)


def door_signs() -> Shot:
    """Two English signs on a painted wall."""
    scene = begin(9, Camera((-26, -128, 146), (1, 0, 149), (1250, 1100), 1.55, 0.6))
    picture = textures.plaster(scene.rng, 1700, 2200, (176, 196, 200))
    # The lower half of a corridor is painted darker, with a line between.
    picture[880:, :, :3] = (picture[880:, :, :3] * np.array([0.62, 0.72, 0.76])).astype(np.uint8)
    picture[868:880, :, :3] = 236
    exit_plate = papers.exit_sign("EXIT", "sign", 200)
    plates = [(exit_plate, -27.0, 178.0, 54.0, 19.1), (papers.step_sign(), -24.0, 152.0, 48.0, 31.7)]
    _plates(scene, picture, 225, 220, plates, 0)
    said = "Two signs on a wall: a green exit sign with an arrow to the right, and below it a yellow one about a step."
    return finish(scene, said, "en", None, 0.30)


def floor_sign_zh() -> Shot:
    """A Chinese wet-floor sign under an exit sign."""
    scene = begin(10, Camera((-12, -215, 92), (4, 0, 52), (1100, 1450), 1.62, -0.5))
    rng = scene.rng
    wide, top, cm = 400.0, 260.0, 6.0
    picture = textures.plaster(rng, int(top * cm), int(wide * cm), (220, 214, 202))
    picture[int((top - 10) * cm) :, :, :3] = (146, 134, 118)
    exit_plate = papers.exit_sign("安全出口", "sans-bold", 150, second="EXIT")
    _plates(scene, picture, top, wide, [(exit_plate, -30.0, 112.0, 60.0, 21.2)], 60)
    floor = Table(400, 300, -240, 8)
    foot = [(-15.0, -20.0), (15.0, -20.0), (15.0, 16.0), (-15.0, 16.0)]
    floor.lay(scene, textures.tiles(rng, *floor.pixels, (190, 184, 174), (158, 152, 144), 8, 10), [(foot, 34)])
    back = Sheet(400, 800, "#b98f0a")
    back.round_off(40)
    scene.add(Patch((-15, -1.5, 59), (30, 0, 0), (0, 18, -59)), back)
    scene.add(Patch((-15, -2, 60), (30, 0, 0), (0, -18, -60)), papers.wet_floor())
    return finish(scene, "A yellow wet-floor sign in Chinese and English before a green exit sign.", "zh", None, 0.25)
