"""`sightline setup`: what is proposed is a law over machines, and the dialogue is listened to from beginning to end."""

import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from servers import FAULTS, Looking, serving
from typer.testing import CliRunner, Result

from sightline import prompts
from sightline.agent import proposals as deciding
from sightline.agent import setup as dialogue
from sightline.agent.assistant import Assistant
from sightline.agent.cli_setup import app
from sightline.agent.language import spoken
from sightline.agent.proposals import CHOICES, NONE, Proposal, elsewhere, named, proposals
from sightline.agent.settings import FILE, read, write
from sightline.agent.setup import Done, Hands, Setup
from sightline.memory.contracts import FILE as CONTRACTS
from sightline.tools.errors import BadInput, ModelFailed, Unavailable
from sightline.tools.models import machine
from sightline.tools.models.contract import Contract
from sightline.tools.models.families import OTHER, family_of
from sightline.tools.models.fetching import Unreachable, Weights, cache
from sightline.tools.models.machine import PORTS, Gpu, Machine, Server

OLLAMA = "http://127.0.0.1:11434/v1"
SERVER = Server("Ollama", OLLAMA, ("llama3:8b", "qwen3-vl:4b"))
LAPTOP = Machine(None, 8.0, 100.0, ())
WITH_OLLAMA = replace(LAPTOP, servers=(replace(SERVER, models=("llama3:8b",)),))
SERVED = replace(LAPTOP, servers=(SERVER,))
WITH_GPU = Machine(Gpu("NVIDIA RTX 4070", 11.5), 24.0, 100.0, ())
TINY = Machine(None, 2.0, 1.0, ())
SMALL = f"transformers:{deciding.SMALL[0]}"
GOOD = Contract("qwen3-vl:4b", OLLAMA, "v", "qwen3_vl", sees=True, boxes=True, first_ms=900.0, ms=2400.0)
BLIND = replace(GOOD, sees=False, problems=("images_ignored",))


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith(("SIGHTLINE_", "LC_", "LANG"))]:
        monkeypatch.delenv(name)


# What is proposed


names = st.sampled_from(
    [
        "qwen3-vl:4b",
        "llama3:8b",
        "llava:7b",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "gemma3",
        "qwen3-vl:235b-cloud",
        "llava:cloud",
    ]
)
servers = st.builds(
    lambda port, models: Server(PORTS[port], f"http://127.0.0.1:{port}/v1", tuple(models)),
    st.sampled_from(list(PORTS)),
    st.lists(names, max_size=4),
)
sizes = st.floats(0, 200, allow_nan=False)
machines = st.builds(
    Machine,
    gpu=st.none() | st.builds(Gpu, st.just("card"), sizes),
    memory=sizes,
    disk=sizes,
    servers=st.lists(servers, max_size=3).map(tuple),
)
kepts = st.none() | st.builds(
    Proposal, st.just("kept"), st.sampled_from(["openai:mine", "openai:qwen3-vl:4b"]), st.none() | st.just(OLLAMA)
)


@given(machine=machines, kept=kepts)
@example(machine=SERVED, kept=Proposal("kept", "openai:qwen3-vl:4b", OLLAMA))
def test_nothing_is_proposed_that_does_not_fit_and_going_without_always_is(
    machine: Machine, kept: Proposal | None
) -> None:
    ways = proposals(machine, kept)
    assert 1 <= len(ways) <= CHOICES
    assert ways[-1] == NONE
    assert [way.way for way in ways].count("none") == 1
    assert len({(way.model, way.server) for way in ways}) == len(ways), "nothing twice"
    assert proposals(machine, kept) == ways
    assert (ways[0] == kept) if kept else all(way.way != "kept" for way in ways)
    for way in ways:
        assert way.download <= machine.disk
        assert way.needs <= machine.memory
        if way.way == "gpu":
            assert machine.gpu
            assert way.needs <= machine.gpu.gigabytes
        if way.way == "served":
            assert family_of(way.name) is not OTHER
            assert elsewhere(way) is None, "photos stay here"
            assert any(way.server == s.address and way.name in s.models for s in machine.servers)
        if way.way == "ollama":
            assert any(way.server == s.address and s.program == "Ollama" for s in machine.servers)


