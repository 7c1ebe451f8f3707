"""`sightline doctor`: what is said of a model that is tried, and of one that was; damaged files and dead servers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from fakes import CountingReader
from looking import Looking
from servers import ENOUGH, FAULTS, QWEN3, QWEN25, serving
from typer.testing import CliRunner, Result

from sightline.agent.cli_doctor import app
from sightline.agent.settings import write
from sightline.memory.contracts import FILE, keep, kept
from sightline.prompts import say, sentences
from sightline.tools.models.contract import Contract, Problem, Scale, key

pytestmark = pytest.mark.usefixtures("at_once")

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
    assert kept(QWEN3, url, tmp_path / "home")
    assert asked <= ENOUGH, "it is asked only where it is named"


def test_doctor_says_what_is_wrong_and_what_to_do(run: Run) -> None:
    with serving(Looking("qwen25_vl"), FAULTS["shrinks"]) as url:
        options = ("--model", f"openai:{QWEN25}", "--server", url)
        tried = run(*options)
        chinese = run(SIGHTLINE_MODEL=f"openai:{QWEN25}", SIGHTLINE_SERVER=url, LC_ALL="zh_CN.UTF-8")
    with serving(Looking("qwen25_vl"), FAULTS["ignores_images"]) as url:
        blind = run("--model", f"openai:{QWEN25}", "--server", url)
    assert (blind.exit_code, "model\tNO" in blind.stdout) == (4, True)
    assert "It says the same whatever the image shows" in blind.stdout
    assert "images_ignored" not in blind.stdout, "a name of ours is nothing to be read aloud"
    # What is made up for is said, and is nothing to fail for.
    assert tried.exit_code == 0
    assert "model\tok" in tried.stdout
    assert "Its server changes the size of images (no side is longer than 640 pixels)" in tried.stdout
    assert chinese.exit_code == 0
    assert "最长边不超过 640 像素" in chinese.stdout


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


def test_doctor_takes_the_words_that_setup_takes(run: Run, tmp_path: Path) -> None:
    with serving(Looking("paligemma")) as url:
        assert run("--model", "paligemma", "--server", url.removeprefix("http://").removesuffix("/v1")).exit_code == 0
    assert kept("paligemma", url, tmp_path / "home")
    for model, server in (("vlm", "host/v1?key=sk-secret"), ("vlm", "host:sk-secret"), ("transformers:a/b", url)):
        result = run("--model", model, "--server", server)
        assert result.exit_code == 2
        assert "sk-secret" not in result.output


def test_doctor_misses_no_model_where_it_is_switched_off(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "home", "openai:mine", "http://127.0.0.1:1/v1")
    assert checked(run("--json"))[1].startswith("mine: not calibrated")
    result = run("--json", SIGHTLINE_MODEL="")
    assert (result.exit_code, checked(result)) == (0, (True, say("en", "doctor.model.none")))


def test_what_sightline_does_without_is_nothing_to_fail_for(run: Run, tmp_path: Path) -> None:
    said = {problem: sentences("en")[f"doctor.problem.{problem}"] for problem in get_args(Problem)}
    words = ("Sightline does without", "there is nothing to do")
    borne = tuple(problem for problem, text in said.items() if any(each in text for each in words))
    assert len(borne) > 3
    server = "http://127.0.0.1:1/v1"
    keep(Contract(*key("mine", server), "qwen3_vl", ms=1.0, problems=borne), tmp_path / "home")
    assert checked(run("--json", SIGHTLINE_MODEL="openai:mine", SIGHTLINE_SERVER=server))[0]


def test_doctor_knows_a_folder_however_it_is_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "qwen3_vl"}')
    monkeypatch.chdir(tmp_path)
    before = run("--json", SIGHTLINE_MODEL="transformers:models/mine")
    keep(Contract(*key(str(folder), ""), "qwen3_vl", ms=1.0), tmp_path / "home")
    after = run("--json", SIGHTLINE_MODEL="transformers:models/mine")
    assert checked(before)[1].startswith("mine: not calibrated"), "by the name that can be heard"
    assert checked(after)[1].startswith("mine: calibrated")


@pytest.mark.parametrize(
    ("scale", "size"),
    [
        ("longest", "no side is longer than 640 pixels"),
        ("square", "each becomes a square of 640 by 640 pixels"),
        ("area", "none has more pixels than a square of 640 by 640"),
    ],
)
def test_doctor_says_how_a_server_resizes(scale: Scale, size: str, run: Run, tmp_path: Path) -> None:
    server = "http://127.0.0.1:1/v1"
    keep(Contract(*key("mine", server), "qwen25_vl", scale, side=640, problems=("resized",)), tmp_path / "home")
    assert f"({size})" in run(SIGHTLINE_MODEL="openai:mine", SIGHTLINE_SERVER=server).stdout


def test_doctor_says_that_the_kept_contracts_are_damaged(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / FILE).write_bytes(b"not a database at all" * 100)
    result = run("--json", SIGHTLINE_MODEL="openai:mine", SIGHTLINE_SERVER="http://127.0.0.1:1/v1")
    assert result.exit_code == 4
    assert FILE in checked(result)[1]
