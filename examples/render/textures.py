"""Wood, marble, linen, plaster and tiles from seeded noise, as RGBA pictures `(h, w, 4)` for sheets."""

import itertools

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[float, float, float]
Field = NDArray[np.float32]
Picture = NDArray[np.uint8]


def noise(rng: np.random.Generator, height: int, width: int, cells: tuple[float, float], octaves: int = 4) -> Field:
    """Smooth noise around 0 with a spread of about 1; `cells` is how many bumps it has down and across."""
    import cv2

    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        grid = tuple(
            min(max(2, round(count * 2**octave)), side) for count, side in zip(cells, (height, width), strict=True)
        )
        bumps = rng.standard_normal(grid).astype(np.float32)
        total += np.asarray(cv2.resize(bumps, (width, height), interpolation=cv2.INTER_CUBIC), np.float32) / 2**octave
    return total


def _picture(colour: NDArray[np.floating]) -> Picture:
    solid = np.full((*colour.shape[:2], 4), 255, np.uint8)
    solid[..., :3] = np.clip(colour, 0, 255).astype(np.uint8)
    return solid


def _mix(amount: Field, low: Rgb, high: Rgb) -> Field:
    share = np.clip(amount, 0, 1)[..., None]
    return np.asarray(np.array(low, np.float32) * (1 - share) + np.array(high, np.float32) * share, np.float32)


def wood(rng: np.random.Generator, height: int, width: int, low: Rgb, high: Rgb, planks: int = 5) -> Picture:
    """Planks that run across the picture."""
    edges = np.linspace(0, height, planks + 1).astype(int)
    rows = []
    for top, bottom in itertools.pairwise(edges.tolist()):
        tall = bottom - top
        # The year rings, cut lengthwise: lines that drift, crowd and part along the plank.
        bend = noise(rng, tall, width, (1.5, width / 500), 3)
        across = np.linspace(0, 1, tall, dtype=np.float32)[:, None]
        rings = np.sin(2 * np.pi * (across * rng.uniform(3, 5) + bend * 0.55 + rng.uniform(0, 1)))
        rings = np.sign(rings) * np.abs(rings) ** 0.7
        fibres = noise(rng, tall, width, (tall / 3, width / 160), 2)
        pores = noise(rng, tall, width, (tall / 2, width / 36), 1)
        grain = 0.5 + 0.10 * rings + 0.07 * fibres + rng.uniform(-0.12, 0.12) - 0.10 * np.clip(pores - 1.3, 0, 1)
        seam = np.minimum(np.arange(tall), np.arange(tall)[::-1])[:, None, None]
        rows.append(_mix(grain, low, high) * (1 - 0.42 * np.exp(-seam / 2.2)))
    return _picture(np.concatenate(rows))


def marble(rng: np.random.Generator, height: int, width: int, base: Rgb = (240, 238, 234)) -> Picture:
    """Pale stone with a few grey veins."""
    down, along = np.mgrid[0:height, 0:width].astype(np.float32)
    bend = noise(rng, height, width, (3, 3), 5)
    cloud = noise(rng, height, width, (4, 4), 4)
    vein = np.zeros((height, width), np.float32)
    for period, thin, dark in ((0.55, 26, 0.34), (0.27, 50, 0.2)):
        phase = (along * 0.8 + down * 0.6) / (width * period) + bend * 0.33
        vein += dark * (1 - np.abs(np.sin(np.pi * phase))) ** thin * np.clip(0.6 + 0.5 * cloud, 0, 1.2)
    tone = 1 + 0.012 * cloud - vein
    return _picture(np.array(base, np.float32) * tone[..., None])


def linen(rng: np.random.Generator, height: int, width: int, base: Rgb) -> Picture:
    """Woven cloth: threads of uneven thickness and colour, and soft folds."""
    tone = np.ones((height, width), np.float32)
    for thin, long, depth in ((3, 60, 0.016), (8, 110, 0.014), (16, 260, 0.010)):
        tone += depth * noise(rng, height, width, (height / thin, width / long), 1)
        tone += depth * noise(rng, height, width, (height / long, width / thin), 1)
    tone += 0.022 * noise(rng, height, width, (2.5, 2.5), 2)
    return _picture(np.array(base, np.float32) * tone[..., None])


def plaster(rng: np.random.Generator, height: int, width: int, base: Rgb) -> Picture:
    """A painted wall."""
    tone = (
        1 + 0.012 * noise(rng, height, width, (5, 5), 5) + 0.006 * noise(rng, height, width, (height / 4, width / 4), 1)
    )
    return _picture(np.array(base, np.float32) * tone[..., None])


def tiles(rng: np.random.Generator, height: int, width: int, base: Rgb, grout: Rgb, rows: int, columns: int) -> Picture:
    """Glazed tiles with grout between them, each a little different."""
    down, along = np.mgrid[0:height, 0:width].astype(np.float32)
    shades = np.kron(rng.normal(1, 0.018, (rows, columns)), np.ones((height // rows + 1, width // columns + 1)))
    tone = shades[:height, :width].astype(np.float32) + 0.008 * noise(rng, height, width, (rows * 2, columns * 2), 3)
    pitch = (height / rows, width / columns)
    gap = np.minimum.reduce(
        [down % pitch[0], pitch[0] - down % pitch[0], along % pitch[1], pitch[1] - along % pitch[1]]
    )
    edge = np.clip((gap - 0.008 * min(pitch)) / (0.008 * min(pitch)), 0, 1)
    bevel = 0.05 * np.exp(-gap / (0.03 * min(pitch)))
    colour = np.array(base, np.float32) * (tone - bevel)[..., None]
    return _picture(np.array(grout, np.float32) * (1 - edge[..., None]) + colour * edge[..., None])


def shop_lights(rng: np.random.Generator, height: int, width: int, base: Rgb, glow: Rgb, count: int = 14) -> Picture:
    """A room far behind, out of focus: broad shapes and round lights."""
    import cv2

    room = np.array(base, np.float32) * (1 + 0.10 * noise(rng, height, width, (2, 3), 2))[..., None]
    for _ in range(count):
        spot = np.zeros((height, width), np.float32)
        middle = (int(rng.uniform(0, width)), int(rng.uniform(0, height * 0.75)))
        cv2.circle(spot, middle, int(rng.uniform(0.02, 0.055) * width), 1.0, -1, cv2.LINE_AA)
        room += spot[..., None] * np.array(glow, np.float32) * rng.uniform(0.04, 0.16)
    return _picture(room)
