"""Flat artwork: the printed face of a pack, a label, a sign or a paper, with what is written where.

A `Sheet` is a picture that remembers its marks: each line of text, code and coloured area with its
corners in pixels of the sheet. It knows nothing of cameras; `scene` places sheets in photographs.
Draw text in the order in which a person would read it: that order is the truth.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .fonts import font

Colour = tuple[int, int, int] | str
Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Mark:
    """Something on a sheet that a reader of the photo may be asked about.

    `name`: what a line or code says, or which colour an area has. `corners`: pixels of the sheet,
    clockwise from the mark's own top left. `symbology` is set for codes only.
    """

    kind: Literal["line", "code", "colour"]
    name: str
    corners: Corners
    vertical: bool = False
    symbology: str | None = None


def script_of(text: str) -> str:
    """`han` where any Chinese character occurs, else `latin` where any letter does, else `digits`."""
    if any("\u3400" <= letter <= "\u9fff" for letter in text):
        return "han"
    return "latin" if any(letter.isalpha() for letter in text) else "digits"


def ean13(first_twelve: str) -> str:
    """The thirteen digits of an EAN-13 code, its check digit computed."""
    digits = [int(digit) for digit in first_twelve]
    if len(digits) != 12:
        raise ValueError(f"an EAN-13 code has 12 digits before its check digit; got {len(digits)}")
    return first_twelve + str(-sum(digits[0::2] + [3 * digit for digit in digits[1::2]]) % 10)


def _corners(x0: float, y0: float, x1: float, y1: float) -> Corners:
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


class Sheet:
    """One printed face, `width` x `height` pixels, RGBA."""

    def __init__(self, width: int, height: int, colour: Colour) -> None:
        self.image = Image.new("RGBA", (width, height), colour)
        self.draw = ImageDraw.Draw(self.image)
        self.marks: list[Mark] = []

    @property
    def width(self) -> int:
        """Pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self.image.height

    def text(
        self,
        at: tuple[float, float],
        text: str,
        face: str,
        size: int,
        fill: Colour,
        anchor: str = "ls",
        tracking: float = 0,
    ) -> float:
        """Write one line and remember it; `tracking` is extra space after each letter, pixels.

        Returns the x at which the line ends.
        """
        typeface = font(face, size)
        width = typeface.getlength(text) + tracking * (len(text) - 1)
        x, y = at
        x -= {"l": 0, "m": width / 2, "r": width}[anchor[0]]
        top, bottom = y, y
        first, last = x + width, x
        pen = x
        for piece in text if tracking else [text]:
            box = self.draw.textbbox((pen, y), piece, typeface, anchor="l" + anchor[1])
            self.draw.text((pen, y), piece, fill, typeface, anchor="l" + anchor[1])
            if piece.strip():
                first, last = min(first, box[0]), max(last, box[2])
                top, bottom = (box[1], box[3]) if (top, bottom) == (y, y) else (min(top, box[1]), max(bottom, box[3]))
            pen += typeface.getlength(piece) + tracking
        # A reader's box holds a little more than the ink.
        pad = 0.06 * size
        self.marks.append(Mark("line", text, _corners(first - pad, top - pad, last + pad, bottom + pad)))
        return x + width

    def column(
        self, at: tuple[float, float], text: str, face: str, size: int, fill: Colour, gap: float = 0.08
    ) -> float:
        """Write a vertical Chinese line whose middle is at x and whose top is at y; returns the y of its end."""
        x, y = at
        typeface = font(face, size)
        step = size * (1 + gap)
        left, right = x, x
        for row, letter in enumerate(text):
            box = self.draw.textbbox((x, y + row * step + size / 2), letter, typeface, anchor="mm")
            self.draw.text((x, y + row * step + size / 2), letter, fill, typeface, anchor="mm")
            left, right = min(left, box[0]), max(right, box[2])
        end = y + len(text) * step - size * gap
        pad = 0.04 * size
        self.marks.append(Mark("line", text, _corners(left - pad, y - pad, right + pad, end + pad), vertical=True))
        return end

    def paragraph(
        self,
        at: tuple[float, float],
        text: str,
        width: float,
        face: str,
        size: int,
        fill: Colour,
        leading: float = 1.45,
    ) -> float:
        """Write text broken into lines no wider than `width`; returns the baseline after the last one.

        Words are kept whole in Latin text; Chinese breaks anywhere but before closing punctuation.
        """
        x, y = at
        typeface = font(face, size)
        pieces = list(text) if script_of(text) == "han" else [word + " " for word in text.split()]
        line = ""
        for piece in pieces:
            if line and typeface.getlength((line + piece).rstrip()) > width and piece not in "，。、；：）％":
                self.text((x, y), line.rstrip(), face, size, fill)
                y += size * leading
                line = ""
            line += piece
        self.text((x, y), line.rstrip(), face, size, fill)
        return y + size * leading

    def panel(
        self, box: tuple[float, float, float, float], fill: Colour, radius: float = 0, colour: str | None = None
    ) -> None:
        """Fill a rounded rectangle; name its `colour` where a person would say that this area has it."""
        self.draw.rounded_rectangle(box, radius, fill)
        if colour:
            self.area(box, colour)

    def area(self, box: tuple[float, float, float, float], colour: str) -> None:
        """Remember that the rectangle `box` has a colour a person would name."""
        self.marks.append(Mark("colour", colour, _corners(*box)))

    def gradient(self, box: tuple[int, int, int, int], top: Colour, bottom: Colour) -> None:
        """Fill a rectangle from one colour down to another."""
        width, height = box[2] - box[0], box[3] - box[1]
        ramp = Image.linear_gradient("L").resize((width, height))
        upper, lower = (Image.new("RGBA", (width, height), colour) for colour in (top, bottom))
        self.image.paste(Image.composite(lower, upper, ramp), box[:2])

    def stamp(self, other: "Sheet", at: tuple[int, int]) -> None:
        """Lay another sheet on this one with its marks; its transparent parts show what lies below."""
        self.image.alpha_composite(other.image, at)
        x, y = at
        for mark in other.marks:
            first, second, third, fourth = ((left + x, top + y) for left, top in mark.corners)
            self.marks.append(replace(mark, corners=(first, second, third, fourth)))

    def soft_shadow(self, box: tuple[float, float, float, float], radius: float, blur: float, strength: int) -> None:
        """Darken softly under something that lies on the sheet."""
        veil = Image.new("L", self.image.size, 0)
        ImageDraw.Draw(veil).rounded_rectangle(box, radius, strength)
        shade = Image.new("RGBA", self.image.size, (30, 20, 10, 255))
        shade.putalpha(ImageChops.multiply(veil.filter(ImageFilter.GaussianBlur(blur)), self.image.getchannel("A")))
        self.image.alpha_composite(shade)

    def barcode(self, at: tuple[float, float], digits: str, module: int, height: int) -> None:
        """Print an EAN-13 code on white with its digits; `module` is the thinnest bar, pixels."""
        from zxingcpp import BarcodeFormat, create_barcode

        bars = np.array(create_barcode(digits, BarcodeFormat.EAN13).to_image(scale=1))[0]
        # The writer leaves a quiet zone of its own; only the 95 modules of the code are wanted.
        dark = np.flatnonzero(bars < 128)
        bars = bars[dark[0] : dark[-1] + 1]
        x, y = at
        quiet, width, size = 9 * module, len(bars) * module, 10 * module
        self.draw.rounded_rectangle((x, y, x + width + 2 * quiet, y + height + size * 1.2), 2 * module, "white")
        for place, bar in enumerate(bars):
            if bar < 128:
                left = x + quiet + place * module
                self.draw.rectangle((left, y + 2 * module, left + module - 1, y + height), "#141414")
        code = _corners(x + quiet, y + 2 * module, x + quiet + width, y + height)
        self.marks.append(Mark("code", digits, code, symbology="EAN-13"))
        printed = f"{digits[0]} {digits[1:7]} {digits[7:]}"
        self.text((x + quiet + width / 2, y + height + size * 0.98), printed, "sans", size, "#141414", "ms", module)

    def qr(self, at: tuple[float, float], text: str, module: int) -> int:
        """Print a QR code; `module` is one of its squares, pixels. Returns its side, pixels."""
        from zxingcpp import BarcodeFormat, create_barcode

        grid = np.array(create_barcode(text, BarcodeFormat.QRCode).to_image(scale=1))
        dark = np.argwhere(grid < 128)
        (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
        grid = grid[top : bottom + 1, left : right + 1]
        side = len(grid) * module
        x, y = at
        self.draw.rounded_rectangle(
            (x - 3 * module, y - 3 * module, x + side + 3 * module, y + side + 3 * module), module * 2, "white"
        )
        for row, column in np.argwhere(grid < 128):
            place = (x + column * module, y + row * module)
            self.draw.rectangle((*place, place[0] + module - 1, place[1] + module - 1), "#141414")
        self.marks.append(Mark("code", text, _corners(x, y, x + side, y + side), symbology="QR Code"))
        return side

    def round_off(self, radius: int) -> None:
        """Cut the corners of the sheet."""
        mask = Image.new("L", self.image.size, 0)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, self.width - 1, self.height - 1), radius, 255)
        self.image.putalpha(ImageChops.multiply(mask, self.image.getchannel("A")))

    def card_edge(self) -> None:
        """Fold the card: its edges catch light, and its corners are never quite sharp."""
        pixels = np.asarray(self.image).astype(np.float32)
        rows, columns = np.mgrid[0 : self.height, 0 : self.width]
        near = np.minimum.reduce([rows, columns, self.height - 1 - rows, self.width - 1 - columns])
        pixels[..., :3] += (26 * np.exp(-near / 4.0) - 14 * np.exp(-near / 26.0))[..., None]
        self.repaint(pixels)
        self.round_off(7)

    def repaint(self, pixels: NDArray[np.floating]) -> None:
        """Take over changed pixels, `(h, w, 4)` in 0..255."""
        self.image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        self.draw = ImageDraw.Draw(self.image)
