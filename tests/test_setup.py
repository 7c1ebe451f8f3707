"""`sightline setup`: the dialogue is listened to from beginning to end, and cut short everywhere."""

import json
import os
import re
import shlex
import stat
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from dialogues import BLIND, GOOD, Person, World, hold, said
from machines import LAPTOP, OLLAMA, SERVED, WITH_GPU, WITH_OLLAMA

from sightline import prompts
from sightline.agent.language import spoken
from sightline.agent.proposals import SMALL
from sightline.agent.settings import FILE, Settings, read, write
from sightline.agent.setup import Done, Outcome, Setup
from sightline.memory.contracts import FILE as CONTRACTS
from sightline.tools.errors import BadInput, ModelFailed, Unavailable
from sightline.tools.models.fetching import FILES, Unreachable
from sightline.tools.models.machine import Machine, Server
from sightline.tools.models.opening import open_model

TINY = Machine(None, 2.0, 1.0, ())

pytestmark = pytest.mark.usefixtures("nothing_set")


def test_a_laptop_with_a_server_is_done_in_one_question(tmp_path: Path) -> None:
    person, world = Person(), World(SERVED)
    done = hold(tmp_path, world, person)
    assert person.heard == [
        "This sets up what Sightline sees with. I look at this computer, propose a model, fetch it, test it, and keep "
        "the setting. You can stop at any time with Control C. No setting is changed before the end.",
        "First I look at this computer. That takes a few seconds.",
        "There is no graphics card that I can use.",
        "Free memory: 8.0 gigabytes. Free disk: 100 gigabytes.",
        "A model server is running here. It seems to be Ollama. Models it lists: 2.",
        "There are 2 choices.",
        "Number 1: Use qwen3-vl:4b, which Ollama has on this computer. Nothing is downloaded.",
        "Number 2: No model. Sightline then reads text, dates and barcodes, and finds printed words, colours and the "
        "products of a catalogue. It can't say what else is in a photo.",
        "Which number? Press Enter for number 1.",
        "Now I test whether the model sees. I draw a few pictures and ask it about them. That takes some seconds on a "
        "graphics card, and some minutes without one.",
        *[f"Test {n} of 4." for n in (0, 1, 1, 3, 4)],
        "It works. It sees the pictures, and a short answer takes about 2.4 seconds.",
        "Done. The model is set: qwen3-vl:4b.",
        f"Next, with a photo of yours, type: sightline describe --home {tmp_path} photo.jpg",
        f'Or ask about it: sightline ask --home {tmp_path} "What is in front of me?" photo.jpg',
    ]
    assert world.did == ["look", "calibrate qwen3-vl:4b"]
    assert read(tmp_path) == {"model": "openai:qwen3-vl:4b", "server": OLLAMA}
    assert (done.outcome, done.file) == ("ready", tmp_path / FILE)
    assert (tmp_path / CONTRACTS).is_file(), "and what was found is kept"


def test_a_card_gets_a_download_that_is_said_before_and_while_it_runs_in_chinese(tmp_path: Path) -> None:
    person, world = Person("九", "1。", "好的。"), World(WITH_GPU, missing=8.9)
    hold(tmp_path, world, person, "zh")
    assert person.heard == [
        "现在设置 Sightline 用什么来看照片。我先查看这台电脑，推荐一个模型，下载并测试它，然后保存设置。"
        "随时可以按 Control C 停止。到最后一步之前，不会改变任何设置。",
        "首先查看这台电脑，需要几秒钟。",
        "有一块显卡，NVIDIA RTX 4070，可用显存 12 GB。",
        "可用内存 24 GB，可用磁盘 100 GB。",
        "这里没有运行模型服务。",
        "有 2 种选择。",
        "第 1 种：下载 Qwen3-VL-4B-Instruct，最多 9.0 GB，在显卡上运行。照片不会离开这台电脑。",
        "第 2 种：不用模型。Sightline 仍能读文字、日期和条形码，找印出来的字、颜色和目录里的商品，"
        "但说不出照片里还有什么。",
        "选第几种？直接按回车选第 1 种。",
        "我没看懂 九。请输入 1 到 2 的数字。直接按回车选第 1 种。",
        "现在向 Hugging Face 查询 Qwen3-VL-4B-Instruct，需要几秒钟。",
        "将下载 8.9 GB，放到 Hugging Face 的文件夹里。按每秒 50 兆比特，大约需要 24 分钟。"
        "如果中断，再运行一次，已下载完整的文件不会重新下载。",
        "现在下载吗？直接按回车表示是。",
        "百分之 25。",
        "百分之 75。",
        "下载完成。",
        "现在测试模型能不能看见。我画几张图问它。有显卡需要几秒钟，没有显卡需要几分钟。",
        *[f"测试 {n}，共 4 项。" for n in (0, 1, 1, 3, 4)],
        "可以用。它看得见图，一个简短的回答大约需要 2.4 秒。",
        "完成。已设置模型 Qwen3-VL-4B-Instruct。",
        f"接下来，用您的一张照片，输入：sightline describe --home {tmp_path} photo.jpg",
        f'或者提问：sightline ask --home {tmp_path} "我面前有什么？" photo.jpg',
    ]
    assert read(tmp_path) == {"model": "transformers:Qwen/Qwen3-VL-4B-Instruct"}