@given(machine=machines)
def test_what_runs_already_comes_before_what_would_be_fetched_and_a_card_before_the_processor(machine: Machine) -> None:
    ways = [way.way for way in proposals(machine)]
    assert ways == sorted(ways, key=["served", "gpu", "ollama", "cpu", "none"].index)
    assert not ({"served", "gpu"} & set(ways) and {"ollama", "cpu"} & set(ways))


@given(gigabytes=st.floats(4.5, 200), memory=st.floats(4.5, 200))
def test_a_card_gets_the_largest_that_fits(gigabytes: float, memory: float) -> None:
    (way, _) = proposals(Machine(Gpu("card", gigabytes), memory, 1000.0, ()))
    fitting = [need for _, need in deciding.ON_GPU if need <= min(gigabytes, memory)]
    assert (way.way, way.needs) == ("gpu", max(fitting))
    assert family_of(way.name).gigabytes == way.needs


@pytest.mark.parametrize(
    ("machine", "ways"),
    [
        (SERVED, ["openai:qwen3-vl:4b", None]),
        (replace(WITH_GPU, servers=(SERVER,)), ["openai:qwen3-vl:4b", "transformers:Qwen/Qwen3-VL-4B-Instruct", None]),
        (replace(WITH_GPU, gpu=Gpu("small", 3.0)), [SMALL, None]),
        (WITH_OLLAMA, ["openai:qwen3-vl:4b-instruct", SMALL, None]),
        (
            replace(WITH_OLLAMA, memory=5.0),
            ["openai:qwen3-vl:2b-instruct", SMALL, None],
        ),
        (LAPTOP, [SMALL, None]),
        (replace(LAPTOP, disk=1.0), [None]),
        (TINY, [None]),
    ],
)
def test_what_each_kind_of_machine_is_proposed(machine: Machine, ways: list[str | None]) -> None:
    assert [way.model for way in proposals(machine)] == ways


def test_the_best_known_family_is_offered_first_wherever_it_is_listed() -> None:
    machine = Machine(None, 8.0, 9.0, (Server("A", "http://127.0.0.1:1/v1", ("llava",)), SERVER))
    assert [way.name for way in proposals(machine)] == ["qwen3-vl:4b", "llava", ""]


def test_what_is_fetched_for_ollama_is_of_a_known_family() -> None:
    assert all(family_of(name) is not OTHER for name, *_ in deciding.PULLS)


@pytest.mark.parametrize(
    ("model", "server", "goes"),
    [
        ("a", "http://127.0.0.1:8000/v1", None),
        ("a", "http://localhost:8000/v1", None),
        ("a", "http://[::1]:8000/v1", None),
        ("a", "http://192.168.1.7:8000/v1", "192.168.1.7"),
        ("a", "https://api.example.com/v1", "api.example.com"),
        ("qwen3-vl:235b-cloud", OLLAMA, "ollama.com"),
        ("transformers:a/b", None, None),
        ("openai:gpt", None, "openai"),
    ],
)
def test_where_photos_would_go_is_known(model: str, server: str | None, goes: str | None) -> None:
    assert elsewhere(named(model, server)) == goes


# The dialogue


class Person:
    """Answers in turn, the last of them for ever; an exception in place of an answer is raised. Hears everything."""

    def __init__(self, *answers: str | type[BaseException]) -> None:
        self.answers = list(answers) or [""]
        self.heard: list[str] = []
        self.asked: list[str] = []

    def say(self, text: str) -> None:
        self.heard.append(text)

    def ask(self, question: str) -> str:
        self.heard.append(question)
        self.asked.append(question)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            return answer + "\n"
        raise answer


class World:
    """Hands that do nothing and remember what they were asked; the hand named in `errors` raises."""

    def __init__(
        self,
        machine: Machine = LAPTOP,
        contract: Contract = GOOD,
        missing: float = 1.1,
        errors: Mapping[str, BaseException] | None = None,
    ) -> None:
        self.did: list[str] = []
        self.hands = Hands(
            look=lambda: self._do("look", machine),
            weigh=lambda repository: self._do(f"weigh {repository}", Weights("/cache/models", missing)),
            download=lambda repository, _, tell: self._do(f"download {repository}", None, tell),
            pull=lambda _, model, tell: self._do(f"pull {model}", None, tell),
            calibrate=lambda way, tell: self._do(
                f"calibrate {way.name}", contract, lambda share: tell(int(4 * share), 4)
            ),
        )
        self._errors = errors or {}

    def _do(self, what: str, gives: Any, tell: Callable[[float], None] = lambda _: None) -> Any:
        self.did.append(what)
        for share in (0.0, 0.3, 0.31, 0.8):
            tell(share)
        if what.split()[0] in self._errors:
            raise self._errors[what.split()[0]]
        tell(1.0)
        return gives


