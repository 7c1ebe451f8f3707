"""The command line: outcomes as exit codes, one JSON object, errors that say what to do."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import ROOT, CountingReader, label, shop_home
from PIL import Image
from typer.testing import CliRunner, Result

from sightline.agent.assistant import Assistant
from sightline.agent.cli import app
from sightline.agent.terminal import print_finding, print_products
from sightline.tools.toolbox import TOOLS
from sightline.tools.types import Box, Difference, Finding, Region

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, reader: CountingReader) -> Run:
    del reader
    runner = CliRunner()

    def invoke(*args: str, stdin: str | bytes | None = None) -> Result:
        return runner.invoke(app, list(args), input=stdin, env={"SIGHTLINE_HOME": str(tmp_path / "home")})

    return invoke


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "牛奶 pack.png"
    label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g").save(path)
    return str(path)


@pytest.fixture
def black(tmp_path: Path) -> str:
    path = tmp_path / "dark.png"
    Image.new("RGB", (640, 480)).save(path)
    return str(path)


def one_object(result: Result) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


def test_ask_prints_the_answer_and_where_the_evidence_is(run: Run, file: str) -> None:
    result = run("ask", "When does it expire?", file)
    assert result.exit_code == 0
    assert "14 March 2027" in result.stdout
    assert "evidence: " in result.stdout


def test_ask_json_is_the_reply_and_nothing_else(run: Run, file: str) -> None:
    result = run("ask", "什么时候过期？", file, "--json", "--thread", "t")
    reply = one_object(result)
    assert {"text", "language", "plan", "statements", "claims", "findings", "pictures", "thread"} <= reply.keys()
    assert (reply["thread"], reply["language"]) == ("t", "zh")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["ocr", "{file}"], 0),
        (["ocr", "{file}", "--field", "expiry"], 0),
        (["ocr", "{file}", "--field", "lot"], 1),
        (["ocr", "{file}", "--field", "colour"], 2),
        (["ocr", "nowhere.png"], 2),
        (["ocr", "sha256:" + "0" * 64], 2),
        (["ground", "{file}", "BEST BEFORE"], 0),
        (["ground", "{file}", "HONEY"], 1),
        (["ground", "{file}", "the dog"], 5),
        (["ground", "{file}", " "], 2),
        (["ocr", "{black}"], 3),
        (["describe", "{file}"], 0),
        (["describe", "{file}", "--question", "Who made it?"], 5),
        (["describe", "{black}", "--question", "Who made it?"], 3),
        (["ask", "Is there a dog?", "{file}"], 5),
        (["ask", "What does it say?"], 5),
        (["ask", "What does it say?", "{black}"], 3),
        (["ask", "/ocr colour", "{file}"], 2),
        (["ask", "/ground", "{file}"], 2),
        (["ask", "{file}"], 2),
        (["ask", "What is the lot number?", "{file}"], 1),
        (["threads", "show", "nobody"], 2),
        (["threads", "delete", "nobody"], 2),
        (["nonsense"], 2),
    ],
)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_exit_codes_tell_outcomes_apart(
    run: Run, file: str, black: str, args: list[str], code: int, as_json: bool
) -> None:
    result = run(*(a.format(file=file, black=black) for a in args), *(["--json"] if as_json else []))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    if as_json and args[0] != "nonsense":
        one_object(result)


def test_an_error_names_the_file_in_words_and_in_json(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "letter.jpg"
    bad.write_text("Dear sir")
    spoken = run("ocr", str(bad))
    assert "letter.jpg" in spoken.stderr
    assert spoken.stdout == ""
    error = one_object(run("ocr", str(bad), "--json"))["error"]
    assert error["kind"] == "UnreadablePhoto"
    assert "letter.jpg" in error["message"]


def test_a_photo_can_come_from_standard_input(run: Run, file: str) -> None:
    assert run("ocr", "-", "--json", stdin=Path(file).read_bytes()).exit_code == 0


def test_a_picture_with_marks_is_saved_where_it_is_wanted(run: Run, file: str, tmp_path: Path) -> None:
    out = tmp_path / "marked.jpg"
    assert run("ground", file, "BEST BEFORE", "--picture", str(out)).exit_code == 0
    assert out.read_bytes()[:2] == b"\xff\xd8"


def test_chat_takes_turns_and_photos_from_standard_input(run: Run, file: str) -> None:
    typed = f"/photo '{file}'\nWhen does it expire?\nHow much does it weigh?\n/quit\nnever read\n"
    result = run("chat", "--thread", "c", stdin=typed)
    assert "14 March 2027" in result.stdout
    assert "250 g" in result.stdout
    turns = one_object(run("threads", "show", "c", "--json"))["turns"]
    assert [t["question"] for t in turns] == ["When does it expire?", "How much does it weigh?"]
    again = one_object(run("chat", "--thread", "c", "--json", stdin="What does it say?\n"))
    assert [t["question"] for t in again["turns"]] == ["What does it say?"]


def test_chat_goes_on_after_a_bad_photo(run: Run) -> None:
    result = run("chat", stdin="/photo nowhere.png\nWhat does it say?\nhello\n")
    assert "nowhere.png" in result.stderr
    assert "Hello" in result.stdout
    assert result.exit_code == 0


def test_chat_in_json_keeps_every_turn_and_says_which_could_not_be_taken(run: Run, file: str) -> None:
    typed = f"/photo '{file}'\nWhen does it expire?\n/photo nowhere.png\nWhat does it say?\nHow much does it weigh?\n"
    result = run("chat", "--json", stdin=typed)
    first, second, third = one_object(result)["turns"]
    assert "14 March 2027" in first["text"]
    assert "nowhere.png" in second["error"]["message"]
    assert "250 g" in third["text"]
    assert (result.exit_code, result.stderr) == (2, "")


def test_a_photo_in_place_of_the_question_is_pointed_out(run: Run, file: str) -> None:
    result = run("ask", file)
    assert "question" in result.stderr
    assert file in result.stderr


def test_threads_are_listed_shown_and_deleted(run: Run, file: str) -> None:
    assert "No conversations" in run("threads").stdout
    run("ask", "When does it expire?", file, "--thread", "a")
    listed = one_object(run("threads", "--json"))
    assert [(t["name"], t["turns"]) for t in listed["threads"]] == [("a", 1)]
    assert "14 March 2027" in run("threads", "show", "a").stdout
    assert run("threads", "resume", "a", "--json").exit_code == 0
    assert run("threads", "delete", "a").exit_code == 0
    assert one_object(run("threads", "--json"))["threads"] == []


def test_doctor_tries_the_instruments(run: Run) -> None:
    report = one_object(run("doctor", "--json"))
    assert report["ok"], report
    details = {c["what"]: c["detail"] for c in report["checks"]}
    assert {"rapidocr", "faiss-cpu", "home", "ocr", "model"} <= details.keys()
    assert "SIGHTLINE" in details["ocr"]
    assert details["catalogue"] == "0 products; embedder: descriptor"


def test_doctor_looks_into_the_catalogue() -> None:
    result = CliRunner().invoke(app, ["doctor", "--home", str(shop_home())])
    assert result.exit_code == 0
    assert "catalogue\tok\t14 products; embedder: descriptor" in result.stdout


@pytest.mark.parametrize("embedder", ["nonsense", "open_clip:local-dir:/no/such/folder"])
def test_doctor_says_what_is_wrong_with_the_embedder(run: Run, monkeypatch: pytest.MonkeyPatch, embedder: str) -> None:
    monkeypatch.setenv("SIGHTLINE_EMBEDDER", embedder)
    result = run("doctor", "--json")
    (check,) = [check for check in one_object(result)["checks"] if check["what"] == "catalogue"]
    assert (result.exit_code, check["ok"]) == (4, False)
    assert embedder in check["detail"]


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (KeyboardInterrupt(), 130, None),
        (OSError("No space left on device"), 4, "OSError"),
        (ZeroDivisionError("a mistake of ours"), 4, "ZeroDivisionError"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_nobody_foresaw_is_a_failure_and_never_an_absence(
    run: Run, file: str, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, kind: str | None
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("sightline.agent.assistant.Assistant.ocr", fail)
    result = run("ocr", file, "--json")
    assert result.exit_code == code
    assert (one_object(result)["error"]["kind"] if result.stdout else None) == kind
    assert ("Traceback" in result.stderr) == isinstance(error, ZeroDivisionError)


def test_options_of_threads_are_not_lost_before_its_commands(run: Run, tmp_path: Path) -> None:
    result = run("threads", "--home", str(tmp_path / "other"), "show", "main")
    assert result.exit_code == 2
    assert "after `show`" in result.stderr


def test_a_picture_that_cannot_be_written_is_said(run: Run, file: str, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    result = run("ocr", file, "--picture", str(tmp_path / "notes" / "marked.jpg"))
    assert result.exit_code == 2
    assert "marked.jpg" in result.stderr


def test_plain_prints_no_escape_codes(run: Run, file: str) -> None:
    for command in (["ask", "Describe this", file], ["describe", file], ["threads"], ["doctor"]):
        assert "\x1b" not in run(*command, "--plain").stdout


def test_a_field_prints_that_field_and_not_the_whole_text(run: Run, file: str) -> None:
    result = run("ocr", file, "--field", "expiry")
    assert "2027-03-14" in result.stdout
    assert "NET WEIGHT" not in result.stdout
    absent = run("ocr", file, "--field", "lot")
    assert absent.stdout.strip() == "absent"


def test_what_a_photo_says_commands_no_terminal(run: Run, tmp_path: Path) -> None:
    import zxingcpp

    evil = "\x1b[31mRED\x1b]0;title\x07\u202eesrever\r\x9b2J"
    code = zxingcpp.create_barcode(evil, zxingcpp.BarcodeFormat.QRCode).to_image(scale=8)
    path = tmp_path / "code.png"
    Image.fromarray(np.pad(np.asarray(code), 80, constant_values=255)).save(path)
    commands = (["describe", str(path)], ["ask", "describe this", str(path)], ["threads", "show", "main"])
    for output in (run(*command).output for command in commands):
        assert "RED" in output
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(output)
    strange = tmp_path / "\x1b[2Jletter.jpg"
    strange.write_text("Dear sir")
    assert "\x1b" not in run("ocr", str(strange)).stderr
    assert evil in str(one_object(run("describe", str(path), "--json"))["facts"][0]["value"])


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_is_described_in_one_way(run: Run, tool: str) -> None:
    first = (TOOLS[tool].__doc__ or "").splitlines()[0]
    assert (getattr(Assistant, tool).__doc__ or "").splitlines()[0] == first
    assert first in run(tool, "--help").stdout
    assert first in run("--help").stdout, "it fits into one line"


COMMANDS = [
    *("ask", "chat", *TOOLS, "index", "threads", "catalogue", "doctor", "setup"),
    *("threads show", "threads resume", "threads delete"),
    *("catalogue list", "catalogue search", "catalogue add", "catalogue remove"),
    *("catalogue confirm", "catalogue views", "catalogue withdraw"),
    *("keys", "keys add", "keys revoke"),
    *("eval identify", "eval verify", "eval differences"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_json_home_plain_and_help(run: Run, command: str) -> None:
    *group, name = command.split()
    text = run(*group, name, "--help").stdout
    assert all(flag in text for flag in ("--json", "--home", "--plain"))
    assert name in run(*group, "--help").stdout


TELL = """
from sightline.agent.terminal import bar, say
with bar(False) as progress:
    say("found")
    say("bad.jpg: not a photo", err=True)
    progress("identify", 1, 2)
