"""The `openai` client with a running Sightline behind it: nothing of it is changed but its address.

    sightline serve
    python examples/openai_client.py http://127.0.0.1:8765 photo.jpg "Is this what I ordered?" FRN-OAT-15

The answer comes sentence by sentence, and what it rests on with the last chunk.
"""

import base64
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openai import OpenAI


def ask(server: str, photo: Path, question: str, claimed: str | None = None) -> Iterator[str | dict[str, Any]]:
    """Each sentence of the answer, and at last the evidence: statements, claims, findings, pictures."""
    client = OpenAI(base_url=f"{server.rstrip('/')}/v1", api_key="none")  # any will do where no keys are set
    image = f"data:image/jpeg;base64,{base64.b64encode(photo.read_bytes()).decode()}"
    content: Any = [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": image}}]
    chunks = client.chat.completions.create(
        model="sightline",
        messages=[{"role": "user", "content": content}],
        stream=True,
        extra_body={"sightline": {"claimed": claimed}},
    )
    for chunk in chunks:
        for choice in chunk.choices:
            if choice.delta.content:
                yield choice.delta.content
        if evidence := (chunk.model_extra or {}).get("sightline"):
            yield evidence


if __name__ == "__main__":
    server, photo, *words = sys.argv[1:]
    for part in ask(server, Path(photo), *words):
        if isinstance(part, str):
            print(part, end="", flush=True)
        else:
            print()
            for claim in part["claims"]:
                print(claim["status"], claim["kind"], claim["value"], claim["region"] and claim["region"]["box"])