def hold(
    home: Path,
    world: World,
    person: Person,
    language: str = "en",
    *,
    yes: bool = False,
    model: str | None = None,
    server: str | None = None,
) -> Done:
    return Setup(home, language, person.say, person.ask, yes=yes).run(world.hands, model, server)


def said(key: str, language: str = "en", **slots: object) -> str:
    return prompts.say(language, f"setup.{key}", **slots)


def test_a_laptop_with_a_server_is_done_in_one_question(tmp_path: Path) -> None:
    person, world = Person(), World(SERVED)
    done = hold(tmp_path, world, person)
    assert person.heard == [
        "This sets up what Sightline sees with. I look at this computer, propose a model, fetch it, test it, and keep "
        "the setting. You can stop at any time with Control C. Nothing is changed before the end.",
        "First I look at this computer. That takes a few seconds.",
        "There is no graphics card that I can use.",
        "Free memory: 8.0 gigabytes. Free disk: 100 gigabytes.",
        "A server of models is running here, it seems Ollama. Models it lists: 2.",
        "You can choose among 2.",
        "Number 1: Use qwen3-vl:4b, which Ollama has on this computer. Nothing is downloaded.",
        "Number 2: No model. Sightline then reads text, dates and barcodes, and finds printed words, colours and the "
        "products of a catalogue. It can't say what else is in a photo.",
        "Which number? Press Enter for number 1.",
        "Now I test whether the model sees. I draw a few pictures and ask it about them. That takes some seconds on a "
        "graphics card, and some minutes without one.",
        *[f"Test {n} of 4." for n in (0, 1, 1, 3, 4)],
        "It works. It sees the pictures, and a short answer takes about 2.4 seconds.",
        f"Done. The setting is in {tmp_path / FILE}.",
        f"Next, with a photo of yours, type: sightline describe --home {tmp_path} photo.jpg",
        f'Or ask about it: sightline ask --home {tmp_path} "What is in front of me?" photo.jpg',
    ]
    assert world.did == ["look", "calibrate qwen3-vl:4b"]
    assert read(tmp_path) == {"model": "openai:qwen3-vl:4b", "server": OLLAMA}
    assert (done.outcome, done.file) == ("ready", tmp_path / FILE)
    assert (tmp_path / CONTRACTS).is_file(), "and what was found is kept"


def test_a_card_gets_a_download_that_is_said_before_and_while_it_runs_in_chinese(tmp_path: Path) -> None:
    person, world = Person("九", "1", "好"), World(WITH_GPU, missing=8.9)
    hold(tmp_path, world, person, "zh")
    assert person.heard == [
        "现在设置 Sightline 用什么来看照片。我先查看这台电脑，推荐一个模型，下载并测试它，然后保存设置。"
        "随时可以按 Control C 停止。到最后一步之前，什么都不会改变。",
        "首先查看这台电脑，需要几秒钟。",
        "有一块显卡，NVIDIA RTX 4070，可用显存 12 GB。",
        "可用内存 24 GB，可用磁盘 100 GB。",
        "这里没有运行模型服务。",
        "有 2 种选择。",
        "第 1 种：下载 Qwen/Qwen3-VL-4B-Instruct，最多 9.0 GB，在显卡上运行。照片不会离开这台电脑。",
        "第 2 种：不用模型。Sightline 仍能读文字、日期和条形码，找印出来的字、颜色和目录里的商品，"
        "但说不出照片里还有什么。",
        "选第几种？直接按回车选第 1 种。",
        "我没听懂 九。请输入 1 到 2 的数字。直接按回车选第 1 种。",
        "现在向 Hugging Face 查询 Qwen/Qwen3-VL-4B-Instruct，需要几秒钟。",
        "将下载 8.9 GB，放到 /cache/models。按每秒 50 兆比特，大约需要 24 分钟。"
        "如果中断，再运行一次，已下载完整的文件不会重新下载。",
        "现在下载吗？直接按回车表示是。",
        "百分之 25。",
        "百分之 75。",
        "下载完成。",
        "现在测试模型能不能看见。我画几张图问它。有显卡需要几秒钟，没有显卡需要几分钟。",
        *[f"测试 {n}，共 4 项。" for n in (0, 1, 1, 3, 4)],
        "可以用。它看得见图，一个简短的回答大约需要 2.4 秒。",
        f"完成。设置保存在 {tmp_path / FILE}。",
        f"接下来，用你的一张照片，输入：sightline describe --home {tmp_path} photo.jpg",
        f'或者提问：sightline ask --home {tmp_path} "我面前有什么？" photo.jpg',
    ]
    assert read(tmp_path) == {"model": "transformers:Qwen/Qwen3-VL-4B-Instruct"}


