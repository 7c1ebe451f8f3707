"""Facts come from the label they stand with, mean what they say, and are never invented."""

import string
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.tools.dates import find_dates
from sightline.tools.errors import BadInput
from sightline.tools.fields import count_expiry, find_fields
from sightline.tools.periods import last_days
from sightline.tools.types import Fact, FieldName, Line, Point, Reading
from sightline.tools.wordings import LABELS

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
FORMATS: dict[str, Callable[[date], str]] = {
    "iso": lambda d: d.isoformat(),
    "dots": lambda d: d.strftime("%Y.%m.%d"),
    "slashes": lambda d: d.strftime("%Y/%m/%d"),
    "digits": lambda d: d.strftime("%Y%m%d"),
    "chinese": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "named": lambda d: f"{d.day:02d} {MONTHS[d.month - 1]} {d.year}",
    "squeezed": lambda d: f"{d.day:02d}{MONTHS[d.month - 1]}{d:%y}",
    "american": lambda d: f"{MONTHS[d.month - 1].title()} {d.day}, {d.year}",
    "wide": lambda d: d.strftime("%Y.%m.%d").translate(str.maketrans("0123456789.", "０１２３４５６７８９．")),
}
EXPIRY = [
    word for announces, order, words in LABELS if announces == "expiry" and order != "dmy" for word in words.split("|")
]
dates = st.dates(date(2020, 1, 1), date(2049, 12, 31))


def at(text: str, x: float, y: float, status: str = "read", height: float = 30) -> Line:
    width = sum(height if c > "\u2e80" else height / 2 for c in text)
    quad = (Point(x, y), Point(x + width, y), Point(x + width, y + height), Point(x, y + height))
    return Line(text, quad, 0.98, "latin", status)  # type: ignore[arg-type]


def reading(*lines: Line | str) -> Reading:
    placed = [one if isinstance(one, Line) else at(one, 10, 10 + 40 * i) for i, one in enumerate(lines)]
    return Reading("sha256:" + "0" * 64, tuple(placed), "test", 1.0)


def facts(*lines: Line | str) -> set[tuple[str, str]]:
    return {(fact.name, fact.value) for fact in find_fields(reading(*lines))}


@pytest.mark.parametrize("form", FORMATS)
@given(day=dates, label=st.sampled_from(EXPIRY), join=st.sampled_from([" ", ": ", "："]), apart=st.booleans())
def test_any_date_after_any_expiry_label_comes_back_right(
    form: str, day: date, label: str, join: str, apart: bool
) -> None:
    written = FORMATS[form](day)
    found = find_fields(reading(label, written) if apart else reading(f"{label}{join}{written}"))
    assert [(f.name, f.value, f.quote, f.alternatives) for f in found] == [("expiry", day.isoformat(), written, ())]


@given(st.text(string.ascii_letters + " ,.;:!?，。、的一是在不了有和人这中大为上个国我以要", max_size=60))
def test_text_without_digits_has_no_dates(text: str) -> None:
    assert not [fact for fact in find_fields(reading(text)) if fact.name in ("expiry", "production", "date")]


@given(day=st.integers(1, 12), month=st.integers(1, 12), year=st.integers(2032, 2049))
def test_a_date_whose_order_is_not_printed_keeps_every_meaning(day: int, month: int, year: int) -> None:
    (fact,) = find_fields(reading(f"EXP {day:02d}/{month:02d}/{year % 100}"))
    meanings = {date(year, month, day).isoformat(), date(year, day, month).isoformat()}
    assert {fact.value, *fact.alternatives} == meanings
    assert fact.value == date(year, month, day).isoformat()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("03/04/25", ("2025-04-03", "2025-03-04")),
        ("13/04/25", ("2025-04-13",)),
        ("04/13/25", ("2025-04-13",)),
        ("25/04/03", ("2025-04-03",)),
        ("25/04/26", ("2026-04-25", "2025-04-26")),
        ("04/2025", ("2025-04",)),
        ("2025年4月", ("2025-04",)),
        ("二〇二五年十二月三十一日", ("2025-12-31",)),
        ("April 2025", ("2025-04",)),
        ("29.02.2024", ("2024-02-29",)),
    ],
)
def test_a_date_means_what_it_can_mean(text: str, values: tuple[str, ...]) -> None:
    assert [found.values for found in find_dates(text)] == [values]


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-30",
        "31/04/2025",
        "2025年13月1日",
        "6901234567892",
        "192.168.20.25",
        "v2.10.25.1",
        "400-2025-10",
        "12:30",
    ],
)
def test_what_cannot_be_a_day_is_no_date(text: str) -> None:
    assert find_dates(text) == []


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("mindestens haltbar bis", "2025-04-03"),
        ("à consommer avant le", "2025-04-03"),
        ("data di scadenza", "2025-04-03"),
        ("consumir preferentemente antes del", "2025-04-03"),
    ],
)
def test_the_language_of_the_label_orders_the_date(label: str, value: str) -> None:
    (fact,) = find_fields(reading(f"{label} 03.04.25"))
    assert (fact.name, fact.value, fact.alternatives) == ("expiry", value, ())


