"""An agent of LangChain whose model is a running Sightline, which it reaches as it would reach OpenAI.

    sightline serve
    pip install langchain
    python examples/agent_over_http.py http://127.0.0.1:8765 photo.jpg "When does it expire?"

The agent needs no tools: what it talks to looks by itself, and answers from what it saw.
"""

import base64
import sys
from pathlib import Path

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI


def ask(server: str, photo: Path, question: str) -> str:
    """The answer of the agent to one question about one photo."""
    model = ChatOpenAI(model="sightline", base_url=f"{server.rstrip('/')}/v1", api_key=lambda: "none")
    agent = create_agent(model)
    image = f"data:image/jpeg;base64,{base64.b64encode(photo.read_bytes()).decode()}"
    content = [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": image}}]
    state = agent.invoke({"messages": [{"role": "user", "content": content}]})
    return str(state["messages"][-1].text)


if __name__ == "__main__":
    server, photo, question = sys.argv[1:]
    print(ask(server, Path(photo), question))
