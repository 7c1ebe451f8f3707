"""Where things are and where they land in the photo: a pinhole camera, flat patches and turned bodies.

World frame: centimetres, x to the right, y away from the camera, z up; the table is z = 0.
Photo frame: pixels of the upright photo, the outer corner of the top left pixel at (0, 0).
Pictures are made `OVERSAMPLE` times larger than the photo and shrunk at the end.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Points = NDArray[np.float64]
Vector = tuple[float, float, float]

OVERSAMPLE = 2
# Towards the light: a window high on the left, a little behind the camera.
LIGHT = np.array([-0.52, -0.62, 0.78]) / np.linalg.norm([-0.52, -0.62, 0.78])


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at `eye` that looks at `target`.

    `focal` is in photo widths or heights, whichever is longer; `roll` is in degrees, clockwise.
    """

    eye: Vector
    target: Vector
    size: tuple[int, int]
    focal: float = 1.6
    roll: float = 0.0

    @property
    def rotation(self) -> Points:
        """Rows: the camera's right, down and forward in the world, `(3, 3)`."""
        forward = np.subtract(self.target, self.eye)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right = right / np.linalg.norm(right)
        down = np.cross(forward, right)
        turn = np.radians(self.roll)
        axes = np.cos(turn) * right - np.sin(turn) * down, np.sin(turn) * right + np.cos(turn) * down, forward
        return np.array(axes)

    def project(self, points: Points) -> Points:
        """World points `(n, 3)` to photo pixels `(n, 2)`."""
        seen = (points - np.array(self.eye)) @ self.rotation.T
        scale = self.focal * max(self.size)
        return np.asarray(seen[:, :2] / seen[:, 2:] * scale + np.array(self.size) / 2)

    def rays(self, x0: int, y0: int, x1: int, y1: int) -> Points:
        """World directions through the middles of the oversampled pixels of a rectangle, `(h, w, 3)`."""
        scale = self.focal * max(self.size)
        xs = ((np.arange(x0, x1) + 0.5) / OVERSAMPLE - self.size[0] / 2) / scale
        ys = ((np.arange(y0, y1) + 0.5) / OVERSAMPLE - self.size[1] / 2) / scale
        across, along = np.meshgrid(xs, ys)
        return np.asarray(np.stack([across, along, np.ones_like(across)], axis=-1) @ self.rotation)


class Surface(Protocol):
    """Something a sheet can be laid on."""

    def lift(self, places: Points) -> Points:
        """Places on the sheet as fractions of its width and height, `(n, 2)`, to world points `(n, 3)`."""
        ...

    def paint(self, camera: Camera, sheet: NDArray[np.uint8]) -> Array:
        """The sheet, RGBA `(h, w, 4)`, as the camera sees it: premultiplied RGBA in 0..1, oversampled."""
        ...


def _premultiplied(sheet: NDArray[np.uint8]) -> Array:
    layer = np.asarray(sheet.astype(np.float32) / 255, np.float32)
    layer[..., :3] *= layer[..., 3:]
    return layer


def lambert(normal: Points) -> Points:
    """Brightness of surfaces with these normals `(..., 3)` under a window and a bright room."""
    return np.asarray(0.66 + 0.50 * np.clip(normal @ LIGHT, 0, 1))


@dataclass(frozen=True)
class Patch:
    """A flat rectangle: `corner` is the top left of its sheet, `across` and `down` its two sides, cm.

    `light` multiplies the brightness that its direction gives it; `None` leaves the sheet as it is.
    """

    corner: Vector
    across: Vector
    down: Vector
    light: float | None = 1.0

    def lift(self, places: Points) -> Points:
        """See `Surface.lift`."""
        return np.asarray(
            np.array(self.corner) + places[:, :1] * np.array(self.across) + places[:, 1:] * np.array(self.down)
        )

    def homography(self, camera: Camera, width: int, height: int) -> Points:
        """From pixels of a sheet of this size to pixels of the photo, `(3, 3)`."""
        import cv2

        ends = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
        there = camera.project(self.lift(ends)).astype(np.float32)
        return np.asarray(cv2.getPerspectiveTransform((ends * (width, height)).astype(np.float32), there), np.float64)

    def paint(self, camera: Camera, sheet: NDArray[np.uint8]) -> Array:
        """See `Surface.paint`."""
        import cv2

        ends = camera.project(self.lift(np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]))) * OVERSAMPLE
        wide, high = np.linalg.norm(ends[1] - ends[0]), np.linalg.norm(ends[2] - ends[0])
        # Shrink first what the warp would shrink by more than a third: the warp itself does not average.
        shrink = np.array([wide / sheet.shape[1], high / sheet.shape[0]]).clip(0.02, 1)
        if shrink.min() < 0.7:
            to = (max(2, round(sheet.shape[1] * shrink[0])), max(2, round(sheet.shape[0] * shrink[1])))
            sheet = cv2.resize(sheet, to, interpolation=cv2.INTER_AREA).astype(np.uint8)
        matrix = self.homography(camera, sheet.shape[1], sheet.shape[0])
        centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
        grow = np.diag([OVERSAMPLE, OVERSAMPLE, 1.0])
        matrix = np.linalg.inv(centre) @ grow @ matrix @ centre
        size = (camera.size[0] * OVERSAMPLE, camera.size[1] * OVERSAMPLE)
        layer = np.asarray(cv2.warpPerspective(_premultiplied(sheet), matrix, size, flags=cv2.INTER_LINEAR), np.float32)
        if self.light is not None:
            normal = np.cross(self.down, self.across)
            layer[..., :3] *= np.float32(self.light * lambert(normal / np.linalg.norm(normal)))
        return layer


