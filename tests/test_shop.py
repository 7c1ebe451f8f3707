"""The sample shop: every customer photo is named and judged as its truth says, with the pixels that prove it."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fakes import SHOP, CountingReader, shop
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightline.memory.catalogue import Catalogue
from sightline.memory.embedders import EMBEDDERS
from sightline.memory.readings import Readings
from sightline.memory.records import Record, read
from sightline.tools.codes import read_codes
from sightline.tools.compare import compare
from sightline.tools.errors import UnknownPhoto
from sightline.tools.ground import ground
from sightline.tools.identify import identify, identify_by, look
from sightline.tools.kit import Kit
from sightline.tools.photos import load, pixels
from sightline.tools.types import Box, Finding, Photo, PhotoId, Quad

TRUTH: dict[str, dict[str, Any]] = json.loads((SHOP / "truth.json").read_text("utf-8"))
ONE = [name for name, truth in TRUTH.items() if "products" not in truth]
KNOWN = [name for name in ONE if TRUTH[name]["sku"] and TRUTH[name]["quality"] != "retake"]
SEEN = [name for name in KNOWN if TRUTH[name]["quad"]]


class Shown:
    """The sample photos by id."""

    def get(self, photo: PhotoId) -> Photo:
        return next(p for p in map(sent, TRUTH) if p.id == photo)


KIT = Kit(reader=CountingReader(), readings=Readings(Path(":memory:"), "1"), photos=Shown(), catalogue=shop())


@cache
def sent(name: str) -> Photo:
    return load(SHOP / "photos" / name)


@cache
def compared(name: str) -> Finding:
    return compare(sent(name), KIT, against=TRUTH[name].get("claimed"))


@cache
def identified(name: str) -> Finding:
    return identify(sent(name), KIT)


def overlap(a: Quad, b: Any) -> float:
    """Intersection over union of two quadrilaterals."""
    first, second = (np.array(quad, np.float32) for quad in (a, b))
    shared, _ = cv2.intersectConvexConvex(first, second)
    return float(shared / (cv2.contourArea(first) + cv2.contourArea(second) - shared))


@pytest.mark.parametrize("name", KNOWN)
def test_every_product_is_named(name: str) -> None:
    found = identified(name)
    assert (found.outcome, [match.sku for match in found.matches]) == ("found", [TRUTH[name]["sku"]])


@pytest.mark.parametrize("name", [n for n in SEEN if TRUTH[n]["verdict"] != "cannot_tell"])
def test_it_is_found_where_it_stands(name: str) -> None:
    (match,) = identified(name).matches
    assert match.quad is not None
    # An official picture shows a little of its ground around the pack.
    assert overlap(match.quad, TRUTH[name]["quad"]) > 0.75


@pytest.mark.parametrize("name", [n for n in ONE if TRUTH[n]["sku"] is None])
def test_what_is_not_in_the_catalogue_is_not_named(name: str) -> None:
    assert identified(name).outcome in ("absent", "unreadable")
    assert not identified(name).matches
    assert compared(name).verdict is None


@pytest.mark.parametrize("name", [n for n in ONE if TRUTH[n]["verdict"]])
def test_every_verdict_is_right(name: str) -> None:
    verdict = compared(name).verdict
    assert verdict is not None
    assert verdict.answer == TRUTH[name]["verdict"], verdict.reasons
    assert (verdict.view is not None) == (verdict.answer == "cannot_tell")


@pytest.mark.parametrize("name", [n for n in ONE if TRUTH[n]["verdict"] == "same"])
def test_a_genuine_pack_has_no_mark(name: str) -> None:
    found = compared(name)
    assert found.differences == ()
    assert found.verdict is not None
    assert found.verdict.unlike is not None
    assert 0 <= found.verdict.unlike <= 1


@pytest.mark.parametrize("name", [n for n in ONE if TRUTH[n]["verdict"] == "differs"])
def test_every_change_is_marked_where_it_is_and_named(name: str) -> None:
    expected, found = TRUTH[name]["differences"], compared(name).differences
    assert [d.kind for d in found] == [d["kind"] for d in expected]
    for difference, truth in zip(found, expected, strict=True):
        box = Box(*truth["box"])
        x, y = difference.region.box.centre
        assert box.x0 <= x <= box.x1
        assert box.y0 <= y <= box.y1
        if truth["before"]:
            assert difference.before
            assert difference.before.startswith(truth["before"])
        assert difference.now == truth["now"]
        assert difference.strength is not None
        assert difference.strength > 1
    verdict = compared(name).verdict
    assert verdict is not None
    assert verdict.unlike == max(difference.strength or 0 for difference in found)


@pytest.mark.parametrize("name", [n for n in ONE if TRUTH[n]["verdict"] == "other_variant"])
def test_the_wrong_variant_is_named_beside_the_one_that_was_ordered(name: str) -> None:
    found = compared(name)
    assert [match.sku for match in found.matches] == [TRUTH[name]["sku"], TRUTH[name]["claimed"]]
    said = {(d.before, d.now) for d in found.differences}
    assert {(d["before"], d["now"]) for d in TRUTH[name]["differences"]} <= said


@pytest.mark.parametrize("name", [n for n in SEEN if TRUTH[n]["fields"].get("expiry")])
def test_a_printed_date_is_stated_and_no_difference(name: str) -> None:
    found = compared(name)
    dates = [fact.value for fact in found.facts if fact.name == "expiry"]
    assert dates == [TRUTH[name]["fields"]["expiry"]]
    assert not any("20" in (d.now or "") and d.kind == "extra" for d in found.differences)


def test_three_products_on_a_shelf_are_told_apart_and_each_is_found_by_its_name() -> None:
    places = {product["sku"]: product["quad"] for product in TRUTH["shelf.jpg"]["products"]}
    found = identified("shelf.jpg")
    assert {match.sku for match in found.matches} == places.keys()
    for match in found.matches:
        assert match.quad is not None
        assert overlap(match.quad, places[match.sku]) > 0.7
    for words, sku in (("the oat drink", "FRN-OAT-15"), ("玫瑰面膜", "HJD-MASK-ROS"), ("龙井", "SYT-LJ-MQ")):
        looked = ground(sent("shelf.jpg"), KIT, target=words)
        assert [match.sku for match in looked.matches] == [sku]
        assert looked.regions[0].kind == "product"


def test_a_product_that_is_not_there_is_said_to_be_not_there() -> None:
    looked = ground(sent("oat-on-table.jpg"), KIT, target="jasmine tea")
    assert looked.outcome == "not_looked", "no product has these words"
    looked = ground(sent("oat-on-table.jpg"), KIT, target="茉莉花茶")
    assert (looked.outcome, looked.reason) == ("absent", "product_not_seen")


def test_two_photos_of_one_pack_are_the_same_and_of_two_packs_are_not() -> None:
    first, second = sent("two-photos-a.jpg"), sent("two-photos-b.jpg")
    same = compare(first, KIT, against=second.id)
    assert same.verdict is not None
    assert (same.verdict.answer, same.differences) == ("same", ())
    assert same.photos == (first.id, second.id)
    other = compare(sent("stained.jpg"), KIT, against=first.id)
    assert other.verdict is not None
    assert other.verdict.answer == "differs"
    x0, y0, x1, y1 = TRUTH["stained.jpg"]["differences"][0]["box"]
    middles = [difference.region.box.centre for difference in other.differences]
    assert any(x0 < x < x1 and y0 < y < y1 for x, y in middles), "the stain is among them"


def test_the_barcode_on_the_back_names_what_no_picture_shows() -> None:
    (match,) = identified("back-only.jpg").matches
    assert "barcode" in match.sources


def test_another_product_in_the_middle_is_not_what_was_ordered_and_one_at_the_side_says_nothing() -> None:
    ordered = "HJD-MASK-ALO"
    seen = pixels(sent("oat-on-table.jpg"))
    found = compare(sent("oat-on-table.jpg"), KIT, against=ordered)
    assert found.verdict is not None
    assert (found.verdict.answer, found.verdict.reasons) == ("other_variant", ("other_product",))
    assert [match.sku for match in found.matches] == ["FRN-OAT-15", ordered]
    wall = np.full((seen.shape[0], 2 * seen.shape[1], 3), 170, np.uint8)
    beside = compare(load(Image.fromarray(np.concatenate([seen, wall], axis=1))), KIT, against=ordered)
    assert beside.verdict is not None
    assert (beside.outcome, beside.verdict.reasons) == ("unreadable", ("side_not_seen",))
    assert [match.sku for match in beside.matches] == [ordered]


def test_what_a_barcode_names_is_not_held_against_something_else_in_the_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    named = KIT.catalogue.product("HJD-MASK-ALO")
    monkeypatch.setattr("sightline.tools.compare.coded", lambda *_: [(named, "barcode")])
    found = compare(sent("oat-on-table.jpg"), KIT)
    assert found.verdict is not None
    assert (found.verdict.answer, found.verdict.reasons) == ("cannot_tell", ("side_not_seen",))
    assert [(match.sku, match.sources) for match in found.matches] == [(named.sku, ("barcode",))]


def test_a_barcode_read_twice_is_one_product_and_contradicts_only_what_the_photo_was_taken_of() -> None:
    codes = read_codes(pixels(sent("back-only.jpg")))
    (coded,) = identify_by(sent("back-only.jpg"), KIT, [*codes, *codes]).matches
    assert coded.sku == TRUTH["back-only.jpg"]["sku"]
    seen = pixels(sent("longjing-in-hand.jpg"))
    assert identify_by(sent("longjing-in-hand.jpg"), KIT, codes).reason == "code_conflict"
    wall = np.full((seen.shape[0], 2 * seen.shape[1], 3), 170, np.uint8)
    beside = identify_by(load(Image.fromarray(np.concatenate([seen, wall], axis=1))), KIT, codes)
    assert (beside.outcome, [match.sku for match in beside.matches]) == ("found", [coded.sku])


def test_a_barcode_tells_what_came_instead_of_what_was_ordered(monkeypatch: pytest.MonkeyPatch) -> None:
    named = KIT.catalogue.product("HJD-MASK-ALO")
    monkeypatch.setattr("sightline.tools.compare.coded", lambda *_: [(named, "barcode")])
    back = compare(sent("oat-on-table.jpg"), KIT, against="SYT-BLC")
    assert back.verdict is not None
    assert (back.verdict.answer, back.verdict.reasons) == ("other_variant", ("other_barcode",))
    assert [match.sku for match in back.matches] == [named.sku, "SYT-BLC"]


def test_a_twin_is_not_said_to_be_what_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.tools.identify.DECIDED", 1e9)
    monkeypatch.setattr("sightline.tools.identify.words_of", lambda _: set())
    name = "wrong-variant-subtle.jpg"
    twin, there = (KIT.catalogue.product(TRUTH[name][which]) for which in ("claimed", "sku"))
    looked = ground(sent(name), KIT, target=twin.title)
    assert (looked.outcome, looked.reason) == ("unreadable", "variant_undetermined")
    assert {twin.sku, there.sku} <= {match.sku for match in looked.matches}


def test_of_many_products_of_a_name_only_some_are_tried_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def looked(photo: Photo, kit: Kit, named: Sequence[Any]) -> Any:
        tried.append(len(named))
        return look(photo, kit, named)

    monkeypatch.setattr("sightline.tools.ground.look", looked)
    monkeypatch.setattr("sightline.tools.ground._TRIED", 1)
    assert len(KIT.catalogue.named("oat drink")) > 1
    found = ground(sent("shelf.jpg"), KIT, target="oat drink")
    assert tried == [1]
    assert [match.sku for match in found.matches] == ["FRN-OAT-15"], "what resembles the photo is looked at anyway"


def test_an_official_picture_of_any_size_is_found_as_well(tmp_path: Path) -> None:
    official = Image.open(SHOP / "official" / "frn-oat-15.jpg")
    agree = {}
    for side in (200, 1000, 3000):
        file = tmp_path / f"{side}.jpg"
        official.resize((side * official.width // official.height, side)).save(file, quality=92)
        catalogue = Catalogue(tmp_path / str(side), "1")
        catalogue.add("OAT", "Oat drink", [file])
        (match,) = identify(sent("oat-on-table.jpg"), replace(KIT, catalogue=catalogue)).matches
        catalogue.close()
        agree[side] = match.inliers or 0
    assert agree[200] > 100
    assert agree[3000] > 0.9 * agree[1000]


@pytest.mark.parametrize("part", ["features", "photo"])
def test_an_official_photo_that_a_writer_removes_meanwhile_is_passed_over(part: str) -> None:
    gone = KIT.catalogue.product("FRN-OAT-BAR").references

    class Meanwhile:
        def __getattr__(self, name: str) -> Any:
            known = getattr(KIT.catalogue, name)
            return refuse if name == part else known

        def __len__(self) -> int:
            return len(KIT.catalogue)

    def refuse(reference: PhotoId) -> Any:
        if reference in gone:
            raise UnknownPhoto(reference)
        return getattr(KIT.catalogue, part)(reference)

    found = identify(sent("oat-on-table.jpg"), replace(KIT, catalogue=Meanwhile()))
    assert [match.sku for match in found.matches] == ["FRN-OAT-15"]


def test_the_face_is_read_once_whatever_is_asked_of_the_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.tools.identify.DECIDED", 1e9)
    monkeypatch.setattr("sightline.tools.identify.words_of", lambda _: set())
    reader = CountingReader()
    kit = replace(KIT, reader=reader, readings=Readings(Path(":memory:"), "1"))
    identify(sent("wrong-variant-subtle.jpg"), kit)
    once = reader.calls
    assert once > 1, "the photo, and its face laid flat"
    identify(sent("wrong-variant-subtle.jpg"), kit)
    assert reader.calls == once


def test_a_date_in_the_place_of_a_date_is_another_packs_own(tmp_path: Path) -> None:
    stamped = Image.open(SHOP / "official" / "frn-oat-15.jpg").convert("RGB")
    (fact,) = [fact for fact in compared("oat-on-table.jpg").facts if fact.name == "expiry"]
    (match,) = compared("oat-on-table.jpg").matches
    assert fact.region
    assert match.homography
    back = np.linalg.inv(np.array(match.homography))
    corners = np.array(fact.region.quad or fact.region.box.corners, np.float32)[None]
    x0, y0, x1, y1 = Box.around(map(tuple, cv2.perspectiveTransform(corners, back)[0].tolist()))
    font = ImageFont.load_default(size=(y1 - y0) * 0.75)
    ImageDraw.Draw(stamped).text(((x0 + x1) / 2, (y0 + y1) / 2), "02 JAN 2025", (30, 30, 40), font, anchor="mm")
    stamped.save(tmp_path / "stamped.png")
    catalogue = Catalogue(tmp_path / "catalogue", "1")
    catalogue.add("OAT", "Oat drink", [tmp_path / "stamped.png"])
    found = compare(sent("oat-on-table.jpg"), replace(KIT, catalogue=catalogue))
    catalogue.close()
    assert found.verdict is not None
    assert (found.verdict.answer, found.differences) == ("same", ())
    assert [one.value for one in found.facts] == [fact.value]


def test_a_barcode_decides_between_twins_that_geometry_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.tools.identify.DECIDED", 1e9)
    monkeypatch.setattr("sightline.tools.identify.words_of", lambda _: set())
    (match,) = compare(sent("berry-tilted.jpg"), KIT).matches
    assert (match.sku, "barcode" in match.sources) == ("LRK-TEA-BER40", True)


def test_the_field_that_decides_between_twins_is_named_where_it_is() -> None:
    (match,) = identified("wrong-variant-subtle.jpg").matches
    assert match.decided is not None
    assert match.decided.region is not None
    assert match.decided.there is not None
    rival = KIT.catalogue.product(match.decided.rival)
    assert rival.title == match.decided.title
    there, theirs = (pixels(KIT.catalogue.photo(p.references[0])) for p in (KIT.catalogue.product(match.sku), rival))
    x0, y0, x1, y1 = (int(edge) for edge in match.decided.there)
    apart = np.abs(there.astype(int) - theirs.astype(int)).sum(axis=2)
    assert apart[y0:y1, x0:x1].mean() > 10 * apart.mean(), "just there the official pictures differ"


def test_text_on_a_pack_decides_between_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.tools.recognise.CLOSE", -1.0)
    monkeypatch.setattr("sightline.tools.identify.DECIDED", 1e9)
    (match,) = identify(sent("wrong-variant-subtle.jpg"), KIT).matches
    assert match.text is not None
    assert match.text > 0.5
    assert match.decided is not None
    assert (match.decided.kind, bool(match.decided.words)) == ("text", True)


def test_a_mirrored_pack_is_named_and_said_to_be_mirrored() -> None:
    seen = pixels(sent("honey-on-bench.jpg"))
    flipped = load(Image.fromarray(np.ascontiguousarray(seen[:, ::-1])))
    found, plain = identify(flipped, KIT), identified("honey-on-bench.jpg")
    assert found.mirrored
    assert [m.sku for m in found.matches] == ["HJD-MASK-HON"]
    # Law 3: left and right are swapped, and nothing else.
    x, y = found.regions[0].box.centre
    assert abs(seen.shape[1] - x - plain.regions[0].box.centre.x) < 6
    assert abs(y - plain.regions[0].box.centre.y) < 6


class Only:
    """The sample catalogue with candidates from one source alone."""

    def __init__(self, nearest: tuple[PhotoId, ...] = (), resembling: bool = False) -> None:
        self._nearest, self._resembling = nearest, resembling

    def __len__(self) -> int:
        return len(shop())

    def __getattr__(self, name: str) -> Any:
        return getattr(shop(), name)

    def nearest(self, views: object, n: int) -> list[tuple[PhotoId, float]]:
        del views
        return [(photo, 0.5) for photo in self._nearest[:n]]

    def resembling(self, features: Any, n: int) -> Any:
        return shop().resembling(features, n) if self._resembling else []


def test_candidates_of_chroma_change_the_answer() -> None:
    def skus(*references: PhotoId) -> list[str]:
        kit = replace(KIT, catalogue=Only(references))
        return [match.sku for match in identify(sent("honey-on-bench.jpg"), kit).matches]

    right, wrong = (shop().product(sku).references[0] for sku in ("HJD-MASK-HON", "LRK-TEA-BER20"))
    assert skus() == []
    assert skus(wrong) == [], "a candidate that cannot be laid onto the photo is none"
    assert skus(wrong, right) == ["HJD-MASK-HON"]


class Ranked(Only):
    """Local features vote for a twin and six strangers before they vote for what it is."""

    def resembling(self, features: Any, n: int) -> list[tuple[PhotoId, float]]:
        del features
        order = ["HJD-MASK-ROS", *(p.sku for p in shop().products() if not p.sku.startswith("HJD"))][:7]
        return [(shop().product(sku).references[0], 9.0) for sku in (*order, "HJD-MASK-HON")][:n]


def test_a_twin_that_comes_first_does_not_keep_the_right_one_from_being_looked_at() -> None:
    found = identify(sent("honey-on-bench.jpg"), replace(KIT, catalogue=Ranked()))
    assert [match.sku for match in found.matches] == ["HJD-MASK-HON"]


class Pointing:
    """An embedder that puts official photos on axes of their own, in their order, and a question on one of them."""

    name, identity, dimension = "pointing:here", "pointing", 8
    towards: int | None = None

    def images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        axes = range(len(images)) if self.towards is None else [self.towards] * len(images)
        return np.eye(self.dimension, dtype=np.float32)[list(axes)]

    def text(self, words: str) -> None:
        del words


def test_a_stub_embedder_changes_the_answer_through_chroma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = Pointing()
    monkeypatch.setitem(EMBEDDERS, "pointing:", lambda _: stub)
    monkeypatch.setattr("sightline.tools.recognise.NEAREST", 1)
    monkeypatch.setattr(Catalogue, "resembling", lambda *_: [])
    skus = ["HJD-MASK-HON", "LRK-TEA-BER20", "SYT-MLH"]
    with contextlib.closing(Catalogue(tmp_path / "catalogue", "1", "pointing:here")) as catalogue:
        rows = {row.sku: row for row in read(SHOP / "catalogue.jsonl") if isinstance(row, Record)}
        catalogue.index(rows[sku] for sku in skus)
        kit, answers = replace(KIT, catalogue=catalogue), []
        for stub.towards in range(3):
            (nearest,) = catalogue.nearest([np.zeros((8, 8, 3), np.uint8)], 1)
            assert nearest[0] == catalogue.product(skus[stub.towards]).references[0]
            assert nearest[1] > 0.999
            answers.append([match.sku for match in identify(sent("honey-on-bench.jpg"), kit).matches])
    assert answers == [["HJD-MASK-HON"], [], []]


def test_candidates_of_local_features_change_the_answer() -> None:
    kit = replace(KIT, catalogue=Only(resembling=True))
    (match,) = identify(sent("honey-on-bench.jpg"), kit).matches
    assert match.sources == ("features",)
    assert match.similarity is None
