"""Confirmed views: they are found like official photos, they are the pack alone, and nothing of them is left over."""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
import packs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from numpy.typing import NDArray

from sightline.memory.catalogue import Catalogue
from sightline.memory.embedders import EMBEDDERS
from sightline.memory.records import Record
from sightline.memory.shelf import look_of
from sightline.tools.errors import BadInput, Unavailable, UnknownPhoto, UnknownProduct
from sightline.tools.features import OFFICIAL, SEEN, extract
from sightline.tools.kit import Catalogue as Wanted
from sightline.tools.photos import load, pixels
from sightline.tools.recognise import ENOUGH
from sightline.tools.registration import register
from sightline.tools.types import Box, Photo, Point, Quad
from sightline.tools.views import GROWN, shown

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TILTED: Quad = (Point(210, 60), Point(420, 90), Point(400, 380), Point(190, 330))


def shot(seed: int, shop: int = 90, quad: Quad = TILTED) -> Photo:
    return packs.shot(packs.pack(seed, (300, 400)), quad, shop)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "catalogue"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of three packs."""
    folder = tmp_path_factory.mktemp("packs")
    with contextlib.closing(Catalogue(folder / "catalogue", "0")) as opened:
        files = packs.packs(folder / "pictures", range(3))
        opened.index(Record(1, f"P{n}", f"Pack {n}", (file,), {}) for n, file in enumerate(files))
    return folder / "catalogue"


@pytest.fixture
def catalogue(folder: Path, indexed: Path) -> Iterator[Catalogue]:
    with contextlib.closing(Catalogue(shutil.copytree(indexed, folder), "0", now=lambda: NOON)) as opened:
        yield opened


def held(catalogue: Catalogue) -> set[str]:
    """What Chroma has."""
    made = catalogue._shelf.made
    assert made
    return catalogue._vectors.photos(made.collection)


def test_a_view_is_found_and_known_for_one(catalogue: Catalogue) -> None:
    wanted: Wanted = catalogue
    back = shot(7)
    view = catalogue.confirm(back, "P1", TILTED, by="Ann", edition="2021", source="back.jpg")
    assert (view.photo, view.sku, view.quad) == (back.id, "P1", TILTED)
    assert (view.edition, view.by, view.at, view.source) == ("2021", "Ann", "2026-05-04T12:00:00+00:00", "back.jpg")
    assert list(wanted.views("P1")) == list(wanted.views()) == [view] == [wanted.view(back.id, "P1")]
    assert wanted.view(back.id, "P0") is None
    assert not wanted.views("P0")
    assert (wanted.edition(back.id, "P1"), wanted.edition(back.id, "P0")) == ("2021", None)
    assert [product.sku for product in wanted.owners(back.id)] == ["P1"]
    assert back.id not in wanted.product("P1").references, "official ones only"
    assert wanted.photo(back.id).data == back.data
    other = pixels(shot(7, shop=91, quad=Box(150, 10, 500, 470).corners))
    assert wanted.resembling(extract(other, *SEEN), 3)[0][0] == back.id
    assert wanted.nearest([other[10:470, 150:500]], 3)[0][0] == back.id


def test_a_view_has_the_pack_and_nothing_of_the_shop(catalogue: Catalogue) -> None:
    photo = shot(7)
    catalogue.confirm(photo, "P1", TILTED)
    points = catalogue.features(photo.id).points
    assert 50 < len(points) <= OFFICIAL[1]
    middle = np.mean(np.array(TILTED), axis=0)
    grown = (middle + (np.array(TILTED) - middle) * (GROWN + 0.001)).astype(np.float32)
    assert all(cv2.pointPolygonTest(grown, (float(x), float(y)), False) >= 0 for x, y in points)
    shop = extract(pixels(shot(8)), *SEEN)  # another pack, in the same shop
    laid = register(shop, catalogue.features(photo.id))
    assert laid is None or len(laid) < ENOUGH
    whole = register(shop, extract(pixels(photo), *OFFICIAL))
    assert whole is not None
    assert len(whole) > 10 * ENOUGH, "the shop would have been learned"
    pack_only = shown(pixels(photo), TILTED)
    assert max(pack_only.shape[:2]) < 350
    assert dict(catalogue.nearest([pack_only], 9))[photo.id] > 0.999, "what is embedded is the part around the quad"


def test_the_same_again_changes_nothing(catalogue: Catalogue) -> None:
    first = catalogue.confirm(shot(7), "P1", TILTED, by="Ann")
    catalogue._now = lambda: NOON + timedelta(days=1)
    assert catalogue.confirm(shot(7), "P1", TILTED, by="Bob") == first
    assert list(catalogue.views()) == [first]
    other = catalogue.confirm(shot(7), "P1", None, by="Bob", edition="2021")
    assert list(catalogue.views()) == [other]
    assert (other.by, other.at) == ("Bob", "2026-05-05T12:00:00+00:00")
    assert held(catalogue) == {*(p.references[0] for p in catalogue.products()), other.photo}, "the old part is gone"


def test_times_are_kept_in_utc(catalogue: Catalogue) -> None:
    catalogue._now = lambda: datetime(2026, 5, 4, 20, tzinfo=timezone(timedelta(hours=8)))
    assert catalogue.confirm(shot(7), "P1", None).at == "2026-05-04T12:00:00+00:00"


def test_two_products_in_one_photo_are_two_views(catalogue: Catalogue) -> None:
    left, right = Box(60, 60, 260, 400).corners, Box(360, 60, 560, 400).corners
    photo = shot(7)
    catalogue.confirm(photo, "P0", left)
    one = catalogue.features(photo.id)
    catalogue.confirm(photo, "P1", right)
    assert [product.sku for product in catalogue.owners(photo.id)] == ["P0", "P1"]
    both = catalogue.features(photo.id)
    assert len(both) > len(one)
    assert {photo for photo, _ in catalogue.resembling(both, 9)} >= {photo.id}
    assert len(held(catalogue)) == 5
    catalogue.withdraw(photo.id, "P1")
    np.testing.assert_array_equal(catalogue.features(photo.id).points, one.points)
    assert len(held(catalogue)) == 4


def test_what_is_withdrawn_is_gone(catalogue: Catalogue) -> None:
    before = held(catalogue), catalogue._photos.ids()
    photo = shot(7)
    catalogue.confirm(photo, "P1", TILTED)
    catalogue.withdraw(photo.id, "P1")
    assert (held(catalogue), catalogue._photos.ids()) == before
    assert not catalogue.views()
    assert photo.id not in dict(catalogue.resembling(extract(pixels(photo), *SEEN), 9))
    for gone in (catalogue.photo, catalogue.features):
        with pytest.raises(UnknownPhoto):
            gone(photo.id)
    with pytest.raises(UnknownPhoto, match="List the views"):
        catalogue.withdraw(photo.id, "P1")
    with pytest.raises(UnknownProduct):
        catalogue.withdraw(photo.id, "Nobody")


def test_a_photo_stays_as_long_as_anything_refers_to_it(catalogue: Catalogue) -> None:
    (official,) = catalogue.product("P0").references
    photo = catalogue.photo(official)
    catalogue.confirm(photo, "P1", Box(20, 20, 120, 150).corners)
    assert catalogue.view(official, "P0") is None
    assert catalogue.view(official, "P1") is not None
    whole = catalogue.features(official)
    catalogue.remove("P0")
    assert catalogue.photo(official).data == photo.data
    assert len(catalogue.features(official)) < len(whole), "only the part that is still a view"
    catalogue.remove("P1")
    with pytest.raises(UnknownPhoto):
        catalogue.photo(official)
    assert not catalogue.views()


def test_indexing_a_product_anew_keeps_its_views(catalogue: Catalogue, tmp_path: Path) -> None:
    view = catalogue.confirm(shot(7), "P1", TILTED)
    (other,) = packs.packs(tmp_path / "pictures", range(5, 6))
    catalogue.index([Record(1, "P1", "Other title", (other,), {})])
    assert list(catalogue.views("P1")) == [view]
    assert len(catalogue.features(view.photo)) > 50


class Thumbnail:
    """An embedder: eight pixels a side."""

    name, identity, dimension = "thumbnail:8", "thumbnail", 192

    def images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        small = [cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA) for image in images]
        rows = np.array(small, np.float32).reshape(-1, 192) - 128
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    def text(self, words: str) -> None:
        pass


def test_views_are_embedded_anew_with_another_embedder(
    catalogue: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EMBEDDERS, "thumbnail:", lambda _: Thumbnail())
    photo = shot(7)
    catalogue.confirm(photo, "P1", TILTED)
    looks = held(catalogue)
    catalogue.close()
    with contextlib.closing(Catalogue(folder, "0", "thumbnail:8")) as other:
        with pytest.raises(Unavailable):
            other.nearest([pixels(photo)], 9)
        other.index([])
        assert held(other) == looks
        assert dict(other.nearest([shown(pixels(photo), TILTED)], 9))[photo.id] > 0.999


def test_a_view_whose_photo_is_gone_is_told(catalogue: Catalogue) -> None:
    view = catalogue.confirm(shot(7), "P1", TILTED)
    catalogue._photos._path(view.photo).unlink()
    (problem,) = catalogue.index([]).problems
    assert view.photo in problem.message
    assert "confirmed photo" in problem.message
    assert catalogue.confirm(shot(7), "P1", TILTED) == view
    assert not catalogue.index([]).problems


@pytest.mark.parametrize(
    "quad",
    [
        (Point(0, 0), Point(100, 100), Point(100, 0), Point(0, 100)),  # crossed
        Box(10, 10, 20, 200).corners,
        Box(700, 10, 900, 200).corners,
        Box(float("nan"), 10, 400, 200).corners,
    ],
)
def test_a_quad_that_shows_nothing_is_refused(catalogue: Catalogue, quad: Quad) -> None:
    with pytest.raises(BadInput, match="four corners"):
        catalogue.confirm(shot(7), "P1", quad)
    assert not catalogue.views()


def test_what_cannot_be_a_view_is_refused(catalogue: Catalogue) -> None:
    official = catalogue.photo(catalogue.product("P1").references[0])
    with pytest.raises(BadInput, match="official one of P1"):
        catalogue.confirm(official, "P1", None)
    with pytest.raises(UnknownProduct):
        catalogue.confirm(shot(7), "Nobody", None)
    with pytest.raises(UnknownProduct):
        catalogue.views("Nobody")
    for name in ("", "20\n21"):
        with pytest.raises(BadInput, match="edition"):
            catalogue.confirm(shot(7), "P1", None, edition=name)


def test_a_manifest_of_the_format_before_is_brought_up_by_whoever_opens_it(catalogue: Catalogue, folder: Path) -> None:
    products, found = list(catalogue.products()), held(catalogue)
    points = catalogue.features(products[0].references[0]).points
    catalogue.close()
    with contextlib.closing(sqlite3.connect(folder / "manifest.sqlite", isolation_level=None)) as db:
        db.execute("DROP TABLE views")
        db.execute("CREATE TABLE old (sku TEXT, n INTEGER, photo TEXT NOT NULL, source TEXT NOT NULL, "
                   "PRIMARY KEY (sku, n)) WITHOUT ROWID")  # fmt: skip
        db.execute("INSERT INTO old SELECT sku, n, photo, source FROM refs")
        db.execute("DROP TABLE refs")
        db.execute("ALTER TABLE old RENAME TO refs")
        db.execute("CREATE INDEX by_photo ON refs (photo)")
        db.execute("CREATE INDEX by_source ON refs (source)")
        db.execute("UPDATE facts SET value = 1 WHERE name = 'format'")
    with contextlib.closing(Catalogue(folder, "0")) as reader:
        assert list(reader.products()) == products
        assert not reader.views()
        np.testing.assert_array_equal(reader.features(products[0].references[0]).points, points)
    with contextlib.closing(Catalogue(folder, "0")) as writer:
        assert writer.index([]) == (0, 0, 0, ())
        view = writer.confirm(shot(7), "P1", TILTED)
        assert held(writer) == found | {look_of(view.photo, view.quad)}
    with contextlib.closing(sqlite3.connect(folder / "manifest.sqlite")) as db:
        assert db.execute("SELECT value FROM facts WHERE name = 'format'").fetchone() == (2,)


# --- whatever is done, in whatever order


PLACES = [None, Box(10, 10, 50, 70).corners, Box(5, 20, 55, 60).corners]
SKUS = ("A", "B", "C")
images = st.integers(0, 4)
skus = st.sampled_from(SKUS)


class Kept(RuleBasedStateMachine):
    """The catalogue beside two dictionaries that say what is in it."""

    @initialize()
    def start(self) -> None:
        import tempfile

        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.files = [self.folder / f"{n}.png" for n in range(5)]
        for n, file in enumerate(self.files):
            packs.pack(n, (60, 80)).save(file)
        self.photos = [load(file) for file in self.files]
        self.catalogue = Catalogue(self.folder / "catalogue", "0")
        self.refs: dict[str, dict[str, str | None]] = {}
        self.views: dict[tuple[str, str], tuple[Quad | None, str | None]] = {}

    @rule(sku=skus, now=st.lists(images, min_size=1, max_size=2, unique=True), old=st.none() | images)
    def index(self, sku: str, now: list[int], old: int | None) -> None:
        editions: dict[str, tuple[Path, ...]] = {} if old is None else {"old": (self.files[old],)}
        self.catalogue.index([Record(1, sku, sku, tuple(self.files[n] for n in now), {}, editions)])
        refs: dict[str, str | None] = {} if old is None else {self.photos[old].id: "old"}
        self.refs[sku] = refs | {self.photos[n].id: None for n in now}

    @rule(sku=skus, n=images, place=st.sampled_from(PLACES), edition=st.sampled_from([None, "old"]))
    def confirm(self, sku: str, n: int, place: Quad | None, edition: str | None) -> None:
        photo = self.photos[n]
        if sku not in self.refs or photo.id in self.refs[sku]:
            with pytest.raises(UnknownProduct if sku not in self.refs else BadInput):
                self.catalogue.confirm(photo, sku, place, edition=edition)
        else:
            self.catalogue.confirm(photo, sku, place, edition=edition)
            self.views[photo.id, sku] = place, edition

    @precondition(lambda self: self.views)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        photo, sku = data.draw(st.sampled_from(sorted(self.views)))
        self.catalogue.withdraw(photo, sku)
        del self.views[photo, sku]

    @rule(sku=skus)
    def remove(self, sku: str) -> None:
        if sku not in self.refs:
            with pytest.raises(UnknownProduct):
                self.catalogue.remove(sku)
            return
        self.catalogue.remove(sku)
        del self.refs[sku]
        self.views = {key: value for key, value in self.views.items() if key[1] != sku}

    @rule()
    def reopen(self) -> None:
        self.catalogue.close()
        self.catalogue = Catalogue(self.folder / "catalogue", "0")

    @invariant()
    def agrees(self) -> None:
        known = self.catalogue
        assert {p.sku: set(p.references) for p in known.products()} == {s: set(r) for s, r in self.refs.items()}
        assert {(v.photo, v.sku): (v.quad, v.edition) for v in known.views()} == self.views
        official = {photo for photos in self.refs.values() for photo in photos}
        looks = official | {look_of(photo, place) for (photo, _), (place, _) in self.views.items()}
        kept = official | {photo for photo, _ in self.views}
        assert set(known._shelf.looks()) == looks
        assert {row for (row,) in known._shelf._rows("SELECT photo FROM photos")} == looks
        assert set(known._photos.ids()) == set(known._shelf.photos()) == kept
        if known._shelf.made:
            assert held(known) == looks
        for photo in (photo.id for photo in self.photos):
            refs = {sku for sku in self.refs if photo in self.refs[sku]}
            views = {sku for sku in self.refs if (photo, sku) in self.views}
            assert {product.sku for product in known.owners(photo)} == refs | views
            for sku in SKUS:
                assert (known.view(photo, sku) is not None) == (sku in views - refs)
                shows = self.refs[sku][photo] if sku in refs else self.views.get((photo, sku), (None, None))[1]
                assert known.edition(photo, sku) == shows
            if photo in kept:
                assert known.photo(photo).id == photo
                known.features(photo)

    def teardown(self) -> None:
        self.catalogue.close()
        self.temporary.cleanup()


TestWhateverIsDone = Kept.TestCase
TestWhateverIsDone.settings = settings(
    max_examples=5, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
