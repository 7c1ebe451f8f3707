"""`sightline threads`: the conversations kept."""

from pathlib import Path
from typing import Annotated

import typer

from ..prompts import fill
from .command import EXITS, Home, Json, Plain, opened, passes_on
from .terminal import print_evidence, print_json, say, table

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def threads(context: typer.Context, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List the conversations kept; search them; show, resume, title, rename, export or delete one."""
    if passes_on(context):
        return
    with opened(home, as_json) as assistant:
        rows = assistant.threads()
        cut_short = sorted(set(assistant.unfinished().values()))
        asked = {row.name: ask.text for row in rows if (ask := assistant.waiting(row.name))}
    if as_json:
        print_json({"threads": [row._asdict() for row in rows], "unfinished": cut_short, "waiting": asked})
    elif not rows and not cut_short:
        typer.echo("No conversations yet.")
    else:
        table(("thread", "turns", "title"), [(r.name, str(r.turns), r.title) for r in rows], plain)
        for name, text in asked.items():
            say(fill("{name} waits: {text}", name=name, text=text))
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
def search(
    words: Annotated[str, typer.Argument(help="Words, or parts of words, that a question or its answer holds.")],
    n: Annotated[int, typer.Option("--most", min=1, help="How many turns to show at most.")] = 20,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Find turns by what was asked and answered, in all conversations."""
    with opened(home, as_json) as assistant:
        found = assistant.find_turns(words, n)
    if as_json:
        print_json({"found": [turn._asdict() for turn in found]})
    elif found:
        table(("thread", "question", "where"), [(f.thread, f.question, f.snippet) for f in found], plain)
    else:
        typer.echo("Nothing found.")
    raise typer.Exit(EXITS["found" if found else "absent"])


@app.command()
def title(name: str, title: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Give a conversation a title; an empty one gives back its first words."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        kept = assistant.title(name, title)
    if as_json:
        print_json({"thread": name, "title": kept})
    else:
        say(f"{name}: {kept}" if kept else f"{name} has its first words for a title again.")


@app.command()
def rename(name: str, to: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Call a conversation by another name."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        assistant.rename(name, to)
    if as_json:
        print_json({"renamed": name, "thread": to})
    else:
        say(f"{name} is now {to}.")


@app.command()
def export(
    name: str,
    file: Annotated[Path, typer.Argument(help="A .zip; or a .jsonl, which holds the turns and no photos.")],
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Write a conversation to one file, with its photos."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        photos = assistant.export(name, file)
    if as_json:
        print_json({"exported": name, "file": str(file), "photos": photos})
    else:
        say(f"Wrote {name} to {file}, with {photos} {'photo' if photos == 1 else 'photos'}.")


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
