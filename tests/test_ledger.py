"""The ledger: a slot is supported only by what its finding holds."""

from collections.abc import Sequence

import pytest

from sightline.agent.ledger import CHECKS, check, holds
from sightline.agent.places import PLACES, place
from sightline.agent.reply import Slot, SlotKind, Statement
from sightline.tools.types import Box, Difference, Direction, Fact, Finding, Match, Point, Region, Size, Verdict

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
    assert holds([claim]) == (claim.status == "supported")
    return claim.status


@pytest.mark.parametrize(("kind", "value"), TRUE)
def test_what_the_finding_holds_is_supported(kind: SlotKind, value: str) -> None:
    assert claims(kind, value) == "supported"


@pytest.mark.parametrize(("kind", "value"), FALSE)
def test_what_it_does_not_hold_is_contradicted(kind: SlotKind, value: str) -> None:
    assert claims(kind, value) == "contradicted"


def test_every_kind_of_slot_is_tried_both_ways() -> None:
    assert {k for k, _ in TRUE} == {k for k, _ in FALSE} == CHECKS.keys()


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
