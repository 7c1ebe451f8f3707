"""Contracts are kept per model, server and prompts; a damaged file is said and can be begun anew."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from sightline import prompts
from sightline.memory import contracts
from sightline.memory.contracts import FILE, keep, kept
from sightline.tools.dialects import DIALECTS
from sightline.tools.errors import BadInput
from sightline.tools.models.contract import Contract, Problem, Scale, key, speaks
from sightline.tools.models.families import OTHER
from sightline.tools.types import Size

SERVER = "http://127.0.0.1:8000/v1"

tri_state = st.sampled_from((True, False, None))


@st.composite
def found(draw: st.DrawFn) -> Contract:
    """Whatever calibration may find out of one endpoint."""
    scale: Scale = draw(st.sampled_from(get_args(Scale)))
    side = draw(st.integers(1, 10_000)) if scale in ("longest", "square", "area") else None
    known: dict[str, Any] = {
        f.name: draw(tri_state)
        for f in fields(Contract)
        if f.name in ("sees", "boxes", "order", "fuses", "counts", "reads", "json", "json_mode", "tools")
    }
    return Contract(
        *key("mine", SERVER),
        dialect=draw(st.sampled_from(sorted(DIALECTS))),
        scale=scale,
        side=side,
        swapped=draw(st.booleans()),
        images=draw(st.sampled_from((1, None))),
        ms=draw(st.none() | st.floats(0, 1e6)),
        problems=tuple(draw(st.lists(st.sampled_from(get_args(Problem)), unique=True))),
        **known,
    )


def plain(name: str = "mine", server: str = SERVER, **facts: Any) -> Contract:
    return Contract(*key(name, server), dialect="qwen3_vl", **facts)


@settings(max_examples=25, deadline=None)
@given(contract=found())
def test_what_is_kept_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, contract: Contract) -> None:
    home = tmp_path_factory.mktemp("home")
    keep(contract, home)
    assert kept("mine", SERVER, home) == contract
    assert speaks(OTHER, contract) is DIALECTS[contract.dialect]


def test_without_a_contract_none_is_known(tmp_path: Path) -> None:
    assert kept("mine", SERVER, tmp_path / "no" / "home") is None
    keep(plain("another"), tmp_path)
    assert kept("mine", SERVER, tmp_path) is None
    assert speaks(OTHER, None) is DIALECTS[OTHER.dialect]


def test_another_model_server_or_wording_is_another_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(plain(ms=1.0), tmp_path)
    keep(plain("other", ms=2.0), tmp_path)
    keep(plain(server="http://127.0.0.1:9/v1", ms=3.0), tmp_path)
    assert kept("mine", SERVER, tmp_path) == plain(ms=1.0)
    assert kept("mine", f"{SERVER}/", tmp_path) == plain(ms=1.0), "the same address"
    assert kept("other", SERVER, tmp_path) == plain("other", ms=2.0)
    assert kept("mine", "", tmp_path) is None
    monkeypatch.setattr(prompts, "version", lambda: "another")
    assert kept("mine", SERVER, tmp_path) is None


def test_a_new_contract_takes_the_place_of_the_old(tmp_path: Path) -> None:
    keep(plain(ms=1.0), tmp_path)
    keep(plain(ms=2.0), tmp_path)
    assert kept("mine", SERVER, tmp_path) == plain(ms=2.0)


def test_many_may_keep_at_once(tmp_path: Path) -> None:
    names = [f"model {n}" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: keep(plain(name), tmp_path), names))
    assert all(kept(name, SERVER, tmp_path) for name in names)


@pytest.mark.parametrize("data", [b"garbage " * 500, b"SQLite format 3\0" + bytes(range(256)) * 20, b"x"])
def test_a_damaged_file_is_said_and_begun_anew(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(BadInput, match=FILE):
        kept("mine", SERVER, tmp_path)
    keep(plain(), tmp_path)
    assert kept("mine", SERVER, tmp_path) == plain()


def test_a_keep_that_was_killed_before_it_kept_anything_leaves_nothing_kept(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    assert kept("mine", SERVER, tmp_path) is None
    keep(plain(), tmp_path)
    assert kept("mine", SERVER, tmp_path) == plain()


@pytest.mark.parametrize("shape", ["contracts (model TEXT)", "contracts (a, b, c, d, e)", "others (model TEXT)"])
def test_a_database_of_another_shape_is_said_and_begun_anew(tmp_path: Path, shape: str) -> None:
    edited(tmp_path, f"CREATE TABLE {shape}")
    with pytest.raises(BadInput, match=FILE):
        kept("mine", SERVER, tmp_path)
    keep(plain(), tmp_path)
    assert kept("mine", SERVER, tmp_path) == plain()


def edited(home: Path, statement: str, *values: str) -> None:
    db = sqlite3.connect(home / FILE)
    with db:
        db.execute(statement, values)
    db.close()


GOOD = TypeAdapter(Contract).dump_json(plain(scale="longest", side=640)).decode()
ROWS = [
    "{",
    '{"model": "mine"}',
    GOOD.replace('"qwen3_vl"', '"no_such_dialect"'),
    GOOD.replace("640", "null"),
    GOOD.replace('"longest"', '"furlongs"'),
    GOOD.replace('"mine"', '"another"'),
]


@pytest.mark.parametrize("row", ROWS)
def test_a_damaged_contract_is_said_and_can_be_measured_again(tmp_path: Path, row: str) -> None:
    keep(plain(), tmp_path)
    edited(tmp_path, "UPDATE contracts SET contract = ?", row)
    with pytest.raises(BadInput, match="Calibrate the model again"):
        kept("mine", SERVER, tmp_path)
    keep(plain(), tmp_path)
    assert kept("mine", SERVER, tmp_path) == plain()


def test_a_home_that_cannot_be_written_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    keep(plain(ms=1.0), tmp_path)
    db = sqlite3.connect(tmp_path / FILE)
    db.execute("BEGIN EXCLUSIVE")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contracts, "_WAIT", 0.1)
        with pytest.raises(BadInput, match="locked"):
            keep(plain(ms=2.0), tmp_path)
    db.close()
    assert kept("mine", SERVER, tmp_path) == plain(ms=1.0)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="Try another home"):
        keep(plain(), tmp_path / "file")


@pytest.mark.parametrize(
    "facts", [{"scale": "longest"}, {"scale": "square", "side": 0}, {"side": 640}, {"scale": "sent", "side": 640}]
)
def test_a_contract_that_says_nothing_sensible_is_none(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="side"):
        plain(**facts)


def test_what_was_not_measured_is_as_the_dialect_says() -> None:
    size = Size(640, 480)
    for name, dialect in DIALECTS.items():
        assert Contract("", "", "", name).frame(size) == dialect.frame(size)
        turned = replace(Contract("", "", "", name), swapped=True)
        assert turned.frame(size).swapped != dialect.frame(size).swapped


def test_a_server_that_shrinks_leaves_small_images_alone() -> None:
    small, large = Size(300, 200), Size(1200, 800)
    for scale, extent in (("longest", (600, 400)), ("area", (735, 490)), ("square", (600, 600))):
        contract = plain(scale=scale, side=600)
        assert tuple(map(round, contract.frame(large).extent)) == extent
        assert contract.frame(small).extent == ((600, 600) if scale == "square" else (300, 200))


def test_the_version_of_the_prompts_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(prompts, "files", lambda _: tmp_path)
    versions = set()
    for text in ("## a\nLook.", "## a\nLook!", "## b\nLook!"):
        prompts._prompts.cache_clear()
        (tmp_path / "models" / "a.md").write_text(text)
        versions.add(prompts.version())
    prompts._prompts.cache_clear()
    assert len(versions) == 3
    assert all(len(version) == 12 for version in versions)
