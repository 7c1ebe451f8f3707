"""A claimed product is verified against all that it could be; what cannot be trusted is not answered."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import SHOP, CountingReader, shop
from PIL import Image

from sightline.memory.readings import Readings
from sightline.tools.compare import compare
from sightline.tools.errors import UnknownProduct
from sightline.tools.identify import identify, ranked
from sightline.tools.kit import Kit
from sightline.tools.photos import load
from sightline.tools.recognise import recognise
from sightline.tools.sightings import chances, is_trusted, places, rivals_of
from sightline.tools.types import Photo, PhotoId
from sightline.tools.verify import verify


class NoPhotos:
    """No second photo is asked for."""

    def get(self, photo: PhotoId) -> Photo:
        raise AssertionError(photo)


KIT = Kit(CountingReader(), Readings(Path(":memory:"), "1"), NoPhotos(), shop())


def sent(name: str) -> Photo:
    return load(SHOP / "photos" / name)


def test_its_own_product_is_the_same_and_another_is_another() -> None:
    photo = sent("oat-on-table.jpg")
    own = verify(photo, KIT, "FRN-OAT-15")
    assert own.answer == "same"
    for sku in ("FRN-OAT-CHO", "SYT-LJ-MQ"):
        other = verify(photo, KIT, sku)
        assert (other.answer, other.rival) == ("other_variant", "FRN-OAT-15")
        assert other.p < own.p


def test_what_stands_beside_the_middle_refuses_nothing() -> None:
    shown = Image.open(SHOP / "photos" / "oat-on-table.jpg")
    wider = Image.new("RGB", (3 * shown.width, shown.height), "#8a8680")
    wider.paste(shown, (0, 0))
    file = io.BytesIO()
    wider.save(file, "JPEG", quality=92)
    photo = load(file.getvalue())
    assert verify(photo, KIT, "FRN-OAT-15").answer == "same"
    told = verify(photo, KIT, "SYT-LJ-MQ")
    assert (told.answer, told.rival) == ("cannot_tell", "FRN-OAT-15")
    assert told.p < 0.05


def test_what_the_catalogue_does_not_have_cannot_be_told() -> None:
    told = verify(sent("not-in-catalogue.jpg"), KIT, "FRN-OAT-15")
    assert told.answer == "cannot_tell"


def test_an_unknown_product_is_an_error() -> None:
    with pytest.raises(UnknownProduct):
        verify(sent("oat-on-table.jpg"), KIT, "NO-SUCH")


def test_chances_of_all_that_it_may_be_and_of_something_else_are_one() -> None:
    ranking = recognise(sent("oat-on-table.jpg"), KIT)
    likely = chances(ranking.scores, "FRN-OAT-15")
    assert max(likely, key=lambda sku: likely[sku]) == "FRN-OAT-15"
    assert 0.9 < sum(likely.values()) < 1
    # What stands beside a product is no rival.
    shelf = recognise(sent("shelf.jpg"), KIT)
    groups = places(shelf.strong)
    assert len(groups) > 1
    for one in (group[0] for group in groups):
        assert chances(rivals_of(shelf, one.product.sku), one.product.sku)[one.product.sku] > 0.5


def test_the_first_of_all_that_was_considered_is_the_answer() -> None:
    finding, order = ranked(sent("oat-on-table.jpg"), KIT)
    assert finding.outcome == "found"
    assert order[0] == finding.matches[0].sku
    assert len(order) == len(set(order)) > 5


def test_a_sighting_that_fits_badly_is_no_answer() -> None:
    ranking = recognise(sent("oat-on-table.jpg"), KIT)
    first = ranking.strong[0]
    assert is_trusted(ranking, first)
    assert not is_trusted(ranking, replace(first, trust=0.0))


def test_an_answer_that_is_not_trusted_names_what_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.tools.identify.is_trusted", lambda *_: False)
    finding = identify(sent("oat-on-table.jpg"), KIT)
    assert (finding.outcome, finding.reason) == ("unreadable", "variant_undetermined")
    assert finding.matches[0].sku == "FRN-OAT-15"


@pytest.mark.parametrize(
    ("ordered", "said"), [(None, "cannot_tell"), ("FRN-OAT-CHO", "cannot_tell"), ("FRN-OAT-15", "same")]
)
def test_what_is_not_trusted_is_compared_only_with_what_was_ordered(
    monkeypatch: pytest.MonkeyPatch, ordered: str | None, said: str
) -> None:
    monkeypatch.setattr("sightline.tools.identify.is_trusted", lambda *_: False)
    monkeypatch.setattr("sightline.tools.identify.NEAR", 100.0)
    finding = compare(sent("oat-on-table.jpg"), KIT, against=ordered)
    assert finding.verdict is not None
    assert finding.verdict.answer == said
    if said == "cannot_tell":
        assert finding.verdict.reasons == ("variant_undetermined",)
        assert {match.sku for match in finding.matches} >= {"FRN-OAT-15", "FRN-OAT-CHO"}


def test_a_comparison_says_how_likely_it_is_the_product() -> None:
    same = compare(sent("oat-on-table.jpg"), KIT, against="FRN-OAT-15").verdict
    other = compare(sent("oat-on-table.jpg"), KIT, against="FRN-OAT-CHO").verdict
    assert same is not None
    assert other is not None
    assert same.p is not None
    assert other.p is not None
    assert other.p < 0.05 < 0.5 < same.p
