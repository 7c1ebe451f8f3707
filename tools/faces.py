"""The faces of a box: each lies in a plane of its own, so that one homography lays only one of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .registration import Matrix, plausible, project

Points = NDArray[Any]  # (n, 2) float64
Mask = NDArray[np.bool_]

_FEWEST, _MOST = 12, 2
"""Features that have to be found again on a further face, and how many of those a box can show."""

_ONE_SIDE = 0.9
"""Share of each face's features that has to stand on its side of the edge they share; set, not fitted."""


@dataclass(frozen=True)
class Face:
    """A further face: `way` takes the frame to the other picture, `points` and `found` `(n, 2)` are its pairs."""

    way: Matrix
    points: Points
    found: Points
    edge: tuple[Matrix, Points]

    def holds(self, places: Points) -> Mask:
        """Which places `(n, 2)` are beyond the edge that it shares with the first face."""
        front, along = self.edge
        return np.asarray((project(self.way, places) - project(front, places)) @ along > 0)

    def closer(self, points: Points, found: Points, within: float) -> "Face":
        """The same face from pairs `(n, 2)` that were looked for where it would have them."""
        import cv2

        off = np.linalg.norm(project(self.way, points) - found, axis=1)
        own = self.holds(points) & (off < 2 * within)
        if own.sum() < len(self.points):
            return self
        way, _ = cv2.findHomography(points[own], found[own], 0)
        return self if way is None or not plausible(way, points[own]) else Face(way, points[own], found[own], self.edge)


def further(front: Matrix, held: Points, points: Points, found: Points, within: float) -> list[Face]:
    """Further faces beside the first, `front`, whose features are `held`, from pairs that do not fit it.

    Two planes seen by two cameras agree along the line in which they meet, and part to either side of it: a face is
    one whose features are on one side of such a line, with the first face's on the other. Anything else that repeats
    the print, the next pack on the shelf, is not.
    """
    import cv2

    faces: list[Face] = []
    while len(points) >= _FEWEST and len(faces) < _MOST:
        cv2.setRNGSeed(0)
        way, mask = cv2.findHomography(points, found, cv2.USAC_MAGSAC, within, maxIters=2000, confidence=0.999)
        if way is None or mask.sum() < _FEWEST:
            break
        kept = mask.ravel() > 0
        if plausible(way, points[kept]):
            along = _edge(front, way, held, points[kept], within)
            if along is not None:
                faces.append(Face(way, points[kept], found[kept], (front, along)))
        points, found = points[~kept], found[~kept]
    return faces


def _edge(front: Matrix, way: Matrix, held: Points, points: Points, within: float) -> Points | None:
    """The direction in which a second face parts from the first beyond their edge; `None` where they share none."""
    parted = project(way, points) - project(front, points)
    clear = np.linalg.norm(parted, axis=1) > within
    if clear.sum() < _FEWEST / 2:
        return None
    along = np.linalg.svd(parted[clear], full_matrices=False)[2][0]
    side = parted @ along
    along = along if np.median(side) > 0 else -along
    side, other = parted @ along, (project(way, held) - project(front, held)) @ along
    there, here = (side > -within).mean(), (other < within).mean()
    return along if min(there, here) >= _ONE_SIDE else None
