"""The index of local features: votes, growth, and what is on disk."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from sightline.memory.local_index import LocalIndex
from sightline.tools.errors import UnknownPhoto
from sightline.tools.features import Features


def features(photo: str, most: int = 60) -> Features:
    """Features of a photo that is nothing but its name: sparse, as SIFT is, and the same each time."""
    dice = np.random.default_rng(int(photo))
    descriptors = np.minimum(dice.gamma(0.4, 60, (most, 128)), 255).astype(np.uint8)
    return Features(dice.uniform(0, 500, (most, 2)).astype(np.float32), descriptors)


def blurred(photo: str) -> Features:
    """The same photo as a customer's: every descriptor a little off."""
    kept = features(photo)
    noise = np.random.default_rng(1).normal(0, 12, kept.descriptors.shape)
    return Features(kept.points, np.clip(kept.descriptors + noise, 0, 255).astype(np.uint8))


def found(index: LocalIndex, photos: Sequence[str], n: int = 1) -> list[list[str]]:
    return [[photo for photo, _ in index.resembling(blurred(each), n, lambda _: True)] for each in photos]


@pytest.mark.parametrize("size", [1, 5, 40, 400])
def test_each_photo_is_found_at_every_size(size: int) -> None:
    photos = [str(n) for n in range(size)]
    index = LocalIndex()
    index.follow(photos, features)
    some = photos[:: max(size // 20, 1)]
    assert found(index, some) == [[photo] for photo in some]


def test_it_follows_what_is_added_and_passes_over_what_is_gone() -> None:
    index = LocalIndex()
    for size in (3, 4, 9, 30, 31, 350):
        photos = [str(n) for n in range(size)]
        index.follow(photos, features)
        assert found(index, photos[-2:]) == [[photo] for photo in photos[-2:]]
    index.follow(photos[5:], features)
    assert index.resembling(blurred("2"), 400, set(photos[5:]).__contains__) == [
        pair for pair in index.resembling(blurred("2"), 400, lambda _: True) if int(pair[0]) >= 5
    ]
    index.follow(photos[200:], features)
    assert found(index, photos[200:204]) == [[photo] for photo in photos[200:204]]
    assert set(found(index, ["2"], 400)[0]) <= set(photos[200:])


def test_it_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    photos = [str(n) for n in range(20)]
    index, file = LocalIndex(), tmp_path / "features.index"
    index.follow(photos, features)
    index.write(file)
    again = LocalIndex.read(file)
    again.follow(photos, lambda photo: pytest.fail(f"{photo} is in the file"))
    for photo in photos:
        assert again.resembling(blurred(photo), 5, lambda _: True) == index.resembling(
            blurred(photo), 5, lambda _: True
        )
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("data", [b"", b"PK", b"\x93NUMPY"])
def test_a_damaged_file_is_an_empty_index(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "features.index").write_bytes(data)
    index = LocalIndex.read(tmp_path / "features.index")
    assert not index.resembling(blurred("1"), 5, lambda _: True)
    index.follow(["1"], features)
    assert found(index, ["1"]) == [["1"]]


@pytest.mark.parametrize(
    "damaged",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:9000] + bytes([data[9000] ^ 1]) + data[9001:],
        lambda data: data.replace(b"'descr'", b"'desc\xf2'", 1),
        lambda data: data.replace(b"'shape': (", b"'shape': h", 1),
    ],
    ids=["cut by a byte", "cut in half", "a number flipped", "a name flipped", "a bracket flipped"],
)
def test_a_real_file_that_was_damaged_is_an_empty_index(tmp_path: Path, damaged: Callable[[bytes], bytes]) -> None:
    index, file = LocalIndex(), tmp_path / "features.index"
    index.follow(["1", "2"], features)
    index.write(file)
    whole = file.read_bytes()
    file.write_bytes(damaged(whole))
    assert file.read_bytes() != whole
    again = LocalIndex.read(file)
    assert not again.resembling(blurred("1"), 5, lambda _: True)
    again.follow(["1", "2"], features)
    assert found(again, ["1", "2"]) == [["1"], ["2"]]


def test_a_file_is_on_the_disk_before_it_takes_the_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, file, on_disk = LocalIndex(), tmp_path / "features.index", list[int]()

    def fsync(handle: int) -> None:
        assert not file.exists()
        on_disk.append(os.fstat(handle).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    index.follow(["1"], features)
    index.write(file)
    assert on_disk == [file.stat().st_size]


def test_a_photo_that_was_removed_since_it_was_listed_is_left_out() -> None:
    def some(photo: str) -> Features:
        if photo in ("2", "5"):
            raise UnknownPhoto(photo)
        return features(photo)

    index = LocalIndex()
    index.follow(["2"], some)
    assert not index.resembling(blurred("2"), 5, lambda _: True)
    index.follow(["1", "2", "3", "4"], some)
    index.follow(["1", "2", "3", "4", "5", "6"], some)
    assert found(index, ["1", "3", "4", "6"]) == [["1"], ["3"], ["4"], ["6"]]
    index.follow(["1", "2", "3", "4", "6"], features)
    assert found(index, ["2"]) == [["2"]]


def test_a_photo_without_features_is_held_and_never_found() -> None:
    index = LocalIndex()
    nothing = Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
    index.follow(["1"], lambda _: nothing)
    assert not index.resembling(blurred("1"), 5, lambda _: True)
    index.follow(["1", "2"], lambda photo: nothing if photo == "1" else features(photo))
    assert found(index, ["2"]) == [["2"]]
    assert not index.resembling(nothing, 5, lambda _: True)
