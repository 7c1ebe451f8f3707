"""Confirming what a photo shows: what contradicts it is refused, a side not seen yet is learned; editions of a pack."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import zxingcpp
from filelock import FileLock
from numpy.typing import NDArray
from packs import pack, shot
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps
from typer.testing import CliRunner, Result

from sightline.agent import products
from sightline.agent.assistant import Assistant
from sightline.agent.cli import app
from sightline.agent.reply import Statement
from sightline.prompts import languages
from sightline.tools.errors import BadInput, Contradiction, UnknownPhoto, UnknownProduct
from sightline.tools.photos import pixels
from sightline.tools.types import Box, Finding, Match, Photo, Point, Quad, Verdict

SIZE = (900, 700)
HELD: Quad = (Point(250, 60), Point(640, 90), Point(620, 630), Point(270, 620))
CODES = {1: "4006381333931", 2: "4012345678901"}


def front(seed: int, edition: str = "") -> Image.Image:
    """The front of a pack, 450 x 600; one of an edition has another panel."""
    image = pack(seed, (450, 600))
    if edition:
        draw = ImageDraw.Draw(image)
        draw.rectangle((90, 330, 360, 470), (250, 240, 60))
        draw.text((110, 370), f"SPRING {edition}", (20, 20, 90), ImageFont.load_default(44))
    return image


def held(image: Image.Image, shop: int = 90, quad: Quad = HELD) -> Photo:
    return shot(image, quad, shop, SIZE)


class Blind:
    """An OCR engine that reads nothing: no test here is about words, and reading takes the most time."""

    name = "blind"

    def read(self, pixels: NDArray[np.uint8]) -> Sequence[tuple[str, float, Quad]]:
        del pixels
        return ()


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home of three packs; two of them have barcodes, and the last an edition of 2021."""
    folder = tmp_path_factory.mktemp("shelf")
    rows: list[dict[str, Any]] = [
        {"sku": f"P{n}", "title": f"Pack {n}", "image": f"{n}.png", "gtin": CODES.get(n, "")} for n in range(3)
    ]
    rows[2] |= {"editions": {"2021": ["old.png"]}}
    for n in range(3):
        front(n).save(folder / f"{n}.png")
    front(2, "2021").save(folder / "old.png")
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with Assistant.open(folder / "home") as assistant:
        assert not assistant.index(folder / "rows.jsonl").problems
    return folder


@pytest.fixture
def shelf(indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Assistant]:
    """That home, to write to."""
    monkeypatch.setattr("sightline.agent.assistant.RapidReader", Blind)
    with Assistant.open(shutil.copytree(indexed / "home", tmp_path / "home")) as assistant:
        yield assistant


def skus(finding: Finding) -> list[str]:
    return [match.sku for match in finding.matches]


def overlap(a: Quad, b: Quad) -> float:
    first, second = (np.array(quad, np.float32) for quad in (a, b))
    shared, _ = cv2.intersectConvexConvex(first, second)
    return float(shared / (cv2.contourArea(first) + cv2.contourArea(second) - shared))


def test_a_side_that_nobody_has_seen_is_learned_and_forgotten_again(shelf: Assistant) -> None:
    back, again = held(front(17)), held(front(17), 91, Box(200, 40, 650, 640).corners)
    assert not skus(shelf.identify(again))
    view = shelf.confirm(back, "P1", by="Ann")
    assert view.quad == tuple(Point(x, y) for x, y in ((135, 105), (765, 105), (765, 595), (135, 595))), "its middle"
    assert (view.by, view.source, view.edition) == ("Ann", None, None)
    (match,) = shelf.identify(again).matches
    assert (match.sku, match.reference) == ("P1", back.id)
    shelf.withdraw(back.id, "P1")
    assert not skus(shelf.identify(again))
    with pytest.raises(UnknownPhoto):
        shelf.withdraw(back.id, "P1")