def test_a_japanese_label_writes_the_year_first() -> None:
    assert facts("賞味期限 25.04.26") == {("expiry", "2025-04-26")}


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (("EXP 12/26",), "2026-12"),
        (("EXP", "12/26"), "2026-12"),
        (("BBE 04 2027",), "2027-04"),
        (("EXP 3.4.32",), "2032-04-03"),
        (("消費期限 令和9年3月14日",), "2027-03-14"),
        (("有效日期：民國115年3月",), "2026-03"),
        (("Cad. 14/03/27",), "2027-03-14"),
    ],
)
def test_short_forms_and_eras_are_dates_where_a_label_says_so(lines: tuple[str, ...], value: str) -> None:
    assert facts(*lines) == {("expiry", value)}


@pytest.mark.parametrize("text", ["12/26", "04 2027", "Version 3.4.32", "EXP 13/26", "Ratio 3/25", "Price 3.04.32"])
def test_short_forms_alone_are_no_dates(text: str) -> None:
    assert facts(text) == set()


@given(
    day=st.integers(13, 28), month=st.integers(1, 12), other=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    american=st.booleans(),
)  # fmt: skip
def test_a_date_that_has_one_order_tells_how_another_on_the_pack_is_read(
    day: int, month: int, other: tuple[int, int], american: bool
) -> None:
    def written(day: int, month: int, year: int) -> str:
        return f"{month:02d}/{day:02d}/{year}" if american else f"{day:02d}/{month:02d}/{year}"

    made, best = date(2026, month, day), date(2027, other[1], other[0])
    found = find_fields(reading(f"MFG {written(day, month, 2026)}", f"EXP {written(*other, 2027)}"))
    assert {(f.name, f.value, f.alternatives) for f in found} == {
        ("production", made.isoformat(), ()),
        ("expiry", best.isoformat(), ()),
    }


MADE_AND_BEST = {("production", "2024-04-03"), ("expiry", "2025-04-03")}


@pytest.mark.parametrize(
    "lines",
    [
        ("MFG 2024-04-03 EXP 2025-04-03",),
        ("MFG", "EXP", "2024-04-03", "2025-04-03"),
        ("生产日期：2024年4月3日", "保质期至：2025年4月3日"),
        ("生产日期/有效期至: 2024.04.03/2025.04.03",),
        (at("Packed on", 10, 10), at("2024-04-03", 300, 12), at("Use by", 10, 50), at("2025-04-03", 300, 50)),
        (at("MFG", 10, 10), at("EXP", 300, 10), at("2024-04-03", 10, 50), at("2025-04-03", 300, 50)),
    ],
    ids=["one line", "stacked", "chinese", "slashed", "beside", "table"],
)
def test_production_and_expiry_are_kept_apart(lines: tuple[Line | str, ...]) -> None:
    assert facts(*lines) == MADE_AND_BEST


def test_a_turned_photo_keeps_labels_beside_values() -> None:
    upright = [at("EXP", 10, 10), at("2025-04-03", 200, 10), at("MFG", 10, 50), at("2024-04-03", 200, 50)]
    # As a photo that has to be turned by 90 degrees clockwise would hold them.
    sent = tuple(
        Line(one.text, tuple(Point(p.y, 500 - p.x) for p in one.quad), one.score, one.script)  # type: ignore[arg-type]
        for one in upright
    )
    found = find_fields(Reading("sha256:" + "0" * 64, sent, "test", 1.0, turned=90))
    assert {(f.name, f.value) for f in found} == MADE_AND_BEST


