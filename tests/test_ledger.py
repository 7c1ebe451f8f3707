"""The ledger: a slot is supported only by what its finding holds."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.agent.ledger import CHECKS, check, folded, holds
from sightline.agent.places import PLACES, place
from sightline.agent.reply import Slot, SlotKind, Statement
from sightline.tools.types import (
    Box,
    Difference,
    Direction,
    Fact,
    Finding,
    Glance,
    Match,
    Point,
    Region,
    Sentence,
    Size,
    Verdict,
)

PHOTO = "sha256:" + "0" * 64
SIZE = Size(300, 300)
TEXT = Region(Box(10, 10, 90, 30), "BEST BEFORE 03/04/27", "text", 0.98)
RED = Region(Box(210, 210, 290, 290), "red", "colour")
CODE = Region(Box(110, 210, 190, 290), "EAN-13", "code")
PACK = Region(Box(0, 0, 200, 200), "Oat drink", "product")
QUAD = (Point(0, 0), Point(90, 0), Point(90, 90), Point(0, 90))
FINDING = Finding(
    "ocr:1",
    "ocr",
    "found",
    (PHOTO,),
    "fake reader 1",
    1.0,
    text="BEST BEFORE 03/04/27",
    regions=(TEXT, RED, CODE, PACK),
    facts=(
        Fact("expiry", "2027-04-03", "03/04/27", TEXT, ("2027-03-04",)),
        Fact("weight", "250 g", "250g", TEXT),
        Fact("code", "4006381333931", None, CODE),
    ),
    matches=(Match("OAT", "Oat drink", PHOTO, ("features",), quad=QUAD), Match("RYE", "Rye drink", PHOTO, ("named",))),
    differences=(
        Difference("text", TEXT, PHOTO, Box(1, 1, 9, 3), "1 L", "2 L"),
        Difference("colour", RED, PHOTO, Box(20, 20, 29, 29), "blue", "red"),
    ),
    verdict=Verdict("differs", ("text",)),
    directions=(Direction(Point(50, 50), 310.0, "she"),),
)
TRUE: Sequence[tuple[SlotKind, str]] = [
    ("quote", "BEST BEFORE"),
    ("date", "2027-04-03"),
    ("date", "2027-03-04"),
    ("number", "250 g"),
    ("code", "4006381333931"),
    ("count", "4"),
    ("side", "1 upper_left"),
    ("colour", "red"),
    ("product", "OAT"),
    ("direction", "1 upper_left"),
    ("difference", "2 colour"),
    ("quote", "1 L"),
    ("verdict", "differs"),
]
FALSE: Sequence[tuple[SlotKind, str]] = [
    ("quote", "BEST AFTER"),
    ("date", "2027-04-04"),
    ("number", "500 g"),
    ("code", "4006381333932"),
    ("count", "2"),
    ("side", "1 upper_right"),
    ("side", "2 upper_left"),
    ("colour", "blue"),
    ("product", "OAT-2"),
    ("direction", "1 left"),
    ("direction", "2 upper_left"),
    ("difference", "1 colour"),
    ("difference", "3 text"),
    ("verdict", "same"),
]


def claims(kind: SlotKind, value: str, cites: tuple[str, ...] = ("ocr:1",)) -> str:
    statement = Statement("…", cites, (Slot(kind, value, "ocr:1"),))
    (claim,) = check(0, statement, {"ocr:1": FINDING}, {PHOTO: SIZE})
    assert holds(statement, [claim]) == (claim.status == "supported")
    return claim.status


@pytest.mark.parametrize(("kind", "value"), TRUE)
def test_what_the_finding_holds_is_supported(kind: SlotKind, value: str) -> None:
    assert claims(kind, value) == "supported"


@pytest.mark.parametrize(("kind", "value"), FALSE)
def test_what_it_does_not_hold_is_contradicted(kind: SlotKind, value: str) -> None:
    assert claims(kind, value) == "contradicted"


# What a model said of a photo with two red cups and a lamp, and what second looks came to.
CUPS = (Region(Box(10, 200, 60, 260), "cups", "thing"), Region(Box(80, 200, 130, 260), "cups", "thing"))
SAID = Finding(
    "describe:1",
    "describe",
    "found",
    (PHOTO,),
    "fake reader 1",
    1.0,
    text="NET 1.5 L\nMADE IN\nFRANCE",
    regions=(
        Region(Box(10, 10, 90, 30), "NET 1.5 L", "text", 0.98),
        Region(Box(10, 40, 90, 60), "MADE IN", "text", 0.98),
        Region(Box(10, 70, 90, 90), "FRANCE", "text", 0.98),
    ),
    matches=(Match("OAT", "Oat Drink Original", PHOTO, ("features",), quad=QUAD),),
    model="a model",
    said="…",
    sentences=(Sentence("…"),),
    glances=(
        Glance("cups", "found", CUPS, (("red", "white"), ("red",))),
        Glance(
            "hand", "found", CUPS[:1], (("pink",),), directions=(Direction(Point(10, 200), 280.0, "hand"),), cut=True
        ),
        Glance("dog", "absent"),
        Glance("lamp", "not_looked"),
    ),
)
OF_THINGS: Sequence[tuple[SlotKind, str, str | None, str]] = [
    ("thing", "Cups", None, "supported"),
    ("thing", "dog", None, "contradicted"),
    ("thing", "lamp", None, "unverified"),
    ("thing", "sofa", None, "unverified"),
    ("count", "2", "cups", "supported"),
    ("count", "3", "cups", "contradicted"),
    ("count", "1", "hand", "unverified"),
    ("count", "2", None, "unverified"),
    ("colour", "red", "cups", "supported"),
    ("colour", "blue|white", "cups", "supported"),
    ("colour", "green", "cups", "contradicted"),
    ("colour", "red", "lamp", "unverified"),
    ("colour", "red", None, "unverified"),
    ("side", "left", "cups", "supported"),
    ("side", "bottom", "cups", "supported"),
    ("side", "right", "cups", "contradicted"),
    ("side", "left", None, "unverified"),
    ("direction", "left", "hand", "supported"),
    ("direction", "right", "hand", "contradicted"),
    ("direction", "right", "cups", "unverified"),
    ("quote", "net  1.5l", None, "supported"),
    ("quote", "Made in France", None, "supported"),
    ("quote", "15 L", None, "contradicted"),
    ("quote", "5 L", None, "contradicted"),
    ("number", "1.5", None, "supported"),
    ("number", "15", None, "contradicted"),
    ("number", "2", None, "supported"),
    ("number", "7", None, "unverified"),
    ("product", "Oat drink", None, "supported"),
    ("product", "France", None, "supported"),
    ("product", "Oat drink Barista", None, "contradicted"),
]


@pytest.mark.parametrize(("kind", "value", "of", "status"), OF_THINGS)
def test_what_a_model_asserts_is_held_against_what_second_looks_and_instruments_saw(
    kind: SlotKind, value: str, of: str | None, status: str
) -> None:
    statement = Statement("…", (SAID.id,), (Slot(kind, value, SAID.id, of),))
    (claim,) = check(None, statement, {SAID.id: SAID}, {PHOTO: SIZE})
    assert (claim.status, claim.of) == (status, of)
    assert claim.region is None or claim.status == "supported"


def test_what_is_printed_where_not_all_could_be_read_is_not_contradicted() -> None:
    unread = replace(SAID, reason="partly_unreadable")
    statement = Statement("…", (SAID.id,), (Slot("quote", "SALT", SAID.id),))
    assert [c.status for c in check(0, statement, {SAID.id: unread}, {PHOTO: SIZE})] == ["unverified"]


def test_a_hedged_statement_may_hold_what_nobody_could_check_and_nothing_that_is_wrong() -> None:
    for value, held in (("cups", True), ("lamp", True), ("dog", False)):
        hedged = Statement("…", (SAID.id,), (Slot("thing", value, SAID.id),), hedged=True)
        assert holds(hedged, check(0, hedged, {SAID.id: SAID}, {PHOTO: SIZE})) == held


@given(st.text(), st.text())
def test_folding_keeps_letters_and_digits_and_tells_a_point_from_none(a: str, b: str) -> None:
    assert folded(a + b).replace(".", "") == (folded(a) + folded(b)).replace(".", "")
    assert folded("1.5") != folded("15")


@given(st.floats(0, 280), st.floats(0, 280), st.sampled_from(["left", "right", "centre", "top", "bottom"]))
def test_law_3_what_is_said_of_a_things_side_is_mirrored_with_the_photo(x: float, y: float, side: str) -> None:
    swapped = {"left": "right", "right": "left"}.get(side, side)
    held = []
    for left, said in ((x, side), (280 - x, swapped)):
        region = Region(Box(left, y, left + 20, y + 20), "cup", "thing")
        found = replace(SAID, glances=(Glance("cup", "found", (region,), ((),)),))
        statement = Statement("…", (SAID.id,), (Slot("side", said, SAID.id, "cup"),))
        held += [claim.status for claim in check(0, statement, {SAID.id: found}, {PHOTO: SIZE})]
    assert held[0] == held[1]


def test_every_kind_of_slot_is_tried_both_ways() -> None:
    of_things = {(k, s) for k, _, _, s in OF_THINGS}
    assert {k for k, _ in TRUE} | {k for k, s in of_things if s == "supported"} == CHECKS.keys()
    assert {k for k, _ in FALSE} | {k for k, s in of_things if s == "contradicted"} == CHECKS.keys()


def test_an_uncited_finding_supports_nothing() -> None:
    assert claims("quote", "BEST BEFORE", cites=()) == "unverified"
    assert claims("quote", "BEST BEFORE", cites=("ocr:2",)) == "unverified"


def test_the_region_that_supports_a_claim_comes_with_it() -> None:
    statement = Statement("…", ("ocr:1",), (Slot("colour", "red", "ocr:1"),))
    (claim,) = check(4, statement, {"ocr:1": FINDING}, {PHOTO: SIZE})
    assert (claim.statement, claim.region) == (4, RED)


def test_mirroring_swaps_left_and_right_and_nothing_else() -> None:
    for index, name in enumerate(PLACES):
        x, y = 100 * (index % 3), 100 * (index // 3)
        box, mirrored = Box(x + 5, y + 5, x + 95, y + 95), Box(295 - x - 90, y + 5, 295 - x, y + 95)
        assert place(box, SIZE) == name
        swapped = name.replace("left", "*").replace("right", "left").replace("*", "right")
        assert place(mirrored, SIZE) == swapped