def test_a_box_says_where_a_side_is(shelf: Assistant) -> None:
    view = shelf.confirm(held(front(17)), "P1", box=(250, 60, 640, 630))
    assert view.quad == Box(250, 60, 640, 630).corners


def test_where_the_official_picture_lies_is_the_place_without_its_ground(shelf: Assistant) -> None:
    view = shelf.confirm(held(front(1)), "P1")
    edge = 450 // 12
    corners = np.array([[(edge, edge), (450 - edge, edge), (450 - edge, 600 - edge), (edge, 600 - edge)]], np.float32)
    whole = np.array([(0, 0), (450, 0), (450, 600), (0, 600)], np.float32)
    where = cv2.perspectiveTransform(corners, cv2.getPerspectiveTransform(whole, np.array(HELD, np.float32)))[0]
    assert view.quad
    assert overlap(view.quad, tuple(Point(float(x), float(y)) for x, y in where)) > 0.95  # type: ignore[arg-type]


def test_where_an_earlier_view_lies_is_the_place(shelf: Assistant) -> None:
    shelf.confirm(held(front(17)), "P1", box=Box.around(HELD))
    there = Box(200, 40, 650, 640).corners
    view = shelf.confirm(held(front(17), 91, there), "P1")
    assert view.quad
    # The view's box is a little larger than the tilted pack in it.
    assert overlap(view.quad, there) > 0.85


def test_confirming_again_is_harmless(shelf: Assistant) -> None:
    photo = held(front(1))
    first = shelf.confirm(photo, "P1", by="Ann")
    assert shelf.confirm(photo, "P1", by="Bob") == first
    assert list(shelf.views("P1")) == [first]
    assert not shelf.views("P0")


def test_another_product_that_is_clearly_seen_contradicts(shelf: Assistant) -> None:
    photo = held(front(0))
    with pytest.raises(Contradiction, match=r"photo of P1, Pack 1; what is seen there is P0, Pack 0"):
        shelf.confirm(photo, "P1")
    assert not shelf.views()
    assert shelf.confirm(photo, "P1", box=(20, 20, 200, 300)).sku == "P1", "beside it something else may be"
    assert shelf.confirm(photo, "P0").sku == "P0"
    with pytest.raises(Contradiction):
        shelf.confirm(photo, "P1", box=(300, 200, 600, 500))


def test_a_view_of_another_product_contradicts_until_it_is_withdrawn(shelf: Assistant) -> None:
    back = held(front(17))
    shelf.confirm(back, "P1")
    other = held(front(17), 91)
    with pytest.raises(Contradiction, match="withdraw that first"):
        shelf.confirm(other, "P0")
    shelf.withdraw(back.id, "P1")
    assert shelf.confirm(other, "P0").sku == "P0"


def test_a_barcode_of_another_product_contradicts(shelf: Assistant) -> None:
    back = front(17)
    code = zxingcpp.create_barcode(CODES[2], zxingcpp.BarcodeFormat.EAN13).to_image(scale=3)
    back.paste(Image.fromarray(np.asarray(code)).convert("RGB"), (100, 440))
    photo = held(back, 90, Box(225, 50, 675, 650).corners)
    with pytest.raises(Contradiction, match="its barcode names P2"):
        shelf.confirm(photo, "P1")
    assert shelf.confirm(photo, "P2").sku == "P2"


def test_a_photo_that_teaches_badly_is_refused(shelf: Assistant, indexed: Path) -> None:
    sharp = Image.fromarray(pixels(held(front(1))))
    for worse, said in (
        (sharp.filter(ImageFilter.GaussianBlur(14)), "sharp and bright enough"),
        (ImageOps.mirror(sharp), "mirrored"),
    ):
        with pytest.raises(BadInput, match=said):
            shelf.confirm(worse, "P1")
    for box in ((1000, 10, 1200, 300), (10, 10, 10, 300), (10, 10, 15, 300)):
        with pytest.raises(BadInput):
            shelf.confirm(held(front(17)), "P1", box=box)
    with pytest.raises(BadInput, match="official one of P1"):
        shelf.confirm(indexed / "1.png", "P1")
    with pytest.raises(UnknownProduct):
        shelf.confirm(sharp, "Nobody")
    assert not shelf.views()