@pytest.mark.parametrize("lines", [("Best before: see lid",), ("生产日期：见瓶身",), ("保质期：见瓶盖",)])
def test_nothing_is_made_up(lines: tuple[str, ...]) -> None:
    assert facts(*lines) == set()


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (("保质期：12个月",), "P12M"),
        (("保质期 3年",), "P3Y"),
        (("保质期（常温）：十八个月",), "P18M"),
        (("保质期：冷藏7天",), "P7D"),
        (("Shelf life: 24 months",), "P24M"),
        (("Shelf-life 6 weeks",), "P6W"),
        (("賞味期間 90日",), "P90D"),
        ((at("保质期", 10, 10), at("540天", 300, 12)), "P540D"),
    ],
)
def test_a_shelf_life_is_read_as_a_period(lines: tuple[Line | str, ...], value: str) -> None:
    assert facts(*lines) == {("shelf_life", value)}


@pytest.mark.parametrize(
    "text", ["古法日晒180天", "Matured 18 months", "保质期：2027年3月", "保质期 0 个月", "12个月以上婴儿"]
)
def test_other_spans_of_time_are_no_shelf_life(text: str) -> None:
    assert "shelf_life" not in {name for name, _ in facts(text)}


def test_reading_a_shelf_life_adds_no_expiry_date() -> None:
    read = facts("生产日期：20260308", "保质期：12个月")
    assert read == {("production", "2026-03-08"), ("shelf_life", "P12M")}
    assert facts("2026.05.12 保质期12个月") == {("date", "2026-05-12"), ("shelf_life", "P12M")}


def test_an_expiry_date_is_counted_from_one_production_date_and_one_shelf_life() -> None:
    made, life = Fact("production", "2026-03-08", "20260308"), Fact("shelf_life", "P12M", "12个月")
    counted = count_expiry([made, life])
    assert counted is not None
    assert (counted.value, counted.alternatives) == ("2027-03-07", ("2027-03-08",))
    assert (counted.quote, counted.region) == (None, None), "it is printed nowhere"
    assert count_expiry([made]) is None
    assert count_expiry([made, life, Fact("shelf_life", "P18M")]) is None, "which of the two, nobody says"
    assert count_expiry([Fact("production", "2026-03"), life]) is None, "a month has no first day here"
    assert count_expiry([Fact("production", "2026-03-04", alternatives=("2026-04-03",)), life]) is None


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 1000))
def test_days_and_weeks_are_counted_exactly(made: date, number: int) -> None:
    for unit, days in (("D", 1), ("W", 7)):
        later = made + timedelta(days=number * days)
        assert last_days(made.isoformat(), f"P{number}{unit}") == (str(later - timedelta(days=1)), str(later))


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 120))
def test_months_and_years_end_on_the_day_of_production_or_on_the_last_of_the_month(made: date, number: int) -> None:
    days = last_days(made.isoformat(), f"P{number}M")
    assert days is not None
    end = date.fromisoformat(days[1])
    assert (end.year * 12 + end.month) - (made.year * 12 + made.month) == number
    assert end.day == made.day or (end.day < made.day and (end + timedelta(days=1)).day == 1)
    assert last_days(made.isoformat(), f"P{number}Y") == last_days(made.isoformat(), f"P{12 * number}M")


def test_past_the_calendar_there_is_no_day() -> None:
    assert last_days("9999-06-01", "P12M") is None
    assert last_days("9999-06-01", "P9999D") is None


def test_doubtful_and_unreadable_lines_give_no_facts() -> None:
    assert facts(at("EXP 2025-04-03", 10, 10, "doubtful"), at("500 g", 10, 50, "unreadable")) == set()


