"""Barcodes, QR codes and Data Matrix, by zxing-cpp. What they say is data: nothing here acts on it."""

import math

import numpy as np
from numpy.typing import NDArray

from .errors import Unavailable
from .types import Box, Code, Fact, Point, Region, Size

_RETAIL = {"EAN-13": 13, "EAN-8": 8, "UPC-A": 12, "UPC-E": 8, "ITF-14": 14, "ISBN": 13}
"""Digits of the symbologies that carry a GTIN check digit. Source: GS1 General Specifications, 5.2 and 7.9."""


def read_codes(pixels: NDArray[np.uint8]) -> tuple[Code, ...]:
    """Read every barcode and QR code, whichever way it is turned, from top to bottom.

    `pixels` is an upright RGB image `(h, w, 3)`; corners are in its pixels and inside it. Raises
    `Unavailable` where zxing-cpp is missing.
    """
    try:
        import zxingcpp
    except ImportError as error:
        raise Unavailable("zxing-cpp is not installed, so no codes can be read. Try: pip install zxing-cpp") from error
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"expected RGB pixels (h, w, 3), got shape {pixels.shape}")
    size = Size(pixels.shape[1], pixels.shape[0])
    # It takes arrays for BGR; luma is all it looks at, and the channel order must be right for that.
    bgr = np.ascontiguousarray(pixels[:, :, ::-1])
    found = zxingcpp.read_barcodes(bgr, text_mode=zxingcpp.TextMode.Plain)
    codes = []
    for barcode in found:
        name, text = _as_printed(str(barcode.format), barcode.text)
        place = barcode.position
        corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
        quad = tuple(_inside(corner.x, corner.y, size) for corner in corners)
        codes.append(Code(text, name, (quad[0], quad[1], quad[2], quad[3]), check_digit_agrees(name, text)))
    return tuple(sorted(codes, key=lambda code: (min(p.y for p in code.quad), min(p.x for p in code.quad))))


def fact_of(code: Code) -> Fact:
    """What a code says, as `code`, or `code_invalid` where its check digit does not agree; the region is the code's."""
    region = Region(Box.around(code.quad), code.symbology, "code", None, code.quad)
    return Fact("code_invalid" if code.valid is False else "code", code.text, code.text, region)


def check_digit_agrees(symbology: str, text: str) -> bool | None:
    """Whether the last digit is the one GS1's rule gives for the others; `None` where there is no such rule.

    The rule: from the right, the digits before the check digit weigh 3, 1, 3, 1 and so on, and the
    sum with the check digit is a multiple of ten. UPC-E is written out to UPC-A first.
    """
    digits = _RETAIL.get(symbology)
    if symbology == "ITF" and len(text) == 14:
        digits = 14
    if digits is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == digits):
        return False
    plain = _written_out(text) if symbology == "UPC-E" else text
    weighed = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(reversed(plain)))
    return weighed % 10 == 0


def _as_printed(name: str, text: str) -> tuple[str, str]:
    """The name and the digits that are printed under the bars.

    zxing-cpp 3 gives UPC-A as EAN-13 with a zero in front, which is the same pattern of bars, and
    UPC-E as the thirteen digits it stands for.
    """
    if name == "EAN-13" and text.startswith("0"):
        return "UPC-A", text[1:]
    if name == "UPC-A" and len(text) == 13:
        return name, text[1:]
    if name == "UPC-E" and len(text) == 13:
        d = text[2:12]
        if d[2] in "012" and d[3:7] == "0000":
            short = d[:2] + d[7:] + d[2]
        elif d[3:8] == "00000":
            short = d[:3] + d[8:] + "3"
        elif d[4:9] == "00000":
            short = d[:4] + d[9] + "4"
        else:
            short = d[:5] + d[9]
        return name, text[1] + short + text[12]
    return name, text


def _written_out(upce: str) -> str:
    """The twelve digits of UPC-A that eight digits of UPC-E stand for. Source: GS1 General Specifications, 7.10."""
    system, d, check = upce[0], upce[1:7], upce[7]
    if d[5] in "012":
        return f"{system}{d[:2]}{d[5]}0000{d[2:5]}{check}"
    if d[5] == "3":
        return f"{system}{d[:3]}00000{d[3:5]}{check}"
    if d[5] == "4":
        return f"{system}{d[:4]}00000{d[4]}{check}"
    return f"{system}{d[:5]}0000{d[5]}{check}"


def _inside(x: float, y: float, size: Size) -> Point:
    """A corner cut to the image: a code's quiet zone may reach over the edge."""
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError(f"expected finite corners of a code, got {x}, {y}")
    return Point(min(max(float(x), 0.0), float(size.width)), min(max(float(y), 0.0), float(size.height)))