def test_ollama_fetches_what_fits_and_the_command_for_it_is_said(tmp_path: Path) -> None:
    person, world = Person(), World(WITH_OLLAMA)
    hold(tmp_path, world, person)
    assert world.did == ["look", "pull qwen3-vl:4b-instruct", "calibrate qwen3-vl:4b-instruct"]
    assert any("ollama pull qwen3-vl:4b-instruct" in each for each in person.heard)
    assert read(tmp_path) == {"model": "openai:qwen3-vl:4b-instruct", "server": OLLAMA}


def test_what_is_on_the_disk_already_is_not_fetched(tmp_path: Path) -> None:
    person, world = Person(), World(LAPTOP, missing=0.0)
    hold(tmp_path, world, person)
    assert said("there") in person.heard
    assert [each.split()[0] for each in world.did] == ["look", "weigh", "calibrate"]


def test_the_rest_of_a_long_download_is_said_in_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 600.0, 700.0, 2400.0])
    monkeypatch.setattr("sightline.agent.setup.time", SimpleNamespace(monotonic=lambda: next(clock)))
    person = Person()
    hold(tmp_path, World(LAPTOP), person)
    assert said("percent_left", percent=25, minutes=23) in person.heard


@pytest.mark.parametrize("language", prompts.languages())
def test_yes_takes_what_is_proposed_and_asks_nothing(tmp_path: Path, language: str) -> None:
    person = Person(AssertionError)
    done = hold(tmp_path, World(LAPTOP), person, language, yes=True)
    assert (done.outcome, person.asked) == ("ready", [])
    assert said("taken", language) in person.heard


@pytest.mark.parametrize("yes", [True, False])
def test_without_a_network_it_says_what_it_would_do_and_changes_nothing(tmp_path: Path, yes: bool) -> None:
    for step in ("weigh", "download"):
        person, world = Person(), World(errors={step: Unreachable("no route")})
        home = tmp_path / step
        done = hold(home, world, person, yes=yes)
        assert (done.outcome, done.file, home.exists()) == ("offline", None, False)
        would = " ".join(person.heard[person.heard.index(said("offline")) :])
        for needed in (deciding.SMALL[0], "1.7", "--model transformers:SmolVLM-500M-Instruct", cache()):
            assert needed in would
        assert done.next[1].startswith(f"hf download {deciding.SMALL[0]} ")
        assert not any(each.startswith("calibrate") for each in world.did)


@pytest.mark.parametrize("machine", [LAPTOP, WITH_OLLAMA], ids=["hub", "ollama"])
def test_a_download_that_fails_is_said_with_its_reason_and_changes_nothing(tmp_path: Path, machine: Machine) -> None:
    person = Person()
    error = Unavailable("No space left on device.")
    done = hold(tmp_path, World(machine, errors={"download": error, "pull": error}), person)
    assert (done.outcome, list(tmp_path.iterdir())) == ("failed", [])
    assert "No space left on device." in person.heard[-1]


