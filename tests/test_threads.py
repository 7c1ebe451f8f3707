"""Threads: titled, searched, renamed, exported; in homes of before as well."""

import json
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import CountingReader, label
from PIL import Image
from typer.testing import CliRunner

from sightline.agent.assistant import Assistant
from sightline.agent.cli import app
from sightline.agent.reply import Reply
from sightline.memory.sessions import Sessions
from sightline.tools.errors import BadInput, UnknownThread
from sightline.tools.photos import load


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "s.sqlite")


@pytest.fixture
def talked(sessions: Sessions) -> Sessions:
    for n, (thread, question, answer) in enumerate(
        [
            ("milk", "保质期到什么时候？", "保质期：2027年3月14日（印着“20270314”）。"),
            ("milk", "Which lot?", "The lot number is “L-2207_B”."),
            ("tea", "Is this the Earl Grey?", "It differs from the official picture in one place. 100% leaf."),
            ("tea", "И что там ещё написано?", "Там написано “СДЕЛАНО В КЕНИИ”."),
        ]
    ):
        sessions.commit(thread, f"t{n}", {"question": question, "text": answer, "thread": thread})
    return sessions


@pytest.mark.parametrize(
    ("words", "turns"),
    [
        ("保质期", ["t0"]),
        ("期", ["t0"]),
        ("3月", ["t0"]),
        ("质期到什么", ["t0"]),
        ("offic", ["t2"]),
        ("EARL grey", ["t2"]),
        ("ffer", ["t2"]),
        ("lot lea", []),
        ("l", ["t2", "t1"]),
        ("сделано", ["t3"]),
        ("207_B", ["t1"]),
        ("7_", ["t1"]),
        ("_", ["t1"]),
        ("%", ["t2"]),
        ('"', []),
        ('say "x" OR AND NOT', []),
        ("*", []),
        ("", []),
        ("   ", []),
        ("\0\0\0", []),
    ],
)
def test_a_turn_is_found_by_words_and_parts_of_words_in_any_script(
    talked: Sessions, words: str, turns: list[str]
) -> None:
    assert [found.turn for found in talked.search(words)] == turns


def test_what_is_found_says_where_and_shows_what_stands_around_it(talked: Sessions) -> None:
    (found,) = talked.search("official")
    assert (found.thread, found.question) == ("tea", "Is this the Earl Grey?")
    assert found.snippet == "It differs from the official picture in one place. 100% leaf."
    talked.commit("long", "t9", {"question": "?", "text": "x " * 100 + "needle\nin " + "y " * 100})
    (found,) = talked.search("NEEDLE")
    assert "needle in y" in found.snippet
    assert found.snippet[0] == found.snippet[-1] == "…"
    assert len(found.snippet) < 100


def test_what_was_deleted_is_not_found(talked: Sessions) -> None:
    talked.delete("milk")
    assert talked.search("保质期") == talked.search("期") == []
    assert [found.turn for found in talked.search("official")] == ["t2"]


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("When does\n it  expire?", "When does it expire?"),
        ("word " * 30, "word " * 11 + "word…"),
        ("保质期" * 30, "保质期" * 20 + "…"),
        ("  ", "second"),
    ],
)
def test_a_title_is_the_first_words_on_one_line(sessions: Sessions, question: str, title: str) -> None:
    sessions.commit("a", "1", {"question": question})
    sessions.commit("a", "2", {"question": "second"})
    assert sessions.threads()[0].title == title


def test_a_title_that_was_set_holds_until_it_is_taken_back(talked: Sessions) -> None:
    assert talked.title("tea", " Earl\nGrey, the second carton ") == "Earl Grey, the second carton"
    assert {t.name: t.title for t in talked.threads()}["tea"] == "Earl Grey, the second carton"
    talked.rename("tea", "earl")
    assert {t.name: t.title for t in talked.threads()}["earl"] == "Earl Grey, the second carton"
    assert talked.title("earl", "") == ""
    assert {t.name: t.title for t in talked.threads()}["earl"] == "Is this the Earl Grey?"
    with pytest.raises(UnknownThread, match="'tea'"):
        talked.title("tea", "x")