def test_the_rest_of_a_long_download_is_said_in_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 600.0, 700.0, 2400.0])
    monkeypatch.setattr("sightline.agent.setup.time", SimpleNamespace(monotonic=lambda: next(clock)))
    person = Person()
    hold(tmp_path, World(LAPTOP), person)
    assert said("percent_left", percent=25, minutes=23) in person.heard


REMOTE = "https://api.example.com/v1"
LISTING = replace(LAPTOP, servers=(Server("vLLM / transformers serve", OLLAMA, ("Qwen/Qwen3-VL-4B-Instruct",)),))
REFUSED = "Refused: 401 - {'error': {'message': 'No. <b>Go</b>'}}. See the page at http://127.0.0.1:9/v1, `now`"
FULL = Unavailable("[Errno 28] No space left\non device")
AWAY = Unreachable("no route")


@dataclass(frozen=True)
class Scene:
    """A dialogue: the world, what the person names and answers, how it ends, and the steps it takes until then.

    `kept`: the model that is set before.
    """

    world: World
    answers: tuple[str, ...]
    outcome: Outcome
    steps: str
    model: str | None = None
    server: str | None = None
    kept: str | None = None
    yes: bool = False

    def play(self, home: Path, person: Person, language: str = "en") -> Done:
        """Hold it in a home."""
        self.world.did.clear()
        if self.kept:
            write(home, self.kept, None)
        return hold(home, self.world, person, language, yes=self.yes, model=self.model, server=self.server)


FETCHED, SERVES = "look weigh download calibrate", "look calibrate"
BROKEN: dict[str, tuple[World, str]] = {
    "blind": (World(SERVED, BLIND), said("blind")),
    "silent": (World(SERVED, replace(GOOD, ms=None, sees=None)), said("silent")),
    "garbage": (World(SERVED, replace(GOOD, sees=None, problems=("garbage",))), said("garbage")),
    "unsure": (World(SERVED, replace(GOOD, sees=None)), said("unsure")),
    "dead": (
        World(SERVED, errors={"calibrate": ModelFailed(REFUSED)}),
        said("dead", said="Refused: 401. See the page, now."),
    ),
    "too large": (World(SERVED, errors={"calibrate": RuntimeError()}), said("dead", said="RuntimeError.")),
}
SCENES = {
    "download": Scene(World(WITH_GPU), ("1", "y"), "ready", FETCHED),
    "ollama": Scene(World(WITH_OLLAMA), ("1", "y"), "ready", "look pull calibrate"),
    "not understood": Scene(World(WITH_GPU), ("what", "7", "1.", "!", "Yes!"), "ready", FETCHED),
    "remote": Scene(World(), ("y",), "ready", "calibrate", model="vlm", server=REMOTE),
    "on the disk": Scene(World(missing=0.0), ("1",), "ready", "look weigh calibrate"),
    "weak": Scene(World(LISTING, replace(GOOD, problems=("no_count",))), ("1",), "ready", SERVES),
    "kept": Scene(World(SERVED), ("",), "ready", SERVES, kept="transformers:/home/me/weights"),
    "yes": Scene(World(), (), "ready", FETCHED, yes=True),
    "without": Scene(World(SERVED), ("2",), "none", "look"),
    "nothing fits": Scene(World(TINY), (), "none", "look"),
    "unset": Scene(World(TINY), ("2",), "none", "look", kept="openai:a"),
    "declined": Scene(World(), ("1", "n"), "declined", "look weigh"),
    "remote declined": Scene(World(), ("n",), "declined", "", model="vlm", server=REMOTE),
    "offline": Scene(World(errors={"weigh": AWAY}), ("1",), "offline", "look weigh"),
    "offline, yes": Scene(World(errors={"download": AWAY}), (), "offline", "look weigh download", yes=True),
    "full": Scene(World(errors={"download": FULL}), ("1", "y"), "failed", "look weigh download"),
    "ollama full": Scene(World(WITH_OLLAMA, errors={"pull": FULL}), ("1", "y"), "failed", "look pull"),
    **{f"{name}, yes": Scene(world, (), "failed", SERVES, yes=True) for name, (world, _) in BROKEN.items()},
    **{
        f"{name}, no": Scene(world, ("2", "n"), "failed", SERVES, kept="openai:before")
        for name, (world, _) in BROKEN.items()
    },
    **{f"{name}, all the same": Scene(world, ("1", "y"), "ready", SERVES) for name, (world, _) in BROKEN.items()},
}
"""Between them they reach every question and every branch."""

