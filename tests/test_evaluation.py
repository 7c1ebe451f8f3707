"""`sightline eval` on labelled sets: every figure is that of a set small enough to count, and nothing is dropped."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import SHOP, CountingReader, shop
from packs import pack
from PIL import ImageDraw
from typer.testing import CliRunner, Result

from sightline.agent import evaluation
from sightline.agent.cli import app
from sightline.agent.evaluation import TASKS, evaluate, nearest_siblings
from sightline.tools.errors import BadInput
from sightline.tools.kit import Kit
from sightline.tools.photos import load
from sightline.tools.types import Box, Difference, Finding, Match, Photo, Region, Verdict
from sightline.tools.verify import Verification

PRODUCTS = ("P0", "P1", "P2")
WIDE, HIGH = 150, 200
MARKED = Box(10, 20, 50, 60)


@pytest.fixture(autouse=True)
def instruments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A counting OCR engine, and a folder of our own for what is temporary."""
    monkeypatch.setattr(evaluation, "RapidReader", CountingReader)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Three packs, in a folder beside the file."""
    (tmp_path / "official").mkdir()
    for n, sku in enumerate(PRODUCTS):
        pack(n).save(tmp_path / "official" / f"{sku}.png")
    rows = [{"sku": sku, "title": f"Pack {sku}", "image": f"official/{sku}.png"} for sku in PRODUCTS]
    return written(tmp_path / "catalogue.jsonl", rows)


def written(file: Path, rows: Sequence[Mapping[str, Any] | str]) -> Path:
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return file


def photographed(folder: Path, *rows: Mapping[str, Any]) -> Path:
    """A photo for each row, each another, and the file of the rows."""
    (folder / "sent").mkdir(exist_ok=True)
    for n, _ in enumerate(rows):
        pack(100 + n).save(folder / "sent" / f"{n}.png")
    return written(folder / "photos.jsonl", [{"image": f"sent/{n}.png", **row} for n, row in enumerate(rows)])


def number(photo: Photo, folder: Path) -> int:
    """Which of the photos this is."""
    return next(n for n in range(99) if load(folder / "sent" / f"{n}.png").id == photo.id)


def run(*args: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, ["eval", *map(str, args)], env=env)


def product_found(*skus: str) -> Finding:
    matches = tuple(Match(sku, sku, "sha256:0", ("features",)) for sku in skus)
    return Finding("identify:0", "identify", "found", (), "", 1.0, matches=matches)


def not_found(reason: str | None = None) -> Finding:
    return Finding("identify:0", "identify", "unreadable" if reason else "absent", (), "", 1.0, reason=reason)


def compared(answer: Any, *marks: tuple[Box, float]) -> Finding:
    differences = tuple(
        Difference("artwork", Region(box, "", "difference"), "sha256:0", box, strength=strength)
        for box, strength in marks
    )
    unlike = max((strength for _, strength in marks), default=0.5)
    verdict = Verdict(answer, ("agrees",), unlike=unlike)
    return Finding("compare:0", "compare", "found", (), "", 1.0, differences=differences, verdict=verdict)


def test_identification_is_counted(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        (product_found("P0"), ("P0", "P1")),
        (product_found("P1"), ("P1", "P0")),  # it is P0
        (product_found("P1"), ("P1", "P0")),  # and again
        (not_found("variant_undetermined"), ("P2", "P1")),
        (not_found("weak_evidence"), ("P1", "P0", "X", "Y", "Z", "P2")),  # the sixth
        (not_found(), ()),
        (not_found(), ()),  # not in the catalogue, from here on
        (product_found("P0"), ("P0",)),
        (not_found("variant_undetermined"), ("P0",)),
    ]
    skus = ["P0", "P0", "P0", "P2", "P2", "P1", "OTHER", "OTHER", None]
    photos = photographed(catalogue.parent, *({"sku": sku} for sku in skus))
    monkeypatch.setattr(evaluation, "ranked", lambda photo, _: said[number(photo, catalogue.parent)])
    report = evaluate("identify", catalogue, photos)
    assert (report["n"], report["products"], report["problems"]) == (6, 3, [])
    assert report["r_at_1"] == pytest.approx(2 / 6)
    assert report["r_at_5"] == pytest.approx(4 / 6)
    assert report["answered"] == pytest.approx(3 / 6)
    assert report["r_at_1_answered"] == pytest.approx(1 / 3)
    assert (report["rejected"], report["undetermined"]) == (2, 1)
    assert (report["outside"]["n"], report["outside"]["undetermined"]) == (3, 1)
    assert report["outside"]["rejected"] == pytest.approx(1 / 3)
    assert report["outside"]["unanswered"] == pytest.approx(2 / 3)
    assert report["confusion"] == [
        {"sku": "P0", "taken_for": "P1", "count": 2},
        {"sku": "P2", "taken_for": "P1", "count": 1},
        {"sku": "P1", "taken_for": None, "count": 1},
    ]
    assert set(report["intervals"]) == {"r_at_1", "r_at_5", "answered", "r_at_1_answered", "ms_median"}


def test_a_photo_is_held_against_its_product_its_sibling_and_another(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # P3 is P0 with a sticker.
    twin = pack(0)
    ImageDraw.Draw(twin).rectangle((60, 90, 90, 120), "white")
    twin.save(catalogue.parent / "official" / "P3.png")
    with catalogue.open("a") as rows:
        rows.write('\n{"sku": "P3", "title": "Pack P3", "image": "official/P3.png"}')
    photos = photographed(catalogue.parent, *({"sku": "P0"} for _ in range(4)), {"sku": "OTHER"})
    asked: list[tuple[int, str]] = []
    said: dict[tuple[int, str], Any] = {
        (0, "P0"): ("same", 0.9), (1, "P0"): ("same", 0.8), (2, "P0"): ("cannot_tell", 0.5),
        (3, "P0"): ("other_variant", 0.1), (0, "P3"): ("other_variant", 0.2), (1, "P3"): ("same", 0.85),
        (2, "P3"): ("cannot_tell", 0.5), (3, "P3"): ("cannot_tell", 0.4),
    }  # fmt: skip

    def verify(photo: Photo, _: Kit, sku: str) -> Verification:
        pair = number(photo, catalogue.parent), sku
        answer, p = said.get(pair, ("other_variant", 0.01))
        # One that was drawn may be the sibling, too.
        asked.append(pair)
        return Verification(answer, p, None)

    monkeypatch.setattr(evaluation, "verify", verify)
    report = evaluate("verify", catalogue, photos)
    assert [pair for n, pair in enumerate(asked) if n % 3 < 2] == [(n, sku) for n in range(4) for sku in ("P0", "P3")]
    drawn = [sku for _, sku in asked[2::3]]
    assert "P0" not in drawn
    asked.clear()
    assert evaluate("verify", catalogue, photos) == report
    assert [sku for _, sku in asked[2::3]] == drawn
    assert (report["n"], report["outside"]) == (4, {"n": 1})
    # Own 0.9, 0.8, 0.5, 0.1 against 0.2, 0.85, 0.5, 0.4: 10 of 16 pairs in order, one tied.
    assert report["auroc_sibling"] == pytest.approx((4 + 3 + 2.5 + 0) / 16)
    answers = [said.get(pair, ("other_variant", 0.01))[0] for pair in asked]
    right = [answer == "same" if n % 3 == 0 else answer == "other_variant" for n, answer in enumerate(answers)]
    decided = [good for good, answer in zip(right, answers, strict=True) if answer != "cannot_tell"]
    assert report["coverage"] == pytest.approx(len(decided) / 12)
    assert report["accuracy_covered"] == pytest.approx(sum(decided) / len(decided))
    assert report["false_yes_sibling"] == pytest.approx(1 / 4)
    assert report["true_refused"] == pytest.approx(1 / 4)
    assert sum(each["n"] for each in report["reliability"]) == 8
    assert report["confusion"]["own"] == {"same": 2, "cannot_tell": 1, "other_variant": 1}
    assert sum(report["confusion"]["random"].values()) == 4


def test_siblings_of_the_sample_shop_are_the_packs_that_share_their_artwork() -> None:
    siblings = nearest_siblings(shop())
    assert len(siblings) == 14
    assert siblings["SYT-LJ-MQ"] == "SYT-LJ-YQ"
    assert siblings["FRN-OAT-30"].startswith("FRN-OAT-")
    assert all(sku != other for sku, other in siblings.items())


def test_edits_are_counted_where_something_can_be_told(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit: dict[str, Any] = {"kind": "word", "box": list(MARKED)}
    aside = Box(100, 100, 120, 120)
    said = [
        compared("same"),
        compared("differs", (aside, 2.0)),  # genuine
        compared("cannot_tell", (aside, 9.0)),  # genuine, counted in the coverage alone
        compared("differs", (MARKED, 3.0)),
        compared("differs", (Box(25, 35, 35, 45), 1.5)),  # within the edit, and too small to box it
        compared("differs", (Box(34, 20, 74, 60), 1.2)),  # its middle beside the edit: IoU 0.25
        compared("differs", (aside, 4.0)),  # nowhere near
        compared("same"),
        compared("cannot_tell"),
    ]
    rows: list[dict[str, Any]] = [
        {"edit": None},
        {"edited": False},
        {"edit": None},
        *({"edit": edit} for _ in range(4)),
    ]
    others = [{"edit": {**edit, "kind": "logo"}}, {"edit": {**edit, "kind": "logo"}}]
    photos = photographed(catalogue.parent, *({"sku": "P1", **row} for row in [*rows, *others]))

    def compare(photo: Photo, _: Kit, *, against: str) -> Finding:
        assert against == "P1"
        return said[number(photo, catalogue.parent)]

    monkeypatch.setattr(evaluation, "compare", compare)
    report = evaluate("differences", catalogue, photos)
    assert report["n"] == 9
    # Edited 3, 1.5, 1.2, 4, 0 against genuine 0, 2.
    assert report["auroc"] == pytest.approx((2 + 1 + 1 + 2 + 0.5) / 10)
    assert report["tpr"] == pytest.approx(3 / 5)
    assert report["iou30"] == pytest.approx(1 / 5)
    assert report["fpr"] == pytest.approx(1 / 2)
    assert report["coverage"] == pytest.approx(7 / 9)
    assert report["coverage_genuine"] == pytest.approx(2 / 3)
    assert report["coverage_edited"] == pytest.approx(5 / 6)
    assert report["kinds"] == [
        {"kind": "logo", "n": 2, "decided": 1, "found": 0, "boxed": 0},
        {"kind": "word", "n": 4, "decided": 4, "found": 3, "boxed": 1},
    ]
    assert report["confusion"]["genuine"] == {"same": 1, "differs": 1, "cannot_tell": 1}


def test_a_set_without_edits_leaves_their_figures_open(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = photographed(catalogue.parent, {"sku": "P0", "edit": None})
    monkeypatch.setattr(evaluation, "compare", lambda *_, **__: compared("same"))
    report = evaluate("differences", catalogue, photos)
    assert [report[name] for name in ("auroc", "tpr", "iou30", "fpr")] == [None, None, None, 0.0]
    assert report["intervals"]["auroc"] is None


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools that answer at once."""
    monkeypatch.setattr(evaluation, "ranked", lambda *_: (product_found("P0"), ("P0",)))
    monkeypatch.setattr(evaluation, "verify", lambda *_: Verification("same", 0.9, None))
    monkeypatch.setattr(evaluation, "compare", lambda *_, **__: compared("same"))


