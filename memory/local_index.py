"""An index over the local features of all official photos: which of them does a photo resemble, by votes.

Each of a photo's strongest features votes for the photos that its nearest neighbours come from. A neighbour
that is hardly nearer than the last one counts for little: a shape that is everywhere tells nothing. Inverted
lists keep a question at milliseconds, and codes of 32 bytes a feature keep ten thousand photos in 200 MB.
"""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tools.errors import UnknownPhoto
from ..tools.features import Features
from ..tools.types import PhotoId

_KEPT, _ASKED = 400, 700
"""Features of an official photo that are kept, and of a photo that are asked about, the strongest."""
_NEIGHBOURS = 12
"""More than the siblings that share a piece of artwork."""
_MIDDLE = 0.6
"""Features count less towards the rim, where other products stand: the spread, where half a side is 1."""
_LISTS = 6
"""Lists looked into for each feature."""
_COMPACT = 300
"""From this many photos on features are kept as short codes: a question takes a sixth of the time, and finds the
right one among ten 2 points less often."""
_GROWN = 3
"""Made anew when there are this many times the photos that it was made for."""
_AT_ONCE = 64  # photos added together
_SAMPLE = 200_000
"""Features that the lists are laid out from."""


class LocalIndex:
    """Official photos by their local features; safe under threads."""

    def __init__(self) -> None:
        """An empty one."""
        self._lock = threading.Lock()
        self._photos: list[PhotoId] = []
        self._made_for = 0
        self._unwritten = 0
        self._index: Any = None

    @classmethod
    def read(cls, file: Path) -> "LocalIndex":
        """The one that was written to a file; an empty one where there is none or it is damaged."""
        out, faiss = cls(), _faiss()
        try:
            # Opened here: numpy leaves a file open that it cannot make sense of.
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as kept:
                out._index = faiss.deserialize_index(kept["index"])
                out._photos = [str(photo) for photo in kept["photos"]]
                out._made_for = int(kept["made_for"])
        except Exception:  # of a damaged file zip's, numpy's and faiss's readers raise a dozen kinds
            return cls()
        out._index.nprobe = _LISTS
        return out

    def write(self, file: Path) -> None:
        """Write it whole, or not at all; not for a few photos among many, which are soon added again on reading."""
        with self._lock:
            if file.exists() and self._unwritten * 100 < len(self._photos):
                return
            if self._index is None:
                file.unlink(missing_ok=True)
                return
            part = file.with_suffix(".part")
            with part.open("wb") as out:
                np.savez(
                    out,
                    index=_faiss().serialize_index(self._index),
                    photos=np.array(self._photos),
                    made_for=np.array(self._made_for),
                )
                out.flush()
                os.fsync(out.fileno())
            part.replace(file)
            self._unwritten = 0

    def follow(self, photos: Sequence[PhotoId], features: Callable[[PhotoId], Features]) -> None:
        """Hold these photos, taking the features of those that are new.

        Those that are gone stay as long as they are few; who asks passes them over. One whose features are unknown
        was removed by a writer since the photos were listed, and is left out.
        """
        with self._lock:
            wanted, held = set(photos), set(self._photos)
            new = [photo for photo in photos if photo not in held]
            gone = len(held - wanted)
            if not new and not gone:
                return
            if self._index is None or len(photos) >= _GROWN * self._made_for or gone > len(wanted) / 4:
                self._lay_out(photos, features)
                new = list(photos)
            self._add(new, features)
            self._unwritten += len(new) + gone

    def resembling(self, features: Features, n: int, among: Callable[[PhotoId], bool]) -> list[tuple[PhotoId, float]]:
        """The `n` photos with the most votes, each with its votes, at most one a feature asked about.

        Only photos that `among` knows are given.
        """
        with self._lock:
            if self._index is None or not len(features):
                return []
            _faiss()
            asked = features.first(_ASKED)
            distances, labels = self._index.search(asked.rooted, _NEIGHBOURS)
            votes = _votes(distances, labels, _in_the_middle(asked.points), len(self._photos))
            found: list[tuple[PhotoId, float]] = []
            for label in np.argsort(-votes, kind="stable"):
                if len(found) == n or votes[label] <= 0:
                    break
                if among(self._photos[label]):
                    found.append((self._photos[label], float(votes[label])))
            return found

    def _lay_out(self, photos: Sequence[PhotoId], features: Callable[[PhotoId], Features]) -> None:
        """Make an empty index of a size for these photos, from a sample of their features."""
        self._photos, self._index, self._made_for = [], None, 0
        few = _SAMPLE // _KEPT
        some = photos if len(photos) <= few else [photos[i] for i in np.linspace(0, len(photos) - 1, few).astype(int)]
        described = list(_described(some, features).values())
        if not any(map(len, described)):
            return
        sample = np.concatenate(described)
        lists = int(np.clip(np.sqrt(len(sample) / len(some) * len(photos)), 1, len(sample) // 39 or 1))
        compact = len(photos) >= _COMPACT
        index: Any = _faiss().index_factory(128, f"IVF{lists},{'PQ64x4fs' if compact else 'SQ8'}")
        # They need not be laid out better than this, and it takes most of the time.
        index.cp.niter = 8
        index.train(sample)
        index.nprobe = _LISTS
        self._index, self._made_for = index, len(photos)

    def _add(self, photos: Sequence[PhotoId], features: Callable[[PhotoId], Features]) -> None:
        for start in range(0, len(photos), _AT_ONCE):
            batch = _described(photos[start : start + _AT_ONCE], features)
            labels = np.repeat(np.arange(len(batch)) + len(self._photos), [len(each) for each in batch.values()])
            self._photos += batch
            _faiss()
            if self._index is not None and len(labels):
                self._index.add_with_ids(np.concatenate(list(batch.values())), labels)


def _described(
    photos: Sequence[PhotoId], features: Callable[[PhotoId], Features]
) -> dict[PhotoId, NDArray[np.float32]]:
    """The strongest descriptors of each photo, `(n, 128)`, without the photos that are no longer known."""
    described: dict[PhotoId, NDArray[np.float32]] = {}
    for photo in photos:
        with suppress(UnknownPhoto):
            described[photo] = features(photo).first(_KEPT).rooted
    return described


def _faiss() -> Any:
    """The library, on one thread: of a busy machine's cores its threads wait for each other, up to fifty times longer.

    It keeps the number of threads for each of ours apart, so that it is set wherever the library is used.
    """
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


def _in_the_middle(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each feature counts, 0..1, by its place among all `(n, 2)`."""
    low, high = points.min(axis=0), points.max(axis=0)
    away = (points - (low + high) / 2) / np.maximum((high - low) / 2, 1)
    return np.asarray(np.exp(-0.5 * (away**2).sum(axis=1) / _MIDDLE**2), np.float32)


def _votes(
    distances: NDArray[np.float32], labels: NDArray[np.int64], counts: NDArray[np.float32], photos: int
) -> NDArray[np.float64]:
    """Votes by photo, from squared distances and labels `(asked, neighbours)`, the nearest first; -1 is no label.

    A vote grows with how much nearer it is than the last neighbour; of several for the same photo the best counts.
    """
    found = labels >= 0
    last = np.where(found, distances, 0).max(axis=1, keepdims=True)
    worth = np.clip(1 - distances / np.maximum(last, 1e-9), 0, 1) ** 3 * counts[:, None]
    # A feature's first neighbour from each photo is its best.
    keys = (np.arange(len(labels))[:, None] * photos + labels)[found]
    _, first = np.unique(keys, return_index=True)
    return np.bincount(labels[found][first], worth[found][first], photos).astype(np.float64)