def test_a_name_that_is_taken_is_refused_and_nothing_is_renamed(talked: Sessions) -> None:
    before = talked.turns("milk"), talked.turns("tea")
    with pytest.raises(BadInput, match="taken"):
        talked.rename("milk", "tea")
    with pytest.raises(UnknownThread, match="'oat'"):
        talked.rename("oat", "rice")
    assert (talked.turns("milk"), talked.turns("tea")) == before


def test_a_renamed_thread_says_its_name_in_every_turn(talked: Sessions) -> None:
    talked.rename("milk", "牛奶")
    assert [turn["thread"] for turn in talked.turns("牛奶")] == ["牛奶", "牛奶"]
    assert [found.thread for found in talked.search("保质期")] == ["牛奶"]
    with pytest.raises(UnknownThread):
        talked.turns("milk")


OLD = """
CREATE TABLE turns (turn TEXT PRIMARY KEY, thread TEXT NOT NULL, n INTEGER NOT NULL, at REAL NOT NULL,
    reply TEXT NOT NULL);
CREATE UNIQUE INDEX by_thread ON turns (thread, n);
INSERT INTO turns VALUES ('t1', 'a', 1, 1.0, '{"question":"保质期？","text":"2027年3月14日"}');
"""


def test_a_home_of_before_opens_with_its_turns_and_finds_them(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "s.sqlite")
    old.executescript(OLD)
    for _ in range(2):
        now = Sessions(tmp_path / "s.sqlite")
        assert now.turns("a")[0] == {"question": "保质期？", "text": "2027年3月14日"}
        assert [(t.name, t.title) for t in now.threads()] == [("a", "保质期？")]
        assert [found.turn for found in now.search("3月14日")] == ["t1"]
    # And what the Sightline of before adds meanwhile is found as well.
    old.execute("INSERT INTO turns VALUES ('t2', 'a', 2, 2.0, ?)", (json.dumps({"question": "q", "text": "later"}),))
    old.commit()
    assert [found.turn for found in now.search("late")] == ["t2"]


CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import sightline.agent.assistant as module
from fakes import label
class Nothing:
    name = "reads nothing"
    def read(self, pixels): return []
module.RapidReader = Nothing
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
def talk(home, moment):
    assistant = module.Assistant.open(home)
    pack = label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", "Store in a cool place")
    assistant.ask("When does it expire?", [pack], thread="old")
    assistant.ask("How much does it weigh?", thread="old")
    assistant.title("old", "my carton")
    if moment == "before": assistant._sessions.rename = die
    if moment == "within": assistant._sessions._db.create_function("json_set", 3, die)
    if moment == "after": assistant._photos.forget = die
    assistant.rename("old", "new")
