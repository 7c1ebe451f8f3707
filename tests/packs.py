"""Packs drawn on the spot: each seed another, with enough print on it for local features to hold on to."""

import random
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sightline.tools.photos import load
from sightline.tools.types import Photo, Quad


def pack(seed: int, size: tuple[int, int] = (150, 200)) -> Image.Image:
    """The front of a pack on white."""
    dice = random.Random(seed)
    width, height = size
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    edge = width // 12
    ground = tuple(dice.randrange(256) for _ in range(3))
    draw.rectangle((edge, edge, width - edge, height - edge), ground)
    for _ in range(30):
        x, y = dice.randrange(edge, width - 2 * edge), dice.randrange(edge, height - 2 * edge)
        colour = tuple(dice.randrange(256) for _ in range(3))
        shape = (
            x,
            y,
            min(x + dice.randrange(8, width // 3), width - edge),
            min(y + dice.randrange(8, 60), height - edge),
        )
        dice.choice((draw.rectangle, draw.ellipse))(shape, colour)
    for n in range(6):
        word = "".join(dice.choice("ABCDEFGHKLMNOPRSTU") for _ in range(7))
        place = (edge + 4, edge + 4 + n * (height - 2 * edge) // 6)
        draw.text(place, word, (255 - ground[0], 255 - ground[1], 255 - ground[2]), ImageFont.load_default(width // 9))
    return image


def packs(folder: Path, seeds: range) -> list[Path]:
    """Their files."""
    folder.mkdir(parents=True, exist_ok=True)
    out = [folder / f"pack{seed}.png" for seed in seeds]
    for seed, file in zip(seeds, out, strict=True):
        pack(seed).save(file)
    return out


def shot(front: Image.Image, quad: Quad, shop: int = 90, size: tuple[int, int] = (640, 480)) -> Photo:
    """A customer's photo of a front where `quad` says, before a shop that is as full of print as the pack."""
    width, height = front.size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    laid = cv2.getPerspectiveTransform(corners, np.array(quad, np.float32))
    mask = cv2.warpPerspective(np.ones((height, width), np.uint8), laid, size)
    shown = cv2.warpPerspective(np.array(front), laid, size)
    photo = np.where(mask[..., None] > 0, shown, np.array(pack(shop, size)))
    return load(Image.fromarray(photo.astype(np.uint8)))