def test_a_view_outlives_the_thread_that_it_came_from_and_the_assistant(shelf: Assistant, tmp_path: Path) -> None:
    reply = shelf.ask("Which product is it?", [held(front(1))], thread="ann")
    view = shelf.confirm(reply.photos[0], "P1")
    assert view.source == "ann"
    shelf.forget("ann")
    Image.fromarray(pixels(held(front(0)))).save(tmp_path / "shop.png")
    assert shelf.confirm(tmp_path / "shop.png", "P0").source == "shop.png"
    shelf.close()
    with Assistant.open(shelf.home) as again:
        assert {each.photo for each in again.views()} >= {view.photo}
        again.remove_product("P1")
        assert [each.sku for each in again.views()] == ["P0"]


# --- editions


def judged(assistant: Assistant, image: Image.Image, claimed: str = "P2") -> tuple[Finding, Verdict, Match]:
    found = assistant.compare(held(image, 91), claimed=claimed)
    assert found.verdict
    (match,) = found.matches
    return found, found.verdict, match


def test_an_older_edition_is_the_same_and_no_difference(shelf: Assistant) -> None:
    found, verdict, match = judged(shelf, front(2, "2021"))
    assert (verdict.answer, found.differences) == ("same", ())
    assert "edition" in verdict.reasons
    assert (match.edition, match.confirmed) == ("2021", False)
    text = "\n".join(s.text for s in products.compare("en", found, held(front(2)).size))
    assert "It is the 2021 edition of Pack 2." in text
    found, verdict, match = judged(shelf, front(2))
    assert (verdict.answer, match.edition) == ("same", None)
    assert "edition" not in verdict.reasons


def test_what_differs_from_every_edition_differs_from_the_one_that_fits_best(shelf: Assistant) -> None:
    changed = front(2, "2021")
    ImageDraw.Draw(changed).rectangle((120, 130, 330, 260), (10, 10, 10))
    found, verdict, match = judged(shelf, changed)
    assert (verdict.answer, match.edition) == ("differs", "2021")
    reference = shelf.products()[2].references[1]
    assert {difference.reference for difference in found.differences} == {reference}
    assert all(d.there.y1 < 300 for d in found.differences), "the panel is that of the edition"


def test_a_confirmed_photo_of_an_edition_stands_in_for_its_official_picture(shelf: Assistant) -> None:
    _, verdict, _ = judged(shelf, front(1, "2019"), "P1")
    assert verdict.answer == "differs"
    view = shelf.confirm(held(front(1, "2019")), "P1", edition="2019")
    found, verdict, match = judged(shelf, front(1, "2019"), "P1")
    assert (verdict.answer, found.differences) == ("same", ())
    assert "edition" in verdict.reasons
    assert (match.reference, match.confirmed, match.edition) == (view.photo, True, "2019")
    _, verdict, match = judged(shelf, front(1), "P1")
    assert (verdict.answer, match.confirmed, match.edition) == ("same", False, None)
    changed = front(1, "2019")
    ImageDraw.Draw(changed).rectangle((120, 130, 330, 260), (10, 10, 10))
    found, verdict, match = judged(shelf, changed, "P1")
    assert (verdict.answer, match.confirmed, match.edition) == ("differs", True, "2019")
    whole = np.array([(0, 0), (450, 0), (450, 600), (0, 600)], np.float32)
    there = cv2.getPerspectiveTransform(whole, np.array(HELD, np.float32))
    ((x, y),) = cv2.perspectiveTransform(np.array([[(225, 195)]], np.float32), there)[0]
    (difference,) = found.differences
    assert difference.reference == view.photo
    assert difference.there.x0 < x < difference.there.x1, "in pixels of the confirmed photo"
    assert difference.there.y0 < y < difference.there.y1
    shelf.draw(held(changed, 91), found, shelf.home / "compared.jpg")


