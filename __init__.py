"""Sightline: an assistant that looks before it speaks and shows the pixels behind every answer.

Importing this costs next to nothing; what is heavy loads when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .agent.assistant import Assistant as Assistant
    from .agent.client import Client as Client
    from .agent.langchain_tools import langchain_tools as langchain_tools
    from .agent.reply import Reply as Reply

__version__ = "0.1.0"
__all__ = ["Assistant", "Client", "Reply", "__version__", "langchain_tools"]

_HOMES = {
    "Assistant": ".agent.assistant",
    "Client": ".agent.client",
    "Reply": ".agent.reply",
    "langchain_tools": ".agent.langchain_tools",
}


def __getattr__(name: str) -> object:
    """Load an exported name the first time it is asked for (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
