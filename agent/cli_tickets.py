"""`sightline tickets` and `sightline handoff`: conversations that were handed to a person."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .command import FAILURE, Home, Json, Plain, opened, passes_on
from .terminal import print_json, say, table

if TYPE_CHECKING:
    from .tickets import Placed

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def tickets(context: typer.Context, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List the tickets for people; show one, or send those that wait."""
    if passes_on(context):
        return
    with opened(home, as_json) as assistant:
        placed = assistant.tickets()
    if as_json:
        print_json({"tickets": [_row(p) for p in placed]})
    elif placed:
        rows = [(p.ticket.id, p.ticket.at, p.ticket.thread, p.where or "waits", p.ticket.question) for p in placed]
        table(("ticket", "at", "thread", "where", "question"), rows, plain)
    else:
        typer.echo("No tickets yet.")


@app.command()
def show(ticket: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Print a ticket."""
    with opened(home, as_json) as assistant:
        placed = assistant.ticket(ticket)
    if as_json:
        print_json(_whole(placed))
        return
    it = placed.ticket
    say(f"{it.id}  {it.at}  {it.thread}  {placed.where or 'waits in the outbox'}", dim=not plain)
    for turn in it.said:
        say(f"> {turn.question}", dim=not plain)
        say(f"{turn.answer}\n")
    if it.note:
        say(f"note: {it.note}")
    if it.claimed:
        say(f"ordered: {it.claimed}")
    for judged in it.verdicts:
        say(f"verdict: {judged.verdict.answer.replace('_', ' ')} ({', '.join(judged.verdict.reasons)})  {judged.sku}")
    rows = [(t.tool, t.asked or "", t.outcome.replace("_", " "), t.reason or "", t.model or t.source) for t in it.tried]
    if rows:
        table(("tried", "asked", "outcome", "reason", "by"), rows, plain)
    claims = [(c.kind, c.value, c.status) for of_turn in it.claims.values() for c in of_turn]
    if claims:
        table(("claim", "value", "status"), claims, plain)
    for shown in it.pictures:
        say(f"picture: {shown.name}  {shown.why}  {shown.label}", dim=not plain)


@app.command()
def send(home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Send the tickets that wait; the exit code is 4 where one still does."""
    del plain  # lines, the same either way
    with opened(home, as_json) as assistant:
        placed = assistant.send_tickets()
    if as_json:
        print_json({"tickets": [_row(p) for p in placed]})
    elif not placed:
        typer.echo("No ticket waits.")
    else:
        for each in placed:
            _tell(each)
    raise typer.Exit(FAILURE if any(p.where is None for p in placed) else 0)


def handoff(
    thread: Annotated[str, typer.Option(help="The conversation to hand over.")] = "main",
    note: Annotated[str, typer.Option(help="What the person should know beside it.")] = "",
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Hand a conversation to a person, as a ticket; the exit code is 4 where it waits to be sent."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        placed = assistant.hand_off(thread, note)
    if as_json:
        print_json(_whole(placed))
    else:
        _tell(placed)
    raise typer.Exit(FAILURE if placed.where is None else 0)


def _tell(placed: "Placed") -> None:
    if placed.where is not None:
        say(f"{placed.ticket.id}: {placed.where}")
    else:
        say(f"{placed.ticket.id} waits in the outbox: {placed.problem} `sightline tickets send` tries again.", err=True)


def _row(placed: "Placed") -> dict[str, Any]:
    ticket = placed.ticket
    row = {"id": ticket.id, "at": ticket.at, "thread": ticket.thread, "question": ticket.question}
    return row | {"where": placed.where, "problem": placed.problem}


def _whole(placed: "Placed") -> dict[str, Any]:
    from .reply import to_json

    return {"ticket": to_json(placed.ticket), "where": placed.where, "problem": placed.problem}
