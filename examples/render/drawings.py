"""Small illustrations for packs, drawn by code onto a sheet's image with soft edges."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from .artwork import Colour, Sheet

# Shapes are drawn this many times larger and shrunk, so that their edges are smooth.
_FINE = 2


def inlaid(
    sheet: Sheet, box: tuple[int, int, int, int], paint: Callable[[ImageDraw.ImageDraw, int, int], None]
) -> None:
    """Paint into a finer picture of `box` and lay it on the sheet; `paint` gets the finer width and height."""
    wide, high = (box[2] - box[0]) * _FINE, (box[3] - box[1]) * _FINE
    fine = Image.new("RGBA", (wide, high), (0, 0, 0, 0))
    paint(ImageDraw.Draw(fine), wide, high)
    sheet.image.alpha_composite(fine.resize((wide // _FINE, high // _FINE), Image.Resampling.BOX), box[:2])


def _bump(shares: Sequence[float], wide: int, steps: int = 80) -> list[tuple[float, float]]:
    places = np.linspace(0, 1, steps)
    knots = np.linspace(0, 1, len(shares))
    # Cosine easing between the knots gives rolling hills rather than a saw.
    heights = []
    for place in places:
        left = min(int(place * (len(shares) - 1)), len(shares) - 2)
        share = (place - knots[left]) / (knots[left + 1] - knots[left])
        ease = (1 - np.cos(np.pi * share)) / 2
        heights.append(shares[left] * (1 - ease) + shares[left + 1] * ease)
    return [(float(place) * wide, float(height)) for place, height in zip(places, heights, strict=True)]


def hills(sheet: Sheet, box: tuple[int, int, int, int], layers: Sequence[tuple[Colour, Sequence[float]]]) -> None:
    """Rolling land: each layer a colour and the heights of its skyline from left to right (0 top, 1 bottom)."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, high: int) -> None:
        for colour, shares in layers:
            line = [(x, y * high) for x, y in _bump(shares, wide)]
            draw.polygon([*line, (wide, high), (0, high)], fill=colour)

    inlaid(sheet, box, paint)


def sun(sheet: Sheet, middle: tuple[int, int], radius: int, colour: Colour) -> None:
    """A disc."""
    x, y = middle

    def paint(draw: ImageDraw.ImageDraw, wide: int, high: int) -> None:
        draw.ellipse((2, 2, wide - 3, high - 3), fill=colour)

    inlaid(sheet, (x - radius, y - radius, x + radius, y + radius), paint)


def leaf_outline(x: float, y: float, length: float, breadth: float, turn: float) -> list[tuple[float, float]]:
    """The outline of a leaf whose stalk is at (x, y), pixels, `turn` degrees clockwise from the right."""
    along = np.linspace(0, 1, 24)
    bulge = np.sin(np.pi * along**0.8) * breadth / 2
    right, left = np.stack([along * length, bulge], 1), np.stack([along * length, -bulge], 1)[::-1]
    angle = np.radians(turn)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [(float(px), float(py)) for px, py in np.concatenate([right, left]) @ matrix + (x, y)]