@dataclass(frozen=True)
class Turned:
    """A cylinder or cone that stands upright at `centre` (x, y), from height `bottom` to `top`, cm.

    The sheet covers `angle` degrees around the side, its middle facing `facing` degrees to the
    right of the camera's side. `gloss` is the strength of the window's reflection, 0..1, and
    `sheen` its breadth, degrees.
    """

    centre: tuple[float, float]
    bottom: float
    top: float
    radius_bottom: float
    radius_top: float
    angle: float = 360.0
    facing: float = 0.0
    gloss: float = 0.25
    sheen: float = 14.0

    def lift(self, places: Points) -> Points:
        """See `Surface.lift`."""
        turn = np.radians(self.facing + (places[:, 0] - 0.5) * self.angle)
        radius = self.radius_top + places[:, 1] * (self.radius_bottom - self.radius_top)
        return np.stack(
            [
                self.centre[0] + radius * np.sin(turn),
                self.centre[1] - radius * np.cos(turn),
                self.top + places[:, 1] * (self.bottom - self.top),
            ],
            axis=1,
        )

    def paint(self, camera: Camera, sheet: NDArray[np.uint8]) -> Array:
        """See `Surface.paint`."""
        import cv2

        turns = np.radians(np.arange(0, 360, 5.0))
        rims = [
            np.stack(
                [self.centre[0] + r * np.cos(turns), self.centre[1] + r * np.sin(turns), np.full_like(turns, z)], 1
            )
            for r, z in ((self.radius_bottom, self.bottom), (self.radius_top, self.top))
        ]
        rim = camera.project(np.concatenate(rims)) * OVERSAMPLE
        high, wide = camera.size[1] * OVERSAMPLE, camera.size[0] * OVERSAMPLE
        x0, y0 = (max(0, int(edge) - 3) for edge in rim.min(axis=0))
        x1, y1 = min(wide, int(rim[:, 0].max()) + 3), min(high, int(rim[:, 1].max()) + 3)
        layer = np.zeros((high, wide, 4), np.float32)
        if x1 <= x0 or y1 <= y0:
            return layer
        rays = camera.rays(x0, y0, x1, y1)
        slope = (self.radius_top - self.radius_bottom) / (self.top - self.bottom)
        start = self.radius_bottom + slope * (camera.eye[2] - self.bottom)
        ex, ey = camera.eye[0] - self.centre[0], camera.eye[1] - self.centre[1]
        dx, dy, dz = rays[..., 0], rays[..., 1], rays[..., 2]
        a = dx**2 + dy**2 - (slope * dz) ** 2
        b = 2 * (ex * dx + ey * dy - start * slope * dz)
        root = b**2 - 4 * a * (ex**2 + ey**2 - start**2)
        far = (-b - np.sqrt(np.maximum(root, 0))) / (2 * a)
        z = camera.eye[2] + far * dz
        hit = (root > 0) & (far > 0) & (z >= self.bottom) & (z <= self.top)
        px, py = ex + far * dx, ey + far * dy
        turn = np.arctan2(px, -py)
        u = ((np.degrees(turn) - self.facing + 180) % 360 - 180) / self.angle + 0.5
        v = (self.top - z) / (self.top - self.bottom)
        # Shrink first, as a patch does: the middle of the label is where it is seen largest.
        ends = camera.project(self.lift(np.array([(0.45, 0.5), (0.55, 0.5), (0.5, 0.0), (0.5, 1.0)]))) * OVERSAMPLE
        shrink = np.array(
            [
                np.linalg.norm(ends[1] - ends[0]) * 10 / sheet.shape[1],
                np.linalg.norm(ends[3] - ends[2]) / sheet.shape[0],
            ]
        )
        if shrink.min() < 0.7:
            to = tuple(
                max(2, round(side * min(1.0, float(ratio))))
                for side, ratio in zip(sheet.shape[1::-1], shrink, strict=True)
            )
            sheet = cv2.resize(sheet, to, interpolation=cv2.INTER_AREA).astype(np.uint8)
        at_x = (u * sheet.shape[1] - 0.5).astype(np.float32)
        at_y = (v * sheet.shape[0] - 0.5).astype(np.float32)
        border = cv2.BORDER_WRAP if self.angle >= 360 else cv2.BORDER_REPLICATE
        colour = np.asarray(
            cv2.remap(_premultiplied(sheet), at_x, at_y, cv2.INTER_LINEAR, borderMode=border), np.float32
        )
        length = np.sqrt(px**2 + py**2) + 1e-9
        normal = np.stack([px / length, py / length, np.full_like(px, -slope)], axis=-1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        light = lambert(normal)[..., None].astype(np.float32)
        # Edges seen at a grazing angle darken; a window and its dim double on the right reflect.
        facing = np.clip(-(normal * rays).sum(-1) / np.linalg.norm(rays, axis=-1), 0, 1)
        light *= (0.72 + 0.28 * np.clip(facing * 2.2, 0, 1))[..., None].astype(np.float32)
        degrees = np.degrees(turn)
        strip = np.exp(-(((degrees + 42) / self.sheen) ** 2)) + 0.35 * np.exp(-(((degrees - 62) / 8) ** 2))
        colour[..., :3] = colour[..., :3] * light + colour[..., 3:] * (self.gloss * strip)[..., None].astype(np.float32)
        inside = hit & (u >= 0) & (u <= 1)
        # One ray a pixel leaves stairs at the outline; half a pixel of blur takes them away.
        shown = np.where(inside[..., None], colour, 0).astype(np.float32)
        layer[y0:y1, x0:x1] = np.asarray(cv2.GaussianBlur(shown, (0, 0), 0.8), np.float32)
        return layer
