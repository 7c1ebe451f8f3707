"""What a camera does to a scene: light, glare, defocus, shake, vignette, noise, and the JPEG file."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .camera import OVERSAMPLE, Array

Picture = NDArray[np.uint8]

# Camera-like: phones write JPEG at about this quality.
QUALITY = 88


def window_light(canvas: Array, strength: float = 0.16, warmth: float = 0.03) -> Array:
    """Light that falls off from the upper left to the lower right, warmer where it is brighter."""
    high, wide = canvas.shape[:2]
    down, along = np.mgrid[0:high, 0:wide].astype(np.float32)
    slope = 0.5 - (along / wide * 0.65 + down / high * 0.35)
    tint = np.array([1 + warmth, 1.0, 1 - warmth], np.float32)
    lit = canvas * (1 + strength * slope)[..., None] * (1 + (tint - 1) * (0.5 + slope)[..., None])
    return np.asarray(lit, np.float32)


def glare(
    canvas: Array,
    middle: tuple[float, float],
    reach: tuple[float, float],
    turn: float,
    strength: float,
    on: Array | None = None,
) -> tuple[Array, Array]:
    """A lamp reflected in something glossy: an oval, photo pixels, `turn` degrees clockwise.

    `on` is the alpha of the thing that reflects. Returns the canvas and how much is blown out, both oversampled.
    """
    high, wide = canvas.shape[:2]
    down, along = np.mgrid[0:high, 0:wide].astype(np.float32) / OVERSAMPLE
    angle = np.radians(turn)
    across = ((along - middle[0]) * np.cos(angle) + (down - middle[1]) * np.sin(angle)) / reach[0]
    upright = (-(along - middle[0]) * np.sin(angle) + (down - middle[1]) * np.cos(angle)) / reach[1]
    far = across**2 + upright**2
    # The lamp itself lies on the glossy thing; its bloom is made in the lens and spills over.
    spot = strength * np.exp(-(far**1.15) * 0.8)
    if on is not None:
        spot = spot * on
    spot = spot + 0.10 * strength * np.exp(-far * 0.13)
    share = np.clip(spot, 0, 1)[..., None].astype(np.float32)
    white = np.array([1.0, 0.995, 0.97], np.float32)
    return np.asarray(canvas * (1 - share) + white * share * 1.04, np.float32), np.asarray(share[..., 0], np.float32)


def shake(canvas: Array, length: float, direction: float) -> Array:
    """Movement of the camera while the shutter was open: `length` photo pixels, `direction` degrees."""
    import cv2

    side = int(length * OVERSAMPLE) | 1
    kernel = np.zeros((side, side), np.float32)
    middle = side // 2
    reach = np.array([np.cos(np.radians(direction)), np.sin(np.radians(direction))]) * middle
    start, end = (middle - reach).round().astype(int), (middle + reach).round().astype(int)
    cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0, 1, cv2.LINE_AA)
    return np.asarray(cv2.filter2D(canvas, -1, kernel / kernel.sum()), np.float32)


def develop(
    canvas: Array, rng: np.random.Generator, exposure: float = 1.0, vignette: float = 0.16, grain: float = 0.008
) -> Picture:
    """Shrink the canvas to the photo, darken its corners, add sensor noise: RGB `(h, w, 3)`."""
    import cv2

    high, wide = canvas.shape[0] // OVERSAMPLE, canvas.shape[1] // OVERSAMPLE
    photo = np.asarray(cv2.resize(canvas, (wide, high), interpolation=cv2.INTER_AREA), np.float32)
    down, along = np.mgrid[0:high, 0:wide].astype(np.float32)
    off = np.hypot((along - wide / 2) / wide, (down - high / 2) / high) * np.sqrt(2)
    photo = photo * (exposure * (1 - vignette * off**2.4))[..., None]
    # A lens and its sharpening leave edges soft but not mushy.
    photo = photo * 1.35 - np.asarray(cv2.GaussianBlur(photo, (0, 0), 1.1), np.float32) * 0.35
    # Highlights roll off instead of clipping at once.
    knee = 0.90
    photo = np.where(photo > knee, knee + (1 - knee) * (1 - np.exp(-(photo - knee) / (1 - knee))) * 1.08, photo)
    luma = rng.standard_normal((high, wide, 1)).astype(np.float32)
    chroma = rng.standard_normal((high, wide, 3)).astype(np.float32)
    # Noise grows with light, and is clipped away where the sensor is full.
    amount = grain * (0.6 + 0.8 * np.sqrt(np.clip(photo, 0, 1))) * np.clip((1.06 - photo) / 0.16, 0.12, 1)
    photo = photo + amount * (0.8 * luma + 0.35 * chroma)
    return np.asarray(np.clip(photo * 255 + 0.5, 0, 255), np.uint8)


def save(photo: Picture, path: Path, turned: bool = False) -> None:
    """Write a JPEG; `turned` stores it on its side with an EXIF orientation of 6, as a phone held upright does."""
    image = Image.fromarray(photo)
    exif = Image.Exif()
    if turned:
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = 6
    data = io.BytesIO()
    image.save(
        data, "JPEG", quality=QUALITY, subsampling="4:2:0", optimize=True, exif=exif.tobytes() if turned else b""
    )
    path.write_bytes(data.getvalue())