def oat_ear(sheet: Sheet, root: tuple[int, int], height: int, lean: float, colour: Colour, stem: Colour) -> None:
    """An ear of oats on its stalk; `lean` in degrees to the right."""
    side = int(height * 1.15)

    def paint(draw: ImageDraw.ImageDraw, wide: int, high: int) -> None:
        size = height * _FINE
        angle = np.radians(lean)
        places = [
            (wide / 2 + np.sin(angle) * size * t**1.6, high - np.cos(angle) * size * t)
            for t in np.linspace(0, 0.93, 30)
        ]
        draw.line(places, fill=stem, width=max(2, size // 70))
        for step in range(7):
            x, y = places[12 + step * 2 + (step > 5)]
            for turn in (-42, 42):
                draw.polygon(leaf_outline(x, y, size * 0.17, size * 0.062, -90 + lean + turn), fill=colour)
        draw.polygon(leaf_outline(*places[-1], size * 0.15, size * 0.055, -90 + lean), fill=colour)

    inlaid(sheet, (root[0] - side // 2, root[1] - side, root[0] + side // 2, root[1]), paint)


def sprig(sheet: Sheet, middle: tuple[int, int], size: int, colours: tuple[Colour, Colour], turn: float = 0) -> None:
    """Two leaves and a bud, as tea is picked."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, high: int) -> None:
        x, y, full = wide / 2, high * 0.86, wide
        draw.line([(x, high), (x, high * 0.5)], fill=colours[0], width=max(3, full // 60))
        draw.polygon(leaf_outline(x, y, full * 0.5, full * 0.2, -148 + turn), fill=colours[0])
        draw.polygon(leaf_outline(x, y, full * 0.5, full * 0.2, -32 + turn), fill=colours[1])
        draw.polygon(leaf_outline(x, y * 0.86, full * 0.62, full * 0.15, -90 + turn), fill=colours[0])
        draw.line([(x, y * 0.86), (x, y * 0.30)], fill=colours[1], width=max(2, full // 130))

    inlaid(sheet, (middle[0] - size // 2, middle[1] - size // 2, middle[0] + size // 2, middle[1] + size // 2), paint)


def strawberry(sheet: Sheet, middle: tuple[int, int], size: int, turn: float = 0) -> None:
    """A strawberry with its leaves."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        t = np.linspace(0, 2 * np.pi, 90)
        # Broad shoulders and a rounded point: the width shrinks from top to bottom.
        ys = -np.cos(t) * 0.36
        low = (ys + 0.36) / 0.72
        xs = np.sin(t) * (0.335 - 0.17 * low**1.5) * (1 + 0.10 * np.cos(t))
        angle = np.radians(turn)

        def place(px: float, py: float) -> tuple[float, float]:
            return (
                wide * (0.5 + px * np.cos(angle) - py * np.sin(angle)),
                wide * (0.53 + px * np.sin(angle) + py * np.cos(angle)),
            )

        draw.polygon([place(px, py) for px, py in zip(xs, ys, strict=True)], fill="#d2313c")
        draw.polygon([place(px * 0.82 - 0.03, py * 0.82 - 0.03) for px, py in zip(xs, ys, strict=True)], fill="#e04a50")
        for row in range(5):
            for column in range(-2, 3):
                px, py = (column + (row % 2) / 2) * 0.105, -0.22 + row * 0.115
                if abs(px) < (0.27 - 0.17 * ((py + 0.36) / 0.72) ** 1.5) * np.sqrt(max(0.0, 1 - (py / 0.36) ** 2)):
                    sx, sy = place(px, py)
                    draw.ellipse(
                        (sx - wide * 0.009, sy - wide * 0.014, sx + wide * 0.009, sy + wide * 0.014), fill="#f8d98a"
                    )
        crown = place(0, -0.33)
        for leaf in (-170, -135, -90, -45, -10):
            draw.polygon(leaf_outline(*crown, wide * 0.20, wide * 0.085, leaf + turn), fill="#4f8a47")
        for leaf in (25, 90, 155):
            draw.polygon(leaf_outline(*crown, wide * 0.17, wide * 0.08, leaf + turn), fill="#64a155")

    inlaid(sheet, (middle[0] - size // 2, middle[1] - size // 2, middle[0] + size // 2, middle[1] + size // 2), paint)


def biscuit(sheet: Sheet, middle: tuple[int, int], radius: int, rng: np.random.Generator) -> None:
    """A round thin biscuit with sesame seeds."""
    seeds = rng.uniform(-1, 1, (150, 2))
    turns = rng.uniform(0, 180, 150)
    edge = 1 + 0.005 * np.cos(np.linspace(0, 2 * np.pi, 180) * 23 + rng.uniform(0, 6))

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        t = np.linspace(0, 2 * np.pi, 180)
        for share, colour in ((0.985, "#a8662c"), (0.955, "#c98a43"), (0.90, "#dda75c"), (0.72, "#e7b870")):
            xs, ys = wide / 2 * (1 + share * edge * np.cos(t)), wide / 2 * (1 + share * edge * np.sin(t))
            draw.polygon(list(zip(xs.tolist(), ys.tolist(), strict=True)), fill=colour)
        for (sx, sy), turn in zip(seeds, turns, strict=True):
            if sx**2 + sy**2 < 0.74:
                x, y = wide / 2 * (1 + sx), wide / 2 * (1 + sy)
                draw.polygon(leaf_outline(x + 3, y + 4, wide * 0.050, wide * 0.026, turn), fill="#b77c3a")
                draw.polygon(leaf_outline(x, y, wide * 0.050, wide * 0.026, turn), fill="#fbf0d4")

    inlaid(sheet, (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius), paint)


def ridge(sheet: Sheet, box: tuple[int, int, int, int], colours: Sequence[Colour], rng: np.random.Generator) -> None:
    """Mountains in mist, the nearest last, as an ink painting has them."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, high: int) -> None:
        for layer, colour in enumerate(colours):
            base = 0.22 + 0.62 * layer / max(1, len(colours) - 1) * 0.9
            xs = np.linspace(0, wide, 200)
            ys = np.zeros_like(xs)
            for octave in range(5):
                count = 4 * 2**octave
                ys += np.interp(xs, np.linspace(0, wide, count), rng.uniform(-1, 1, count)) * 0.16 / 1.9**octave
            line = [(float(x), float(high * (base + y))) for x, y in zip(xs, ys, strict=True)]
            draw.polygon([*line, (wide, high), (0, high)], fill=colour)

    inlaid(sheet, box, paint)


def wave_border(sheet: Sheet, y: int, height: int, colour: Colour, pitch: int) -> None:
    """A band of overlapping round waves across the sheet, as on old porcelain."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, high: int) -> None:
        step = pitch * _FINE
        for x in range(0, wide + step, step):
            for share in (1.0, 0.68, 0.36):
                r = step / 2 * share
                draw.arc((x - r, high - r, x + r, high + r), 180, 360, fill=colour, width=max(2, step // 18))

    inlaid(sheet, (0, y, sheet.width, y + height), paint)


def slipping(sheet: Sheet, box: tuple[int, int, int, int], colour: Colour) -> None:
    """A figure that slips on a wet floor."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, high: int) -> None:
        def at(x: float, y: float) -> tuple[float, float]:
            return x * wide, y * high

        thick = int(wide * 0.085)

        def limb(*places: tuple[float, float]) -> None:
            draw.line([at(*place) for place in places], fill=colour, width=thick, joint="curve")
            for place in places:
                x, y = at(*place)
                draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=colour)

        x, y = at(0.30, 0.16)
        r = wide * 0.085
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        limb((0.36, 0.32), (0.48, 0.56))
        limb((0.48, 0.56), (0.66, 0.50), (0.84, 0.62))
        limb((0.48, 0.57), (0.58, 0.74), (0.80, 0.80))
        limb((0.36, 0.33), (0.20, 0.46), (0.10, 0.40))
        limb((0.37, 0.32), (0.54, 0.28), (0.66, 0.18))
        for left, width in ((0.22, 0.20), (0.48, 0.26), (0.80, 0.14)):
            draw.line([at(left, 0.93), at(left + width, 0.93)], fill=colour, width=thick // 2)

    inlaid(sheet, box, paint)


def runner(sheet: Sheet, box: tuple[int, int, int, int], colour: Colour) -> None:
    """A figure that walks out through a door."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, high: int) -> None:
        def at(x: float, y: float) -> tuple[float, float]:
            return x * wide, y * high

        thick = int(wide * 0.10)

        def limb(*places: tuple[float, float]) -> None:
            draw.line([at(*place) for place in places], fill=colour, width=thick, joint="curve")
            for place in places:
                x, y = at(*place)
                draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=colour)

        x, y = at(0.60, 0.13)
        r = wide * 0.095
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        limb((0.55, 0.30), (0.46, 0.56))
        limb((0.46, 0.56), (0.66, 0.66), (0.62, 0.90))
        limb((0.46, 0.57), (0.34, 0.74), (0.12, 0.78))
        limb((0.55, 0.30), (0.74, 0.42), (0.88, 0.36))
        limb((0.54, 0.30), (0.34, 0.34), (0.26, 0.50))

    inlaid(sheet, box, paint)
