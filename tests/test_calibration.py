"""`doctor` names what is wrong with a broken server, finds nothing wrong with a good one, and boxes come back right."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from fakes import CountingReader
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from servers import FAULTS, Brain, Fault, Looking, Served, serving, shapes, within, written
from typer.testing import CliRunner, Result

from sightline import prompts
from sightline.agent.cli_doctor import app
from sightline.memory.contracts import FILE, keep, known
from sightline.tools.dialects import DIALECTS
from sightline.tools.errors import ModelFailed
from sightline.tools.models import calibration
from sightline.tools.models.calibration import STEPS, calibrate
from sightline.tools.models.contract import Contract, Problem, Scale
from sightline.tools.models.families import FAMILIES, Family
from sightline.tools.models.fitting import FITS, Shown, fit
from sightline.tools.models.model import Model
from sightline.tools.models.opening import open_model
from sightline.tools.models.scenes import Drawn, Scene, counted, pair, placed, printed
from sightline.tools.models.view import view
from sightline.tools.photos import pixels
from sightline.tools.types import Box, Region, Size

HURRIED = 1.5
"""Seconds of patience, where nobody waits a minute and a half for a test."""

QWEN3, QWEN25 = "Qwen/Qwen3-VL-4B-Instruct", "Qwen/Qwen2.5-VL-3B-Instruct"
POINTING = Family("pointing", (), "points", "made up: no family has this dialect as its own")
ENOUGH = 20
"""Requests that no endpoint is asked more than, however broken it is."""


def model_of(dialect: str, url: str) -> Model:
    """A model whose family speaks this dialect."""
    family = next((f for f in FAMILIES if f.dialect == dialect), POINTING)
    return replace(open_model(f"openai:{family.example or family.name}", url), family=family)


def overlap(one: Box, other: Box) -> float:
    shared = one.shared(other)
    return shared / (one.area + other.area - shared)


def sent_pixels(size: Size) -> tuple[float, float]:
    return float(size.width), float(size.height)


# --- the scenes


@pytest.mark.parametrize("seed", range(5))
def test_what_is_drawn_is_where_the_truth_says(seed: int) -> None:
    for scene in (*placed(seed), *pair()):
        colour, form = scene.thing.split()
        (seen,) = [s for s in shapes(Image.fromarray(pixels(scene.photo))) if s.colour == colour]
        assert (seen.form, overlap(seen.box, scene.box) > 0.97) == (form, True)
        assert scene.box.inside(scene.photo.size) == scene.box


@pytest.mark.parametrize("seed", range(5))
def test_swapping_its_axes_or_leaving_it_where_it_is_in_a_resized_image_moves_a_box_away(seed: int) -> None:
    for scene in placed(seed):
        (width, height), box = scene.photo.size, scene.box
        x0, y0, x1, y1 = box.x0 / width, box.y0 / height, box.x1 / width, box.y1 / height
        assert overlap(Box(y0, x0, y1, x1), Box(x0, y0, x1, y1)) < 0.1
        assert overlap(Box(*(v * 0.5 for v in box)), box) < 0.2


def test_scenes_are_the_same_again_and_others_by_another_seed() -> None:
    for draw in (placed, lambda seed: (printed(seed),), lambda seed: (counted(seed)[0],)):
        first, again, other = ([scene.photo.id for scene in draw(seed)] for seed in (1, 1, 2))
        assert first == again
        assert not set(first) & set(other)


# --- good endpoints


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nothing_is_wrong_with_a_good_endpoint(dialect: str) -> None:
    with serving(Looking(dialect)) as url:
        model = model_of(dialect, url)
        contract = calibrate(model)
    assert contract.problems == ()
    assert (contract.dialect, contract.scale, contract.swapped) == (dialect, "dialect", False)
    assert contract.sees
    assert contract.boxes
    assert contract.ms
    assert contract.first_ms
    assert contract.images == model.family.images
    assert url.requests <= ENOUGH
    if model.family.turns:
        assert contract.counts
        assert contract.reads
        assert contract.json
        assert contract.json_mode
        assert contract.tools
    else:  # it is asked only what it can do
        assert all(len(asked.images) == 1 for asked in url.asked)
        assert {contract.counts, contract.reads, contract.order, contract.json, contract.tools} == {None}
    asked_of_two = model.family.turns and model.family.images is None
    assert (contract.order, contract.fuses) == ((True, False) if asked_of_two else (None, None))


def test_a_server_that_resizes_harms_no_dialect_that_counts_in_shares() -> None:
    with serving(Looking("qwen3_vl"), FAULTS["squares"]) as url:
        assert calibrate(open_model(f"openai:{QWEN3}", url)).problems == ()


def test_an_error_that_passes_is_none() -> None:
    with serving(Looking("qwen3_vl"), FAULTS["error_once"]) as url:
        assert calibrate(open_model(f"openai:{QWEN3}", url)).problems == ()
    assert url.statuses.count(500) == 1


def test_a_family_that_writes_no_boxes_is_not_asked_for_any() -> None:
    with serving(Looking()) as url:
        contract = calibrate(open_model("openai:Salesforce/blip2-opt-2.7b", url))
    assert (contract.boxes, contract.sees, contract.problems) == (None, True, ())
    with serving(Looking(), FAULTS["ignores_images"]) as url:
        assert calibrate(open_model("openai:Salesforce/blip2-opt-2.7b", url)).problems == ("images_ignored",)


# --- planted faults

Planted = tuple[str, Brain, Fault | None, set[Problem]]

PLANTED: dict[str, Planted] = {
    "swapped axes": (QWEN3, Looking("qwen3_vl", swapped=True), None, {"axes_swapped"}),
    "swapped axes of tokens": ("google/paligemma2-3b", Looking("paligemma", swapped=True), None, {"axes_swapped"}),
    "shares of one": (QWEN3, Looking("qwen3_vl", span=lambda _: (1, 1)), None, {"other_scale"}),
    "thousandths": (QWEN25, Looking("qwen3_vl"), None, {"other_scale"}),
    "pixels": (QWEN3, Looking("qwen25_vl"), None, {"other_scale"}),
    "pixels of a shrunk image": (QWEN25, Looking("qwen25_vl"), FAULTS["shrinks"], {"resized"}),
    "pixels of a square": (QWEN25, Looking("qwen25_vl"), FAULTS["squares"], {"resized"}),
    "pixels of a smaller area": (QWEN25, Looking("qwen25_vl"), Fault(images=within(400_000)), {"resized"}),
    "pixels of a shrunk image, swapped": (
        "mine", Looking(span=sent_pixels, swapped=True), FAULTS["shrinks"], {"axes_swapped", "resized"},
    ),
    "another dialect": (QWEN3, Looking("molmo"), None, {"other_dialect"}),
    "tags in place of JSON": ("mine", Looking("qwen_vl"), None, {"other_dialect"}),
    "points in place of boxes": ("mine", Looking("points"), None, {"other_dialect"}),
    "ignores images": (QWEN3, Looking("qwen3_vl"), FAULTS["ignores_images"], {"images_ignored"}),
    "ignores the image of tokens": ("paligemma", Looking("paligemma"), FAULTS["ignores_images"], {"images_ignored"}),
    "refuses images": (QWEN3, Looking("qwen3_vl"), FAULTS["refuses_images"], {"images_refused"}),
    "fuses images": (QWEN3, Looking("qwen3_vl"), FAULTS["fuses_images"], {"images_fused"}),
    "swaps images": (QWEN3, Looking("qwen3_vl"), FAULTS["swaps_images"], {"images_swapped"}),
    "sees the last image": (QWEN3, Looking("qwen3_vl"), FAULTS["last_image_only"], {"images_mixed"}),
    "breaks on two images": (QWEN3, Looking("qwen3_vl"), FAULTS["breaks_on_two"], {"failing"}),
    "truncates": (QWEN3, Looking("qwen3_vl"), FAULTS["truncates"], {"truncated"}),
    "truncates tags": ("Qwen/Qwen-VL-Chat", Looking("qwen_vl"), FAULTS["truncates"], {"truncated"}),
    "repeats": (QWEN3, Looking("qwen3_vl"), FAULTS["repeats"], {"repeats"}),
    "prose": (QWEN3, Looking("qwen3_vl"), FAULTS["prose"], {"no_boxes", "no_json", "no_json_mode"}),
    "salad": (QWEN3, Looking("qwen3_vl"), FAULTS["salad"], {"garbage"}),
    "no tools": (QWEN3, Looking("qwen3_vl"), FAULTS["no_tools"], {"no_tools"}),
    "no JSON mode": (QWEN3, Looking("qwen3_vl"), FAULTS["no_json_mode"], {"no_json_mode"}),
    "miscounts": (QWEN3, lambda asked: "three" if "How many" in asked.prompt else Looking("qwen3_vl")(asked), None,
                  {"no_count"}),
    "misreads": (QWEN3, lambda asked: "12345" if "digits" in asked.prompt else Looking("qwen3_vl")(asked), None,
                 {"no_text"}),
}  # fmt: skip
SLOW = ("slow", "trickles")


@cache
def calibrated(name: str) -> tuple[Contract, int]:
    """What is found of a broken endpoint, and how many requests that took."""
    model, brain, fault, _ = PLANTED[name]
    with serving(brain, fault) as url:
        return calibrate(open_model(f"openai:{model}", url)), url.requests


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_named_and_no_other(name: str) -> None:
    contract, requests = calibrated(name)
    assert set(contract.problems) == PLANTED[name][-1]
    assert requests <= ENOUGH


@pytest.mark.parametrize("fault", SLOW)
def test_a_slow_endpoint_is_named(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    # What a good one takes here stays well under this, what a slow one takes well over it.
    monkeypatch.setattr(calibration, "SLOW", 400.0)
    with serving(Looking("paligemma"), FAULTS[fault]) as url:
        contract = calibrate(open_model("openai:paligemma", url))
    assert contract.problems == ("slow",)
    assert contract.first_ms
    assert contract.ms
    assert (contract.first_ms > contract.ms / 2) == (fault == "slow"), "a trickle begins soon"


def test_every_problem_is_planted_somewhere() -> None:
    planted = set().union(*(problems for *_, problems in PLANTED.values()))
    assert planted | {"slow"} == set(get_args(Problem))


def test_every_problem_and_every_step_has_words() -> None:
    keys = {f"doctor.problem.{p}" for p in get_args(Problem)} | {f"doctor.step.{s}" for s in STEPS}
    assert keys == {k for k in prompts.sentences("en") if k.startswith(("doctor.problem.", "doctor.step."))}


def test_an_endless_reply_is_hung_up_on() -> None:
    with serving(Looking("paligemma"), FAULTS["repeats"]) as url:
        calibrate(open_model("openai:paligemma", url))
        assert url.hung_up.wait(5)


# --- dead endpoints

DEAD = {
    "too_many": "429.*no more requests for now",
    "error": "500.*look into its log",
    "resets": "Look whether the server .* is running",
    "hangs": "in time.*still loading the model, or has hung",
    "garbage": "no chat completion: check the address",
    "html": "no chat completion: check the address",
}


@pytest.mark.parametrize(
    ("fault", "dialect"), [*((fault, "qwen3_vl") for fault in DEAD), ("hangs", "paligemma"), ("html", "paligemma")]
)
def test_a_dead_endpoint_is_a_clear_error_within_seconds(fault: str, dialect: str) -> None:
    start = time.monotonic()
    with serving(Looking(dialect), FAULTS[fault]) as url, pytest.raises(ModelFailed, match=DEAD[fault]):
        calibrate(replace(model_of(dialect, url), patience=HURRIED))
    assert time.monotonic() - start < 6
    assert url.requests <= 4, "each question is tried twice at most"


def test_nobody_there_is_a_clear_error() -> None:
    with serving(Looking()) as url:
        pass
    with pytest.raises(ModelFailed, match="running"):
        calibrate(open_model("openai:mine", url))


@pytest.mark.parametrize(("status", "advice"), [(401, "SIGHTLINE_API_KEY"), (404, "model's name")])
def test_a_refusal_says_what_to_do(status: int, advice: str) -> None:
    with serving(Looking(), Fault(status=lambda _: status)) as url, pytest.raises(ModelFailed, match=advice):
        calibrate(open_model("openai:mine", url))


def test_an_endpoint_that_dies_in_the_middle_is_asked_no_further() -> None:
    with (
        serving(Looking("qwen3_vl"), Fault(status=lambda n: 200 if n < 4 else 500)) as url,
        pytest.raises(ModelFailed, match="500"),
    ):
        calibrate(open_model(f"openai:{QWEN3}", url))
    assert url.requests <= 3 + 3 * 2


def test_an_endpoint_that_hangs_on_images_alone_is_a_clear_error() -> None:
    with (
        serving(Looking("qwen3_vl"), Fault(hangs=True, at_images=1)) as url,
        pytest.raises(ModelFailed, match="in time"),
    ):
        calibrate(replace(open_model(f"openai:{QWEN3}", url), patience=HURRIED))
    assert url.requests <= 4


def test_when_time_is_over_the_rest_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "WHOLE", 1.5)
    with serving(Looking("qwen3_vl"), Fault(first=0.5)) as url:
        contract = calibrate(open_model(f"openai:{QWEN3}", url))
    assert url.requests <= 4
    assert "slow" in contract.problems
    assert {contract.counts, contract.reads, contract.tools, contract.order} == {None}


# --- the contract is used


def agreement(model: Model, contract: Contract, scenes: Sequence[Scene]) -> float:
    """The least overlap of a box that the endpoint gives, read through a contract, with the truth in the photo."""
    calibrated = replace(model, contract=contract)
    least = 1.0
    for scene in scenes:
        seen = view(scene.photo, model.family)
        said = calibrated.ask(calibrated.dialect.ask("boxes", scene.thing), [seen], Drawn(scenes))
        heard = calibrated.dialect.read(said.text, contract.frame(seen.size))
        boxes = [seen.region(region, scene.photo.size).box for region in heard.regions]
        least = min(least, overlap(boxes[0], scene.box) if boxes else 0.0)
    return least


WRITE_POINTS = ("another dialect", "points in place of boxes")
MOVED = [
    name
    for name, (*_, problems) in PLANTED.items()
    if problems & {"axes_swapped", "other_scale", "resized", "other_dialect"} and name not in WRITE_POINTS
]


@pytest.mark.parametrize("name", MOVED)
def test_with_its_contract_boxes_come_back_in_the_right_pixels(name: str, tmp_path: Path) -> None:
    model_name, brain, fault, _ = PLANTED[name]
    with serving(brain, fault) as url:
        model = open_model(f"openai:{model_name}", url)
        keep(replace(calibrated(name)[0], server=url), tmp_path)
        contract = known(model, tmp_path).contract
        assert contract
        # Scenes that it was not calibrated with.
        assert agreement(model, contract, placed(99)) > 0.9
        assert agreement(model, Contract("", "", "", model.family.dialect), placed(99)) < 0.9


boxes = st.tuples(st.floats(0.02, 0.6), st.floats(0.02, 0.6), st.floats(0.15, 0.35), st.floats(0.15, 0.35)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@settings(deadline=None, max_examples=30)
@given(
    dialect=st.sampled_from(["plain_json", "qwen25_vl", "gemini", "internvl", "qwen2_vl"]),
    scale=st.sampled_from(get_args(Scale)),
    swapped=st.booleans(),
    side=st.integers(300, 900),
    off=st.lists(boxes, min_size=4, max_size=4),
    unanswered=st.integers(0, 4),
)
def test_whatever_the_numbers_span_is_worked_out(
    dialect: str,
    scale: Scale,
    swapped: bool,
    side: int,
    off: list[tuple[float, float, float, float]],
    unanswered: int,
) -> None:
    """From a few replies about known places, however they are written, to right boxes about any place."""
    if scale == "unit" and dialect in ("internvl", "qwen2_vl"):
        return  # their form has no fractions
    sided = scale in ("longest", "square", "area")
    true = Contract("", "", "", dialect, scale, swapped, side if sided else None)

    def shown(size: Size, box: Box) -> Shown:
        return Shown(written(dialect, [Region(box, "it", "thing")], true.frame(size)), size, box)

    asked = [shown(scene.photo.size, scene.box) for n, scene in enumerate(placed(3)) if n != unanswered]
    contract, agreed = fit(Contract("", "", "", dialect), asked)
    assert agreed > 0.9
    for size, (x0, y0, x1, y1) in zip(((1280, 960), (720, 1280), (448, 320), (1600, 640)), off, strict=True):
        width, height = size
        reply, _, box = shown(Size(*size), Box(x0 * width, y0 * height, x1 * width, y1 * height))
        (region,) = DIALECTS[dialect].read(reply, contract.frame(Size(*size))).regions
        assert overlap(region.box, box) > 0.9


def test_replies_that_fit_nothing_fit_nothing() -> None:
    shown = [Shown('[{"box": [1, 2, 3, 4]}]', scene.photo.size, scene.box) for scene in placed(3)]
    assert fit(Contract("", "", "", "plain_json"), shown)[1] < FITS


# --- doctor

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("sightline.tools.reader.RapidReader", CountingReader)
    runner = CliRunner()

    def invoke(*args: str, **env: str) -> Result:
        home = {"SIGHTLINE_HOME": str(tmp_path / "home"), "LC_ALL": "en_GB.UTF-8"}
        return runner.invoke(app, list(args), env={**home, **env})

    return invoke


def checked(result: Result) -> tuple[bool, str]:
    (check,) = [check for check in json.loads(result.stdout)["checks"] if check["what"] == "model"]
    return check["ok"], check["detail"]


def test_doctor_finds_nothing_wrong_with_a_good_model_and_keeps_that(run: Run, tmp_path: Path) -> None:
    with serving(Looking("qwen3_vl")) as url:
        options = ("--model", f"openai:{QWEN3}", "--server", url)
        before = run("--json", SIGHTLINE_MODEL=f"openai:{QWEN3}", SIGHTLINE_SERVER=url)
        tried = run(*options, "--json")
        after = run("--json", SIGHTLINE_MODEL=f"openai:{QWEN3}", SIGHTLINE_SERVER=url)
        asked = url.requests
    ok, detail = checked(before)
    assert ok
    assert "not calibrated yet; run: sightline doctor --model" in detail
    assert (tried.exit_code, checked(tried)[0]) == (0, True), tried.output
    assert json.loads(tried.stdout)["contract"]["boxes"] is True
    assert json.loads(after.stdout)["contract"] == json.loads(tried.stdout)["contract"]
    assert "nothing wrong was found" in checked(after)[1]
    assert known(open_model(f"openai:{QWEN3}", url), tmp_path / "home").contract
    assert asked <= ENOUGH, "it is asked only where it is named"


def test_doctor_says_what_is_wrong_and_what_to_do(run: Run) -> None:
    with serving(Looking("qwen25_vl"), FAULTS["shrinks"]) as url:
        options = ("--model", f"openai:{QWEN25}", "--server", url)
        tried = run(*options)
        chinese = run(SIGHTLINE_MODEL=f"openai:{QWEN25}", SIGHTLINE_SERVER=url, LC_ALL="zh_CN.UTF-8")
    with serving(Looking("qwen25_vl"), FAULTS["ignores_images"]) as url:
        blind = run("--model", f"openai:{QWEN25}", "--server", url)
    assert (blind.exit_code, "model\tNO" in blind.stdout, "images_ignored: " in blind.stdout) == (4, True, True)
    # What is made up for is said, and is nothing to fail for.
    assert tried.exit_code == 0
    assert "model\tok" in tried.stdout
    assert "resized: Its server makes images smaller (to 640 pixels)" in tried.stdout
    assert chinese.exit_code == 0
    assert "缩小（到 640 像素）" in chinese.stdout


def test_doctor_says_that_a_server_is_dead_and_keeps_nothing(run: Run, tmp_path: Path) -> None:
    with serving(Looking(), FAULTS["html"]) as url:
        tried = run("--model", "openai:mine", "--server", url)
        as_json = run("--model", "openai:mine", "--server", url, "--json")
    assert (tried.exit_code, tried.stdout) == (4, "")
    assert "check the address" in tried.stderr
    assert json.loads(as_json.stdout)["error"]["kind"] == "ModelFailed"
    assert not (tmp_path / "home" / FILE).exists()


def test_doctor_asks_a_model_by_its_configured_address(run: Run) -> None:
    with serving(Looking("paligemma")) as url:
        assert run("--model", "openai:paligemma", SIGHTLINE_SERVER=url).exit_code == 0
    assert url.requests


def test_doctor_needs_a_model_with_an_address(run: Run) -> None:
    assert run("--server", "http://127.0.0.1:1/v1").exit_code == 2


def test_doctor_says_that_the_kept_contracts_are_damaged(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / FILE).write_bytes(b"not a database at all" * 100)
    result = run("--json", SIGHTLINE_MODEL="openai:mine")
    assert result.exit_code == 4
    assert FILE in checked(result)[1]


# --- the servers themselves


def test_a_server_sees_only_what_it_is_sent() -> None:
    """The good server is no oracle: other pixels, another answer."""
    first, second = pair()
    with serving(Looking()) as url:
        model = open_model("openai:mine", url)
        for asked, there in ((first, first), (first, second)):
            prompt = model.dialect.ask("boxes", asked.thing)
            said = model.ask(prompt, [view(there.photo, model.family)], Drawn([there]))
            heard = model.dialect.read(said.text, model.dialect.frame(there.photo.size))
            assert heard.outcome == ("found" if asked is there else "absent")


def test_a_server_lists_its_models() -> None:
    import httpx

    with serving(Looking(), model="mine") as url:
        assert isinstance(url, Served)
        assert httpx.get(f"{url}/models", trust_env=False).json()["data"][0]["id"] == "mine"
