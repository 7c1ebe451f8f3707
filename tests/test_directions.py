"""Which way something points: from its places in the dialect of a model to a heading that can be mirrored."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from speaking import those

from sightline.tools.dialects import Dialect, Heard, read_direction
from sightline.tools.types import Box, Direction, Point, Region, Size

UP, RIGHT, DOWN, LEFT = Point(50, 0), Point(100, 50), Point(50, 100), Point(0, 50)


@pytest.mark.parametrize(("towards", "heading"), [(UP, 0), (RIGHT, 90), (DOWN, 180), (LEFT, 270), (Point(60, 40), 45)])
def test_a_heading_is_counted_clockwise_from_up(towards: Point, heading: float) -> None:
    assert Direction.between(Point(50, 50), towards, "finger").heading == pytest.approx(heading)


coordinates = st.floats(0, 1000)


@given(st.builds(Point, coordinates, coordinates), st.builds(Point, coordinates, coordinates))
def test_mirroring_turns_a_heading_round(origin: Point, towards: Point) -> None:
    assume(math.dist(origin, towards) > 1e-3)
    heading = Direction.between(origin, towards, "").heading
    mirrored = Direction.between(Point(1000 - origin.x, origin.y), Point(1000 - towards.x, towards.y), "").heading
    assert 0 <= heading < 360
    turned = (heading + mirrored) % 360
    assert min(turned, 360 - turned) < 1e-3


def test_two_places_that_are_one_make_no_direction() -> None:
    with pytest.raises(ValueError, match="two places"):
        Direction.between(UP, UP, "finger")


@those("direction")
@pytest.mark.parametrize(
    ("towards", "heading"), [((500, 100), 0), ((900, 500), 90), ((500, 900), 180), ((100, 500), 270)]
)
def test_two_named_places_are_a_direction(dialect: Dialect, towards: tuple[int, int], heading: int) -> None:
    grow = 0 if "points" in dialect.kinds else 20
    frame = dialect.frame(Size(1000, 1000))
    regions = [
        Region(Box(x - grow, y - grow, x + grow, y + grow), name, "thing")
        for name, (x, y) in (("target", towards), ("origin", (500, 500)))
    ]
    heard = read_direction(dialect.read(dialect.write(regions, frame), frame), "finger")
    assert heard.outcome == "found"
    assert [d.label for d in heard.directions] == ["finger"]
    assert heard.directions[0].heading == pytest.approx(heading, abs=0.2)
    assert heard.directions[0].origin == pytest.approx((500, 500), abs=0.6)


@pytest.mark.parametrize("names", [["origin"], ["origin", "mug"], ["origin", "target", "target"], []])
def test_places_that_are_not_two_make_no_direction(names: list[str]) -> None:
    regions = tuple(Region(Box(n, n, n, n), name, "thing") for n, name in enumerate(names))
    assert read_direction(Heard("found", regions), "finger") == Heard("unreadable", reason="no_direction")


def test_no_place_is_no_direction_either() -> None:
    assert read_direction(Heard("absent"), "finger") == Heard("absent")
    assert read_direction(Heard("unreadable", reason="broken"), "finger").reason == "broken"
