"""Illustrations for the packs of the catalogue: drinks, fruit, leaves and flowers."""

from collections.abc import Sequence

import numpy as np
from PIL import ImageDraw

from .artwork import Colour, Sheet
from .drawings import inlaid, leaf_outline

Middle = tuple[int, int]


def _square(middle: Middle, size: int) -> tuple[int, int, int, int]:
    x, y = middle
    return x - size // 2, y - size // 2, x + size // 2, y + size // 2


def scatter(
    sheet: Sheet, box: tuple[int, int, int, int], size: float, colour: Colour, count: int, rng: np.random.Generator
) -> None:
    """Strew small leaves or flakes over a part of the sheet, none on another: a pattern for a background."""
    wide, high = box[2] - box[0], box[3] - box[1]
    places: list[tuple[float, float]] = []
    for _ in range(count * 6):
        x, y = float(rng.uniform(0, wide)), float(rng.uniform(0, high))
        if len(places) < count and all((x - a) ** 2 + (y - b) ** 2 > (1.25 * size) ** 2 for a, b in places):
            places.append((x, y))
    turns = rng.uniform(0, 360, len(places))

    def paint(draw: ImageDraw.ImageDraw, fine: int, _high: int) -> None:
        grow = fine / wide
        for (x, y), turn in zip(places, turns.tolist(), strict=True):
            blade = leaf_outline(x * grow, y * grow, size * grow, size * 0.46 * grow, turn)
            draw.polygon(blade, fill=colour)
            draw.line([blade[0], blade[23]], fill="#ffffff70", width=max(2, int(size * 0.05 * grow)))

    inlaid(sheet, box, paint)


def glass(sheet: Sheet, middle: Middle, size: int, drink: Colour, shade: Colour) -> None:
    """A tumbler of something milky, with a straw."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        def at(x: float, y: float) -> tuple[float, float]:
            return x * wide, y * wide

        draw.line([at(0.56, 0.84), at(0.74, 0.02)], fill="#d8574a", width=int(0.035 * wide))
        draw.polygon([at(0.22, 0.16), at(0.78, 0.16), at(0.70, 0.94), at(0.30, 0.94)], fill="#ffffff90")
        draw.polygon([at(0.245, 0.30), at(0.755, 0.30), at(0.69, 0.92), at(0.31, 0.92)], fill=drink)
        draw.polygon([at(0.58, 0.30), at(0.755, 0.30), at(0.69, 0.92), at(0.56, 0.92)], fill=shade)
        draw.ellipse((*at(0.245, 0.26), *at(0.755, 0.34)), fill=shade)
        draw.ellipse((*at(0.29, 0.275), *at(0.71, 0.325)), fill=drink)
        draw.ellipse((*at(0.22, 0.12), *at(0.78, 0.20)), outline="#ffffff", width=int(0.012 * wide))
        draw.line([at(0.30, 0.36), at(0.355, 0.84)], fill="#ffffffc0", width=int(0.03 * wide))
        draw.line([at(0.31, 0.94), at(0.69, 0.94)], fill="#ffffff", width=int(0.02 * wide))

    inlaid(sheet, _square(middle, size), paint)


def latte(sheet: Sheet, middle: Middle, size: int, china: Colour, coffee: Colour) -> None:
    """A cup of coffee with a leaf poured into its foam, seen from above."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        def disc(share: float, colour: Colour) -> None:
            r = wide / 2 * share
            draw.ellipse((wide / 2 - r, wide / 2 - r, wide / 2 + r, wide / 2 + r), fill=colour)

        draw.rounded_rectangle(
            (wide * 0.80, wide * 0.44, wide * 0.99, wide * 0.56),
            int(wide * 0.05),
            outline=china,
            width=int(wide * 0.04),
        )
        for share, colour in ((0.90, "#d9cdb6"), (0.86, "#fbf6ea"), (0.70, china), (0.64, "#7b4a26"), (0.60, coffee)):
            disc(share, colour)
        for step in range(5):
            y, reach = wide * (0.66 - step * 0.075), wide * (0.23 - step * 0.034)
            for turn in (-155, -25):
                draw.polygon(leaf_outline(wide / 2, y, reach, reach * 0.36, turn), fill="#fbf1dc")
        draw.polygon(leaf_outline(wide / 2, wide * 0.76, wide * 0.50, wide * 0.06, -90), fill="#fbf1dc")

    inlaid(sheet, _square(middle, size), paint)


