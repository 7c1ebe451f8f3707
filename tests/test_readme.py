"""Every command in the README works as it stands there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fakes import ROOT, CountingReader, shop_home
from running import running
from typer.main import get_command
from typer.testing import CliRunner

from sightline.agent.api.app import create_app
from sightline.agent.api.gate import Gate
from sightline.agent.assistant import Assistant
from sightline.agent.cli import app
from sightline.tools.models.families import FAMILIES, family_of

README, CHINESE = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)
COMMANDS = [line.split("  #")[0].strip() for kind, body in BLOCKS if kind == "sh" for line in body.splitlines() if line]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like the checkout to relative paths, and takes what the commands write."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_commands_of_the_command_line_work(here: Path, reader: CountingReader) -> None:
    ours = [c for c in COMMANDS if c.startswith("sightline ")]
    assert len(ours) >= 8
    for command in ours:
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.exit_code == 0, f"{command}\n{result.output}"
    assert (here / "marked.jpg").is_file()
    assert reader.calls


@cache
def help_of(program: str, command: str) -> str:
    script = [str(Path(sys.executable).with_name(program)), command, "--help"]
    return subprocess.run(
        script, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"}
    ).stdout


def test_the_commands_that_need_a_hub_a_server_or_minutes_have_flags_that_exist() -> None:
    shown = [line.split("  #")[0].strip() for kind, body in BLOCKS if kind == "shell" for line in body.splitlines()]
    assert len(shown) >= 8
    for command in map(shlex.split, shown):
        if command[0] == "sightline":
            found: Any = get_command(app)
            words = command[1:]
            while hasattr(found, "commands"):
                found, *words = found.commands[words[0]], *words[1:]
            found.make_context(command[1], words).close()
            assert all((ROOT / word).is_file() for word in words if word.startswith("examples/")), command
        elif command[0] == "curl":
            assert "http://127.0.0.1:8765" in command[-1], "a test below has them run"
        elif command[0] in ("hf", "transformers"):
            flags = [word for word in command if word.startswith("--")]
            told = help_of(command[0], command[1])
            assert all(flag in told for flag in flags), command
        else:
            assert command[:2] == ["ollama", "pull"], command


def test_what_is_sent_to_a_server_is_answered(here: Path, reader: CountingReader) -> None:
    sent = [line for kind, body in BLOCKS if kind == "shell" for line in body.splitlines() if line.startswith("curl ")]
    assert len(sent) >= 6
    shutil.copytree(shop_home(), here / "home")
    with Assistant.open(here / "home") as assistant, running(create_app(Gate(assistant, "secret"))) as url:
        for command in sent:
            words = shlex.split(command.replace("http://127.0.0.1:8765", url))
            done = subprocess.run([*words, "--silent", "--fail-with-body"], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, f"{command}\n{done.stdout}"
    assert reader.calls


@pytest.mark.parametrize("readme", [README, CHINESE], ids=["en", "zh"])
def test_every_family_has_its_row_with_what_is_known_of_it(readme: str) -> None:
    for family in FAMILIES:
        (row,) = re.findall(rf"^\| {family.name} \|(.*)\|$", readme, re.M)
        example, dialect, ways, memory = (cell.strip() for cell in row.split("|"))
        assert not family.example or example == f"`{family.example}`"
        assert (dialect == f"`{family.dialect}`") == family.grounds
        assert ("`transformers:`" in ways) != family.served
        assert not family.gigabytes or memory == f"{family.gigabytes:g} GB"


def test_what_is_said_to_run_here_is_run_by_transformers_as_it_is() -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KNOWN

    ours = {family_of(kind) for kind in KNOWN}
    assert {family for family in FAMILIES if not family.served} <= ours


def test_the_python_example_works(here: Path) -> None:
    (code,) = [body for kind, body in BLOCKS if kind == "python"]
    # With the engine that need not read again what was read in this run.
    seam = (
        f"import sys; sys.path.append({str(ROOT / 'tests')!r}); from fakes import CountingReader\n"
        "import sightline.agent.assistant; sightline.agent.assistant.RapidReader = CountingReader\n"
    )
    done = subprocess.run([sys.executable, "-c", seam + code], capture_output=True, text=True, cwd=here)
    assert done.returncode == 0, done.stderr
    assert "14 March 2027" in done.stdout
    assert "条形码" in done.stdout


def test_the_chinese_readme_has_the_same_commands_and_programs() -> None:
    def blocks(text: str) -> list[tuple[str, list[str]]]:
        found = re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)
        # What a make target does is said in either language.
        return [(kind, [re.sub(r"  +# .*", "", line) for line in body.splitlines()]) for kind, body in found]

    assert blocks(CHINESE) == blocks(README)
    prose = [re.sub(r"^```.*?^```", "", text, flags=re.M | re.S) for text in (README, CHINESE)]
    names = [{" ".join(name.split()) for name in re.findall(r"`([^`]+)`", text)} for text in prose]
    assert names[0] == names[1]


def test_the_make_targets_are_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {c.split()[1] for c in COMMANDS if c.startswith("make ")}
    assert {"demo", "test"} <= named <= targets


def test_there_is_no_command_that_no_test_knows() -> None:
    assert all(c.split()[0] in ("sightline", "make") for c in COMMANDS), COMMANDS


def test_the_files_the_readme_names_are_there() -> None:
    for path in re.findall(r"\]\(([\w/.-]+)\)|`((?:tools|prompts|agent|examples)/[\w/.-]+)`", README):
        assert (ROOT / (path[0] or path[1])).exists(), path
