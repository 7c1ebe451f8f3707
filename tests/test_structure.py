"""The rooms and their doors: imports point one way, and what is heavy loads late."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sightline

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("prompts", "tools", "memory", "agent")
HEAVY = {
    "torch", "transformers", "open_clip", "chromadb", "faiss", "cv2", "supervision", "rapidocr", "onnxruntime",
    "zxingcpp", "langchain_openai", "json_repair", "psutil", "scipy",
}  # fmt: skip
# What a room may import of the others, beside itself; `None` means anything.
MEASURING = {
    "tools.types", "tools.errors", "tools.photos", "tools.quality", "tools.features", "tools.views", "tools.twins",
    "tools.registration",
    "tools.models.contract",
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))


def ours(path: Path) -> Iterator[str]:
    """Each of our modules that this one imports, as `room.module`, also inside functions."""
    package = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (".".join((*base, *(name or "").split("."))) for name in names)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert not any(name.split(".")[0] == "sightline" for name in names), f"{path}: import relatively"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for imported in ours(path):
        other = imported.split(".")[0]
        if room == "prompts" or name in ("tools.types", "tools.errors"):
            pytest.fail(f"{name} imports {imported}; it should import nothing of ours")
        if room == "tools":
            assert other in ("tools", "prompts"), f"{name} imports {imported}"
        if room == "memory":
            assert other == "memory" or imported in MEASURING, f"{name} imports {imported}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_load_where_they_are_used(path: Path) -> None:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            assert not {a.name.split(".")[0] for a in node.names} & HEAVY, path
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in HEAVY, path


FACES = (
    "cli", "cli_catalogue", "cli_corrections", "cli_doctor", "cli_eval", "cli_keys", "cli_mcp", "cli_route",
    "cli_serve", "cli_setup", "cli_threads", "cli_tickets", "cli_tools", "command", "langchain_tools", "roots",
    "studio", "terminal",
)  # fmt: skip
SERVERS = "mcp_results", "mcp_server", "mcp_transports"
"""Faces that their commands alone import, with what they are made with, and that show the table of tools."""


@pytest.mark.parametrize("face", [*FACES, *SERVERS])
def test_faces_import_only_the_assistant(face: str) -> None:
    allowed = {
        "agent.api.keys",
        "agent.api.serving",
        "agent.assistant",
        "agent.client",
        "agent.reply",
        "agent.doctor",
        "agent.evaluation",
        "agent.language",
        "agent.router",
        "agent.settings",
        "agent.setup",
        "agent.tickets",
        "tools.errors",
        "tools.types",
        "prompts",
        "__version__",
    }
    if face == "langchain_tools":
        # What a tool is called and how it is put into words, and whose images a message holds.
        allowed |= {"agent.as_text", "agent.messages", "tools.toolbox"}
    if face == "studio":
        # It hands on what the Assistant gives it.
        allowed = {"agent.assistant", "agent.state"}
    if face == "terminal":
        allowed = {"agent.reply", "tools.types"}
    if face in SERVERS:
        allowed |= {"agent.as_text", "agent.note", "tools.toolbox"}
    others = {f"agent.{other}" for other in (*FACES, *SERVERS) if face != "terminal"}
    assert set(ours(ROOT / "agent" / f"{face}.py")) <= allowed | others


@pytest.mark.parametrize("path", sorted((ROOT / "agent" / "api").glob("*.py")), ids=lambda p: p.stem)
def test_the_api_imports_only_the_assistant_and_what_it_takes_and_gives(path: Path) -> None:
    allowed = {
        "agent.assistant",
        "agent.reply",
        "agent.handoff",
        "agent.note",
        "agent.tickets",
        "agent.tracing",
        "memory.indexing",
        "tools.errors",
        "tools.photos",
        "tools.toolbox",
        "tools.types",
        "__version__",
    }
    assert {name for name in ours(path) if not name.startswith("agent.api")} <= allowed


def test_every_module_of_the_command_line_is_held_to_that() -> None:
    assert {"cli", *(path.stem for path in (ROOT / "agent").glob("cli_*.py"))} <= set(FACES)
    assert {path.stem for path in (ROOT / "agent").glob("mcp*.py")} <= set(SERVERS)


@pytest.mark.parametrize("module", ["sightline", *(f"sightline.agent.{face}" for face in FACES)])
def test_importing_a_face_loads_nothing_heavy(module: str) -> None:
    code = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & (HEAVY | {"pydantic", "langgraph", "numpy", "mcp"})


def test_langgraphs_server_finds_the_graph() -> None:
    opened = json.loads((ROOT / "langgraph.json").read_text("utf-8"))
    assert opened.keys() == {"dependencies", "graphs"}
    module, _, name = opened["graphs"]["sightline"].partition(":")
    # By the name of the package: a module that is opened as a file can import nothing beside it.
    assert module.startswith("sightline.")
    assert inspect.iscoroutinefunction(getattr(importlib.import_module(module), name))


def test_what_is_exported_is_there() -> None:
    assert {"Assistant", "Reply", "langchain_tools"} <= set(sightline.__all__)
    for name in sightline.__all__:
        assert getattr(sightline, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_ours"):
        _ = sightline.nothing_of_ours
