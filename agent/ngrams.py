"""What linear models over hashed character n-grams say of a text: the scores behind the router and the languages.

N-grams need no word boundaries, and so serve eleven languages alike. The models are taught by
`python benchmarks/train_router.py` and shipped as plain arrays, `prompts/routing/weights.npz`; here they are
scored, with numpy alone. Nothing here knows what a column means.
"""

import hashlib
import json
import re
import unicodedata
import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import prompts

BUCKETS = 1 << 16
"""N-grams share this many places; which one is told by CRC-32, the same on every machine."""

TEACH = "python benchmarks/train_router.py"
"""What teaches the models again."""

_READ = 1000  # characters at either end of a text that are looked at
_LONGEST = 4  # characters of an n-gram
_MARKS = re.compile("[\u0300-\u036f\u0640\u064b-\u0652\u200c\u200d]")  # accents, and what Arabic is seldom written with
_ALIKE = str.maketrans("أإآىةı", "ااايهi")


class Linear:
    """Columns of weights over the n-grams, each a logistic regression of its own."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """`names`: `(columns,)`; `weights`: int8, `(BUCKETS, columns)`, of units `scale`; `bias`: `(columns,)`."""
        self.names = tuple(str(name) for name in arrays["names"])
        self._weights = arrays["weights"]
        self._scale = arrays["scale"].astype(np.float32)
        self._bias = arrays["bias"].astype(np.float32)

    def __call__(self, text: str) -> dict[str, float]:
        """The score of each column for a text, as log odds: above 0 is more likely than not."""
        places, values = features(text)
        scores = (values @ self._weights[places]) * self._scale + self._bias
        return dict(zip(self.names, scores.tolist(), strict=True))


@cache
def shipped() -> Mapping[str, NDArray[Any]]:
    """The arrays that were taught by all examples of `prompts/routing`."""
    with (files(prompts) / "routing" / "weights.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def features(text: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The places of a text's n-grams, of 1 to 4 characters and of words, and their weights, together of length 1."""
    folded = fold(text)
    counts: dict[int, int] = {}
    words = folded.split()
    spoken = [f"{a} {b}" for a, b in zip(["^", *words], [*words, "$"], strict=True)] + words
    for gram in (
        *(folded[i : i + n] for n in range(1, _LONGEST + 1) for i in range(len(folded) - n + 1)),
        *(f"\t{word}" for word in spoken),
    ):
        place = zlib.crc32(gram.encode("utf-8", "surrogatepass")) % BUCKETS
        counts[place] = counts.get(place, 0) + 1
    values: NDArray[np.float32] = np.float32(1) + np.log(np.fromiter(counts.values(), np.float32, len(counts)))
    norm = float(np.sqrt((values**2).sum()))
    return np.fromiter(counts, np.int64, len(counts)), values / np.float32(norm or 1)


def fold(text: str) -> str:
    """What is left of a text for its n-grams: words between single spaces, without case, accents and marks."""
    if len(text) > 2 * _READ:
        text = f"{text[:_READ]} {text[-_READ:]}"
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    plain = unicodedata.normalize("NFC", _MARKS.sub("", plain)).translate(_ALIKE)
    # Vowel signs of Indic scripts are marks, and part of their words.
    return f" {' '.join(''.join(c if unicodedata.category(c)[0] in 'LMN' else ' ' for c in plain).split())} "


def digest(examples: Iterable[Mapping[str, Any]]) -> str:
    """What tells whether models were taught by these examples, 16 hexadecimal digits."""
    lines = sorted(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in examples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
