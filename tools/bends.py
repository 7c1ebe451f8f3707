"""How a face that is not flat is moved against one that is: card bends gently, a can is rolled.

Both are fitted to pairs of points, robustly, and give for any point where it went.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[Any]  # (n, 2) float64
Way = Callable[[Points], Points]
"""Where points `(n, 2)` of the frame lie in the other picture."""

MOST = 0.02
"""The most a bend may move anything, as a share of the frame's long side."""

_PERSPECTIVE, _STIFF = 24, 0.1
"""Pairs from which on a can is seen in perspective, and how firmly that is held near none; set, not fitted."""

_TRIALS = 100
"""Cans tried by four pairs each."""

_RADII, _MIDDLES = (0.5, 0.56, 0.65), (0.44, 0.5, 0.56)
"""Radius of a can and where its axis stands, as shares of the width over which features are found."""


def bend(points: Points, found: Points, size: tuple[int, int]) -> Way:
    """A smooth, small displacement over a frame `(width, height)` that takes `points` to `found`: what card does."""
    basis, target = _cubic(points, size), found - points
    trust = np.ones(len(points))
    solved = np.zeros((basis.shape[1], 2))
    stiff = np.diag([0.01] * 3 + [1.0] * (basis.shape[1] - 3))
    for _ in range(5):
        weighed = basis * trust[:, None]
        solved = np.linalg.solve(basis.T @ weighed + stiff, weighed.T @ target)
        off = np.linalg.norm(target - basis @ solved, axis=1)
        trust = 1 / (1 + (off / max(float(np.median(off)) * 2, 0.5)) ** 2) ** 2
    most = MOST * max(size)

    def bent(places: Points) -> Points:
        return np.asarray(places + np.clip(_cubic(places, size) @ solved, -most, most))

    return bent


def _cubic(points: Points, size: tuple[int, int]) -> Points:
    x, y = (2 * points[:, k] / size[k] - 1 for k in (0, 1))
    one = np.ones_like(x)
    # NumPy's power would cost as much again as all of this.
    xx, yy = x * x, y * y
    return np.stack([one, x, y, x * y, xx, yy, xx * x, yy * y, xx * y, x * y * y], axis=1).astype(np.float64)


def roll(points: Points, found: Points, across: tuple[float, float], within: float) -> tuple[Way, int] | None:
    """An upright can, turned and tilted between two pictures, and how many pairs agree; `None` where none fits.

    A point of a cylinder goes where a linear camera takes it: `x`, `y` and how far it stands out, which follows from
    `x`. The first picture shows the can from the side, or its label unrolled; both are tried. `across`: from where to
    where in `x` the first picture shows something.
    """
    if len(points) < 12:
        return None
    rng = np.random.default_rng(0)
    picks = np.array([rng.choice(len(points), 4, replace=False) for _ in range(_TRIALS)])
    wide = across[1] - across[0]
    best: tuple[int, _Lift, Points] | None = None
    for unrolled in (False, True):
        for radius in _RADII:
            for middle in _MIDDLES:
                lift = _Lift(across[0] + middle * wide, radius * wide, unrolled)
                solid = lift(points)
                four = solid[picks]
                sound = np.abs(np.linalg.det(four)) > 1e-3 * wide**3
                if not sound.any():
                    continue
                cameras = np.linalg.solve(four[sound], found[picks[sound]])
                off = np.linalg.norm(solid @ cameras - found, axis=2)
                best = _better(best, lift, off[(off < within).sum(axis=1).argmax()] < within, points, found, within)
    if best is None:
        return None
    for step in (0.04, 0.02, 0.01):
        _, lift, camera = best
        kept = np.linalg.norm(_taken(lift(points), camera) - found, axis=1) < 1.5 * within
        for dx, dr in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            other = _Lift(lift.axis + dx * step * wide, lift.radius * (1 + dr * step), lift.unrolled)
            best = _better(best, other, kept, points, found, within) or best
    return _Rolled(best[1], best[2]), best[0]


def _better(
    best: "tuple[int, _Lift, Points] | None", lift: "_Lift", kept: Points, points: Points, found: Points, within: float
) -> "tuple[int, _Lift, Points] | None":
    """What fits more pairs: the best so far, or this can with the camera that the pairs kept give."""
    solid = lift(points)
    camera = np.zeros((4, 2))
    for _ in range(3):
        if kept.sum() < 8:
            return best
        camera = _camera(solid[kept], found[kept])
        kept = np.linalg.norm(_taken(solid, camera) - found, axis=1) < within
    return (int(kept.sum()), lift, camera) if best is None or kept.sum() > best[0] else best


def _camera(solid: Points, found: Points) -> Points:
    """The camera `(4, 3)` that takes points of the can, homogeneous, to where they are found; few give a linear one."""
    camera = np.zeros((4, 3))
    camera[:, :2] = np.linalg.lstsq(solid, found, rcond=None)[0]
    camera[3, 2] = 1
    if len(solid) < _PERSPECTIVE:
        return camera
    size = float(np.abs(found).max())
    depth = solid[:, :3] / size
    rows = [np.hstack([solid, 0 * solid, -found[:, :1] * depth]), np.hstack([0 * solid, solid, -found[:, 1:] * depth])]
    # Held near to what a linear camera sees, in pixels.
    ridge = np.zeros((3, 11))
    ridge[:, 8:] = np.eye(3) * _STIFF * size
    solved = np.linalg.lstsq(np.vstack([*rows, ridge]), np.concatenate([found.T.ravel(), np.zeros(3)]), rcond=None)[0]
    return np.column_stack([solved[:4], solved[4:8], np.append(solved[8:] / size, 1)])


def _taken(solid: Points, camera: Points) -> Points:
    there = solid @ camera
    return np.asarray(there[:, :2] / np.maximum(there[:, 2:], 0.1))


class _Lift:
    """Points of a picture of a can as points of the can, `(n, 4)`, homogeneous."""

    def __init__(self, axis: float, radius: float, unrolled: bool) -> None:
        self.axis, self.radius, self.unrolled = axis, radius, unrolled

    def __call__(self, points: Points) -> Points:
        x, one = (points[:, 0] - self.axis) / self.radius, np.ones(len(points))
        if self.unrolled:
            turn = np.clip(x, -np.pi, np.pi)
            across, out = np.sin(turn), np.cos(turn)
        else:
            across, out = x, np.sqrt(np.maximum(1 - x**2, 0))
        return np.stack([self.radius * across, points[:, 1], self.radius * out, one], axis=1)


class _Rolled:
    def __init__(self, lift: _Lift, camera: Points) -> None:
        self._lift, self._camera = lift, camera

    def __call__(self, points: Points) -> Points:
        return _taken(self._lift(points), self._camera)
