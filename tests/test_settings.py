"""Settings: what wins over what, a file that is written whole or not at all, and one that cannot be read."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.agent.settings import FILE, Settings, read, write
from sightline.tools.errors import BadInput

pytestmark = pytest.mark.usefixtures("nothing_set")


def put(home: Path, text: str) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    (home / FILE).write_text(text, "utf-8")
    return home


def test_an_argument_wins_over_the_environment_and_that_over_the_file_and_that_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, other = tmp_path / "named", tmp_path / "other"
    assert Settings.of(named).model is None
    put(named, '{"model": "openai:in-the-file", "embedder": "descriptor"}')
    assert (Settings.of(named).model, Settings.of(named).embedder) == ("openai:in-the-file", "descriptor")
    monkeypatch.setenv("SIGHTLINE_MODEL", "openai:in-the-environment")
    monkeypatch.setenv("SIGHTLINE_HOME", str(other))
    assert Settings.of(None).home == other
    assert Settings.of(named).home == named
    assert (Settings.of(named).model, Settings.of(named).embedder) == ("openai:in-the-environment", "descriptor")


def test_an_address_belongs_to_the_model_it_was_set_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "openai:a", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("SIGHTLINE_MODEL", "transformers:b/c")
    assert Settings.of(tmp_path).server is None
    monkeypatch.setenv("SIGHTLINE_SERVER", "http://127.0.0.1:2/v1")
    monkeypatch.delenv("SIGHTLINE_MODEL")
    assert (Settings.of(tmp_path).model, Settings.of(tmp_path).server) == ("openai:a", "http://127.0.0.1:2/v1")
    write(tmp_path, "transformers:b/c", None)
    assert Settings.of(tmp_path).server is None, "a model of the file that has no server is given none"


def test_an_empty_variable_switches_the_model_of_the_file_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "openai:a", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("SIGHTLINE_SERVER", "")
    assert (Settings.of(tmp_path).model, Settings.of(tmp_path).server) == ("openai:a", None)
    monkeypatch.setenv("SIGHTLINE_MODEL", "")
    assert (Settings.of(tmp_path).model, Settings.of(tmp_path).server) == (None, None)


def test_a_home_is_found_wherever_it_was_named_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SIGHTLINE_HOME", "~/mine")
    assert Settings.of(None).home == Settings.of("~/mine").home == tmp_path / "mine"


def test_the_key_in_the_environment_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_API_KEY", "sk-secret")
    assert "sk-secret" not in repr(Settings.of(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"model"',
        '{"model": 3}',
        '{"modle": "openai:a"}',
        '{"home": "/elsewhere"}',
        "[" * 100_000,
    ],
    ids=["empty", "cut", "list", "null", "text", "number", "unknown", "home", "deep"],
)
def test_a_file_that_holds_anything_else_is_named_with_what_to_do(tmp_path: Path, text: str) -> None:
    home = put(tmp_path, text)
    for attempt in (lambda: Settings.of(home), lambda: write(home, "openai:a", None)):
        with pytest.raises(BadInput, match=r"settings\.json.*delete it") as raised:
            attempt()
        assert len(str(raised.value).splitlines()) == 1, "it is read out"
    assert (home / FILE).read_text("utf-8") == text, "and left for the person to mend"


def test_a_file_in_another_encoding_or_that_is_a_folder_is_named_too(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes('{"model": "中"}'.encode("gb18030"))
    with pytest.raises(BadInput, match="delete it"):
        Settings.of(tmp_path)
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    with pytest.raises(BadInput, match="delete it"):
        Settings.of(tmp_path)


def test_a_mark_in_front_that_an_editor_left_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"model": "openai:a"}', "utf-8-sig")
    assert Settings.of(tmp_path).model == "openai:a"


def test_a_key_that_somebody_put_into_the_file_is_not_repeated(tmp_path: Path) -> None:
    put(tmp_path, '{"api_key": "sk-secret", "model": ["sk-secret"]}')
    with pytest.raises(BadInput) as raised:
        Settings.of(tmp_path)
    put(tmp_path, '{"model": ["sk-secret"]}')
    with pytest.raises(BadInput) as again:
        Settings.of(tmp_path)
    assert "sk-secret" not in f"{raised.value}{again.value}{again.value.__cause__}"


words = st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(
    kept=st.dictionaries(st.sampled_from(["embedder", "chroma", "model", "server"]), words), model=words, server=words
)
def test_what_is_written_is_read_back_and_what_else_was_set_stays(
    tmp_path_factory: pytest.TempPathFactory, kept: dict[str, str | None], model: str | None, server: str | None
) -> None:
    home = tmp_path_factory.mktemp("home")
    put(home, json.dumps(kept))
    write(home, model, server)
    wanted = {**kept, "model": model, "server": server}
    assert {name: read(home).get(name) for name in wanted} == wanted
    assert [p.name for p in home.iterdir()] == [FILE]


def test_a_home_that_is_not_there_is_made(tmp_path: Path) -> None:
    assert write(tmp_path / "a" / "b", "openai:a", None) == tmp_path / "a" / "b" / FILE


@pytest.mark.parametrize("where", ["os.fsync", "pathlib.Path.replace"])
def test_a_write_that_is_cut_short_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    write(tmp_path, "openai:a", None)
    before = (tmp_path / FILE).read_bytes()

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, cut)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, "openai:b", None)
    assert (tmp_path / FILE).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [FILE]