INTERRUPTED = {
    name: SCENES[name]
    for name in ("download", "ollama", "not understood", "remote", "kept", "without", "blind, all the same")
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_a_setting_is_changed_where_it_ends_well_and_nowhere_else(tmp_path: Path, scene: Scene) -> None:
    home, person = tmp_path / "home", Person(*scene.answers, AssertionError)
    done = scene.play(home, person)
    assert (done.outcome, [each.split()[0] for each in scene.world.did]) == (scene.outcome, scene.steps.split())
    assert len(person.asked) == len(scene.answers)
    model = done.chosen.model if done.chosen and done.outcome in ("ready", "none") else scene.kept
    assert read(home).get("model") == model
    assert (home / CONTRACTS).exists() == bool(done.outcome == "ready" and done.contract), "what was found is kept"
    assert home.exists() == bool(model or scene.kept), "and nothing else is left"


@pytest.mark.parametrize(("broken", "sentence"), [(name, sentence) for name, (_, sentence) in BROKEN.items()])
def test_of_a_model_that_does_not_see_it_is_said_what_will_not_work_and_what_to_do(
    tmp_path: Path, broken: str, sentence: str
) -> None:
    for way, asked in (("yes", []), ("no", [said("insist")])):
        person = Person(*SCENES[f"{broken}, {way}"].answers)
        SCENES[f"{broken}, {way}"].play(tmp_path / way, person)
        assert person.heard[-2 - len(asked) :] == [sentence, *asked, said("unchanged")]
    person = Person("1", "y")
    done = SCENES[f"{broken}, all the same"].play(tmp_path, person)
    assert done.next == (f"sightline ocr --home {tmp_path} photo.jpg", f"sightline setup --home {tmp_path}")
    assert person.heard[-3:] == [
        said("doubted", model="qwen3-vl:4b"),
        said("next", command=done.next[0]),
        said("next_other", command=done.next[1]),
    ]


@pytest.mark.parametrize("scene", ["offline", "offline, yes"])
def test_without_a_network_it_says_what_it_would_do(tmp_path: Path, scene: str) -> None:
    person = Person("1")
    done = SCENES[scene].play(tmp_path, person)
    would = " ".join(person.heard[person.heard.index(said("offline")) :])
    for needed in (SMALL[0], "1.7", "--model transformers:SmolVLM-500M-Instruct"):
        assert needed in would
    fetch = shlex.split(done.next[1])
    assert fetch[:3] == ["hf", "download", SMALL[0]]
    assert tuple(after for word, after in pairwise(fetch) if word == "--include") == FILES, "what setup fetches"


@pytest.mark.parametrize("scene", ["full", "ollama full"])
def test_a_download_that_fails_is_said_with_its_reason(tmp_path: Path, scene: str) -> None:
    person = Person()
    SCENES[scene].play(tmp_path, person)
    assert person.heard[-1] == said("fetch_failed", said="No space left on device.")


def test_weaknesses_are_counted_and_the_command_that_names_them_is_said(tmp_path: Path) -> None:
    person = Person()
    hold(tmp_path, World(SERVED, replace(GOOD, problems=("no_count", "no_tools"))), person)
    assert said("weak", n=2, command=f"sightline doctor --home {tmp_path}") in person.heard


def test_going_without_unsets_the_model_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"model": "openai:a", "server": OLLAMA, "embedder": "descriptor"}))
    assert hold(tmp_path, World(TINY), Person("2")).file == tmp_path / FILE
    assert read(tmp_path) == {"embedder": "descriptor"}


@pytest.mark.parametrize("scene", INTERRUPTED.values(), ids=INTERRUPTED)
@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_an_end_at_any_question_changes_nothing(tmp_path: Path, scene: Scene, end: type[BaseException]) -> None:
    for at in range(len(scene.answers)):
        home, person = tmp_path / str(at), Person(*scene.answers[:at], end)
        done = scene.play(home, person)
        assert (done.outcome, done.file, person.heard[-1]) == ("stopped", None, said("stopped"))
        assert (read(home).get("model"), (home / CONTRACTS).exists()) == (scene.kept, False)


