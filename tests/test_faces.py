"""What is not flat, laid on its reference: the faces of a box, a can, and what is neither seen nor shown."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from packs import pack

from sightline.examples.render.camera import Camera, Patch, Surface, Turned
from sightline.tools.differences import differences
from sightline.tools.faces import further
from sightline.tools.features import OFFICIAL, SEEN, extract
from sightline.tools.flat import Flat, lay
from sightline.tools.registration import project, register

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

FRONT = Patch((-4, 0, 12), (8, 0, 0), (0, 0, -12), light=None)
SIDE = Patch((4, 0, 12), (0, 6, 0), (0, 0, -12), light=None)
WITHIN = 1.5


def sheet(seed: int, size: tuple[int, int]) -> Pixels:
    picture = np.array(pack(seed, size))
    edge = size[0] // 12
    inner = picture[edge:-edge, edge:-edge]
    return np.dstack([inner, np.full(inner.shape[:2], 255, np.uint8)])


def shot(camera: Camera, ground: int, *shown: tuple[Surface, Pixels]) -> Pixels:
    view = np.full((2 * camera.size[1], 2 * camera.size[0], 3), ground / 255, np.float32)
    for surface, drawn in shown:
        layer = surface.paint(camera, drawn)
        view = layer[..., :3] + view * (1 - layer[..., 3:])
    small = cv2.resize(view, camera.size, interpolation=cv2.INTER_AREA)
    return np.asarray((small * 255).clip(0, 255), np.uint8)


def eye(degrees: float, away: float = 34.0, height: float = 9.0) -> tuple[float, float, float]:
    turn = np.radians(degrees)
    return float(away * np.sin(turn)), float(-away * np.cos(turn)), height


REFERENCE = Camera(eye(28, away=50), (0.5, 2, 6), (500, 500), focal=2.6)
PHOTO = Camera(eye(48), (0.5, 2, 6), (700, 700), focal=1.7)


@dataclass(frozen=True)
class Scene:
    reference: Pixels
    photo: Pixels
    flat: Flat

    def off(self, surface: Surface, seen: Surface | None = None, photo: Camera = PHOTO, edge: float = 0.08) -> Points:
        """By how many pixels of the reference points of a surface land beside where they are."""
        grid = np.stack(np.meshgrid(np.linspace(edge, 1 - edge, 9), np.linspace(edge, 1 - edge, 13)), -1).reshape(-1, 2)
        return off(self.flat, REFERENCE.project(surface.lift(grid)), photo.project((seen or surface).lift(grid)))


def off(flat: Flat, there: Points, here: Points) -> Points:
    at = (there / flat.to_reference).astype(int)
    got = flat.places[at[:, 1], at[:, 0]]
    scale = np.sqrt(
        abs(
            np.linalg.det(
                np.diff(project(flat.to_photo, np.array([[200.0, 200], [201, 200], [200, 201]]))[[0, 1, 0, 2]], axis=0)[
                    [0, 2]
                ]
            )
        )
    )
    return np.asarray(np.linalg.norm(got - here, axis=1) / scale * flat.to_reference)


def laid(photo: Pixels, reference: Pixels) -> Scene:
    first = register(extract(photo, *SEEN), extract(reference, *OFFICIAL))
    assert first is not None
    return Scene(reference, photo, lay(photo, reference, first.homography))


@pytest.fixture(scope="module")
def box() -> Scene:
    faces = (FRONT, sheet(1, (640, 960))), (SIDE, sheet(2, (480, 960)))
    return laid(shot(PHOTO, 120, *faces), shot(REFERENCE, 255, *faces))


def test_both_faces_of_a_box_are_laid(box: Scene) -> None:
    for face in (FRONT, SIDE):
        assert np.percentile(box.off(face), 95) < WITHIN


def test_one_homography_lays_only_one_face(box: Scene) -> None:
    grid = np.array([(x, y) for x in (0.3, 0.6, 0.9) for y in (0.2, 0.5, 0.8)])
    worst = []
    for face in (FRONT, SIDE):
        there = REFERENCE.project(face.lift(grid)) / box.flat.to_reference
        apart = np.linalg.norm(project(box.flat.to_photo, there) - PHOTO.project(face.lift(grid)), axis=1)
        worst.append(float(apart.max()))
    assert min(worst) < 4 < 20 < max(worst)


def test_agreement_is_established_on_both_faces_and_nothing_is_marked(box: Scene) -> None:
    for face in (FRONT, SIDE):
        grid = np.array([(x, y) for x in (0.3, 0.5, 0.7) for y in (0.2, 0.4, 0.6, 0.8)])
        x, y = (REFERENCE.project(face.lift(grid)) / box.flat.to_reference).astype(int).T
        assert box.flat.agreed[y, x].mean() > 0.9
    assert differences(box.flat).marks == ()


def test_a_side_that_the_reference_does_not_show_is_not_judged() -> None:
    reference = shot(REFERENCE, 255, (FRONT, sheet(1, (640, 960))), (SIDE, sheet(2, (480, 960))))
    other = laid(shot(PHOTO, 120, (FRONT, sheet(1, (640, 960))), (SIDE, sheet(9, (480, 960)))), reference)
    grid = np.array([(x, y) for x in (0.4, 0.6, 0.8) for y in (0.2, 0.4, 0.6, 0.8)])
    for face, least, most in ((FRONT, 0.9, 1.0), (SIDE, 0.0, 0.2)):
        x, y = (REFERENCE.project(face.lift(grid)) / other.flat.to_reference).astype(int).T
        assert least <= other.flat.agreed[y, x].mean() <= most
    held = differences(other.flat)
    assert held.marks == ()
    assert held.visible < 0.8


LABEL = np.hstack([sheet(seed, (560, 840)) for seed in (3, 4, 5)])
CAN = Camera((0, -60, 6), (0, 0, 6), (500, 500), focal=4.2)


@pytest.mark.parametrize(
    ("turn", "sight", "height"), [(-12, (0.0, -45.0), 10), (16, (1.0, -38.0), 14), (8, (0.0, -40.0), 16)]
)
def test_a_can_is_unrolled(turn: float, sight: tuple[float, float], height: float) -> None:
    photo = Camera((*sight, height), (0, 0, 6), (700, 700), focal=1.8, roll=6)
    official, seen = (Turned((0, 0), 0, 12, 4, 4, 360, facing, gloss=0) for facing in (0, turn))
    can = laid(shot(photo, 120, (seen, LABEL)), shot(CAN, 255, (official, LABEL)))
    middle = 0.5 - turn / 720
    grid = np.array([(middle + x / 360, y) for x in range(-40, 41, 8) for y in (0.15, 0.3, 0.5, 0.7, 0.85)])
    apart = off(can.flat, CAN.project(official.lift(grid)), photo.project(seen.lift(grid)))
    assert np.median(apart) < WITHIN / 2
    assert np.percentile(apart, 90) < WITHIN
    plain = np.linalg.norm(
        project(can.flat.to_photo, CAN.project(official.lift(grid)) / can.flat.to_reference)
        - photo.project(seen.lift(grid)),
        axis=1,
    )
    assert np.percentile(plain, 90) > 6 * WITHIN, "one homography does not"


def test_the_next_pack_on_the_shelf_is_no_further_face() -> None:
    rng = np.random.default_rng(0)
    held, points = rng.uniform((0, 0), (200, 400), (60, 2)), rng.uniform((220, 0), (300, 400), (40, 2))
    shifted = np.array([[1, 0, 90], [0, 1, 12], [0, 0, 1.0]])
    assert further(np.eye(3), held, points, project(shifted, points), 2.0) == []
    folded = np.array([[1.4, 0, -84], [0.1, 1, -21], [0, 0, 1.0]])
    (face,) = further(np.eye(3), held, points, project(folded, points), 2.0)
    assert face.holds(points).mean() > 0.95
    assert not face.holds(held).any()


@pytest.mark.parametrize("photo", ["plain", "noise", "tiny"])
def test_where_nothing_is_found_again_nothing_is_established(photo: str) -> None:
    rng = np.random.default_rng(0)
    pictures = {
        "plain": np.full((300, 300, 3), 128, np.uint8),
        "noise": rng.integers(0, 256, (300, 300, 3), dtype=np.uint8),
        "tiny": np.zeros((8, 8, 3), np.uint8),
    }
    reference = np.array(pack(1, (225, 300)))
    flat = lay(pictures[photo], reference, np.eye(3))
    assert not flat.agreed.any()
    held = differences(flat)
    assert held.marks == ()
    assert held.visible == 0