COMMON = {"task", "products", "outside", "n", "intervals", "confusion", "problems"}
KEYS = {
    "identify": {"r_at_1", "r_at_5", "answered", "r_at_1_answered", "ms_median", "ms_p90", "rejected", "undetermined"},
    "verify": {
        "auroc_sibling", "auroc_random", "coverage", "accuracy_covered", "false_yes_sibling", "true_refused", "ece",
        "reliability",
    },
    "differences": {"auroc", "tpr", "fpr", "iou30", "coverage", "coverage_genuine", "coverage_edited", "kinds"},
}  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_a_report_is_one_json_object_of_known_names(
    task: str, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    photos = photographed(catalogue.parent, {"sku": "P0", "edit": None}, {"sku": "P1", "edit": None})
    result = run(task, "--catalogue", catalogue, "--photos", photos, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert set(report) == COMMON | KEYS[task]
    assert set(report["intervals"]) <= KEYS[task]


@pytest.mark.parametrize(("task", "last"), [("verify", "random\tsame\t1"), ("differences", "genuine\tsame\t1")])
def test_a_report_ends_with_what_was_confused(
    task: str, last: str, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    photos = photographed(catalogue.parent, {"sku": "P0", "edit": None})
    spoken = run(task, "--catalogue", catalogue, "--photos", photos, "--plain")
    assert (spoken.exit_code, spoken.stderr) == (0, "")
    assert spoken.stdout.startswith("photos: 1, products: 3, rows left out: 0\n")
    assert spoken.stdout.splitlines()[-1] == last


def test_figures_are_printed_with_their_intervals(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    photos = photographed(catalogue.parent, {"sku": "P0"}, {"sku": "P1"}, {"sku": "OTHER"})
    lines = run("identify", "--catalogue", catalogue, "--photos", photos).stdout.splitlines()
    assert "R@1, first answer right\t0.500\t0.095 to 0.905" in lines
    assert "not of the catalogue: 1 photos, 0 of them variant undetermined" in lines
    assert lines[-1] == "P1\tP0\t1"


BAD = [
    ("{", "does not parse"),
    ('["sent/0.png"]', "JSON object"),
    ('{"sku": "P0", "edit": null}', "path of a photo"),
    ('{"image": "sent/1.png", "edit": null}', "SKU"),
    ('{"image": "sent/1.png", "sku": 7, "edit": null}', "SKU"),
    ('{"image": "sent/\\ud800.png", "sku": "P0", "edit": null}', "does not parse"),
    ('{"image": "sent/0.png", "sku": "P1", "edit": null}', "on line 1 too"),
    ('{"image": "sent/none.png", "sku": "P0", "edit": null}', "no file"),
    ('{"image": "letter.png", "sku": "P0", "edit": null}', "letter.png"),
    ('{"image": "sent/1.png", "sku": "P0"}', "neither"),
    ('{"image": "sent/1.png", "sku": "P0", "edited": true}', "neither"),
    ('{"image": "sent/1.png", "sku": "P0", "edit": {"kind": "word"}}', "x0, y0, x1, y1"),
    ('{"image": "sent/1.png", "sku": "P0", "edit": {"kind": "word", "box": [1, 2, "3", 4]}}', "x0, y0, x1, y1"),
    ('{"image": "sent/1.png", "sku": "P0", "edit": {"kind": "word", "box": [9, 2, 3, 4]}}', "x0 < x1"),
    ('{"image": "sent/1.png", "sku": "P0", "edit": {"kind": "word", "box": [1, 2, 151, 9]}}', "150 x 200"),
    ('{"image": "sent/1.png", "sku": "P0", "edit": {"box": [1, 2, 9, 9]}}', '"kind"'),
]


def test_what_cannot_be_used_is_listed_by_line_and_the_rest_is_measured(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    photos = photographed(catalogue.parent, {}, {})
    (catalogue.parent / "letter.png").write_text("Dear sir")
    written(photos, [{"image": "sent/0.png", "sku": "P0", "edit": None}, "", *(row for row, _ in BAD)])
    report = evaluate("differences", catalogue, photos)
    assert report["n"] == 1
    problems = report["problems"]
    assert [(each["file"], each["line"]) for each in problems] == [(str(photos), n + 3) for n in range(len(BAD))]
    for (row, said), problem in zip(BAD, problems, strict=True):
        assert problem["message"].startswith("Expected "), row
        assert said in problem["message"], row


def test_edits_are_asked_for_only_where_they_are_measured(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    photos = photographed(catalogue.parent, {"sku": "P0"}, {"sku": "P0", "edit": "anything"})
    assert evaluate("identify", catalogue, photos)["n"] == 2


def test_a_bad_row_of_the_catalogue_is_listed_too_and_the_exit_code_says_so(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    with catalogue.open("a") as rows:
        rows.write('\n{"sku": "P9", "title": "Pack P9", "image": "official/none.png"}')
    photos = photographed(catalogue.parent, {"sku": "P0"}, {"sku": "P9"})
    (photos.parent / "sent" / "1.png").write_bytes(b"\x89PNG")
    spoken = run("identify", "--catalogue", catalogue, "--photos", photos)
    assert spoken.exit_code == 2
    assert spoken.stdout.startswith("photos: 1, products: 3, rows left out: 2\n")
    first, second = spoken.stderr.splitlines()
    assert first.startswith(f"{catalogue}: line 4: ")
    assert second.startswith(f"{photos}: line 2: ")
    report = json.loads(run("identify", "--catalogue", catalogue, "--photos", photos, "--json").stdout)
    assert [problem["line"] for problem in report["problems"]] == [4, 2]


@pytest.mark.parametrize("rows", ["", "\n\n", '{"image": "none.png", "sku": "P0"}', "{"], ids=repr)
def test_an_empty_set_is_bad_input(rows: str, catalogue: Path) -> None:
    photos = catalogue.parent / "photos.jsonl"
    photos.write_text(rows)
    result = run("identify", "--catalogue", catalogue, "--photos", photos)
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(photos) in result.stderr


def test_verification_needs_photos_of_the_catalogue_and_a_second_product(catalogue: Path) -> None:
    photos = photographed(catalogue.parent, {"sku": "OTHER"})
    with pytest.raises(BadInput, match="of products of the catalogue"):
        evaluate("verify", catalogue, photos)
    catalogue.write_text(catalogue.read_text().splitlines()[0])
    with pytest.raises(BadInput, match="at least two products"):
        evaluate("verify", catalogue, photographed(catalogue.parent, {"sku": "P0"}))
    catalogue.write_text('{"sku": "P0"}')
    with pytest.raises(BadInput, match="line 1: Expected a sku and a title"):
        evaluate("verify", catalogue, photos)


@pytest.mark.parametrize("missing", ["catalogue", "photos"])
def test_a_file_that_is_not_there_is_bad_input(missing: str, catalogue: Path) -> None:
    files = {"catalogue": catalogue, "photos": photographed(catalogue.parent, {"sku": "P0"})}
    files[missing] = catalogue.parent / "nowhere.jsonl"
    result = run("identify", "--catalogue", files["catalogue"], "--photos", files["photos"], "--json")
    assert (result.exit_code, result.stderr) == (2, "")
    error = json.loads(result.stdout)["error"]
    assert error["kind"] == "BadInput"
    assert "nowhere.jsonl" in error["message"]


def test_an_interrupted_run_ends_and_leaves_nothing(
    catalogue: Path, instruments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = photographed(catalogue.parent, {"sku": "P0"}, {"sku": "P1"})
    during: list[Path] = []

    def interrupted(*_: object) -> None:
        during.extend(instruments.iterdir())
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "ranked", interrupted)
    result = run("identify", "--catalogue", catalogue, "--photos", photos)
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "")
    assert len(during) == 1
    assert not list(instruments.iterdir())


def kept(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_the_home_is_left_as_it_was(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    photos = photographed(catalogue.parent, {"sku": "P0"})
    home = catalogue.parent / "home"
    evaluate("identify", catalogue, photos)
    assert not home.exists()
    assert CliRunner().invoke(app, ["index", str(catalogue)]).exit_code == 0
    before = kept(home)
    assert before
    assert evaluate("identify", catalogue, photos)["n"] == 1
    assert kept(home) == before


def test_an_embedder_that_nobody_knows_is_an_error(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = photographed(catalogue.parent, {"sku": "P0"})
    monkeypatch.setenv("SIGHTLINE_EMBEDDER", "nobody:knows")
    result = run("identify", "--catalogue", catalogue, "--photos", photos)
    assert result.exit_code in (2, 4)
    assert "nobody:knows" in result.stderr


def test_progress_is_told_to_the_end(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    told: list[tuple[str, int, int]] = []
    photos = photographed(catalogue.parent, {"sku": "P0"}, {"sku": "P1"}, {"sku": "OTHER"})
    evaluate("identify", catalogue, photos, progress=lambda *step: told.append(step))
    assert told[0][0] == "indexing"
    assert [step for step in told if step[0] == "identify"] == [
        ("identify", 0, 2), ("identify", 1, 2), ("identify", 2, 2), ("identify", 0, 1), ("identify", 1, 1),
    ]  # fmt: skip


def test_a_set_is_measured_with_the_instruments_themselves(catalogue: Path, instruments: Path) -> None:
    for n, sku in enumerate(PRODUCTS):
        photo = pack(n, (WIDE, HIGH)).rotate(4, expand=True, fillcolor="grey")
        photo.save(catalogue.parent / f"{sku}-sent.png")
    photos = written(
        catalogue.parent / "photos.jsonl", [{"image": f"{sku}-sent.png", "sku": sku, "edit": None} for sku in PRODUCTS]
    )
    report = evaluate("identify", catalogue, photos)
    assert (report["n"], report["r_at_1"], report["r_at_5"], report["answered"]) == (3, 1, 1, 1)
    assert report["ms_median"] > 1
    verified = evaluate("verify", catalogue, photos)
    assert verified["auroc_sibling"] == verified["auroc_random"] == 1
    photos.write_text(photos.read_text().splitlines()[0])
    assert evaluate("differences", catalogue, photos)["n"] == 1
    assert not list(instruments.iterdir())


def test_the_labels_of_the_sample_shop_are_those_of_its_truth() -> None:
    truth = json.loads((SHOP / "truth.json").read_text("utf-8"))
    rows = [json.loads(line) for line in (SHOP / "photos.jsonl").read_text("utf-8").splitlines()]
    assert {row["image"] for row in rows} == {
        f"photos/{name}" for name, each in truth.items() if "products" not in each
    }
    for row in rows:
        each = truth[Path(row["image"]).name]
        assert row["sku"] == each["sku"]
        assert (row["edit"] is not None) == (each["verdict"] == "differs")
        if row["edit"]:
            (difference,) = each["differences"]
            assert row["edit"] == {"kind": difference["kind"], "box": difference["box"]}