BROKEN: dict[str, tuple[World, str]] = {
    "blind": (World(SERVED, BLIND), said("blind")),
    "silent": (World(SERVED, replace(GOOD, ms=None, sees=None)), said("silent")),
    "garbage": (World(SERVED, replace(GOOD, sees=None, problems=("garbage",))), said("garbage")),
    "unsure": (World(SERVED, replace(GOOD, sees=None)), said("unsure")),
    "dead": (World(SERVED, errors={"calibrate": ModelFailed("It is gone.")}), said("dead", said="It is gone.")),
    "too large": (
        World(SERVED, errors={"calibrate": RuntimeError("out of\nmemory")}),
        said("dead", said="out of memory"),
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("yes", [True, False])
def test_a_model_that_does_not_see_is_not_set(tmp_path: Path, broken: str, yes: bool) -> None:
    world, sentence = BROKEN[broken]
    write(tmp_path, "openai:before", None)
    before = (tmp_path / FILE).read_bytes()
    person = Person("2", "no")
    done = hold(tmp_path, world, person, yes=yes)
    assert [each for each in person.heard[-3:] if each != said("insist")][-2:] == [sentence, said("unchanged")]
    assert (said("insist") in person.heard) != yes
    assert (done.outcome, done.file) == ("failed", None)
    assert (tmp_path / FILE).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("broken", BROKEN)
def test_the_person_may_insist(tmp_path: Path, broken: str) -> None:
    world, _ = BROKEN[broken]
    done = hold(tmp_path, world, Person("1", "perhaps", "Yes"))
    assert (done.outcome, read(tmp_path)["model"]) == ("ready", "openai:qwen3-vl:4b")
    assert (tmp_path / CONTRACTS).exists() == (done.contract is not None)


def test_weaknesses_are_counted_and_the_command_that_names_them_is_said(tmp_path: Path) -> None:
    person = Person()
    hold(tmp_path, World(SERVED, replace(GOOD, problems=("no_count", "no_tools"))), person)
    assert said("weak", n=2, command=f"sightline doctor --home {tmp_path}") in person.heard


@pytest.mark.parametrize("machine", [SERVED, LAPTOP, TINY], ids=["served", "laptop", "tiny"])
def test_going_without_touches_nothing_where_nothing_was_set(tmp_path: Path, machine: Machine) -> None:
    person, world = Person("2"), World(machine)
    done = hold(tmp_path / "home", world, person)
    assert (done.outcome, world.did) == ("none", ["look"])
    assert not (tmp_path / "home").exists()
    assert "sightline ocr" in person.heard[-1]
    assert (person.asked == []) == (machine is TINY), "where there is no choice, none is offered"


def test_going_without_unsets_the_model_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"model": "openai:a", "server": OLLAMA, "embedder": "descriptor"}))
    assert hold(tmp_path, World(TINY), Person("2")).file == tmp_path / FILE
    assert read(tmp_path) == {"embedder": "descriptor"}


def test_what_is_set_already_is_proposed_first_and_tested_again(tmp_path: Path) -> None:
    write(tmp_path, "openai:mine", "http://127.0.0.1:7/v1")
    world = World(SERVED)
    hold(tmp_path, world, Person())
    assert world.did == ["look", "calibrate mine"]
    assert read(tmp_path) == {"model": "openai:mine", "server": "http://127.0.0.1:7/v1"}


REMOTE = "https://api.example.com/v1"
SCENES: dict[str, tuple[World, tuple[str, ...], str | None]] = {
    "download": (World(WITH_GPU), ("1", "y"), None),
    "pull": (World(WITH_OLLAMA), ("1", "y"), None),
    "insist": (World(SERVED, BLIND), ("1", "y"), None),
    "again": (World(WITH_GPU), ("what", "7", "1", "what", "y"), None),
    "remote": (World(), ("y",), REMOTE),
}
"""Dialogues that between them reach every question: the world, the answers, and the server that the person named."""


def files(home: Path) -> dict[str, bytes] | None:
    return {path.name: path.read_bytes() for path in home.iterdir()} if home.exists() else None


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
@pytest.mark.parametrize("kept", [True, False])
def test_an_end_at_any_question_changes_nothing(
    tmp_path: Path, scene: str, end: type[BaseException], kept: bool
) -> None:
    world, answers, server = SCENES[scene]
    if kept:  # what is set stands first
        answers = tuple("2" if answer == "1" else answer for answer in answers)
    for at in range(len(answers) + 1):
        home = tmp_path / str(at)
        if kept:
            write(home, "openai:before", None)
        before = files(home)
        person = Person(*answers[:at], end)
        done = hold(home, world, person, model="vlm" if server else None, server=server)
        if at == len(answers):
            assert done.outcome == "ready", "the scene is whole"
        else:
            assert (done.outcome, done.file) == ("stopped", None)
            assert person.heard[-1] == said("stopped")
            assert files(home) == before


