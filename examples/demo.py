"""A scripted conversation about the sample shop: each turn's plan, answer, claims and pictures.

    make demo

Six turns in English and Chinese: what it is, whether it is like the official picture, what differs, when it expires,
the wrong variant, and a photo too poor to judge. Everything runs on this machine, without a model. The pictures stay
in `.demo/`.
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

# The thread, what the person says, the photos they send with it, and the SKU of what they ordered.
TURNS: tuple[tuple[str, str, tuple[str, ...], str | None], ...] = (
    ("oat", "What product is this?", ("oat-on-table.jpg",), None),
    ("oat", "Does it match the official picture?", (), None),
    ("mask", "和官方图片有什么不同，在哪里？", ("relabelled-sticker.jpg",), None),
    ("mask", "什么时候过期？", (), None),
    ("order", "Is this what I ordered?", ("wrong-variant.jpg",), "FRN-OAT-15"),
    ("poor", "这是我订的吗？", ("too-blurred.jpg",), "LRK-TEA-BER20"),
)


def converse(assistant: Assistant) -> Iterator[Reply]:
    """Index the sample products, then take every turn, giving each reply as it comes."""
    assistant.index(SHOP / "catalogue.jsonl")
    for thread, text, photos, claimed in TURNS:
        yield assistant.ask(text, [SHOP / "photos" / photo for photo in photos], thread=thread, claimed=claimed)


def show(console: Console, reply: Reply, photos: tuple[str, ...], claimed: str | None) -> None:
    """Print one turn: what was asked, the plan, the answer, and what it rests on."""
    sent = f"  [{', '.join(photos)}]" if photos else ""
    ordered = f"  ordered: {claimed}" if claimed else ""
    console.print(Text(f"\n> {reply.question}", style="bold"), Text(sent + ordered, style="dim"))
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


def main() -> None:
    """Hold the conversation in a fresh home and say where the pictures are."""
    console = Console(soft_wrap=True, highlight=False)
    shutil.rmtree(HOME, ignore_errors=True)
    with Assistant.open(HOME) as assistant:
        for reply, (_, _, photos, claimed) in zip(converse(assistant), TURNS, strict=True):
            show(console, reply, photos, claimed)
    console.print(f"\nThe pictures with numbered marks are in {(HOME / 'pictures').relative_to(ROOT)}/")


if __name__ == "__main__":
    main()
