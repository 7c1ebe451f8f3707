"""What to see with on a machine: the ways to go, which follow from what the machine has and from nothing else."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, overload
from urllib.parse import urlsplit

from ..tools.errors import BadInput
from ..tools.models.families import FAMILIES, OTHER, family_of
from ..tools.models.machine import OLLAMA, Machine
from ..tools.models.opening import address, is_here

Way = Literal["kept", "served", "gpu", "ollama", "cpu", "named", "none"]
"""What a proposal does: keep what is set, use a server's model, load one on the GPU, have Ollama fetch one, load a
small one on the processor, use what the person named, or go without."""

CHOICES = 4
"""Ways offered at most, with going without: more are hard to keep in mind when they are heard."""

_NAMED = {family.name: family for family in FAMILIES}
ON_GPU: tuple[tuple[str, float], ...] = tuple(
    (_NAMED[name].example, _NAMED[name].gigabytes or 0.0) for name in ("qwen3_vl", "qwen2_5_vl", "qwen2_vl")
)
"""Repositories of the hub that are opened without code of their own and write boxes, the best first, and the gigabytes
that each takes in 16 bits."""

SMALL = ("HuggingFaceTB/SmolVLM-500M-Instruct", 1.7)
"""What a processor can bear. Twice the gigabytes in float32, measured with random weights and 13 tiles of a photo."""

PULLS: tuple[tuple[str, float, float], ...] = (("qwen3-vl:4b-instruct", 6.0, 3.3), ("qwen3-vl:2b-instruct", 4.5, 1.9))
"""What Ollama can fetch, the best first: its name there, the gigabytes of memory it takes with a photo (an estimate),
and those of the download. Source: ollama.com/library/qwen3-vl; its tags without `instruct` think aloud first."""

_CLOUD = re.compile(r"[:-]cloud$")  # Ollama's names of models that run elsewhere


@dataclass(frozen=True)
class Proposal:
    """A way to go. `model` and `server` are what the settings hold then.

    `needs`, `download`: gigabytes of memory it takes and of files it fetches, at most. `program`: whose the
    server is that has the model already.
    """

    way: Way
    model: str | None = None
    server: str | None = None
    needs: float = 0.0
    download: float = 0.0
    program: str = ""

    @property
    def name(self) -> str:
        """The model's name, without what says how it is opened."""
        return (self.model or "").partition(":")[2]

    @property
    def short(self) -> str:
        """The name as it is spoken."""
        return shortened(self.name)


def shortened(name: str) -> str:
    """A model's name without whose it is, or which folders it lies in."""
    return name.rstrip("/").rpartition("/")[2]


NONE = Proposal("none")


def proposals(machine: Machine, kept: Proposal | None = None) -> tuple[Proposal, ...]:
    """The ways to go on this machine, the best first, at most `CHOICES`; the last is to go without a model.

    What is set already comes before all others, so that nobody loses it by agreeing.
    """
    served, loaded = _served(machine)[:2], _on_gpu(machine)
    ways = served + loaded or _ollama(machine) + _on_cpu(machine)
    if kept:
        ways = [kept, *(way for way in ways if (way.model, way.server) != (kept.model, kept.server))]
    return (*ways[: CHOICES - 1], NONE)


def _served(machine: Machine) -> list[Proposal]:
    """What servers here run or can run, by family: those that photos would be sent away for are left out."""
    found = [
        (FAMILIES.index(family), Proposal("served", f"openai:{model}", server.address, program=server.program))
        for server in machine.servers
        for model in server.models
        if (family := family_of(model)) is not OTHER and not _CLOUD.search(model)
    ]
    return list(dict.fromkeys(way for _, way in sorted(found, key=lambda pair: pair[0])))


def _on_gpu(machine: Machine) -> list[Proposal]:
    if machine.gpu is None:
        return []
    # Weights pass through the memory of the processor on their way to the card.
    room = min(machine.gpu.gigabytes, machine.memory)
    return [
        Proposal("gpu", f"transformers:{repository}", needs=needs, download=needs)
        for repository, needs in (*ON_GPU, SMALL)
        if needs <= room and needs <= machine.disk
    ][:1]


def _ollama(machine: Machine) -> list[Proposal]:
    return [
        Proposal("ollama", f"openai:{model}", server.address, needs, size)
        for server in machine.servers
        if server.program == OLLAMA
        for model, needs, size in PULLS
        if needs <= machine.memory and size <= machine.disk
    ][:1]


def _on_cpu(machine: Machine) -> list[Proposal]:
    repository, half = SMALL
    fits = 2 * half <= machine.memory and half <= machine.disk
    return [Proposal("cpu", f"transformers:{repository}", needs=2 * half, download=half)] if fits else []


@overload
def named(model: str, server: str | None) -> Proposal: ...
@overload
def named(model: None, server: str | None) -> None: ...
def named(model: str | None, server: str | None) -> Proposal | None:
    """What the person named themselves, if anything; with a server, a name may be what that server calls it.

    The address may be typed without http:// in front and without /v1 at the end. Raises `BadInput` for a name or an
    address that is none, and for an address that carries a key or has no name beside it.
    """
    if model is None:
        if server is not None:
            raise BadInput("Expected the name of a model with the address of a server. Add --model NAME.")
        return None
    if server is not None and model.startswith("transformers:"):
        raise BadInput("Expected no server's address for transformers: models. Leave it out.")
    if server is not None and not model.startswith("openai:"):
        model = f"openai:{model}"
    kind, _, place = model.partition(":")
    if not place:
        raise BadInput(
            "Expected a model as transformers: and a repository or a folder, or with --server its name there; "
            f"got {model!r}."
        )
    if server is None:
        folder = Path(place).expanduser()
        # A folder is found again from wherever the next command is typed.
        return Proposal("named", f"{kind}:{folder.resolve()}" if kind == "transformers" and folder.is_dir() else model)
    return Proposal("named", model, address(server if "://" in server else f"http://{server}"))


def is_repository(way: Proposal) -> bool:
    """Whether the model is one of the hub's, and not a folder here."""
    local = (way.model or "").startswith("transformers:")
    return local and bool(re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", way.name)) and not Path(way.name).expanduser().is_dir()


def elsewhere(way: Proposal) -> str | None:
    """Where photos would be sent to: a host or a provider; `None` where they stay on this machine.

    Raises `BadInput` where the server has no address that is one.
    """
    provider = (way.model or "").partition(":")[0]
    if provider == "transformers":
        return None
    if way.server is None:
        return provider
    if _CLOUD.search(way.name):
        return "ollama.com"
    server = address(way.server)
    return None if is_here(server) else urlsplit(server).hostname