def cocoa(sheet: Sheet, middle: Middle, size: int, turn: float = 0) -> None:
    """Three squares of chocolate."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        angle = np.radians(turn)

        def at(x: float, y: float) -> tuple[float, float]:
            x, y = x - 0.5, y - 0.5
            return (
                wide * float(0.5 + x * np.cos(angle) - y * np.sin(angle)),
                wide * float(0.5 + x * np.sin(angle) + y * np.cos(angle)),
            )

        for left in (0.10, 0.37, 0.64):
            for inset, colour in ((0.0, "#3d2013"), (0.02, "#6b3c22"), (0.055, "#57301b")):
                x0, x1, y0, y1 = left + inset, left + 0.26 - inset, 0.37 + inset, 0.63 - inset
                draw.polygon([at(x0, y0), at(x1, y0), at(x1, y1), at(x0, y1)], fill=colour)
            draw.line([at(left + 0.06, 0.43), at(left + 0.19, 0.43)], fill="#8b5635", width=int(wide * 0.012))

    inlaid(sheet, _square(middle, size), paint)


def bramble(sheet: Sheet, middle: Middle, size: int, dark: Colour, light: Colour, leaf: Colour) -> None:
    """A blackberry or raspberry: rows of drupelets under a small crown."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        for turn in (-160, -125, -90, -55, -20):
            draw.polygon(leaf_outline(wide * 0.5, wide * 0.24, wide * 0.24, wide * 0.11, turn), fill=leaf)
        for row, count in enumerate((3, 4, 5, 5, 4, 3, 2)):
            for place in range(count):
                x, y = wide * (0.5 + (place - (count - 1) / 2) * 0.135), wide * (0.28 + row * 0.098)
                r = wide * 0.085
                draw.ellipse((x - r, y - r, x + r, y + r), fill=dark)
                draw.ellipse((x - r * 0.82, y - r * 0.86, x + r * 0.66, y + r * 0.62), fill=light)
                draw.ellipse((x - r * 0.45, y - r * 0.5, x - r * 0.1, y - r * 0.15), fill="#ffffffb0")

    inlaid(sheet, _square(middle, size), paint)


def lemon(sheet: Sheet, middle: Middle, size: int) -> None:
    """A slice of lemon."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        half = wide / 2
        for share, colour in ((0.97, "#e2a516"), (0.93, "#f6c832"), (0.84, "#fdf3cf")):
            draw.ellipse((half * (1 - share), half * (1 - share), half * (1 + share), half * (1 + share)), fill=colour)
        for segment in range(9):
            turns = np.radians(segment * 40 + np.linspace(3.4, 36.6, 12))
            rim = [(half + half * 0.77 * float(np.cos(t)), half + half * 0.77 * float(np.sin(t))) for t in turns]
            core = np.radians(segment * 40 + 20)
            start = (half + half * 0.09 * float(np.cos(core)), half + half * 0.09 * float(np.sin(core)))
            draw.polygon([start, *rim], fill="#f8d34a")
            for reach, off in ((0.34, -5), (0.50, 6), (0.62, -8), (0.66, 9)):
                t = core + np.radians(off)
                x, y = half + half * reach * float(np.cos(t)), half + half * reach * float(np.sin(t))
                draw.polygon(leaf_outline(x, y, half * 0.09, half * 0.035, -float(np.degrees(t))), fill="#fdeaa0")

    inlaid(sheet, _square(middle, size), paint)


def ginger(sheet: Sheet, middle: Middle, size: int) -> None:
    """A root of ginger with its rings."""
    knobs = ((0.24, 0.60, 0.15), (0.42, 0.52, 0.17), (0.60, 0.55, 0.18), (0.78, 0.48, 0.13), (0.52, 0.34, 0.11))

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        for grow, colour in ((1.0, "#a77a45"), (0.88, "#d2a768")):
            for x, y, r in knobs:
                r *= grow
                draw.ellipse(((x - r) * wide, (y - r) * wide, (x + r) * wide, (y + r) * wide), fill=colour)
        for x, y, r in knobs:
            for share in (0.35, 0.62):
                reach = r * share
                box = ((x - reach) * wide, (y - r * 0.8) * wide, (x + reach) * wide, (y + r * 0.8) * wide)
                draw.arc(box, 290, 70, fill="#a77a45", width=max(2, int(wide * 0.008)))
        x, y, r = knobs[3]
        draw.ellipse(((x - r * 0.1) * wide, (y - r * 0.7) * wide, (x + r) * wide, (y + r * 0.7) * wide), fill="#f2dc9c")

    inlaid(sheet, _square(middle, size), paint)


def flower(
    sheet: Sheet,
    middle: Middle,
    size: int,
    rings: Sequence[tuple[int, float, float, Colour, Colour]],
    heart: Colour,
    turn: float = 0,
) -> None:
    """A flower from its outer ring inwards: how many petals, their length and breadth (shares), rim and colour."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        half = wide / 2
        for place, (count, length, breadth, rim, colour) in enumerate(rings):
            for petal in range(count):
                angle = turn + petal * 360 / count + place * 180 / count
                draw.polygon(leaf_outline(half, half, half * length, half * breadth, angle), fill=rim)
                draw.polygon(leaf_outline(half, half, half * length * 0.93, half * breadth * 0.86, angle), fill=colour)
                tip = leaf_outline(half, half, half * length * 0.72, 1, angle)[23]
                draw.line([(half, half), tip], fill=rim, width=max(2, int(wide * 0.005)))
        r = half * 0.12
        draw.ellipse((half - r, half - r, half + r, half + r), fill=heart)

    inlaid(sheet, _square(middle, size), paint)