def test_a_confirmed_photo_without_an_edition_excuses_nothing(shelf: Assistant) -> None:
    changed = front(1)
    ImageDraw.Draw(changed).rectangle((120, 130, 330, 260), (10, 10, 10))
    shelf.confirm(held(changed), "P1")
    found, verdict, match = judged(shelf, changed, "P1")
    assert (verdict.answer, match.confirmed) == ("differs", False)
    assert found.differences


@pytest.mark.parametrize("language", languages())
def test_official_and_confirmed_are_said_apart(language: str) -> None:
    match = Match("OAT", "Oat 1 L", "sha256:" + "1" * 64, ("features",))
    look = Finding("identify:0", "identify", "found", ("sha256:" + "0" * 64,), "instruments", 1.0, matches=(match,))
    compared = replace(look, id="compare:0", tool="compare", verdict=Verdict("same", ("agrees",)))

    def said(finding: Finding, seen: Match) -> str:
        composer: Callable[..., Iterator[Statement]] = getattr(products, finding.tool)
        return " ".join(s.text for s in composer(language, replace(finding, matches=(seen,)), held(front(1)).size))

    kinds = [replace(match, confirmed=c, edition=e) for c in (False, True) for e in (None, "2021")]
    texts = {said(compared, kind) for kind in kinds}
    assert len(texts) == 4
    assert all("Oat 1 L" in text for text in texts)
    assert [("2021" in said(compared, kind)) for kind in kinds] == [False, True, False, True]
    official, confirmed = said(look, match), said(look, replace(match, confirmed=True))
    assert "OAT" in confirmed
    for word in ("official", "官方"):
        assert word not in confirmed + said(compared, kinds[2]) + said(compared, kinds[3])
    assert official != confirmed


# --- on the command line


def test_views_are_confirmed_listed_and_withdrawn(shelf: Assistant, tmp_path: Path) -> None:
    shelf.close()
    Image.fromarray(pixels(held(front(17)))).save(tmp_path / "back.png")
    Image.fromarray(pixels(held(front(0)))).save(tmp_path / "front.png")
    back, other = str(tmp_path / "back.png"), str(tmp_path / "front.png")

    def run(*args: str) -> Result:
        return CliRunner().invoke(app, ["catalogue", *args], env={"SIGHTLINE_HOME": str(shelf.home)})

    assert "No views yet" in run("views").stdout
    done = run("confirm", back, "P1", "--box", "250,60,640,630", "--edition", "2021", "--by", "Ann", "--json")
    view = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (view["sku"], view["edition"], view["by"], view["source"]) == ("P1", "2021", "Ann", "back.png")
    assert view["quad"][2] == [640.0, 630.0]
    assert run("confirm", back, "P1").stdout == f"Kept {view['photo']} as a view of P1.\n"
    listed = json.loads(run("views", "P1", "--json").stdout)["views"]
    assert [each["photo"] for each in listed] == [view["photo"]]
    assert json.loads(run("views", "P0", "--json").stdout) == {"views": []}
    assert view["photo"] in run("views").stdout
    refused = run("confirm", other, "P1", "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["error"]["kind"]) == (2, "Contradiction")
    for bad in (("confirm", back, "P1", "--box", "1,2,3"), ("confirm", back, "Nobody"), ("views", "Nobody")):
        assert run(*bad).exit_code == 2, bad
    with FileLock(shelf.home / "lock"):
        busy = [run("confirm", back, "P1", "--json"), run("withdraw", view["photo"], "P1", "--json")]
        assert [(each.exit_code, json.loads(each.stdout)["error"]["kind"]) for each in busy] == [(4, "Busy")] * 2
        assert run("views").exit_code == 0, "any number read meanwhile"
    gone = run("withdraw", view["photo"], "P1", "--json")
    assert json.loads(gone.stdout) == {"withdrawn": view["photo"], "sku": "P1"}
    assert run("withdraw", view["photo"], "P1").exit_code == 2