for moment in sys.argv[2:]:
    child = os.fork()  # what is imported is imported once
    if not child:
        talk(Path(sys.argv[1]) / moment, moment)
        os._exit(0)
    print(moment, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_rename_that_is_killed_is_whole_or_has_not_been(tmp_path: Path, reader: CountingReader) -> None:
    child = CHILD.format(tests=str(Path(__file__).parent))
    names = {"before": "old", "within": "old", "after": "new"}
    done = subprocess.run([sys.executable, "-c", child, str(tmp_path), *names], capture_output=True, text=True)
    assert done.stdout.split() == ["before", "-9", "within", "-9", "after", "-9"], done.stderr
    for moment, name in names.items():
        with Assistant.open(tmp_path / moment) as assistant:
            assert [(t.name, t.turns, t.title) for t in assistant.threads()] == [(name, 2, "my carton")]
            reply = assistant.ask("How much does it weigh?", thread=name)
            assert "250 g" in reply.text, "its photo is there"
            assert assistant._photos.referring() == (name,)
            assistant.forget(name)
            assert assistant._photos.ids() == ()
    assert reader.calls == 3, "of each home once"


def test_a_renamed_thread_goes_on_under_its_new_name(assistant: Assistant, photo: Image.Image) -> None:
    first = assistant.ask("When does it expire?", [photo], thread="a")
    assistant.ask("Hello", thread="b")
    for name in ("b", "", "x\n", "a" * 201):
        with pytest.raises(BadInput):
            assistant.rename("a", name)
    assistant.rename("a", "a")
    assistant.rename("a", "c")
    assert "250 g" in assistant.ask("How much does it weigh?", thread="c").text
    assert [r.thread for r in assistant.history("c")] == ["c", "c"]
    assert assistant._photos.threads(first.photos[0]) == ("c",)


def test_an_export_reads_back_with_its_photos_as_they_are_stored(
    assistant: Assistant, photo: Image.Image, tmp_path: Path
) -> None:
    assistant.ask("When does it expire?", [photo, label("USE BY 2027-01-02")])
    assistant.ask("How much does it weigh?")
    assistant.ask("Hello", thread="other")
    assert assistant.export("main", tmp_path / "main.zip") == 2
    with zipfile.ZipFile(tmp_path / "main.zip") as zipped:
        assert zipped.testzip() is None
        lines = zipped.read("turns.jsonl").decode().splitlines()
        assert [Reply.from_dict(json.loads(line)) for line in lines] == assistant.history()
        names = [name for name in zipped.namelist() if name.startswith("photos/")]
        ids = {load(zipped.read(name)).id for name in names}
        assert ids == set(assistant.history()[0].photos) == {f"sha256:{Path(name).stem}" for name in names}
    assert assistant.export("main", tmp_path / "main.jsonl") == 0
    assert (tmp_path / "main.jsonl").read_text("utf-8").splitlines() == lines


def test_an_export_that_fails_leaves_what_was_there(assistant: Assistant, photo: Image.Image, tmp_path: Path) -> None:
    assistant.ask("When does it expire?", [photo])
    (kept,) = (assistant.home / "photos").glob("??/*.photo")
    kept.write_bytes(b"damaged")
    file = tmp_path / "out" / "main.zip"
    file.parent.mkdir()
    file.write_bytes(b"before")
    for target, message in ((file, "damaged"), (tmp_path / "no" / "x.zip", "written"), (tmp_path / "x.txt", "zip")):
        with pytest.raises(BadInput, match=message):
            assistant.export("main", target)
    assert [p.name for p in file.parent.iterdir()] == ["main.zip"]
    assert file.read_bytes() == b"before"


@pytest.fixture
def run(assistant: Assistant) -> Callable[..., tuple[int, str]]:
    def invoke(*args: str) -> tuple[int, str]:
        assistant._lock.release()
        result = CliRunner().invoke(app, list(args), env={"SIGHTLINE_HOME": str(assistant.home)})
        return result.exit_code, result.stdout

    return invoke


def test_threads_are_titled_found_renamed_and_exported_on_the_command_line(
    assistant: Assistant, run: Callable[..., tuple[int, str]], photo: Image.Image, tmp_path: Path
) -> None:
    assistant.ask("When does it expire?", [photo])
    assert run("threads", "title", "main", "the  carton") == (0, "main: the carton\n")
    assert run("threads", "search", "xpir")[0] == 0
    code, out = run("threads", "search", "14 march", "--json")
    found = json.loads(out)["found"][0]
    assert (code, found["thread"], found["question"]) == (0, "main", "When does it expire?")
    assert "14 March 2027" in found["snippet"]
    assert run("threads", "search", "nowhere") == (1, "Nothing found.\n")
    assert run("threads", "rename", "main", "carton") == (0, "main is now carton.\n")
    assert run("threads") == (0, "carton\t1\tthe carton\n")
    file = tmp_path / "carton.zip"
    assert run("threads", "export", "carton", str(file)) == (0, f"Wrote carton to {file}, with 1 photo.\n")
    assert run("threads", "export", "main", str(file))[0] == 2
