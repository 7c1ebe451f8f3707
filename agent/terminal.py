"""Printing to a terminal, or to a file in its place. Nothing here decides what is said.

Tables, colour and progress are for a person who looks on; a pipe gets tabs between cells and no escape codes.
What photos and file names say is shown, and commands no terminal.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unicodedata import category

import typer

if TYPE_CHECKING:
    from ..tools.types import Finding, Region
    from .reply import Reply

# Unicode categories of controls and of characters that reorder or break what stands around them; the joiners
# are part of words in Persian and Hindi.
_COMMANDS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_HARMLESS = frozenset("\n\t\u200c\u200d")


def say(text: str, *, err: bool = False, dim: bool = False) -> None:
    """A line or several; `dim` where a person looks on."""
    shown = visible(text)
    # Not by typer.echo, which would write into the line of a bar.
    stream = sys.stderr if err else sys.stdout
    stream.write((typer.style(shown, dim=True) if dim and sys.stdout.isatty() else shown) + "\n")
    stream.flush()


def visible(text: str) -> str:
    """Text from photos and file names may hold commands to a terminal: they are shown, not obeyed."""
    return "".join(c if c in _HARMLESS or category(c) not in _COMMANDS else repr(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """The words of a text, with a space between them."""
    return " ".join(text.split())


def measured(value: float | None) -> str:
    """A score with two decimals, nothing where nobody measured it."""
    return "" if value is None else f"{value:.2f}"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], plain: bool) -> None:
    """Rows under a head; `plain`, or where nobody looks on, with tabs and without the head."""
    if plain or not sys.stdout.isatty():
        for row in rows:
            say("\t".join(map(one_line, row)))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*head, box=box.SIMPLE)
    for row in rows:
        shown.add_row(*(Text(visible(one_line(cell))) for cell in row))
    Console().print(shown)


def print_json(data: Any) -> None:
    """One object, indented, in UTF-8 whatever the terminal's encoding."""
    sys.stdout.buffer.write(json.dumps(data, ensure_ascii=False, indent=2).encode() + b"\n")
    sys.stdout.flush()


def print_line(data: Any) -> None:
    """One object on one line, of JSON Lines."""
    sys.stdout.buffer.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    sys.stdout.flush()


def print_finding(finding: "Finding", plain: bool) -> None:
    """What a model says, what was read, where what was looked for lies, and the facts."""
    if finding.said:
        say(f"{finding.model}, unchecked: {finding.said}")
    if finding.text and not (finding.tool == "ocr" and finding.asked):
        say(finding.text)
    if finding.tool != "ocr":
        rows = [(str(n), r.kind, r.label, _box(r), measured(r.score)) for n, r in enumerate(finding.regions, 1)]
        if rows:
            table(("", "kind", "label", "box x0 y0 x1 y1", "score"), rows, plain)
    for way in finding.directions:
        say(f"{way.label}: from {way.origin.x:.0f} {way.origin.y:.0f}, {way.heading:.0f} degrees clockwise from up")
    if finding.cut:
        say(f"{finding.model} broke off: there may be more")
    _print_facts(finding, plain)


def print_products(finding: "Finding", plain: bool) -> None:
    """Which products were seen, the verdict, what differs, what a model says of that, and the facts."""
    for match in finding.matches:
        if match.title:
            detail = "" if match.inliers is None else f"  {match.inliers} points agree"
            detail += f"  edition {match.edition}" if match.edition else ""
            detail += "  like a confirmed photo" if match.confirmed else ""
            say(f"{match.sku}  {match.title}{detail}  ({', '.join(match.sources)})")
    if finding.verdict:
        say(f"verdict: {finding.verdict.answer.replace('_', ' ')} ({', '.join(finding.verdict.reasons)})")
        if finding.verdict.view:
            say(f"would settle it: {finding.verdict.view.replace('_', ' ')}")
    elif finding.reason == "variant_undetermined" and finding.asked:
        say(f"would tell: {finding.asked}")
    rows = [(str(n), d.kind, d.before or "", d.now or "", _box(d.region)) for n, d in enumerate(finding.differences, 1)]
    if rows:
        other = len(finding.photos) > 1 or any(match.confirmed for match in finding.matches[-1:])
        before = "in the other" if other else "officially"
        table(("", "kind", before, "in the photo", "box x0 y0 x1 y1"), rows, plain)
    for n, difference in enumerate(finding.differences, 1):
        if difference.said:
            say(f"{n}: {finding.model}, unchecked: {difference.said}")
    _print_facts(finding, plain)


def print_evidence(reply: "Reply", plain: bool) -> None:
    """Where the pictures of a turn are, and what their marks are."""
    for picture in reply.pictures:
        legend = "  ".join(f"[{n}] {label}" for n, label in enumerate(picture.legend, 1))
        say(f"evidence: {picture.path}  {one_line(legend)}", dim=not plain)


def print_ledger(reply: "Reply", plain: bool) -> None:
    """Each claim: in which sentence, what, how it was checked, and where in the photo; what was not said comes last."""
    rows = [
        (
            str(claim.statement + 1) if claim.statement is not None else "not said",
            claim.status,
            f"{claim.kind} {claim.value.replace('|', ' or ')}" + (f" of {claim.of}" if claim.of else ""),
            claim.finding,
            _box(claim.region) if claim.region else "",
        )
        for claim in reply.claims
    ]
    if rows:
        table(("sentence", "status", "claim", "finding", "box x0 y0 x1 y1"), rows, plain)


@contextmanager
def spinner(off: bool) -> Iterator[Callable[[str | None], None]]:
    """What to tell of each step while looking; `None` once there is something to read."""
    if off or not sys.stdout.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console().status("looking…") as status:
        yield lambda step: status.update(f"{step}…") if step else status.stop()


@contextmanager
def bar(off: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Told the step, how many are done and of how many; drawn on standard error where a person looks on."""
    if off or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Rich prints what is redirected above the bar, on standard error: results do not belong there.
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as shown:
        task = shown.add_task("", total=None)
        yield lambda step, done, total: shown.update(task, description=step, completed=done, total=total)


def typed(prompt: bool) -> Iterator[str]:
    """The lines of standard input, without their ends; a prompt only where a person sits."""
    while True:
        if prompt and sys.stdin.isatty():
            typer.echo("> ", nl=False)
        line = sys.stdin.readline()
        if not line:
            return
        yield line.rstrip("\n")


def _print_facts(finding: "Finding", plain: bool) -> None:
    """The facts, and the outcome where there is more to say than that it was found."""
    rows = [
        (f.name, " or ".join((f.value, *f.alternatives)), f.quote or "", _box(f.region) if f.region else "")
        for f in finding.facts
    ]
    if rows:
        table(("fact", "value", "as printed", "box x0 y0 x1 y1"), rows, plain)
    if finding.outcome != "found" or finding.reason:
        say(f"{finding.outcome.replace('_', ' ')}{f': {finding.reason}' if finding.reason else ''}")


def _box(region: "Region") -> str:
    return " ".join(f"{v:.0f}" for v in region.box)
