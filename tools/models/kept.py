"""What a model has read, kept so that the next question about the same photo is answered at once.

A session is the ids read so far, in which each placeholder of an image is that image's hash, since the ids alone are
the same for every image, and the cache of keys and values. Not safe under threads: its model's lock guards it.
"""

import copy
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

Keys = tuple[Hashable, ...]

_CHEAP = 256
"""Ids that are sooner read again than kept twice; an image among them is dear."""


@dataclass(frozen=True, eq=False)
class Session:
    """One conversation as far as it was read: `keys` has one entry for each position of `cache`."""

    keys: Keys
    cache: Any

    @property
    def bytes(self) -> int:
        """Bytes of the keys and values."""
        layers = [layer for layer in self.cache.layers if layer.is_initialized]
        return sum(int(tensor.nbytes) for layer in layers for tensor in (layer.keys, layer.values))

    def cut(self, length: int) -> "Session":
        """Another session with only the first keys.

        Tensors are shared until the first id is read into it: a layer that grows is a new tensor.
        """
        cache = copy.copy(self.cache)
        cache.layers = [copy.copy(layer) for layer in self.cache.layers]
        cache.crop(length - len(self.keys))
        return Session(self.keys[:length], cache)


class Sessions:
    """The sessions used last, within a number of bytes."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes of keys and values."""
        self._limit = limit
        self._kept: list[Session] = []

    @property
    def bytes(self) -> int:
        """Bytes that are kept."""
        return sum(session.bytes for session in self._kept)

    def __len__(self) -> int:
        """How many sessions are kept."""
        return len(self._kept)

    def find(self, keys: Keys) -> Session | None:
        """What is kept of the session that shares most with these keys, the latest of several; `None` where none does.

        It can be gone on from while what is kept stays as it is. At least one key is left to read.
        """
        shared, best = 0, None
        for session in self._kept:
            common = min(_common(session.keys, keys), len(keys) - 1)
            if common and common >= shared:
                shared, best = common, session
        return best.cut(shared) if best else None

    def put(self, session: Session) -> None:
        """Keep a session as the one used last, and let go of those used longest ago beyond the limit.

        One that it goes on from goes too, unless what only that has is dear to read again. A session beyond the limit
        by itself is not kept.
        """
        if session.bytes > self._limit:
            return
        self._kept = [old for old in self._kept if _dear(old.keys[_common(old.keys, session.keys) :])] + [session]
        while self.bytes > self._limit:
            self._kept.pop(0)

    def clear(self) -> None:
        """Let go of all."""
        self._kept.clear()


def keyed(ids: Sequence[int], placeholder: int, images: Sequence[tuple[str, int]]) -> Keys:
    """The ids with each placeholder replaced by its image's hash; `images`: the hash of each and its placeholders.

    Raises `ValueError` where there are more or fewer placeholders than the images have.
    """
    hashes = [digest for digest, count in images for _ in range(count)]
    if len(hashes) != ids.count(placeholder):
        raise ValueError(f"{ids.count(placeholder)} placeholders for images that have {len(hashes)}")
    rest = iter(hashes)
    return tuple(next(rest) if each == placeholder else each for each in ids)


def _dear(keys: Keys) -> bool:
    return len(keys) > _CHEAP or any(isinstance(key, str) for key in keys)


def _common(a: Keys, b: Keys) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
