"""Packs drawn on the spot: each seed another, with enough print on it for local features to hold on to."""

import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont


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
