"""`sightline threads`: the conversations kept."""

import typer

from ..prompts import fill
from .command import Home, Json, Plain, opened, passes_on
from .terminal import print_evidence, print_json, say, table

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def threads(context: typer.Context, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List the conversations kept; show, resume or delete one."""
    if passes_on(context):
        return
    with opened(home, as_json) as assistant:
        rows = assistant.threads()
        cut_short = sorted(set(assistant.unfinished().values()))
    if as_json:
        print_json({"threads": [row._asdict() for row in rows], "unfinished": cut_short})
    elif not rows and not cut_short:
        typer.echo("No conversations yet.")
    else:
        table(("thread", "turns", "first words"), [(r.name, str(r.turns), r.title) for r in rows], plain)
        for name in cut_short:
            say(fill("{name}: a turn was cut short; `sightline threads resume {name}` finishes it.", name=name))


@app.command()
def show(name: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Print the turns of a conversation."""
    with opened(home, as_json) as assistant:
        replies = assistant.history(name)
    if as_json:
        print_json({"thread": name, "turns": [r.to_dict() for r in replies]})
    else:
        for reply in replies:
            say(f"> {reply.question}", dim=not plain)
            say(f"{reply.text}\n")


@app.command()
def resume(name: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Finish the turn that a crash cut short."""
    with opened(home, as_json) as assistant:
        reply = assistant.resume(name)
    if as_json:
        print_json(reply.to_dict() if reply else {"thread": name, "resumed": None})
    elif reply is None:
        typer.echo("Nothing to resume.")
    else:
        say(reply.text)
        print_evidence(reply, plain)


@app.command()
def delete(name: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Delete a conversation, its pictures, and the photos nothing else refers to."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        assistant.forget(name)
    if as_json:
        print_json({"deleted": name})
    else:
        say(f"Deleted {name}.")
