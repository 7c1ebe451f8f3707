"""What happens to a pack on its way: a dent in its card, and something spilt on it."""

import numpy as np

from .artwork import Sheet
from .packs_shop import Place
from .textures import noise


def _ellipse(sheet: Sheet, middle: tuple[float, float], reach: tuple[float, float], turn: float) -> np.ndarray:
    """Coordinates along the axes of an ellipse, 1 at its rim: `(2, h, w)`."""
    down, along = np.mgrid[0 : sheet.height, 0 : sheet.width].astype(np.float32)
    angle = np.radians(turn)
    x, y = along - middle[0], down - middle[1]
    return np.stack(
        [
            (x * np.cos(angle) + y * np.sin(angle)) / reach[0],
            (-x * np.sin(angle) + y * np.cos(angle)) / reach[1],
        ]
    )


def dent(sheet: Sheet, middle: tuple[float, float], reach: tuple[float, float], turn: float) -> Place:
    """Push the card in around `middle`: the artwork bends and one flank catches the light, the other loses it.

    `reach`: half its length and breadth, pixels; `turn`: degrees clockwise. Returns where it can be seen.
    """
    import cv2

    u, v = _ellipse(sheet, middle, reach, turn)
    far = u**2 + v**2
    # A bowl with a sharp fold along its length, as card gives way.
    bowl = np.exp(-1.9 * far**0.85)
    fold = np.exp(-1.6 * u**2 - 4 * np.abs(v - 0.12 * np.sin(2.4 * u)))
    deep = 0.46 * min(reach)
    slope_y, slope_x = np.gradient(np.asarray(cv2.GaussianBlur(-deep * (bowl + 0.30 * fold), (0, 0), 2.2), np.float32))
    down, along = np.mgrid[0 : sheet.height, 0 : sheet.width].astype(np.float32)
    # What lies deeper is seen lower and closer to the middle, since nobody looks quite straight at it.
    pull = 0.30 * bowl
    at_x = along + (along - middle[0]) * pull + deep * 0.30 * bowl
    at_y = down + (down - middle[1]) * pull - deep * 0.55 * bowl
    pixels = cv2.remap(
        np.asarray(sheet.image),
        at_x.astype(np.float32),
        at_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    # Light comes from the upper left; the flank that faces it shines a little.
    lit = 0.52 * slope_x + 0.62 * slope_y
    lit = np.clip(0.40 * lit / np.quantile(np.abs(lit), 0.999), -0.40, 0.22) - 0.08 * bowl
    bent = np.asarray(pixels, np.float32)
    bent[..., :3] *= (1 + lit)[..., None]
    bent[..., :3] += (40 * np.clip(lit - 0.12, 0, 1))[..., None]
    sheet.repaint(bent)
    return _reach(far < 1.3)


def stain(sheet: Sheet, middle: tuple[float, float], radius: float, seed: int) -> Place:
    """Spill tea around `middle`: translucent brown, darker at an uneven rim. Returns where it can be seen."""
    rng = np.random.default_rng(seed)
    u, v = _ellipse(sheet, middle, (radius, radius * 0.82), 20)
    uneven = noise(rng, sheet.height, sheet.width, (sheet.height / radius, sheet.width / radius), 4)
    far = np.hypot(u, v) + 0.085 * uneven
    for off_x, off_y, size in ((1.02, 0.62, 0.13), (-0.55, 1.15, 0.09), (1.22, 0.35, 0.06)):
        x, y = _ellipse(sheet, (middle[0] + off_x * radius, middle[1] + off_y * radius), (radius * size,) * 2, 0)
        far = np.minimum(far, np.hypot(x, y) ** 0.25)
    soft = 1 / (1 + np.exp((far - 1) / 0.016))
    rim = np.exp(-(((far - 0.955) / 0.045) ** 2)) + 0.35 * np.exp(-(((far - 0.80) / 0.10) ** 2))
    cloud = noise(rng, sheet.height, sheet.width, (9, 9), 3)
    amount = np.clip(soft * (0.46 + 0.40 * rim + 0.05 * cloud), 0, 0.95)
    tint = np.array([0.66, 0.44, 0.22], np.float32)
    pixels = np.asarray(sheet.image).astype(np.float32)
    pixels[..., :3] *= 1 - amount[..., None] * (1 - tint)
    sheet.repaint(pixels)
    return _reach(soft > 0.5)


def _reach(where: np.ndarray) -> Place:
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