@pytest.mark.parametrize("scene", SCENES)
def test_an_interrupt_at_any_sentence_leaves_the_setting_whole_or_untouched(tmp_path: Path, scene: str) -> None:
    world, answers, server = SCENES[scene]
    whole = Person(*answers)
    hold(tmp_path / "whole", world, whole, model="vlm" if server else None, server=server)
    for at in range(len(whole.heard) - len(whole.asked)):
        home, person, left = tmp_path / str(at), Person(*answers), iter(range(at))

        def say(text: str, person: Person = person, left: Iterator[int] = left) -> None:
            person.say(text)
            if next(left, None) is None and said("stopped") != text:
                raise KeyboardInterrupt

        done = Setup(home, "en", say, person.ask).run(world.hands, "vlm" if server else None, server)
        if (home / FILE).exists():
            assert (done.outcome, done.file) == ("ready", home / FILE)
            assert read(home) == read(tmp_path / "whole")
            assert said("stopped") not in person.heard
        else:
            assert (done.outcome, person.heard[-1]) == ("stopped", said("stopped"))


@pytest.mark.parametrize("step", ["look", "weigh", "download", "calibrate"])
def test_an_interrupt_in_the_middle_of_work_changes_nothing(tmp_path: Path, step: str) -> None:
    done = hold(tmp_path, World(errors={step: KeyboardInterrupt()}), Person(), yes=True)
    assert (done.outcome, list(tmp_path.iterdir())) == ("stopped", [])


@pytest.mark.parametrize("language", prompts.languages())
def test_no_is_an_answer(tmp_path: Path, language: str) -> None:
    for number, word in enumerate(said("words.no", language).split()):
        home = tmp_path / str(number)
        world, person = World(LAPTOP), Person("1", word.upper())
        assert hold(home, world, person, language).outcome == "declined"
        assert not home.exists()
        assert "download" not in " ".join(world.did)


def test_photos_leave_the_machine_only_after_a_word_about_where_to(tmp_path: Path) -> None:
    person = Person("no")
    world = World()
    done = hold(tmp_path, world, person, model="vlm", server=REMOTE)
    assert (done.outcome, world.did) == ("declined", [])
    assert said("remote", host="api.example.com") in person.heard


def test_the_key_is_neither_asked_for_nor_written_nor_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_API_KEY", "sk-secret")
    person = Person()
    done = hold(tmp_path, World(), person, model="vlm", server=REMOTE)
    assert done.outcome == "ready"
    everything = "\n".join([*person.heard, json.dumps(done.to_dict()), str(files(tmp_path))])
    assert "sk-secret" not in everything
    assert len(person.asked) == 1, "whether photos may go there"


@pytest.mark.parametrize(
    "server",
    ["http://me:sk-secret@host/v1", "https://host/v1?key=sk-secret", "http://sk-secret@host/v1"],
)
def test_an_address_with_a_key_in_it_is_refused_and_not_repeated(tmp_path: Path, server: str) -> None:
    with pytest.raises(BadInput) as raised:
        hold(tmp_path, World(), Person(), model="vlm", server=server)
    assert "sk-secret" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_named_so_that_it_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    monkeypatch.chdir(tmp_path)
    world = World()
    hold(tmp_path / "home", world, Person(), model="transformers:weights")
    assert world.did == [f"calibrate {tmp_path / 'weights'}"], "and nothing is fetched"
    assert read(tmp_path / "home") == {"model": f"transformers:{tmp_path / 'weights'}"}


@pytest.mark.parametrize(("name", "model"), [("qwen3-vl:4b", "openai:qwen3-vl:4b"), ("openai:a", "openai:a")])
def test_a_model_of_a_server_may_be_named_as_the_server_does(name: str, model: str) -> None:
    assert named(name, OLLAMA).model == model


