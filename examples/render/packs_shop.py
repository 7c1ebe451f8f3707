"""What the packs of the catalogue share: how one copy differs from the next, seals, date panels, sides and backs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .artwork import Colour, Sheet

Place = tuple[float, float, float, float]
"""A rectangle of a sheet: x0, y0, x1, y1 in its pixels."""

# All sheets of the catalogue have this many pixels for a centimetre of card.
CM = 100


@dataclass(frozen=True)
class Copy:
    """One pack among all of its kind. The official picture shows `Copy()`: sealed, and the date left blank.

    `claim` replaces a printed claim, `sticker` is stuck over the net content, `logo` is another colour for the
    brand's roundel; each `None` where the pack is as its maker printed it.
    """

    date: str = ""
    sealed: bool = True
    claim: str | None = None
    sticker: str | None = None
    logo: str | None = None


@dataclass(frozen=True)
class Face:
    """A printed front and where its parts are: `logo`, `seal`, `claim`, `net`, `motif`, `variant` and its like."""

    sheet: Sheet
    places: dict[str, Place]


@dataclass(frozen=True)
class Pack:
    """A product of the catalogue and how it is printed; `size` is width, height and depth in cm.

    `words` are what its front says at the places that tell it from its siblings; `claim` and `net` likewise.
    """

    sku: str
    title: str
    brand: str
    family: str
    gtin: str
    net_content: str
    language: str
    size: tuple[float, float, float]
    words: dict[str, str]
    front: Callable[[Copy], Face]
    side: Callable[[], Sheet]
    lid: Callable[[bool], Sheet]
    back: Callable[[], Sheet]


def hologram(width: int, height: int, base: tuple[int, int, int]) -> Sheet:
    """A strip of foil whose colour runs through the rainbow, with a fine net over it."""
    sheet = Sheet(width, height, "white")
    down, along = np.mgrid[0:height, 0:width]
    phase = (along * 0.9 + down * 0.55) / 64
    pixels = np.full((height, width, 4), 255.0)
    for channel in range(3):
        pixels[..., channel] = base[channel] + 26 * np.sin(phase + channel * 2.1) + 12 * np.sin(phase * 2.7 + channel)
    net = ((along + down) % 22 < 2) | ((along - down) % 22 < 2)
    pixels[net, :3] += 18
    sheet.repaint(pixels)
    return sheet


def strip_seal(sheet: Sheet, at: tuple[int, int], lines: list[tuple[str, str, int]], foil: Sheet, ink: Colour) -> Place:
    """Stick a strip of foil that comes over the lid at x, y; `lines` are text, typeface and size. Returns its place."""
    x, y = at
    for edge in (5, foil.height - 6):
        foil.draw.line((0, edge, foil.width, edge), fill=ink, width=3)
    pitch = (foil.height - 24) / len(lines)
    for row, (text, face, size) in enumerate(lines):
        foil.text((foil.width / 2, 12 + pitch * (row + 0.5) + size * 0.36), text, face, size, ink, "ms")
    sheet.soft_shadow((x + 3, y + 2, x + foil.width + 5, y + foil.height + 6), 4, 5, 110)
    sheet.stamp(foil, at)
    return x, y, x + foil.width, y + foil.height


def round_seal(sheet: Sheet, middle: tuple[int, int], radius: int, lines: list[tuple[str, str, int]]) -> Place:
    """Stick a round gold seal; `lines` are text, typeface and size, the middle one on the middle."""
    x, y = middle
    side = 2 * radius
    # What lies on the lid is cut off here and drawn there.
    cut = max(0, radius - y)
    foil = hologram(side, side - cut, (214, 170, 84))
    edge = Image.new("L", (side * 2, (side - cut) * 2), 0)
    turns = np.linspace(0, 2 * np.pi, 241)
    # A pinked rim, as foil seals have.
    reach = radius * 2 * (0.955 + 0.035 * np.cos(turns * 30))
    rim = [
        (side + r * np.cos(t), side - 2 * cut + r * np.sin(t))
        for r, t in zip(reach.tolist(), turns.tolist(), strict=True)
    ]
    ImageDraw.Draw(edge).polygon(rim, fill=255)
    foil.image.putalpha(edge.resize((side, side - cut), Image.Resampling.BOX))
    for inset, width in ((0.16, 4), (0.22, 2)):
        low, high = side * inset / 2, side * (1 - inset / 2)
        foil.draw.ellipse((low, low - cut, high, high - cut), outline="#8a5a1c", width=width)
    for row, (text, face, size) in enumerate(lines):
        at = radius + (row - (len(lines) - 1) / 2) * size * 1.25
        foil.text((radius, at - cut + size * 0.36), text, face, size, "#5a3510", "ms")
    sheet.soft_shadow((x - radius + 8, y - radius + 10, x + radius, y + radius + 4), radius, 6, 120)
    sheet.stamp(foil, (x - radius, y - radius + cut))
    return x - radius, max(0, y - radius), x + radius, y + radius


def date_panel(sheet: Sheet, place: Place, label: str, date: str, ink: Colour, size: int) -> None:
    """A white field with its printed label; the packer prints the date below it, or nothing yet."""
    x0, y0, _, y1 = place
    sheet.panel(place, "#fffdf8", 12)
    sheet.draw.rounded_rectangle(place, 12, outline=ink, width=3)
    sheet.text((x0 + 22, y0 + size * 0.92), label, "sans-bold", round(size * 0.72), ink, "ls")
    if date:
        sheet.text((x0 + 22, y1 - size * 0.36), date, "mono-bold" if date.isascii() else "sans-bold", size, "#1b1b1b")


def sticker(sheet: Sheet, place: Place, text: str, face: str, size: int) -> None:
    """A white label with one line, stuck over a part of the front, a little askew."""
    x0, y0, x1, y1 = (round(edge) for edge in place)
    label = Sheet(x1 - x0, y1 - y0, "#fbfbf8")
    label.text((label.width / 2, label.height / 2 + size * 0.36), text, face, size, "#1c1c1c", "ms")
    label.image = label.image.rotate(1.6, Image.Resampling.BICUBIC, expand=True)
    label.draw = ImageDraw.Draw(label.image)
    sheet.soft_shadow((x0 + 5, y0 + 6, x1 + 7, y1 + 9), 4, 6, 130)
    sheet.stamp(label, (x0 - 2, y0 - 4))


def facts(
    size: tuple[int, int],
    paper: Colour,
    ink: Colour,
    heading: str,
    texts: list[str],
    rows: list[tuple[str, str]],
    code: str | None,
) -> Sheet:
    """A side or back: heading, paragraphs, a table of values, and a barcode where `code` is given."""
    width, height = size
    sheet = Sheet(width, height, paper)
    small = max(26, min(46, width // 22))
    margin = round(width * 0.08)
    sheet.panel((0, 0, width, height * 0.13), ink)
    # The heading shrinks until it fits the side it stands on.
    letters = sum(1.0 if ord(letter) > 0x2000 else 0.58 for letter in heading)
    large = min(round(small * 1.9), int((width - 2 * margin) / letters))
    sheet.text((width / 2, height * 0.065 + large * 0.36), heading, "serif-bold", large, "#fffaf0", "ms")
    y = height * 0.13 + small * 2.0
    for text in texts:
        y = sheet.paragraph((margin, y), text, width - 2 * margin, "sans", small, "#2c2a28", 1.5) + small * 0.4
    for row, (name, value) in enumerate(rows):
        if row % 2 == 0:
            band = Image.new("RGBA", (width - 2 * margin, round(small * 1.6)), "#00000012")
            sheet.image.alpha_composite(band, (margin, round(y - small * 1.15)))
        sheet.draw.line((margin, y + small * 0.45, width - margin, y + small * 0.45), fill=ink, width=2)
        sheet.text((margin + 10, y), name, "sans", small, "#2c2a28", "ls")
        sheet.text((width - margin - 10, y), value, "sans", small, "#2c2a28", "rs")
        y += small * 1.6
    if code:
        module = 4 if width > 600 else 3
        sheet.barcode((width - margin - 113 * module, height - 250), code, module, 150)
    sheet.card_edge()
    return sheet
