"""Encoded images of every format, with a canary in every place that metadata can hide."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pillow_heif import register_heif_opener

register_heif_opener()

CANARY = b"CANARY-51.5074N-0.1278W"
ORIENTED = ("JPEG", "PNG", "WEBP")


def scene(width: int = 48, height: int = 32) -> Image.Image:
    """A picture without symmetry, so that every turn and flip of it is another picture."""
    ys, xs = np.mgrid[0:height, 0:width]
    pixels = np.stack([xs * 255 // width, ys * 255 // height, (xs * ys) % 256], axis=2).astype(np.uint8)
    pixels[:6, :10] = (255, 0, 0)
    return Image.fromarray(pixels)


def exif(orientation: int = 1) -> bytes:
    """EXIF with a camera, a GPS text and an orientation."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = CANARY.decode()
    tags[0x9286] = CANARY
    return tags.tobytes()


def encoded(form: str, orientation: int = 1) -> bytes:
    """The scene in a format, with canaries in EXIF, comments and after the end."""
    out = io.BytesIO()
    image = scene()
    if form == "PNG":
        info = PngInfo()
        info.add_text("Comment", CANARY.decode())
        info.add_text("Long", CANARY.decode() * 9, zip=True)
        image.save(out, "PNG", exif=exif(orientation), pnginfo=info)
    elif form == "GIF":
        image.convert("P").save(out, "GIF", comment=CANARY)
    elif form == "BMP":
        image.save(out, "BMP")
    elif form == "TIFF":
        image.save(out, "TIFF", description=CANARY.decode())
    elif form == "JPEG":
        image.save(out, "JPEG", quality=90, exif=exif(orientation), comment=CANARY)
    elif form == "WEBP":
        image.save(out, "WEBP", lossless=True, exif=exif(orientation), xmp=CANARY)
    elif form == "AVIF":
        image.save(out, "AVIF", quality=90, exif=exif(orientation), xmp=CANARY)
    else:
        image.save(out, "HEIF", quality=90, exif=exif(orientation), xmp=CANARY)
    data = out.getvalue()
    if form == "PNG":
        data = data[:33] + chunk(b"caNr", CANARY) + data[33:]
    return data + (b"" if form in ("TIFF", "AVIF", "HEIF") else CANARY)


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, body: bytes = b"", depth: int = 8, colour: int = 2) -> bytes:
    """A PNG whose header says what it likes."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def tiff(values: NDArray[np.generic]) -> bytes:
    """A TIFF of one channel, of whatever depth the array has."""
    out = io.BytesIO()
    Image.fromarray(values).save(out, "TIFF")
    return out.getvalue()


FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")
Builder = Callable[[], bytes]