def aloe(sheet: Sheet, middle: Middle, size: int, dark: Colour, light: Colour) -> None:
    """Thick pointed leaves with pale spots, in a clay pot."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        def blade(lean: float, length: float, breadth: float) -> tuple[list[tuple[float, float]], list[float]]:
            # Broadest at its foot, bent outwards towards its point.
            along = np.linspace(0, 1, 40)
            xs = 0.5 + lean * (0.28 * along + 0.72 * along**2.2) * length
            ys = 0.70 - length * along * (1 - 0.10 * abs(lean) * along)
            half = breadth / 2 * (1 - along**1.7) * (1 + 0.05 * (np.arange(40) % 4 == 0))
            edge = [*zip(xs - half, ys, strict=True), *zip((xs + half)[::-1], ys[::-1], strict=True)]
            return [(float(x) * wide, float(y) * wide) for x, y in edge], (xs * wide).tolist()

        for lean, length in (
            (-0.95, 0.42),
            (0.95, 0.42),
            (-0.66, 0.54),
            (0.66, 0.54),
            (-0.32, 0.62),
            (0.34, 0.60),
            (0.02, 0.66),
        ):
            outer, spine = blade(lean, length, 0.15)
            draw.polygon(outer, fill=dark)
            draw.polygon(blade(lean, length * 0.96, 0.105)[0], fill=light)
            for place in (8, 14, 20, 26):
                x, y = spine[place], outer[place][1]
                draw.polygon(leaf_outline(x, y, wide * 0.026, wide * 0.011, 80), fill="#f2f8dc")
        for left, top, right, low, colour in ((0.30, 0.70, 0.70, 0.96, "#c46f45"), (0.27, 0.66, 0.73, 0.75, "#d98a5c")):
            inset = 0.05 if low > 0.9 else 0.01
            corners = ((left, top), (right, top), (right - inset, low), (left + inset, low))
            draw.polygon([(x * wide, y * wide) for x, y in corners], fill=colour)
        draw.line([(0.34 * wide, 0.80 * wide), (0.36 * wide, 0.92 * wide)], fill="#e3a57e", width=int(wide * 0.018))

    inlaid(sheet, _square(middle, size), paint)


def honeycomb(sheet: Sheet, middle: Middle, size: int, rim: Colour, fills: Sequence[Colour]) -> None:
    """Cells of a comb in a round patch, filled in turn, with a drop that runs from it."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        cell = wide * 0.082
        turns = np.radians(np.arange(30, 390, 60))
        for row in range(-4, 5):
            for column in range(-4, 5):
                x, y = (column + (row % 2) / 2) * cell * 1.78, row * cell * 1.54
                if np.hypot(x, y) < wide * 0.36:
                    for share, colour in ((0.98, rim), (0.86, fills[(row * 2 + column) % len(fills)])):
                        corners = [
                            (
                                wide / 2 + x + cell * share * float(np.cos(t)),
                                wide * 0.45 + y + cell * share * float(np.sin(t)),
                            )
                            for t in turns
                        ]
                        draw.polygon(corners, fill=colour)
                    shine = (wide / 2 + x - cell * 0.35, wide * 0.45 + y - cell * 0.45)
                    draw.ellipse((*shine, shine[0] + cell * 0.28, shine[1] + cell * 0.2), fill="#fff6d8")
        x, y, r = wide * 0.56, wide * 0.90, wide * 0.055
        draw.line([(x, wide * 0.72), (x, y)], fill=fills[0], width=int(wide * 0.025))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=fills[0])
        draw.ellipse((x - r * 0.5, y - r * 0.5, x - r * 0.1, y), fill="#fff6d8")

    inlaid(sheet, _square(middle, size), paint)


def curl(sheet: Sheet, middle: Middle, size: int, dark: Colour, light: Colour) -> None:
    """Tea leaves rolled into small spirals, as green snail spring is."""

    def paint(draw: ImageDraw.ImageDraw, wide: int, _high: int) -> None:
        for x, y, reach, start in (
            (0.32, 0.40, 0.20, 0),
            (0.66, 0.34, 0.17, 140),
            (0.54, 0.68, 0.21, 250),
            (0.22, 0.74, 0.13, 60),
        ):
            turns = np.linspace(0, 4.6 * np.pi, 120)
            reaches = reach * (0.12 + 0.88 * turns / turns[-1])
            angle = turns + np.radians(start)
            line = [
                (wide * float(x + r * np.cos(t)), wide * float(y + r * 0.9 * np.sin(t)))
                for r, t in zip(reaches, angle, strict=True)
            ]
            draw.line(line, fill=dark, width=int(wide * 0.040), joint="curve")
            draw.line(line, fill=light, width=int(wide * 0.014), joint="curve")
            draw.polygon(
                leaf_outline(*line[-1], wide * 0.16, wide * 0.06, -float(np.degrees(angle[-1])) - 100), fill=dark
            )

    inlaid(sheet, _square(middle, size), paint)
