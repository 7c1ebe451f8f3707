"""A scripted conversation about the sample photos: each turn's plan, answer, claims and pictures.

    make demo

Everything runs on this machine, without a model. The pictures stay in `.demo/`.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from sightline import Assistant, Reply

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "examples" / "samples"
HOME = ROOT / ".demo"

# The thread, what the person says, and the photos they send with it.
TURNS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("oat", "When does it expire?", ("oat-carton.jpg",)),
    ("oat", "Where is the barcode, and how much is in it?", ()),
    ("tea", "这上面写了什么？", ("oolong-tea-tin.jpg",)),
    ("tea", "什么时候生产的，什么时候过期？", ()),
    ("yoghurt", "Is it still good?", ("yoghurt-ambiguous-date.jpg",)),
    ("shelf", "Which one is green?", ("shelf-three-teas.jpg",)),
    ("poor", "保质期到什么时候？", ("oat-carton-blurred.jpg",)),
    ("poor", "Is there a dog?", ("oat-carton.jpg",)),
)


def converse(assistant: Assistant) -> Iterator[Reply]:
    """Take every turn, giving each reply as it comes."""
    for thread, text, photos in TURNS:
        yield assistant.ask(text, [SAMPLES / photo for photo in photos], thread=thread)


def show(console: Console, reply: Reply, photos: tuple[str, ...]) -> None:
    """Print one turn: what was asked, the plan, the answer, and what it rests on."""
    sent = f"  [{', '.join(photos)}]" if photos else ""
    console.print(Text(f"\n> {reply.question}", style="bold"), Text(sent, style="dim"))
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
        for reply, (_, _, photos) in zip(converse(assistant), TURNS, strict=True):
            show(console, reply, photos)
    console.print(f"\nThe pictures with numbered marks are in {(HOME / 'pictures').relative_to(ROOT)}/")


if __name__ == "__main__":
    main()