def test_a_variable_that_wins_over_what_is_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_MODEL", "openai:other")
    person = Person()
    hold(tmp_path, World(SERVED), person)
    assert said("environment") in person.heard
    assert read(tmp_path)["model"] == "openai:qwen3-vl:4b"


def test_a_home_that_cannot_be_written_is_said_before_anything_is_done(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text("mine")
    with pytest.raises(BadInput, match="notes"):
        Setup(file / "home", "en", print, input)
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.geteuid():  # root may write anywhere
        with pytest.raises(BadInput, match="locked"):
            Setup(folder / "home", "en", print, input)


@pytest.mark.parametrize(
    ("language", "environment", "spoken_"),
    [
        (None, {}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LANG": "pl_PL.UTF-8"}, "en"),
        ("zh", {"LANG": "en_GB.UTF-8"}, "zh"),
    ],
)
def test_it_speaks_the_language_named_or_the_locales(
    monkeypatch: pytest.MonkeyPatch, language: str | None, environment: dict[str, str], spoken_: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert spoken(language) == spoken_


# What it sounds like


KEYS = [key for key in prompts.sentences("en") if key.startswith("setup.")]


@pytest.mark.parametrize("language", prompts.languages())
def test_a_sentence_has_nothing_that_a_screen_reader_stumbles_over(language: str) -> None:
    for key in KEYS:
        text = re.sub(r"\{\w+\}|--\w+|\w+_\w+", "", prompts.sentences(language)[key])
        if not key.startswith("setup.command."):
            assert re.fullmatch(r"[\w\s.,:?'，。：？、]*", text), key
        assert "\n" not in text, key
        assert all(len(part) <= 200 for part in re.split(r"[.?。？]", text)), key


def test_every_sentence_is_said_somewhere() -> None:
    code = Path(dialogue.__file__).read_text("utf-8")
    ways = {f"way.{way}" for way in ("kept", "served", "gpu", "ollama", "cpu", "none")}
    offline = {f"offline_{each}" for each in ("again", "fetch", "then")}
    for key in KEYS:
        name = key.removeprefix("setup.")
        assert f'"{name}"' in code or name in ways | offline, key


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
        ("--nonsense",),
    ],
)
def test_what_cannot_be_used_is_bad_input(run: Run, tmp_path: Path, args: tuple[str, ...]) -> None:
    result = run(World(SERVED), *args)
    assert result.exit_code == 2
    assert not (tmp_path / "home").exists()


def test_a_damaged_file_is_named_before_anything_is_done(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / FILE).write_text("{")
    world = World(SERVED)
    result = run(world, "--yes")
    assert (result.exit_code, world.did) == (2, [])
    assert FILE in result.stderr


def test_a_model_that_nobody_knows_how_to_open_is_bad_input(run: Run, tmp_path: Path) -> None:
    world = World()
    world.hands = replace(world.hands, calibrate=dialogue.HANDS.calibrate)
    result = run(world, "--model", "nonsense", "--yes")
    assert result.exit_code == 2, result.output
    assert not (tmp_path / "home").exists()


def test_a_server_that_is_not_there_is_found_out_by_really_asking(run: Run, tmp_path: Path) -> None:
    world = World()
    world.hands = replace(world.hands, calibrate=dialogue.HANDS.calibrate)
    result = run(world, "--model", "qwen3-vl:4b", "--server", "http://127.0.0.1:9/v1", "--yes", "--json")
    assert result.exit_code == 4, result.output
    found = json.loads(result.stdout)
    assert (found["outcome"], found["file"]) == ("failed", None)
    assert "127.0.0.1:9" in found["why"]
    assert not (tmp_path / "home").exists()


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


@pytest.mark.parametrize("fault", ["ignores_images", "refuses_images", "salad", "error", "html", "resets"])
def test_a_server_that_would_mislead_is_not_set(tmp_path: Path, fault: str) -> None:
    with serving(Looking("qwen3_vl"), FAULTS[fault], model="qwen3-vl:4b") as address:
        person = Person(AssertionError)
        done = Setup(tmp_path, "en", person.say, person.ask, yes=True).run(really(address))
    assert (done.outcome, list(tmp_path.iterdir())) == ("failed", []), person.heard
    assert person.heard[-1] == said("unchanged")