"""


def test_progress_is_drawn_where_a_person_looks_and_results_stay_clean() -> None:
    person, stderr = pty.openpty()
    env = {**os.environ, "TERM": "xterm"}
    done = subprocess.run([sys.executable, "-c", TELL], stdout=subprocess.PIPE, stderr=stderr, env=env, check=True)
    os.close(stderr)
    drawn = b""
    with suppress(OSError):  # how Linux says that nobody is left to write
        while part := os.read(person, 4096):
            drawn += part
    os.close(person)
    assert done.stdout == b"found\n"
    assert b"1/2" in drawn
    assert b"\x1b[2Kbad.jpg: not a photo\r\n" in drawn, "on a line of its own"


def test_a_question_that_nothing_answers_is_said_to_be_open_beside_what_was_read(
    run: Run, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for locale, sentence in (("en_GB.UTF-8", "needs a vision language model"), ("zh_CN.UTF-8", "视觉语言模型")):
        monkeypatch.setenv("LC_ALL", locale)
        spoken = run("describe", file, "--question", "Who made it?").stdout
        assert sentence in spoken
        assert "NET WEIGHT 250 g\n" in spoken
    assert sentence not in run("describe", file).stdout, "nobody asked"


@pytest.fixture(params=["nowhere", "broken", "reads no images"])
def no_checkpoint(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a model that cannot be opened, which is set."""
    folder = tmp_path / "my-model"
    if request.param != "nowhere":
        folder.mkdir()
    if request.param == "broken":
        (folder / "config.json").write_text("{")
    if request.param == "reads no images":
        (folder / "config.json").write_text('{"model_type": "llama"}')
    monkeypatch.setenv("SIGHTLINE_MODEL", f"transformers:{folder}")
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    return f"transformers:{folder}"


