"""A hand that holds a pack, drawn as shaded rounded fingers straight into the picture."""

import itertools
from collections.abc import Sequence

import numpy as np

from .camera import OVERSAMPLE, Array
from .textures import noise

Joint = tuple[float, float, float]
"""x and y in photo pixels, and the radius of the finger there, photo pixels."""


def _distance(xs: Array, ys: Array, start: Joint, end: Joint) -> Array:
    """Signed distance to a rounded cone between two joints, negative inside."""
    (ax, ay, ar), (bx, by, br) = start, end
    length = (bx - ax) ** 2 + (by - ay) ** 2 + 1e-6
    along = np.clip(((xs - ax) * (bx - ax) + (ys - ay) * (by - ay)) / length, 0, 1)
    off = np.hypot(xs - ax - along * (bx - ax), ys - ay - along * (by - ay))
    return np.asarray(off - (ar + along * (br - ar)), np.float32)


def _smooth_least(first: Array, second: Array, blend: float) -> Array:
    share = np.clip(0.5 + 0.5 * (second - first) / blend, 0, 1)
    return np.asarray(second * (1 - share) + first * share - blend * share * (1 - share), np.float32)


def _limb(size: tuple[int, int], chains: Sequence[Sequence[Joint]], blend: float) -> Array:
    """Signed distance, photo pixels, to chains of joints that grow together; oversampled `(h, w)`."""
    xs, ys = _pixels(size)
    shape = np.full(xs.shape, 1e4, np.float32)
    for chain in chains:
        for start, end in itertools.pairwise(chain):
            shape = _smooth_least(shape, _distance(xs, ys, start, end), blend)
    return shape


def _pixels(size: tuple[int, int]) -> tuple[Array, Array]:
    xs = (np.arange(size[0] * OVERSAMPLE, dtype=np.float32) + 0.5) / OVERSAMPLE
    ys = (np.arange(size[1] * OVERSAMPLE, dtype=np.float32) + 0.5) / OVERSAMPLE
    across, down = np.meshgrid(xs, ys)
    return across.astype(np.float32), down.astype(np.float32)


def hand(
    size: tuple[int, int],
    limbs: Sequence[Sequence[Sequence[Joint]]],
    rng: np.random.Generator,
    nails: Sequence[tuple[float, float, float, float, float]] = (),
    skin: tuple[float, float, float] = (0.88, 0.67, 0.55),
    blend: float = 40,
) -> Array:
    """A hand as limbs laid over one another: premultiplied RGBA in 0..1, oversampled, `(h, w, 4)`.

    A limb is a few chains of joints that grow together, as a palm with its fingers does; the last
    joint of its last chain is its tip. `nails`: middle x and y, half width, half length (photo
    pixels) and direction (degrees clockwise from up). Light falls from the upper left.
    """
    import cv2

    xs, ys = _pixels(size)
    alpha = np.zeros(xs.shape, np.float32)
    colour = np.zeros((*xs.shape, 3), np.float32)
    mottle = noise(rng, size[1] * OVERSAMPLE, size[0] * OVERSAMPLE, (size[1] / 45, size[0] / 45), 4)
    for chains in limbs:
        shape = _limb(size, chains, blend)
        round_off = float(np.median([joint[2] for chain in chains for joint in chain]))
        inside = np.clip(-shape * OVERSAMPLE / 1.5 + 0.5, 0, 1)
        # A round rim and a flatter middle give the height; its slope, softened, gives the shading.
        depth = np.clip(-shape / round_off, 0, 1)
        height = np.sqrt(np.clip(1 - (1 - depth) ** 2, 0, 1)) * round_off * OVERSAMPLE
        height = np.asarray(cv2.GaussianBlur(height, (0, 0), round_off * 0.2 * OVERSAMPLE), np.float32)
        slope_y, slope_x = np.gradient(height)
        normal = np.stack([-slope_x, -slope_y, np.ones_like(height)], axis=-1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        lit = normal @ np.array([-0.45, -0.6, 0.66], np.float32)
        shade = 0.58 + 0.48 * np.clip(lit * 0.8 + 0.2, 0, 1) + 0.006 * mottle
        tint = np.array(skin, np.float32) * shade[..., None]
        # Blood shows where skin turns away from the light, and at the tip.
        tint += (0.07 * np.clip(1 - lit, 0, 1))[..., None] * np.array([0.5, -0.25, -0.25], np.float32)
        tip_x, tip_y, tip_r = chains[-1][-1]
        warm = np.exp(-((xs - tip_x) ** 2 + (ys - tip_y) ** 2) / (2 * (tip_r * 1.2) ** 2))
        tint *= 1 + warm[..., None] * np.array([0.03, -0.05, -0.05], np.float32)
        tint += (0.05 * np.clip(lit, 0, 1) ** 14)[..., None]
        # Each limb darkens those it lies on, and then covers them.
        halo = np.asarray(cv2.GaussianBlur(inside, (0, 0), round_off * 0.25 * OVERSAMPLE), np.float32)
        colour *= (1 - 0.38 * halo * (alpha > 0))[..., None]
        colour = colour * (1 - inside[..., None]) + tint * inside[..., None]
        alpha = np.maximum(alpha, inside)
    for nail in nails:
        colour = _with_nail(colour, xs, ys, nail)
    return np.concatenate([np.clip(colour, 0, 1) * alpha[..., None], alpha[..., None]], axis=-1).astype(np.float32)


def _with_nail(colour: Array, xs: Array, ys: Array, nail: tuple[float, float, float, float, float]) -> Array:
    x, y, half_width, half_length, direction = nail
    turn = np.radians(direction)
    across = ((xs - x) * np.cos(turn) + (ys - y) * np.sin(turn)) / half_width
    along = (-(xs - x) * np.sin(turn) + (ys - y) * np.cos(turn)) / half_length
    shape = (np.abs(across) ** 2.6 + np.abs(along) ** 2.6) ** (1 / 2.6)
    share = np.clip((1 - shape) * half_width * OVERSAMPLE * 0.5 + 0.5, 0, 1)[..., None] * 0.8
    rim = np.exp(-(((shape - 1.0) / 0.10) ** 2))
    shine = np.exp(-(((across + 0.3) / 0.3) ** 2)) * np.exp(-((along / 0.7) ** 2))
    pale = np.clip((-along - 0.66) / 0.1, 0, 1)
    pink = np.array([0.92, 0.71, 0.64], np.float32) + pale[..., None] * np.array([0.03, 0.12, 0.13], np.float32)
    pink = pink * (0.90 + 0.12 * shine[..., None])
    colour = colour * (1 - 0.14 * rim[..., None])
    return np.asarray(colour * (1 - share) + pink * share, np.float32)


def cast(layer: Array, right: float, down: float, blur: float, strength: float) -> Array:
    """The shadow of a layer on what lies behind it: moved and blurred by photo pixels."""
    import cv2

    move = np.array([[1, 0, right * OVERSAMPLE], [0, 1, down * OVERSAMPLE]], np.float32)
    dark = cv2.warpAffine(np.ascontiguousarray(layer[..., 3]), move, (layer.shape[1], layer.shape[0]))
    dark = cv2.GaussianBlur(dark, (0, 0), blur * OVERSAMPLE)
    shadow = np.zeros_like(layer)
    shadow[..., 3] = np.asarray(dark, np.float32) * strength
    return shadow
