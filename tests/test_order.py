"""Lines are read in the order a person reads them, wherever the page lies."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.tools.order import reading_order
from sightline.tools.types import Line, Point


def line(text: str, x: float, y: float, width: float, height: float = 20, vertical: bool = False) -> Line:
    quad = (Point(x, y), Point(x + width, y), Point(x + width, y + height), Point(x, y + height))
    return Line(text, quad, 0.99, "latin", vertical=vertical)


def moved(one: Line, dx: float = 0, dy: float = 0, scale: float = 1, angle: float = 0) -> Line:
    c, s = math.cos(angle), math.sin(angle)
    a, b, d, e = (Point((x * c - y * s) * scale + dx, (x * s + y * c) * scale + dy) for x, y in one.quad)
    return Line(one.text, (a, b, d, e), one.score, one.script, one.status, one.vertical)


def texts(lines: list[Line]) -> str:
    return " ".join(lines[i].text for i in reading_order(lines))


places = st.builds(
    line,
    st.just("x"),
    st.integers(0, 800),
    st.integers(0, 800),
    st.integers(8, 400),
    st.integers(8, 64),
    st.booleans(),
)


@given(st.lists(places, max_size=14))
def test_every_line_is_read_exactly_once(lines: list[Line]) -> None:
    assert sorted(reading_order(lines)) == list(range(len(lines)))


@given(
    st.lists(places, max_size=10),
    st.integers(-2000, 2000),
    st.integers(-2000, 2000),
    st.sampled_from([0.25, 0.5, 2.0, 8.0]),
)
def test_moving_or_scaling_the_page_changes_nothing(lines: list[Line], dx: int, dy: int, scale: float) -> None:
    elsewhere = [moved(one, dx, dy, scale) for one in lines]
    assert reading_order(elsewhere) == reading_order(lines)


@given(
    left=st.integers(3, 9),
    right=st.integers(3, 9),
    width=st.integers(200, 500),
    gutter=st.integers(20, 90),
    offset=st.integers(0, 12),
    shuffle=st.randoms(),
)
def test_two_columns_of_running_text_are_read_one_after_the_other(
    left: int, right: int, width: int, gutter: int, offset: int, shuffle: object
) -> None:
    lines = [line(f"a{i}", 0, 28 * i, width - i % 3 * 10) for i in range(left)]
    lines += [line(f"b{i}", width + gutter, 28 * i + offset, width - i % 2 * 15) for i in range(right)]
    shuffle.shuffle(lines)  # type: ignore[attr-defined]
    expected = [f"a{i}" for i in range(left)] + [f"b{i}" for i in range(right)]
    assert texts(lines).split() == expected


@given(st.lists(st.tuples(st.integers(40, 150), st.integers(20, 60)), min_size=2, max_size=9), st.integers(30, 300))
def test_a_receipt_is_read_row_by_row(rows: list[tuple[int, int]], gap: int) -> None:
    right = 150 + gap + 60
    lines = [line(f"item{i}", 0, 30 * i, wide) for i, (wide, _) in enumerate(rows)]
    lines += [line(f"price{i}", right - wide, 30 * i + 2, wide) for i, (_, wide) in enumerate(rows)]
    assert texts(lines).split() == [word for i in range(len(rows)) for word in (f"item{i}", f"price{i}")]


def test_a_label_stays_beside_its_value_between_other_lines() -> None:
    lines = [
        line("title", 0, 0, 400, 40),
        line("weight", 0, 60, 90),
        line("500g", 260, 61, 50),
        line("foot", 0, 100, 380),
    ]
    assert texts(lines) == "title weight 500g foot"


def test_a_heading_is_read_before_the_columns_under_it() -> None:
    lines = [line("head", 0, 0, 640, 40)]
    lines += [line(f"a{i}", 0, 60 + 28 * i, 300) for i in range(4)]
    lines += [line(f"b{i}", 340, 60 + 28 * i, 300) for i in range(4)]
    assert texts(lines) == "head a0 a1 a2 a3 b0 b1 b2 b3"


def test_columns_of_upright_characters_are_read_from_right_to_left() -> None:
    lines = [line(f"c{i}", 40 * i, 10 * (i % 2), 30, 200, vertical=True) for i in range(4)]
    assert texts(lines) == "c3 c2 c1 c0"
    lines += [line("under", 0, 260, 160)]
    assert texts(lines) == "c3 c2 c1 c0 under"


def test_a_column_in_two_pieces_is_read_from_the_top() -> None:
    upper, lower = line("a", 40, 0, 30, 120, vertical=True), line("b", 44, 130, 30, 120, vertical=True)
    left = line("c", 0, 0, 30, 250, vertical=True)
    for lines in ([upper, lower, left], [left, lower, upper], [lower, left, upper]):
        assert texts(lines) == "a b c"


@pytest.mark.parametrize("degrees", [-30, -9, 9, 30])
def test_a_tilted_page_is_read_like_a_level_one(degrees: int) -> None:
    level = [line(f"item{i}", 0, 30 * i, 140) for i in range(5)] + [line(f"p{i}", 320, 30 * i, 50) for i in range(5)]
    tilted = [moved(one, angle=math.radians(degrees)) for one in level]
    assert texts(tilted) == texts(level)


def test_lines_that_run_another_way_are_read_after_the_page() -> None:
    page = [line(f"l{i}", 40, 30 * i, 300) for i in range(4)]
    spine = [moved(line("spine", 0, 0, 100), dx=20, dy=5, angle=math.pi / 2)]
    assert texts(spine + page) == "l0 l1 l2 l3 spine"