def test_a_model_that_cannot_be_opened_takes_nothing_else_along(run: Run, file: str, no_checkpoint: str) -> None:
    assert run("threads").exit_code == 0
    told = run("ask", "Describe this", file)
    assert told.exit_code == 0, told.output
    assert "BEST BEFORE" in told.stdout
    assert told.stdout.count("my-model could not be opened") == 1
    asked = run("describe", file, "--question", "Who made it?")
    assert asked.exit_code == 5
    assert "my-model could not be opened" in asked.stdout
    assert "NET WEIGHT" in asked.stdout
    doctor = run("doctor", "--model", no_checkpoint)
    assert doctor.exit_code == 4
    assert "cannot be opened: Expected a" in doctor.stderr
    assert no_checkpoint.partition(":")[2] in doctor.stderr or "reads images" in doctor.stderr


def test_a_terminal_of_another_encoding_still_gets_its_answer(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sightline.agent.cli", "ask", "你好", "--home", str(tmp_path / "home")]
    env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, capture_output=True, env=env, cwd=ROOT)
    assert done.returncode == 5, done.stderr
    assert "您好".encode("unicode-escape") in done.stdout


def test_the_installed_command_answers_and_keeps_stdout_clean(tmp_path: Path) -> None:
    """The whole way, in a process of its own, with the real OCR engine."""
    path = tmp_path / "label.png"
    label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", size=(900, 480)).save(path)
    command = [sys.executable, "-m", "sightline.agent.cli", "ask", "When does it expire?", str(path), "--json"]
    env = {**os.environ, "SIGHTLINE_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, capture_output=True, env=env, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "14 March 2027" in json.loads(done.stdout)["text"]
    assert done.stderr == b""


def test_a_list_that_broke_off_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    seen = Region(Box(10, 20, 30, 40), "mug", "thing")
    found = Finding("ground:1", "ground", "found", ("sha256:1",), "qwen", 1.0, regions=(seen,), model="qwen")
    print_finding(replace(found, cut=True), True)
    assert "qwen broke off: there may be more" in capsys.readouterr().out
    print_finding(found, True)
    assert "there may be more" not in capsys.readouterr().out


def test_what_a_model_says_of_a_difference_is_printed_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    spot = Region(Box(10, 20, 30, 40), "", "difference")
    marks = tuple(Difference("artwork", spot, "sha256:2", spot.box, said=said) for said in (None, "A star is missing."))
    found = Finding("compare:1", "compare", "found", ("sha256:1",), "", 1.0, differences=marks, model="qwen")
    print_products(found, True)
    *table, below = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in table] == ["1", "2"]
    assert below == "2: qwen, unchecked: A star is missing."


def test_the_ledger_shows_each_claim_and_where_it_is(run: Run, file: str) -> None:
    shown = run("ask", "When does it expire?", file, "--ledger", "--plain").stdout
    claims = [line.split("\t") for line in shown.splitlines() if line.count("\t") == 4]
    assert {(c[1], c[2]) for c in claims} >= {("supported", "date 2027-03-14")}
    assert all(len(c[4].split()) == 4 for c in claims)