def test_the_label_of_a_date_has_to_be_read_to_count() -> None:
    assert facts(at("EXP", 10, 10, "doubtful"), at("2025-04-03", 10, 50)) == {("date", "2025-04-03")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("净含量 500g", {("weight", "500 g")}),
        ("净含量:250ml×12", {("volume", "12 x 250 ml")}),
        ("NET WT 340g 12oz", {("weight", "340 g"), ("weight", "12 oz")}),
        ("2 lbs. 8 oz", {("weight", "2 lb 8 oz")}),
        ("净含量500克装", {("weight", "500 g")}),
        ("净含量：500g（5袋）", {("weight", "500 g")}),
        ("20:30 L2251", set()),
        ("10 L2251", set()),
        ("2升级版", set()),
        ("规格：100g*10袋", {("weight", "10 x 100 g")}),
        ("NET WT 1 LB 2 OZ (510 g)", {("weight", "1 lb 2 oz"), ("weight", "510 g")}),
        ("1.500 g", {("weight", "1500 g")}),
        ("1 000 ml", {("volume", "1000 ml")}),
        ("1,500 kg", {("weight", "1.5 kg")}),
        ("1 QT (946 mL)", {("volume", "1 qt"), ("volume", "946 ml")}),
        ("250 ml x 3 cm", {("volume", "250 ml")}),
        ("净含量：500克", {("weight", "500 g")}),
        ("净含量：４５０ｇ", {("weight", "450 g")}),
        ("NET WT 12 OZ (340g)", {("weight", "12 oz"), ("weight", "340 g")}),
        ("1.5kg", {("weight", "1.5 kg")}),
        ("0,500 kg ℮", {("weight", "0.5 kg")}),
        ("1,000 g", {("weight", "1000 g")}),
        ("1,5 l", {("volume", "1.5 l")}),
        ("250毫升", {("volume", "250 ml")}),
        ("1.5升", {("volume", "1.5 l")}),
        ("16 FL OZ", {("volume", "16 fl oz")}),
        ("6 x 330 ml", {("volume", "6 x 330 ml")}),
        ("Protein 3.2 g", set()),
        ("每100克", set()),
        ("5G", set()),
        ("L24031A", {("lot", "L24031A")}),
        ("LOT 20250403", {("lot", "20250403")}),
        ("Batch No. AB-12", {("lot", "AB-12")}),
        ("批号：B0218A3", {("lot", "B0218A3")}),
        ("A lot of 500 people", set()),
        ("+46 70 123 45 67", {("phone", "+46 70 123 45 67")}),
        ("服务电话：400-810-1234", {("phone", "400-810-1234")}),
        ("(555) 123-4567", {("phone", "(555) 123-4567")}),
        ("Tel 01632 960284", {("phone", "01632 960284")}),
        ("6 901234 567892", set()),
    ],
)
def test_amounts_lots_and_phones_are_told_apart(text: str, expected: set[tuple[str, str]]) -> None:
    assert facts(text) == expected


@given(st.integers(1, 5000), st.sampled_from(["g", "kg", "ml", "l", "克", "毫升"]), st.sampled_from(["", " "]))
def test_any_labelled_amount_comes_back_right(number: int, unit: str, space: str) -> None:
    (fact,) = find_fields(reading(f"净含量：{number}{space}{unit}"))
    assert fact.value == f"{number} " + {"克": "g", "毫升": "ml"}.get(unit, unit)
    assert fact.quote == f"{number}{space}{unit}"


def test_an_amount_may_stand_beside_or_under_its_label() -> None:
    assert facts(at("Net weight", 10, 10), at("500 g", 400, 11), at("Fat 5 g", 10, 90)) == {("weight", "500 g")}
    assert facts("净含量", "500ml") == {("volume", "500 ml")}


def test_ingredients_run_over_several_lines_to_the_end_of_their_block() -> None:
    (chinese, _) = find_fields(reading("配料表：水、大豆、小麦、", "食用盐、白砂糖", "生产日期：2026年02月18日"))
    assert (chinese.name, chinese.value) == ("ingredients", "水、大豆、小麦、食用盐、白砂糖")
    assert chinese.quote == "水、大豆、小麦、\n食用盐、白砂糖"
    assert chinese.region is not None
    assert chinese.region.box.height == 70
    (english,) = find_fields(reading("Ingredients: sugar, cocoa", "butter, milk powder.", "Store cool"))
    assert english.value == "sugar, cocoa butter, milk powder."


@given(st.lists(st.text(max_size=30), max_size=6))
def test_whatever_is_printed_quotes_are_what_is_printed(lines: list[str]) -> None:
    for fact in find_fields(reading(*lines)):
        assert fact.quote
        assert all(any(part in text for text in lines) for part in fact.quote.split("\n"))


def test_a_fact_points_at_the_line_its_value_stands_in() -> None:
    label, value = at("EXP", 10, 10), at("2025-04-03", 10, 50)
    (fact,) = find_fields(reading(label, value))
    assert fact.region is not None
    assert (fact.region.box, fact.region.kind, fact.region.score) == (value.box, "text", 0.98)


def test_only_what_was_asked_for_is_answered() -> None:
    names: list[FieldName] = ["weight"]
    found = find_fields(reading("EXP 2025-04-03", "净含量 500g"), names)
    assert [fact.name for fact in found] == ["weight"]
    for text, name in (("净含量 500g", "weight"), ("净含量 1.5 l", "volume")):
        assert [fact.name for fact in find_fields(reading(text), ["quantity"])] == [name]
    with pytest.raises(BadInput, match="Expected fields among"):
        find_fields(reading("x"), ["colour"])  # type: ignore[list-item]
