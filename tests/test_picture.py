"""Pictures with marks: every region drawn, every number inside the photo, nothing else touched."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sightline.tools.picture import annotate, save
from sightline.tools.types import Box, Region

GREY = np.full((400, 600, 3), 128, np.uint8)

boxes = st.builds(
    lambda x, y, w, h: Box(x, y, min(x + w, 600), min(y + h, 400)),
    st.floats(0, 590),
    st.floats(0, 390),
    st.floats(1, 300),
    st.floats(1, 300),
)


@given(st.lists(boxes, min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
def test_every_region_is_marked_and_the_photo_keeps_its_size(places: list[Box]) -> None:
    picture = annotate(GREY, [Region(box, "保质期", "text") for box in places])
    assert picture.shape == GREY.shape
    assert (GREY == 128).all(), "the photo itself is not drawn on"
    for box in places:
        x, y = min(round(box.x0), 599), min(round(box.y0), 399)
        assert (picture[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4] != 128).any()


def test_without_regions_the_picture_is_the_photo() -> None:
    np.testing.assert_array_equal(annotate(GREY, []), GREY)


def test_numbers_stand_beside_what_they_number() -> None:
    box = Box(200, 150, 400, 250)
    picture = annotate(GREY, [Region(box, "x", "thing")])
    inside = picture[160:240, 210:390]
    assert (inside == 128).all()
    assert (picture[150:250, 170:195] != 128).any()


def test_no_number_stands_on_a_region_where_there_is_room_beside() -> None:
    left, right = Box(100, 150, 200, 250), Box(206, 150, 400, 250)
    picture = annotate(GREY, [Region(left, "x", "thing"), Region(right, "y", "thing")])
    for box in (left, right):
        inside = picture[int(box.y0) + 10 : int(box.y1) - 10, int(box.x0) + 10 : int(box.x1) - 10]
        assert (inside == 128).all()


def test_a_picture_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "picture.jpg"
    save(GREY, path)
    with Image.open(path) as written:
        assert written.size == (600, 400)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save(GREY + 1, path)
    assert path.read_bytes() == before
