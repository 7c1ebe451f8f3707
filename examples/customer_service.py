"""A customer-service desk as a graph of LangGraph, with Sightline in it; it runs offline, without a model.

    python examples/customer_service.py

What a customer writes is sent one of three ways: photos, and questions about them, to Sightline's own graph, which
knows what was ordered; a wish for something to its search of the catalogue; a wish for a person to the desk. Where
what came is not what was ordered, the desk hands the conversation over by itself. The rules here are a few words, so
that anybody can run this: put your own in their place, or a model.
"""

import base64
import shutil
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph

from sightline import Assistant, Reply, langchain_tools

ROOT = Path(__file__).resolve().parent.parent
SHOP = ROOT / "examples" / "catalogue"
HOME = ROOT / ".demo" / "customer_service"


class Desk(MessagesState, total=False):
    """A conversation, what was ordered in it, how answers are put, and what was seen last."""

    claimed: str | None
    manner: str
    reply: dict[str, Any]


def build(assistant: Assistant) -> CompiledStateGraph[Desk, None, Desk, Desk]:
    """The desk over an Assistant. It remembers each conversation by the `thread_id` of the call."""
    (search,) = [tool for tool in langchain_tools(assistant) if tool.name == "search_catalogue"]

    def way(state: Desk) -> str:
        """Where the customer's message goes."""
        message = state["messages"][-1]
        words = str(message.text).lower()
        if "person" in words or "human" in words:
            return "person"
        sent = any(block["type"] == "image" for block in message.content_blocks)
        return "look" if sent or ("reply" in state and "do you have" not in words) else "find"

    def find(state: Desk) -> dict[str, Any]:
        """Look the words up in the catalogue; the tool's artifact is the list of what it found."""
        call = {"type": "tool_call", "name": "search_catalogue", "id": "1"}
        found = search.invoke({**call, "args": {"words": str(state["messages"][-1].text), "n": 3}})
        titles = [hit.product.title for hit in found.artifact]
        return {"messages": [AIMessage(f"We have: {'; '.join(titles)}." if titles else "We have nothing like that.")]}

    def after(state: Desk) -> str:
        """A person is called where what came is not what was ordered."""
        verdicts = [finding.verdict for finding in Reply.from_dict(state["reply"]).findings if finding.verdict]
        wrong = any(verdict.answer in ("other_variant", "differs") for verdict in verdicts)
        return "person" if wrong and state.get("claimed") else END

    def person(state: Desk, config: RunnableConfig) -> dict[str, Any]:
        """Write a ticket with the photos and all that was seen in them."""
        if "reply" not in state:
            return {"messages": [AIMessage("A colleague will be with you. Could you send a photo meanwhile?")]}
        placed = assistant.hand_off(config["configurable"]["thread_id"], note=f"ordered: {state.get('claimed')}")
        return {"messages": [AIMessage(f"I have passed this on to a colleague, ticket {placed.ticket.id}.")]}

    desk: StateGraph[Desk, None, Desk, Desk] = StateGraph(Desk)
    # Takes `messages` and gives them back with its answer, and with ids in the places of images.
    desk.add_node("look", assistant.graph())
    desk.add_node("find", find)
    desk.add_node("person", person)
    desk.add_conditional_edges(START, way, ["look", "find", "person"])
    desk.add_conditional_edges("look", after, ["person", END])
    desk.add_edge("find", END)
    desk.add_edge("person", END)
    return desk.compile(checkpointer=InMemorySaver())


def message(text: str, photo: Path | None = None) -> HumanMessage:
    """What a chat sends: words, and a photo as base64."""
    if photo is None:
        return HumanMessage(text)
    image = {"type": "image", "base64": base64.b64encode(photo.read_bytes()).decode(), "mime_type": "image/jpeg"}
    return HumanMessage([{"type": "text", "text": text}, image])


def main() -> None:
    """Hold one conversation and print it."""
    shutil.rmtree(HOME, ignore_errors=True)
    conversation: RunnableConfig = {"configurable": {"thread_id": "customer-17"}}
    with Assistant.open(HOME) as assistant:
        assistant.index(SHOP / "catalogue.jsonl")
        desk = build(assistant)
        for said in (
            message("Do you have oat drink?"),
            message("Is this what I ordered?", SHOP / "photos" / "wrong-variant.jpg"),
            message("When does it expire?"),
        ):
            before = len(desk.get_state(conversation).values.get("messages", []))
            state = desk.invoke(Desk(messages=[said], claimed="FRN-OAT-15", manner="service"), conversation)
            print(f"\n> {said.text}")
            for answer in state["messages"][before + 1 :]:
                print(answer.text)


if __name__ == "__main__":
    main()
