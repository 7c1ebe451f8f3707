"""The store of corrections: each kept once, edited, undone exactly, passed on without loss."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.memory.corrections import Corrections, conflicts
from sightline.tools.errors import BadInput, UnknownCorrection
from sightline.tools.types import Box, Correction

PHOTOS = tuple("sha256:" + c * 64 for c in "ab")
AT = "2026-05-03T10:00:00+00:00"

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)
told = st.builds(
    Correction,
    id=st.text("0123456789abcdef", min_size=12, max_size=12),
    scope=st.sampled_from(["photo", "product", "similar"]),
    about=st.sampled_from(["product", "field", "text", "place", "count", "colour", "thing", "other"]),
    what=st.none() | words,
    before=st.none() | words,
    after=words,
    photo=st.sampled_from(PHOTOS),
    sku=st.sampled_from(["A", "B"]),
    box=st.none() | st.builds(Box, *[st.integers(0, 99).map(float)] * 4),
    by=st.none() | words,
    at=st.just(AT),
    thread=st.none() | words,
)
some = st.lists(told, max_size=6, unique_by=lambda c: c.id)


def one(**changes: object) -> Correction:
    first = Correction(
        "0123456789ab", "photo", "field", "expiry", None, "2027-03-14", PHOTOS[0], None, None, None, AT, "t"
    )
    return replace(first, **changes)  # type: ignore[arg-type]


def store(*corrections: Correction) -> Corrections:
    kept = Corrections(Path(":memory:"))
    for correction in corrections:
        kept.add(correction)
    return kept


@given(some, told, words)
def test_whatever_is_told_or_edited_is_undone_exactly(before: list[Correction], new: Correction, after: str) -> None:
    kept = store(*before)
    was = kept.kept()
    if new.id in {c.id for c in before}:
        return
    added = kept.add(new)
    if added != new:
        assert kept.kept() == was, "it had been told before"
        return
    with_it = kept.kept()
    assert with_it == [*was, new]
    if after != new.after:
        assert kept.edit(new.id, after).after == after
        assert kept.undo(new.id).after == after
    assert kept.kept() == with_it
    kept.undo(new.id)
    assert kept.kept() == was
    assert kept.get(new.id).undone is not None
    with pytest.raises(BadInput, match="undone"):
        kept.undo(new.id)


@given(before=some)
def test_what_is_passed_on_comes_back_as_it_was(
    before: list[Correction], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file, again = (tmp_path_factory.mktemp("c") / name for name in ("a.jsonl", "b.jsonl"))
    kept = store(*before)
    n = kept.export(file)
    other = store()
    assert other.take(file) == n == len(kept.kept())
    assert other.take(file) == 0
    assert other.kept() == kept.kept()
    other.export(again)
    assert again.read_bytes() == file.read_bytes()


@given(before=some)
def test_a_correction_is_found_where_its_scope_says_and_nowhere_else(before: list[Correction]) -> None:
    kept = store(*before)
    every = kept.kept()
    for photo in PHOTOS:
        assert list(kept.of_photo(photo)) == [c for c in every if c.photo == photo and c.scope != "product"]
    for sku in "AB":
        assert list(kept.of_product(sku)) == [c for c in every if c.sku == sku and c.scope == "product"]
    assert list(kept.similar()) == [c for c in every if c.scope == "similar"][::-1]


def test_the_same_is_kept_once_and_again_after_it_was_undone() -> None:
    kept = store(one())
    assert kept.add(one(id="f" * 12, by="Ann")) == one()
    kept.undo(one().id)
    assert kept.add(one()).undone is not None, "the same turn, run again, brings nothing back"
    assert kept.add(one(id="f" * 12)).id == "f" * 12


def test_those_that_contradict_one_another_are_shown_together() -> None:
    a, b = one(), one(id="b" * 12, after="2028-01-01")
    elsewhere, other = one(id="c" * 12, photo=PHOTOS[1], after="2029-01-01"), one(id="d" * 12, what="production")
    kept = store(a, b, elsewhere, other)
    assert kept.conflicts() == [(a, b)]
    kept.undo(b.id)
    assert kept.conflicts() == []
    assert conflicts([one(about="text"), one(about="text", id="e" * 12, after="x")]) == []


def test_a_turn_undoes_once() -> None:
    kept = store(one())
    kept.edit(one().id, "2028-01-01")
    assert kept.undo(one().id, "t") == kept.undo(one().id, "t")
    assert kept.kept() == [one()]


def test_it_survives_a_restart_and_another_process_reads_it(tmp_path: Path) -> None:
    first, second = Corrections(tmp_path / "c.sqlite"), Corrections(tmp_path / "c.sqlite")
    first.add(one())
    assert second.kept() == [one()]
    first.close()
    assert Corrections(tmp_path / "c.sqlite").versions(one().id) == [one()]


def test_the_last_one_of_a_thread_is_its_own() -> None:
    kept = store(one(), one(id="b" * 12, what="lot", thread="u"))
    last = kept.last("t")
    assert last == one()
    assert kept.last("v") is None


@pytest.mark.parametrize(
    "line",
    ["{", "{}", '{"id":1}', "[]", "null"],
)
def test_a_bad_line_is_named_and_nothing_is_taken(tmp_path: Path, line: str) -> None:
    file = tmp_path / "c.jsonl"
    store(one()).export(file)
    file.write_text(file.read_text("utf-8") + line + "\n", "utf-8")
    kept = store()
    with pytest.raises(BadInput, match="line 2: Expected"):
        kept.take(file)
    assert kept.kept() == []


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (lambda: one(id="x"), "hexadecimal"),
        (lambda: one(scope="product"), "SKU"),
        (lambda: one(photo=None), "photo"),
        (lambda: one(after=" "), "what is right"),
        (lambda: one(at="yesterday"), "time"),
    ],
)
def test_what_is_not_whole_is_refused(spoilt: Callable[[], Correction], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        store().add(spoilt())


def test_an_unknown_id_and_a_missing_file_are_told() -> None:
    for call in (store().get, store().undo, store().versions):
        with pytest.raises(UnknownCorrection, match="List them"):
            call("0" * 12)
    with pytest.raises(BadInput, match="JSON Lines"):
        store().take(Path("/nowhere/at/all.jsonl"))
    with pytest.raises(BadInput, match="written"):
        store(one()).export(Path("/nowhere/at/all.jsonl"))