@pytest.mark.parametrize("scene", INTERRUPTED.values(), ids=INTERRUPTED)
def test_an_interrupt_at_any_sentence_leaves_the_setting_whole_or_untouched(tmp_path: Path, scene: Scene) -> None:
    whole = Person(*scene.answers)
    scene.play(tmp_path / "whole", whole)
    for at in range(len(whole.heard) - len(whole.asked)):
        home, person = tmp_path / str(at), Person(*scene.answers, stop=at)
        done = scene.play(home, person)
        if done.file:
            assert (done.outcome, read(home)) == (scene.outcome, read(tmp_path / "whole"))
        else:
            assert read(home).get("model") == scene.kept
        assert (said("stopped") in person.heard) == (done.outcome == "stopped")


def test_an_interrupt_before_the_setting_is_written_changes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", cut)
    person = Person()
    done = hold(tmp_path, World(SERVED), person)
    assert (done.outcome, person.heard[-1], read(tmp_path)) == ("stopped", said("stopped"), {})
    assert (tmp_path / CONTRACTS).exists(), "what was measured holds, whatever is set"


@pytest.mark.parametrize("step", ["look", "weigh", "download", "calibrate"])
def test_an_interrupt_in_the_middle_of_work_changes_nothing(tmp_path: Path, step: str) -> None:
    done = hold(tmp_path, World(errors={step: KeyboardInterrupt()}), Person(), yes=True)
    assert (done.outcome, list(tmp_path.iterdir())) == ("stopped", [])


@pytest.mark.parametrize("language", prompts.languages("setup"))
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


def test_a_folder_is_named_so_that_it_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    monkeypatch.chdir(tmp_path)
    world = World()
    hold(tmp_path / "home", world, Person(), model="transformers:weights")
    assert world.did == [f"calibrate {tmp_path / 'weights'}"], "and nothing is fetched"
    assert read(tmp_path / "home") == {"model": f"transformers:{tmp_path / 'weights'}"}


@pytest.mark.parametrize(
    ("machine", "answer", "environment", "wins"),
    [
        (SERVED, "1", {"SIGHTLINE_MODEL": "openai:other"}, True),
        (SERVED, "1", {"SIGHTLINE_SERVER": REMOTE}, True),
        (SERVED, "1", {"SIGHTLINE_MODEL": "openai:qwen3-vl:4b", "SIGHTLINE_SERVER": OLLAMA}, False),
        (SERVED, "2", {"SIGHTLINE_MODEL": "openai:other"}, True),
        (SERVED, "2", {"SIGHTLINE_SERVER": REMOTE}, False),
        (LAPTOP, "1", {"SIGHTLINE_SERVER": REMOTE}, False),
        (LAPTOP, "1", {"SIGHTLINE_MODEL": "", "SIGHTLINE_SERVER": ""}, True),
    ],
)
def test_what_was_chosen_opens_and_a_variable_that_wins_over_it_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    machine: Machine,
    answer: str,
    environment: dict[str, str],
    wins: bool,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    person = Person(answer, "y")
    done = hold(tmp_path, World(machine), person)
    assert (said("environment") in person.heard) == wins
    opened, chosen = Settings.of(tmp_path), done.chosen
    assert chosen
    assert (opened.model == chosen.model and (not opened.model or opened.server == chosen.server)) != wins
    if opened.model and not wins:
        open_model(opened.model, opened.server)


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


@pytest.mark.parametrize("language", prompts.languages("setup"))
def test_a_sentence_has_nothing_that_a_screen_reader_stumbles_over(language: str) -> None:
    for key in KEYS:
        text = re.sub(r"\{\w+\}|--\w+|\w+_\w+", "", prompts.sentences(language)[key])
        if not key.startswith("setup.command."):
            assert re.fullmatch(r"[\w\s.,:?'，。：？、]*", text), key
        assert "\n" not in text, key
        assert all(len(part) <= 200 for part in re.split(r"[.?。？]", text)), key


_COMMAND = r"(sightline|hf|ollama) .*"


@pytest.mark.parametrize("language", prompts.languages("setup"))
def test_every_sentence_is_said_somewhere_and_comes_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    used, say = {"setup.percent_left", "setup.stopped"}, prompts.say  # those two are said above

    def recorded(language: str, key: str, **slots: object) -> str:
        used.add(key)
        return say(language, key, **slots)

    monkeypatch.setattr(prompts, "say", recorded)
    monkeypatch.setenv("SIGHTLINE_SERVER", REMOTE)
    for name, scene in SCENES.items():
        person = Person(*scene.answers)
        scene.play(tmp_path / name, person, language)
        for text in person.heard:
            spoken_ = re.sub(rf"[:：] ?{_COMMAND}$", ".", text)
            assert re.search(r"[.?。？]$", spoken_), text
            assert not re.search(r"[/{}<>\[\]`]|\.\.|[.。] ?[.。]", spoken_), text
    assert used >= set(KEYS)
