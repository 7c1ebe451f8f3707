"""The command line over a catalogue: what is kept, what is found in photos, and who may write meanwhile."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import SHOP, CountingReader, shop_home
from packs import packs
from typer.testing import CliRunner, Result

from sightline.agent.cli import app

Run = Callable[..., Result]

OFFICIAL, PHOTOS = SHOP / "official", SHOP / "photos"
OAT = str(PHOTOS / "oat-on-table.jpg")
BLURRED = str(PHOTOS / "too-blurred.jpg")
STRANGE = str(PHOTOS / "not-in-catalogue.jpg")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the sample products, to write to."""
    return Path(shutil.copytree(shop_home(), tmp_path / "home"))


@pytest.fixture
def run(home: Path, reader: CountingReader) -> Run:
    del reader
    env = {"SIGHTLINE_HOME": str(home)}
    return lambda *args, stdin=None: CliRunner().invoke(app, list(args), input=stdin, env=env)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A catalogue file of three packs."""
    images = packs(tmp_path / "pictures", range(3))
    rows = [{"sku": f"P{n}", "title": f"Pack {n}", "image": f"pictures/{i.name}"} for n, i in enumerate(images)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def one_object(result: Result) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def skus(run: Run) -> list[str]:
    return [product["sku"] for product in one_object(run("catalogue", "list", "--json"))["products"]]


def test_a_file_is_indexed_and_the_second_time_unchanged(run: Run, file: Path) -> None:
    first = run("index", str(file))
    assert (first.exit_code, first.stdout) == (0, "3 added, 0 updated, 0 unchanged\n")
    again = run("index", str(file), "--json")
    assert (again.exit_code, again.stderr) == (0, "")
    assert one_object(again) == {"added": 0, "updated": 0, "unchanged": 3, "problems": []}
    assert {"P0", "P1", "P2", "FRN-OAT-15"} <= set(skus(run))


def test_bad_rows_are_reported_by_line_and_the_rest_is_kept(run: Run, file: Path) -> None:
    rows = file.read_text().splitlines()
    file.write_text("\n".join((rows[0], "{", rows[1].replace("pack1", "no-such"), rows[2])))
    result = run("index", str(file))
    assert result.exit_code == 2
    assert result.stdout == "2 added, 0 updated, 0 unchanged\n"
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["line 2", "line 3"]
    assert "no-such.png" in result.stderr
    assert {"P0", "P2"} == {sku for sku in skus(run) if sku.startswith("P")}
    again = run("index", str(file), "--json")
    assert (again.exit_code, again.stderr) == (2, "")
    assert [problem["line"] for problem in one_object(again)["problems"]] == [2, 3]


def test_a_missing_file_is_bad_input(run: Run) -> None:
    result = run("index", "nowhere.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nowhere.csv" in result.stderr
    assert one_object(run("index", "nowhere.csv", "--json"))["error"]["kind"] == "BadInput"


def test_products_are_listed_and_searched(run: Run) -> None:
    listed = run("catalogue")
    assert listed.exit_code == 0
    assert len(listed.stdout.splitlines()) == 14
    assert "SYT-LJ-MQ\t山月堂 龙井 明前特级 100克\t1" in listed.stdout
    assert run("catalogue", "list").stdout == listed.stdout
    assert one_object(run("catalogue", "--json")) == one_object(run("catalogue", "list", "--json"))
    assert run("catalogue", "search", "oat barista", "--most", "2").stdout.startswith("FRN-OAT-BAR\t")
    hits = one_object(run("catalogue", "search", "龙井 明前", "--most", "1", "--json"))["hits"]
    assert [(hit["product"]["sku"], hit["words"], hit["similarity"]) for hit in hits] == [("SYT-LJ-MQ", 1.0, None)]
    for as_json in ([], ["--json"]):
        assert run("catalogue", "search", "bicycle", *as_json).exit_code == 1
    assert one_object(run("catalogue", "search", "bicycle", "--json")) == {"hits": []}


def test_a_product_is_added_and_removed(run: Run, file: Path) -> None:
    image = str(file.parent / "pictures" / "pack0.png")
    added = run("catalogue", "add", "NEW-1", "New pack", image, "--attribute", "gtin=4006381333931")
    assert (added.exit_code, added.stdout) == (0, "Kept NEW-1, New pack.\n")
    changed = one_object(run("catalogue", "add", "NEW-1", "Newer pack", image, "--json"))
    assert (changed["title"], changed["attributes"]) == ("Newer pack", {})
    assert "NEW-1" in skus(run)
    assert one_object(run("catalogue", "remove", "NEW-1", "--json")) == {"removed": "NEW-1"}
    assert "NEW-1" not in skus(run)
    assert run("catalogue", "remove", "FRN-OAT-15").stdout == "Removed FRN-OAT-15.\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["catalogue", "remove", "NO-SUCH"], "NO-SUCH"),
        (["catalogue", "add", "X", "Title", "nowhere.png"], "nowhere.png"),
        (["catalogue", "add", "X", "Title", OAT, "--attribute", "gtin"], "NAME=VALUE"),
        (["compare", str(OFFICIAL / "frn-oat-15.jpg"), "--claimed", "NO-SUCH"], "NO-SUCH"),
        (["compare", OAT, "--claimed", "FRN-OAT-15", "--with", STRANGE], "Leave one out"),
        (["compare", OAT, "--with", "nowhere.png"], "nowhere.png"),
        (["compare", OAT, STRANGE, "--picture", "out.jpg"], "--picture"),
        (["identify", OAT, STRANGE, "--picture", "out.jpg"], "--picture"),
        (["identify", "nowhere.png"], "nowhere.png"),
    ],
    ids=lambda value: " ".join(Path(arg).name for arg in value) if isinstance(value, list) else "",
)
def test_bad_input_is_said_in_words_and_in_json(run: Run, args: list[str], said: str) -> None:
    spoken = run(*args)
    assert (spoken.exit_code, spoken.stdout) == (2, "")
    assert said in spoken.stderr
    plain = run(*args, "--json")
    assert (plain.exit_code, plain.stderr) == (2, "")
    assert said in one_object(plain)["error"]["message"]


def test_options_of_catalogue_are_not_lost_before_its_commands(run: Run, tmp_path: Path) -> None:
    result = run("catalogue", "--home", str(tmp_path / "other"), "list")
    assert result.exit_code == 2
    assert "after `list`" in result.stderr


def test_without_a_catalogue_nothing_was_looked_for(run: Run, tmp_path: Path) -> None:
    empty = ["--home", str(tmp_path / "empty")]
    assert "sightline index FILE" in run("catalogue", *empty).stdout
    for tool in ("identify", "compare"):
        result = run(tool, BLURRED, *empty)
        assert (result.exit_code, result.stdout) == (5, "not looked: no_catalogue\n")


def test_a_photo_is_identified(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "marked.jpg"
    spoken = run("identify", OAT, "--picture", str(out))
    assert spoken.exit_code == 0
    assert spoken.stdout.startswith("FRN-OAT-15  Fernhill Oat Drink Original 1.5% fat, 1 L  ")
    assert out.read_bytes()[:2] == b"\xff\xd8"
    absent = run("identify", STRANGE, "--json")
    (found,) = lines(absent)
    assert (absent.exit_code, found["file"], found["outcome"], found["matches"]) == (1, STRANGE, "absent", [])


def test_many_photos_are_identified_in_order_past_a_bad_one(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "letter.jpg"
    bad.write_text("Dear sir")
    photos = [OAT, str(bad), STRANGE]
    result = run("identify", *photos, "--json")
    assert (result.exit_code, result.stderr) == (2, "")
    first, second, third = lines(result)
    assert [first["file"], second["file"], third["file"]] == photos
    assert first["matches"][0]["sku"] == "FRN-OAT-15"
    assert second["error"]["kind"] == "UnreadablePhoto"
    assert third["outcome"] == "absent"
    spoken = run("identify", *photos[1:])
    assert spoken.exit_code == 2
    assert "letter.jpg" in spoken.stderr
    assert spoken.stdout.splitlines()[0] == f"{STRANGE}:"
    assert spoken.stdout.splitlines()[-1] == "absent"


def test_an_order_that_the_catalogue_does_not_know_is_refused_once_for_many_photos(run: Run) -> None:
    result = run("compare", OAT, BLURRED, "--claimed", "NOPE")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("NOPE") == 1


def test_a_photo_is_compared_with_what_was_ordered(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "side by side.jpg"
    sibling = str(OFFICIAL / "frn-oat-30.jpg")
    spoken = run("compare", sibling, "--claimed", "FRN-OAT-15", "--picture", str(out))
    assert spoken.exit_code == 0
    assert "verdict: other variant" in spoken.stdout
    assert "1.5% fat" in spoken.stdout
    assert f"picture: {out}" in spoken.stdout
    assert out.read_bytes()[:2] == b"\xff\xd8"
    same, poor = lines(result := run("compare", sibling, BLURRED, "--claimed", "FRN-OAT-30", "--json"))
    assert (result.exit_code, same["verdict"]["answer"], same["differences"]) == (0, "same", [])
    assert (poor["outcome"], poor["verdict"]["answer"]) == ("unreadable", "cannot_tell")


def test_two_photos_are_compared_with_one_another(run: Run) -> None:
    (found,) = lines(run("compare", OAT, "--with", OAT, "--json"))
    assert (found["verdict"]["answer"], found["verdict"]["reasons"]) == ("same", ["same_photo"])
    both = run("compare", OAT, OAT, "--with", "-", "--json", stdin=Path(OAT).read_bytes())
    assert [line["verdict"]["answer"] for line in lines(both)] == ["same", "same"]
    refused = run("compare", OAT, STRANGE, "--with", "nowhere.png", "--json")
    assert (refused.exit_code, one_object(refused)["error"]["kind"]) == (2, "UnreadablePhoto")


HOLD = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def another_writer(home: Path) -> Iterator[None]:
    """Another process that writes the home."""
    command = [sys.executable, "-c", HOLD, str(home / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"held\n"
        yield
        other.stdin.close()


@pytest.mark.usefixtures("another_writer")
def test_beside_a_writer_others_are_refused_to_write_and_read_on(run: Run, home: Path, file: Path) -> None:
    for command in (["index", str(file)], ["catalogue", "remove", "FRN-OAT-15"], ["catalogue", "add", "X", "Y", OAT]):
        result = run(*command)
        assert (result.exit_code, result.stdout) == (4, "")
        assert str(home) in result.stderr
        assert "Any number of processes may read it meanwhile" in result.stderr
    error = one_object(run("index", str(file), "--json"))["error"]
    assert error["kind"] == "Busy"
    (found,) = lines(run("identify", OAT, "--json"))
    assert found["matches"][0]["sku"] == "FRN-OAT-15"
    assert len(skus(run)) == 14
    assert run("catalogue", "search", "oat").exit_code == 0
    assert run("compare", BLURRED, "--claimed", "FRN-OAT-15").exit_code == 3
