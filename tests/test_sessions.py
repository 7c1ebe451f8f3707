"""Finished turns: kept once, in order, readable while another process writes."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from sightline.memory.readings import Readings
from sightline.memory.sessions import Sessions
from sightline.tools.errors import UnknownThread
from sightline.tools.types import Line, Point, Reading


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "s.sqlite")


def test_turns_come_back_in_order(sessions: Sessions) -> None:
    for n in range(5):
        sessions.commit("a", f"t{n}", {"question": f"q{n}"})
    assert [t["question"] for t in sessions.turns("a")] == [f"q{n}" for n in range(5)]
    assert sessions.last("a") == {"question": "q4"}
    assert sessions.last("b") is None


def test_committing_twice_is_harmless(sessions: Sessions) -> None:
    for _ in range(2):
        sessions.commit("a", "t", {"question": "保质期？"})
    assert sessions.turns("a") == [{"question": "保质期？"}]


def test_threads_are_listed_by_last_use_with_their_first_words(sessions: Sessions) -> None:
    sessions.commit("a", "1", {"question": "first"})
    sessions.commit("b", "2", {"question": "other"})
    sessions.commit("a", "3", {"question": "second"})
    assert [(t.name, t.turns, t.title) for t in sessions.threads()] == [("a", 2, "first"), ("b", 1, "other")]


def test_a_deleted_thread_is_gone_and_others_stay(sessions: Sessions) -> None:
    sessions.commit("a", "1", {"question": "x"})
    sessions.commit("b", "2", {"question": "y"})
    assert sessions.delete("a") == ["1"]
    assert [t.name for t in sessions.threads()] == ["b"]
    for call in (sessions.turns, sessions.delete):
        with pytest.raises(UnknownThread, match="'a'"):
            call("a")


def test_many_threads_may_commit_at_once(tmp_path: Path) -> None:
    stores = [Sessions(tmp_path / "s.sqlite") for _ in range(4)]

    def work(k: int) -> None:
        for n in range(20):
            stores[k].commit("a", f"{k}-{n}", {"question": f"{k}-{n}"})

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert len({t["question"] for t in stores[0].turns("a")}) == 80


def test_a_reading_comes_back_as_it_was(tmp_path: Path) -> None:
    corners = (Point(0, 0), Point(9, 0), Point(9, 3), Point(0, 3))
    reading = Reading("sha256:1", (Line("保质期", corners, 0.9, "han"),), "engine 1", 12.5, turned=90)
    with_file = Readings(tmp_path / "r.sqlite", "1")
    with_file.put(reading)
    with_file.close()
    again = Readings(tmp_path / "r.sqlite", "1")
    assert again.get("sha256:1", "engine 1") == reading
    assert again.get("sha256:1", "engine 2") is None
    again.forget("sha256:1")
    assert again.get("sha256:1", "engine 1") is None


def test_a_reading_made_by_another_version_is_not_used(tmp_path: Path) -> None:
    older, newer = (Readings(tmp_path / "r.sqlite", version) for version in ("1", "2"))
    reading = Reading("sha256:1", (), "engine 1", 12.5)
    older.put(reading)
    assert newer.get("sha256:1", "engine 1") is None
    newer.put(replace(reading, ms=3))
    assert older.get("sha256:1", "engine 1") == reading
