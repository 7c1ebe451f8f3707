"""An agent of LangChain, with a model of yours, that looks at photos with Sightline's tools.

    pip install langchain langchain-anthropic
    python examples/agent_with_tools.py anthropic:claude-sonnet-4-5 photo.jpg "Is this product damaged?"

The model needs no eyes: it is shown the id of the photo, and the tools tell it in words what is there.
"""

import base64
import sys
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentState, before_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from sightline import Assistant, langchain_tools
from sightline.agent.langchain_tools import keep_photos


def agent_of(model: str | BaseChatModel, assistant: Assistant) -> CompiledStateGraph[Any, Any, Any, Any]:
    """An agent that has an Assistant's tools and gives their ids to the photos that people send."""

    @before_agent
    def keep(state: AgentState[Any], runtime: Runtime[None]) -> dict[str, Any]:
        """Put ids in the places of images, so that the model can name them."""
        del runtime
        return {"messages": keep_photos(assistant, state["messages"])}

    return create_agent(model, langchain_tools(assistant), middleware=[keep])


def main(model: str, photo: Path, question: str) -> None:
    """Ask one question about one photo and print the conversation."""
    image = {"type": "image", "base64": base64.b64encode(photo.read_bytes()).decode(), "mime_type": "image/jpeg"}
    with Assistant.open() as assistant:
        asked = HumanMessage([{"type": "text", "text": question}, image])
        for message in agent_of(model, assistant).invoke({"messages": [asked]})["messages"]:
            message.pretty_print()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
