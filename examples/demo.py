"""A scripted conversation about the sample shop: each turn's plan, answer, claims and pictures.

    make demo

In English and Chinese: what it is, whether it is like the official picture, what differs, when it expires, the wrong
variant, and a photo too poor to judge; a question about another product than the one that is there, a photo that is
asked for and goes on with its turn, a misread word that a person corrects, which is remembered after a restart, and a
ticket for a person to take over. Everything runs on this machine, without a model. The pictures and the ticket stay in
`.demo/`.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from sightline import Assistant, Reply

ROOT = Path(__file__).resolve().parent.parent
SHOP = ROOT / "examples" / "catalogue"
HOME = ROOT / ".demo"

Turn = tuple[str, str, tuple[str, ...], str | None]
"""The thread, what the person says, the photos they send with it, and the SKU of what they ordered."""

TURNS: tuple[Turn, ...] = (
    ("oat", "What product is this?", ("oat-on-table.jpg",), None),
    ("oat", "Does it match the official picture?", (), None),
    ("mask", "和官方图片有什么不同，在哪里？", ("relabelled-sticker.jpg",), None),
    ("mask", "什么时候过期？", (), None),
    ("order", "Is this what I ordered?", ("wrong-variant.jpg",), "FRN-OAT-15"),
    ("poor", "这是我订的吗？", ("too-blurred.jpg",), "LRK-TEA-BER20"),
    ("oat", "Is this the chocolate one?", (), None),
    ("back", "Is it like the official picture?", ("back-only.jpg",), None),
    ("back", "here is the front", ("barista-warm-light.jpg",), None),
    ("words", "What does it say?", ("oat-on-table.jpg",), None),
    ("words", 'It says "Original Oat Drink", not "Orinal OatDrink".', (), None),
)
RESTARTED: tuple[Turn, ...] = (
    ("later", "What does it say?", ("oat-on-table.jpg",), None),
    ("mask", "我要转人工", (), None),
)
"""What is said after the home was closed and opened again."""


def converse(home: Path) -> Iterator[Reply]:
    """Index the sample products, then take every turn, with a restart in between, giving each reply as it comes."""
    with Assistant.open(home) as assistant:
        assistant.index(SHOP / "catalogue.jsonl")
        yield from _take(assistant, TURNS)
    with Assistant.open(home) as assistant:
        yield from _take(assistant, RESTARTED)


def _take(assistant: Assistant, turns: tuple[Turn, ...]) -> Iterator[Reply]:
    for thread, text, photos, claimed in turns:
        yield assistant.ask(text, [SHOP / "photos" / photo for photo in photos], thread=thread, claimed=claimed)


def show(console: Console, reply: Reply, turn: Turn) -> None:
    """Print one turn: what was asked, the plan, the answer, and what it rests on."""
    _, text, photos, claimed = turn
    sent = f"  [{', '.join(photos)}]" if photos else ""
    ordered = f"  ordered: {claimed}" if claimed else ""
    console.print(Text(f"\n> {text}", style="bold"), Text(sent + ordered, style="dim"))
    plan = ", ".join(f"{s.tool}({', '.join(f'{k}={v}' for k, v in s.args.items())})" for s in reply.plan)
    console.print(Text(f"  plan      {plan}", style="dim"))
    for n, line in enumerate(reply.text.splitlines()):
        console.print(Text(f"  {'answer' if not n else '':10}{line}"))
    for claim in reply.claims[:6]:
        where = " at " + " ".join(f"{v:.0f}" for v in claim.region.box) if claim.region else ""
        console.print(Text(f"  claim     {claim.status}: {claim.kind} {claim.value}{where}", style="dim"))
    if len(reply.claims) > 6:
        console.print(Text(f"  claim     and {len(reply.claims) - 6} more", style="dim"))
    for picture in reply.pictures:
        console.print(Text(f"  picture   {Path(picture.path).relative_to(ROOT)}", style="dim"))
    if reply.asks:
        console.print(Text(f"  asks      for one {reply.asks.kind}, and waits for it", style="dim"))
    if reply.ticket:
        console.print(Text(f"  ticket    {reply.ticket}", style="dim"))


def main() -> None:
    """Hold the conversation in a fresh home and say where the pictures are."""
    console = Console(soft_wrap=True, highlight=False)
    shutil.rmtree(HOME, ignore_errors=True)
    for reply, turn in zip(converse(HOME), (*TURNS, *RESTARTED), strict=True):
        if turn is RESTARTED[0]:
            console.print(Text("\n(the program ends and starts again)", style="dim"))
        show(console, reply, turn)
    console.print(f"\nThe pictures with numbered marks are in {(HOME / 'pictures').relative_to(ROOT)}/")


if __name__ == "__main__":
    main()
