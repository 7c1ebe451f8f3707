"""`sightline route`: plans as JSON, one a row, without a home."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sightline.agent.cli import app


def run(*args: str, stdin: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(app, ["route", *args], input=stdin)
    return done.exit_code, done.stdout


def test_a_plan_is_one_json_object_and_no_home_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    code, out = run("what product is this and when does it expire", "--photos", "1", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["plan"] == [{"tool": "identify", "args": {}}, {"tool": "ocr", "args": {"field": "expiry"}}]
    assert 0 < said["margin"] <= 1
    assert not (tmp_path / "home").exists()


def test_without_json_the_steps_are_lines() -> None:
    assert run("where is the door?", "--photos", "1") == (0, "ground target=door\n")


def test_a_batch_gives_a_line_a_row_in_order(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"text": "hola", "images": 0}, {"text": "什么时候过期？", "images": 1}, {"text": "", "images": 2}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    code, out = run("--batch", str(file))
    assert code == 0
    assert [json.loads(line)["plan"][0]["tool"] for line in out.splitlines()] == ["chat", "ocr", "compare"]
    assert run("--batch", "-", stdin=file.read_text("utf-8")) == (0, out)


@pytest.mark.parametrize("row", ["{", '{"text": "a"}', '{"text": 3, "images": 1}', '{"text": "a", "images": -1}', "[]"])
def test_a_bad_row_is_named_by_its_line(row: str) -> None:
    code, out = run("--batch", "-", stdin=f'{{"text": "hi", "images": 0}}\n{row}\n')
    assert code == 2
    assert "line 2" in json.loads(out.splitlines()[-1])["error"]["message"]
