"""A correction of similar photos holds where the same is shown again, and for no variant of it."""

from pathlib import Path

import pytest
from fakes import SHOP, CountingReader, label, no_catalogue
from PIL import Image
from test_corrections import said

from sightline.agent.assistant import Assistant
from sightline.memory.readings import Readings
from sightline.tools.errors import UnknownPhoto
from sightline.tools.kit import Kit
from sightline.tools.photos import load
from sightline.tools.resembling import Place, resembling
from sightline.tools.types import Box, Photo, PhotoId


class Kept:
    """The photos of this test by id."""

    def __init__(self) -> None:
        self.photos: dict[PhotoId, Photo] = {}

    def get(self, photo: PhotoId) -> Photo:
        if photo not in self.photos:
            raise UnknownPhoto(photo)
        return self.photos[photo]


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit(CountingReader(), Readings(Path(":memory:"), "1"), Kept(), no_catalogue())


def kept(kit: Kit, image: Image.Image | str) -> Photo:
    photo = load(SHOP / "photos" / image if isinstance(image, str) else image)
    assert isinstance(kit.photos, Kept)
    kit.photos.photos[photo.id] = photo
    return photo


PLACES = {
    "two-photos-a.jpg": Box(190, 259, 831, 1144),
    "oat-on-table.jpg": Box(152, 246, 748, 1236),
    "longjing-in-hand.jpg": Box(142, 211, 794, 1068),
}


@pytest.mark.parametrize(
    ("corrected", "other", "shown"),
    [
        ("two-photos-a.jpg", "two-photos-b.jpg", True),
        # What is hardest to tell apart: 1.5% and 3% fat, before the rain and before Qingming.
        ("oat-on-table.jpg", "dented.jpg", False),
        ("longjing-in-hand.jpg", "wrong-variant-subtle.jpg", False),
    ],
)
def test_another_photo_of_the_same_is_like_it_and_a_variant_is_not(
    kit: Kit, corrected: str, other: str, shown: bool
) -> None:
    first, second = kept(kit, corrected), kept(kit, other)
    alike = resembling(second, kit, [Place(first.id, PLACES[corrected]), Place("sha256:" + "0" * 64, None)])
    assert [one.place.photo for one in alike] == ([first.id] if shown else [])
    assert all(one.agreement > 0.9 for one in alike)


def test_a_photo_is_not_looked_for_in_itself_and_nothing_in_what_is_unlike_it(kit: Kit) -> None:
    first, other = kept(kit, label("GREEN TEA")), kept(kit, Image.new("RGB", (300, 200), "white"))
    assert resembling(first, kit, [Place(first.id, None)]) == []
    assert resembling(other, kit, [Place(first.id, None)]) == []


def test_it_holds_for_another_photo_of_the_same_and_says_so(tmp_path: Path, reader: CountingReader) -> None:
    del reader
    sent = label("GREEN TEA", "BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", "Store in a cool place", "Leicester")
    again = sent.resize((576, 432)).point(lambda v: min(int(v * 0.94), 255))
    variant = label("BLACK TEA", "BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", "Store in a cool place", "Leicester")
    with Assistant.open(tmp_path / "home") as assistant:
        told = assistant.correct(sent, "text", "GREEN TEA, organic", before="GREEN TEA", scope="similar")
        reply = assistant.ask("/describe", [again], thread="a")
        assert "of a photo like this one: it says “GREEN TEA, organic”" in said(reply)[0]
        assert "organic" not in assistant.ask("/describe", [variant], thread="b").text
        assistant.undo_correction(told.id)
        assert "organic" not in assistant.ask("/describe", [again], thread="a").text
