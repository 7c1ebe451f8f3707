"""`sightline setup` as a command, and the whole way in earnest, with a server that looks at what it is sent."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from dialogues import BLIND, Person, World, said
from looking import Looking
from machines import LAPTOP, OLLAMA, SERVED
from servers import FAULTS, serving
from servers import _Handler as Handler
from typer.testing import CliRunner, Result

from sightline import prompts
from sightline.agent import setup as dialogue
from sightline.agent.assistant import Assistant
from sightline.agent.cli_setup import app
from sightline.agent.settings import FILE
from sightline.agent.setup import Hands, Setup
from sightline.tools.models import machine
from sightline.tools.models.fetching import Unreachable

pytestmark = pytest.mark.usefixtures("nothing_set")


# The command


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def invoke(world: World, *args: str, stdin: str = "") -> Result:
        monkeypatch.setattr(dialogue, "HANDS", world.hands)
        return CliRunner().invoke(app, list(args), input=stdin, env={"SIGHTLINE_HOME": str(tmp_path / "home")})

    return invoke


@pytest.mark.parametrize(
    ("world", "args", "stdin", "code", "outcome"),
    [
        (World(SERVED), ("--yes",), "", 0, "ready"),
        (World(SERVED), (), "1\n", 0, "ready"),
        (World(SERVED), (), "2\n", 0, "none"),
        (World(LAPTOP), (), "1\nn\n", 0, "declined"),
        (World(errors={"weigh": Unreachable("away")}), ("-y",), "", 4, "offline"),
        (World(SERVED, BLIND), ("--yes",), "", 4, "failed"),
        (World(SERVED), (), "", 130, "stopped"),
        (World(errors={"look": KeyboardInterrupt()}), (), "", 130, "stopped"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_exit_codes_and_one_object(
    run: Run, world: World, args: tuple[str, ...], stdin: str, code: int, outcome: str, as_json: bool
) -> None:
    result = run(world, *args, *(["--json"] if as_json else []), stdin=stdin)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    if as_json:
        found = json.loads(result.stdout)
        assert found["outcome"] == outcome
        assert {"machine", "proposals", "chosen", "contract", "why", "file", "next"} <= found.keys()
        assert said("hello") in result.stderr
    else:
        assert result.stdout.startswith(said("hello"))
        assert result.stderr == ""


@pytest.mark.parametrize(
    "args",
    [
        ("--server", OLLAMA),
        ("--language", "tlh"),
        ("--model", "vlm", "--server", "http://key@host/v1", "--yes"),
        ("--model", "nonsense", "--yes"),
        ("--nonsense",),
    ],
)
def test_what_cannot_be_used_is_bad_input(run: Run, tmp_path: Path, args: tuple[str, ...]) -> None:
    result = run(World(SERVED), *args)
    assert (result.exit_code, result.stdout) == (2, ""), "before a word is said"
    assert not (tmp_path / "home").exists()


def test_a_damaged_file_is_named_before_anything_is_done(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / FILE).write_text("{")
    world = World(SERVED)
    result = run(world, "--yes")
    assert (result.exit_code, world.did) == (2, [])
    assert FILE in result.stderr


def test_the_dialogue_speaks_the_locales_language(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert run(World(SERVED), "--yes").stdout.startswith(said("hello", "zh"))


# The whole way, with a server that looks at what it is sent


def really(port_of: str) -> Hands:
    """Hands that look at one port of loopback, and do everything else in earnest."""
    port = urlsplit(port_of).port or 0
    return replace(dialogue.HANDS, look=lambda: replace(LAPTOP, servers=machine.servers({port: "Ollama"})))


def test_from_nothing_to_a_model_that_sees_and_what_it_can_do_is_known_to_the_next_turn(tmp_path: Path) -> None:
    with serving(Looking("qwen3_vl"), model="qwen3-vl:4b") as address:
        person = Person("")
        done = Setup(tmp_path, "en", person.say, person.ask).run(really(address))
        assert (done.outcome, len(person.asked)) == ("ready", 1), person.heard
        assert done.contract
        assert done.contract.sees
        with Assistant.open(tmp_path) as assistant:
            model = assistant._kit.model
            assert model
            assert (model.name, model.server, model.contract) == ("qwen3-vl:4b", str(address), done.contract)
    json.dumps(done.to_dict())


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("ignores_images", "blind"),
        ("refuses_images", "blind"),
        ("salad", "garbage"),
        ("error", "dead"),
        ("html", "dead"),
        ("resets", "dead"),
    ],
)
def test_a_server_that_would_mislead_is_not_set(tmp_path: Path, fault: str, sentence: str) -> None:
    with serving(Looking("qwen3_vl"), FAULTS[fault], model="qwen3-vl:4b") as address:
        person = Person(AssertionError)
        done = Setup(tmp_path, "en", person.say, person.ask, yes=True).run(really(address))
    assert (done.outcome, list(tmp_path.iterdir())) == ("failed", []), person.heard
    assert person.heard[-2].startswith(prompts.sentences("en")[f"setup.{sentence}"].partition("{")[0])
    assert not re.search(r"://|[{}<>]| ,", person.heard[-2]), "what a server sent is not read out"
    assert person.heard[-1] == said("unchanged")


@pytest.mark.parametrize(("refused", "outcome"), [(False, "ready"), (True, "failed")])
def test_the_key_is_shown_to_the_server_and_neither_said_nor_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool, outcome: str
) -> None:
    shown: set[str] = set()
    answer = Handler.do_POST

    def note(handler: Handler) -> None:
        shown.add(handler.headers["Authorization"])
        if refused:  # as some do, with what they refuse
            handler.rfile.read(int(handler.headers["Content-Length"]))
            handler._json(401, {"error": {"message": f"unknown key: {handler.headers['Authorization']}"}})
        else:
            answer(handler)

    monkeypatch.setattr(Handler, "do_POST", note)
    monkeypatch.setenv("SIGHTLINE_API_KEY", "sk-secret")
    world = World()
    world.hands = replace(world.hands, calibrate=dialogue.HANDS.calibrate)
    with serving(Looking("qwen3_vl"), model="qwen3-vl:4b") as address:
        result = run(world, "--model", "qwen3-vl:4b", "--server", address, "--yes", "--json")
    assert (json.loads(result.stdout)["outcome"], shown) == (outcome, {"Bearer sk-secret"})
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == (0 if refused else 2)
    assert b"sk-secret" not in b"".join([result.output.encode(), *written])
