"""What `sightline setup` proposes is a law over machines; and what a person names themselves is read with care."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from machines import LAPTOP, OLLAMA, SERVED, SERVER, WITH_GPU, WITH_OLLAMA

from sightline.agent.proposals import CHOICES, NONE, ON_GPU, PULLS, SMALL, Proposal, elsewhere, named, proposals
from sightline.tools.errors import BadInput
from sightline.tools.models.families import OTHER, family_of
from sightline.tools.models.machine import PORTS, Gpu, Machine, Server

SMALLEST = f"transformers:{SMALL[0]}"

names = st.sampled_from(
    [
        "qwen3-vl:4b",
        "llama3:8b",
        "llava:7b",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "qwen3-vl:235b-cloud",
        "llava:cloud",
        "gemma3",
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
    fitting = [need for _, need in ON_GPU if need <= min(gigabytes, memory)]
    assert (way.way, way.needs) == ("gpu", max(fitting))
    assert family_of(way.name).gigabytes == way.needs


@pytest.mark.parametrize(
    ("machine", "ways"),
    [
        (SERVED, ["openai:qwen3-vl:4b", None]),
        (replace(WITH_GPU, servers=(SERVER,)), ["openai:qwen3-vl:4b", "transformers:Qwen/Qwen3-VL-4B-Instruct", None]),
        (replace(WITH_GPU, gpu=Gpu("small", 3.0)), [SMALLEST, None]),
        (WITH_OLLAMA, ["openai:qwen3-vl:4b-instruct", SMALLEST, None]),
        (replace(WITH_OLLAMA, memory=5.0), ["openai:qwen3-vl:2b-instruct", SMALLEST, None]),
        (LAPTOP, [SMALLEST, None]),
        (replace(LAPTOP, disk=1.0), [None]),
        (replace(LAPTOP, memory=2.0), [None]),
    ],
)
def test_what_each_kind_of_machine_is_proposed(machine: Machine, ways: list[str | None]) -> None:
    assert [way.model for way in proposals(machine)] == ways


def test_the_best_known_family_is_offered_first_wherever_it_is_listed() -> None:
    machine = Machine(None, 8.0, 9.0, (Server("A", "http://127.0.0.1:1/v1", ("llava",)), SERVER))
    assert [way.name for way in proposals(machine)] == ["qwen3-vl:4b", "llava", ""]


def test_what_is_fetched_for_ollama_is_of_a_known_family() -> None:
    assert all(family_of(name) is not OTHER for name, *_ in PULLS)


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
        ("a", "192.168.1.7:8000", "192.168.1.7"),
        ("a", "127.0.0.2:8000", None),
    ],
)
def test_where_photos_would_go_is_known(model: str, server: str | None, goes: str | None) -> None:
    assert elsewhere(named(model, server)) == goes


@pytest.mark.parametrize(
    "server",
    [
        "http://me:sk-secret@host/v1",
        "https://host/v1?key=sk-secret",
        "http://sk-secret@host/v1",
        "http://host/v1#sk-secret",
        "host:0/sk-secret",
        "sk-secret@host:8000",
        "host:sk-secret",
        "ftp://host/sk-secret",
        "http:///v1/sk-secret",
        "http://[sk-secret",
        "",
    ],
)
def test_an_address_that_is_none_or_holds_a_key_is_refused_and_not_repeated(server: str) -> None:
    with pytest.raises(BadInput, match="Expected the address") as raised:
        named("vlm", server)
    assert "sk-secret" not in str(raised.value)


@pytest.mark.parametrize("model", [None, "transformers:a/b"])
def test_an_address_is_that_of_a_model_that_is_served(model: str | None) -> None:
    assert named(None, None) is None
    with pytest.raises(BadInput, match=r"--model NAME|Leave it out"):
        named(model, OLLAMA)


def test_an_address_in_the_settings_that_is_none_is_said() -> None:
    with pytest.raises(BadInput, match="Expected the address"):
        elsewhere(Proposal("kept", "openai:a", "http://[half"))


@pytest.mark.parametrize("model", ["nonsense", "openai:", "transformers:", ""])
def test_a_model_that_nobody_knows_how_to_open_is_refused(model: str) -> None:
    with pytest.raises(BadInput, match="Expected a model"):
        named(model, None)


@pytest.mark.parametrize(("name", "model"), [("qwen3-vl:4b", "openai:qwen3-vl:4b"), ("openai:a", "openai:a")])
def test_a_model_of_a_server_may_be_named_as_the_server_does(name: str, model: str) -> None:
    assert named(name, OLLAMA).model == model


@pytest.mark.parametrize("typed", ["127.0.0.1:11434", "127.0.0.1:11434/v1", "http://127.0.0.1:11434/", f"{OLLAMA}/"])
def test_an_address_may_be_typed_in_short(typed: str) -> None:
    assert named("a", typed).server == OLLAMA
    assert named("a", "host.example:80/api").server == "http://host.example:80/api"
