"""The command line: a thin face over the Assistant. It parses, prints, and turns outcomes into exit codes.

Exit codes: 0 found or done, 1 looked and it is not there, 2 bad input, 3 looked and cannot tell, 4 failure,
5 did not look (that takes a photo, or a model), 130 interrupted.
With `--json`, standard output holds one JSON object and nothing else. Heavy modules load inside the
commands, so that `--help` is quick.
"""

import json
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from unicodedata import category

import typer

from ..prompts import fill

if TYPE_CHECKING:
    from ..tools.types import Finding, Region
    from .assistant import Assistant
    from .reply import Reply

BAD_INPUT, FAILURE, INTERRUPTED = 2, 4, 130
EXITS = {"found": 0, "absent": 1, "unreadable": 3, "not_looked": 5}

# Unicode categories of controls and of characters that reorder or break what stands around them; the joiners
# are part of words in Persian and Hindi.
_COMMANDS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_HARMLESS = frozenset("\n\t\u200c\u200d")

_EPILOG = (
    "Exit codes: 0 found or done, 1 looked and not there, 2 bad input, 3 looked and cannot tell, 4 failure, "
    "5 did not look (that takes a photo, or a model), 130 interrupted."
)

app = typer.Typer(
    help="Look at photos and say only what can be shown: text, dates, codes, colours, products, and what differs.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
threads_app = typer.Typer(rich_markup_mode=None)
app.add_typer(threads_app, name="threads")
catalogue_app = typer.Typer(rich_markup_mode=None)
app.add_typer(catalogue_app, name="catalogue")

PhotoArg = Annotated[
    str, typer.Argument(metavar="PHOTO", help="A file, - for standard input, or sha256:… of a kept photo.")
]
PhotoArgs = Annotated[
    list[str], typer.Argument(metavar="PHOTO...", help="Files, - for standard input, or sha256:… of kept photos.")
]
Home = Annotated[
    Path | None,
    typer.Option(envvar="SIGHTLINE_HOME", help="Where photos and threads are kept. [default: ~/.sightline]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Lines = Annotated[bool, typer.Option("--json", help="Print one JSON object a photo, each on its line.")]
Plain = Annotated[bool, typer.Option("--plain", help="No colour, boxes or spinners.")]
ThreadName = Annotated[str, typer.Option(help="The conversation this turn belongs to.")]
Marked = Annotated[Path | None, typer.Option("--picture", help="Also save the photo with numbered marks as this JPEG.")]


def main() -> None:
    """Run `sightline`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal of another encoding shows what it cannot write as \u…, rather than ending the turn.
            stream.reconfigure(errors="backslashreplace")
    app()


@app.callback()
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True)] = False,
) -> None:
    if version:
        from .. import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.command()
def ask(
    text: Annotated[str, typer.Argument(help="What to ask, in your own words.")] = "",
    photos: Annotated[
        list[str] | None, typer.Argument(metavar="[PHOTO]...", help="Photos the question is about.")
    ] = None,
    thread: ThreadName = "main",
    claimed: Annotated[str | None, typer.Option(help="The SKU of the product the customer ordered.")] = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Ask about photos; without photos, about those of the last turn."""
    with _assistant(home, as_json) as assistant:
        _photo_in_place_of_text(text, photos or [])
        raise typer.Exit(EXITS[_turn(assistant, text, photos or [], thread, claimed, as_json, plain).outcome])


@app.command()
def chat(thread: ThreadName = "main", home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Talk about photos, turn by turn. `/photo FILE…` adds photos to the next turn, `/quit` ends.

    With --json the turns are read from standard input, and printed together when it ends: a reply each, or an
    error in place of a turn that could not be taken, and then the exit code is 2.
    """
    from ..tools.errors import BadInput

    turns: list[Any] = []
    waiting: list[str] = []
    with _assistant(home, as_json) as assistant:
        if sys.stdin.isatty() and not as_json:
            typer.echo("/photo FILE… adds photos to your next turn; /quit ends.")
        for line in _lines(prompt=not as_json):
            if line.strip() == "/quit":
                break
            try:
                if line.startswith("/photo"):
                    waiting += shlex.split(line)[1:]
                    continue
                turns.append(_turn(assistant, line, waiting, thread, None, as_json, plain, quiet=as_json).to_dict())
            except (BadInput, ValueError) as error:
                turns.append(_as_json(error))
                if not as_json:
                    _say(f"sightline: {error}", err=True)
            waiting = []
    if as_json:
        _print_json({"thread": thread, "turns": turns})
        raise typer.Exit(BAD_INPUT if any("error" in turn for turn in turns) else 0)


@app.command()
def ocr(
    photo: PhotoArg,
    field: Annotated[str | None, typer.Option(help="Read only this field.")] = None,
    picture: Marked = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Read the visible text, in reading order, each line with its box."""
    _one_tool("ocr", photo, picture, home, as_json, plain, **({"field": field} if field else {}))


@app.command()
def ground(
    photo: PhotoArg,
    target: Annotated[
        str, typer.Argument(help="A product, printed words, a code, or a colour: 'BEST BEFORE', 'barcode', '红色'.")
    ],
    picture: Marked = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Find products, printed words, codes or coloured areas."""
    _one_tool("ground", photo, picture, home, as_json, plain, target=target)


@app.command()
def describe(
    photo: PhotoArg, picture: Marked = None, home: Home = None, as_json: Json = False, plain: Plain = False
) -> None:
    """Say what can be measured: text, codes, colours, light, blur."""
    _one_tool("describe", photo, picture, home, as_json, plain)


@app.command()
def identify(
    photos: PhotoArgs, picture: Marked = None, home: Home = None, as_json: Lines = False, plain: Plain = False
) -> None:
    """Say which catalogue product a photo shows."""
    _many_photos("identify", photos, picture, home, as_json, plain)


@app.command()
def compare(
    photos: PhotoArgs,
    claimed: Annotated[str | None, typer.Option(help="The SKU that was ordered; without it, it is identified.")] = None,
    other: Annotated[str | None, typer.Option("--with", metavar="PHOTO", help="Another photo to compare with.")] = None,
    picture: Marked = None,
    home: Home = None,
    as_json: Lines = False,
    plain: Plain = False,
) -> None:
    """Hold a photo against the official picture, and say what differs."""
    args = {name: value for name, value in (("claimed", claimed), ("other", other)) if value is not None}
    _many_photos("compare", photos, picture, home, as_json, plain, **args)


@app.command()
def index(
    file: Annotated[Path, typer.Argument(help="JSON Lines or CSV with sku, title, image or images, and attributes.")],
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Keep the products of a file in the catalogue.

    What is unchanged is skipped; a bad row is reported by its line, and then the exit code is 2. A run that was
    killed is taken up by the next.
    """
    with _assistant(home, as_json) as assistant, _bar(plain or as_json) as progress:
        report = assistant.index(file, progress)
    if as_json:
        _print_json({**report._asdict(), "problems": [problem._asdict() for problem in report.problems]})
    else:
        for problem in report.problems:
            _say(f"line {problem.line}: {problem.message}", err=True)
        _say(f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged")
    raise typer.Exit(BAD_INPUT if report.problems else 0)


@catalogue_app.callback(invoke_without_command=True)
def catalogue(context: typer.Context, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List the products; search, add or remove one."""
    if _passes_on(context):
        return
    catalogue_list(home, as_json, plain)


@catalogue_app.command("list")
def catalogue_list(home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List the products."""
    with _assistant(home, as_json) as assistant:
        products = assistant.products()
    if as_json:
        from .reply import to_json

        _print_json({"products": [to_json(product) for product in products]})
    elif not products:
        typer.echo("No products yet; `sightline index FILE` adds them.")
    else:
        _table(("sku", "title", "photos"), [(p.sku, p.title, str(len(p.references))) for p in products], plain)


@catalogue_app.command("search")
def catalogue_search(
    words: str,
    most: Annotated[int, typer.Option(min=1, help="How many to show.")] = 10,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Find products by words; by their photos too, where the embedder reads."""
    with _assistant(home, as_json) as assistant:
        hits = assistant.search(words, most)
    if as_json:
        from .reply import to_json

        _print_json({"hits": [{**hit._asdict(), "product": to_json(hit.product)} for hit in hits]})
    elif not hits:
        typer.echo("Nothing found.")
    else:
        rows = [(h.product.sku, h.product.title, _share(h.words), _share(h.similarity)) for h in hits]
        _table(("sku", "title", "words", "similarity"), rows, plain)
    raise typer.Exit(0 if hits else EXITS["absent"])


@catalogue_app.command("add")
def catalogue_add(
    sku: str,
    title: str,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Its official photos.")],
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Such as gtin=…; repeat it.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Keep one product, in place of its earlier record."""
    del plain  # one line, the same either way
    from .reply import to_json

    with _assistant(home, as_json) as assistant:
        product = assistant.add_product(sku, title, images, dict(map(_attribute, attribute or [])))
    if as_json:
        _print_json(to_json(product))
    else:
        _say(f"Kept {product.sku}, {product.title}.")


@catalogue_app.command("remove")
def catalogue_remove(sku: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Remove a product and its official photos."""
    del plain  # one line, the same either way
    with _assistant(home, as_json) as assistant:
        assistant.remove_product(sku)
    if as_json:
        _print_json({"removed": sku})
    else:
        _say(f"Removed {sku}.")


@threads_app.callback(invoke_without_command=True)
def threads(context: typer.Context, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List the conversations kept; show, resume or delete one."""
    if _passes_on(context):
        return
    with _assistant(home, as_json) as assistant:
        rows = assistant.threads()
        cut_short = assistant.unfinished()
    if as_json:
        _print_json({"threads": [row._asdict() for row in rows], "unfinished": sorted(set(cut_short.values()))})
    elif not rows and not cut_short:
        typer.echo("No conversations yet.")
    else:
        _table(("thread", "turns", "first words"), [(r.name, str(r.turns), r.title) for r in rows], plain)
        for name in sorted(set(cut_short.values())):
            _say(fill("{name}: a turn was cut short; `sightline threads resume {name}` finishes it.", name=name))


@threads_app.command("show")
def threads_show(name: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Print the turns of a conversation."""
    with _assistant(home, as_json) as assistant:
        replies = assistant.history(name)
    if as_json:
        _print_json({"thread": name, "turns": [r.to_dict() for r in replies]})
    else:
        for reply in replies:
            _say(f"> {reply.question}", dim=_dims(plain))
            _say(f"{reply.text}\n")


@threads_app.command("resume")
def threads_resume(name: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Finish the turn that a crash cut short."""
    with _assistant(home, as_json) as assistant:
        reply = assistant.resume(name)
    if as_json:
        _print_json(reply.to_dict() if reply else {"thread": name, "resumed": None})
    elif reply is None:
        typer.echo("Nothing to resume.")
    else:
        _say(reply.text)
        _evidence(reply, plain)


@threads_app.command("delete")
def threads_delete(name: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Delete a conversation, its pictures, and the photos nothing else refers to."""
    del plain  # one line, the same either way
    with _assistant(home, as_json) as assistant:
        assistant.forget(name)
    if as_json:
        _print_json({"deleted": name})
    else:
        _say(f"Deleted {name}.")


@app.command()
def doctor(home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Say what is installed, configured and working on this machine."""
    from .doctor import examine

    with _errors(as_json):
        report = examine(home)
    if as_json:
        _print_json(report)
    else:
        _table(
            ("what", "", "detail"),
            [(c["what"], "ok" if c["ok"] else "NO", c["detail"]) for c in report["checks"]],
            plain,
        )
    raise typer.Exit(0 if report["ok"] else FAILURE)


def _passes_on(context: typer.Context) -> bool:
    """Whether a command stands after this one; it takes the options."""
    if not context.invoked_subcommand:
        return False
    sources = map(context.get_parameter_source, context.params)
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise typer.BadParameter(f"put the options after `{context.invoked_subcommand}`.")
    return True


@contextmanager
def _errors(as_json: bool) -> Iterator[None]:
    """Errors become one line (or one JSON object) and an exit code, here and nowhere else."""
    from ..tools.errors import BadInput, SightlineError

    try:
        yield
    except (typer.Exit, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if not isinstance(error, SightlineError | OSError):
            traceback.print_exc()
        if as_json:
            _print_json(_as_json(error))
        else:
            _say(f"sightline: {error or type(error).__name__}", err=True)
        raise typer.Exit(BAD_INPUT if isinstance(error, BadInput) else FAILURE) from error


def _as_json(error: Exception) -> dict[str, Any]:
    return {"error": {"kind": type(error).__name__, "message": str(error)}}


def _photo_in_place_of_text(text: str, photos: Sequence[str]) -> None:
    """Refuse `sightline ask photo.jpg`, which would ask about the words "photo.jpg" and look at nothing."""
    from ..tools.errors import BadInput

    with suppress(OSError):  # a question may be too long to be a file's name
        if text and not photos and Path(text).is_file():
            raise BadInput(f'Expected a question, then photos; {text} is a file. Try: sightline ask "" {text}')


@contextmanager
def _assistant(home: Path | None, as_json: bool) -> Iterator["Assistant"]:
    with _errors(as_json):
        from .assistant import Assistant

        with Assistant.open(home) as assistant:
            yield assistant


def _turn(
    assistant: "Assistant",
    text: str,
    photos: list[str],
    thread: str,
    claimed: str | None,
    as_json: bool,
    plain: bool,
    quiet: bool = False,
) -> "Reply":
    """Take a turn and print it as it is released."""
    from .reply import Progress, Reply, Statement

    reply: Reply | None = None
    with _spinner(plain or as_json) as status:
        for event in assistant.stream(text, photos, thread, claimed):
            if isinstance(event, Progress):
                status(event.step)
            elif isinstance(event, Statement) and not as_json:
                status(None)
                _say(event.text)
            elif isinstance(event, Reply):
                reply = event
    assert reply is not None, "a turn ends with its reply"  # noqa: S101
    if as_json and not quiet:
        _print_json(reply.to_dict())
    elif not as_json:
        _evidence(reply, plain)
    return reply


def _one_tool(
    tool: str, photo: str, picture: Path | None, home: Path | None, as_json: bool, plain: bool, **args: str
) -> None:
    """Run one tool on one photo, print its finding, save the picture if one is wanted."""
    with _assistant(home, as_json) as assistant:
        source: Any = assistant.load(photo)
        finding: Finding = getattr(assistant, tool)(source, **args)
        if picture:
            assistant.draw(source, finding, picture)
    if as_json:
        from .reply import to_json

        _print_json(to_json(finding))
    else:
        _print_finding(finding, plain)
        if picture:
            _say(f"picture: {picture}")
    raise typer.Exit(EXITS[finding.outcome])


def _many_photos(
    tool: str, photos: list[str], picture: Path | None, home: Path | None, as_json: bool, plain: bool, **args: str
) -> None:
    """Run one tool on each photo and print what it found as it comes; a bad photo is reported, and the rest goes on."""
    from ..tools.errors import BadInput

    with _assistant(home, as_json) as assistant:
        if picture and len(photos) > 1:
            raise BadInput(
                f"Expected one photo where a picture is to be saved; got {len(photos)}. Leave out --picture."
            )
        if len(photos) == 1:
            # An error about the only photo is the command's error.
            source: Any = assistant.load(photos[0])
            finding = getattr(assistant, tool)(source, **args)
            if picture:
                assistant.draw(source, finding, picture, **({"other": args["other"]} if "other" in args else {}))
            _print_seen(photos[0], finding, as_json, plain, several=False)
            if picture and not as_json:
                _say(f"picture: {picture}")
            raise typer.Exit(EXITS[finding.outcome])
        bad = False
        with _bar(plain or as_json) as progress:
            for n, (photo, found) in enumerate(assistant.each(tool, photos, **args), 1):
                if isinstance(found, Exception):
                    bad = True
                    if as_json:
                        _print_line({"file": photo, **_as_json(found)})
                    else:
                        _say(f"{photo!s}: {found}", err=True)
                else:
                    _print_seen(str(photo), found, as_json, plain, several=True)
                progress(tool, n, len(photos))
    raise typer.Exit(BAD_INPUT if bad else 0)


def _print_seen(photo: str, finding: "Finding", as_json: bool, plain: bool, several: bool) -> None:
    """What `identify` or `compare` found in one photo."""
    if as_json:
        from .reply import to_json

        _print_line({"file": photo, **to_json(finding)})
        return
    if several:
        _say(f"{photo}:", dim=_dims(plain))
    for match in finding.matches:
        if match.title:
            detail = "" if match.inliers is None else f"  {match.inliers} points agree"
            _say(f"{match.sku}  {match.title}{detail}  ({', '.join(match.sources)})")
    if finding.verdict:
        _say(f"verdict: {finding.verdict.answer.replace('_', ' ')} ({', '.join(finding.verdict.reasons)})")
    rows = [(str(n), d.kind, d.before or "", d.now or "", _box(d.region)) for n, d in enumerate(finding.differences, 1)]
    if rows:
        _table(("", "kind", "officially", "in the photo", "box x0 y0 x1 y1"), rows, plain)
    if facts := [(f.name, f.value, f.quote or "", _box(f.region) if f.region else "") for f in finding.facts]:
        _table(("fact", "value", "as printed", "box x0 y0 x1 y1"), facts, plain)
    if finding.outcome != "found":
        typer.echo(f"{finding.outcome.replace('_', ' ')}{f': {finding.reason}' if finding.reason else ''}")


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _attribute(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not (found and name):
        raise typer.BadParameter(f"expected NAME=VALUE; got {text!r}.")
    return name, value


def _print_finding(finding: "Finding", plain: bool) -> None:
    if finding.text and not finding.asked:
        _say(finding.text)
    if finding.tool != "ocr":
        rows = [
            (str(n), r.kind, r.label, _box(r), "" if r.score is None else f"{r.score:.2f}")
            for n, r in enumerate(finding.regions, 1)
        ]
        if rows:
            _table(("", "kind", "label", "box x0 y0 x1 y1", "score"), rows, plain)
    facts = [
        (f.name, " or ".join((f.value, *f.alternatives)), f.quote or "", _box(f.region) if f.region else "")
        for f in finding.facts
    ]
    if facts:
        _table(("fact", "value", "as printed", "box x0 y0 x1 y1"), facts, plain)
    if finding.outcome != "found" or finding.reason:
        typer.echo(f"{finding.outcome.replace('_', ' ')}{f': {finding.reason}' if finding.reason else ''}")


def _dims(plain: bool) -> bool:
    return not plain and sys.stdout.isatty()


def _box(region: "Region") -> str:
    return " ".join(f"{v:.0f}" for v in region.box)


def _evidence(reply: "Reply", plain: bool) -> None:
    for picture in reply.pictures:
        legend = "  ".join(f"[{n}] {label}" for n, label in enumerate(picture.legend, 1))
        _say(f"evidence: {picture.path}  {_one_line(legend)}", dim=_dims(plain))


@contextmanager
def _spinner(off: bool) -> Iterator[Callable[[str | None], None]]:
    """What to tell of each step while looking; `None` once there is something to read."""
    if off or not sys.stdout.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console().status("looking…") as status:
        yield lambda step: status.update(f"{step}…") if step else status.stop()


@contextmanager
def _bar(off: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Told the step, how many are done and of how many; drawn on standard error where a person looks on."""
    if off or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None)
        yield lambda step, done, total: shown.update(task, description=step, completed=done, total=total)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], plain: bool) -> None:
    if plain or not sys.stdout.isatty():
        for row in rows:
            _say("\t".join(map(_one_line, row)))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*head, box=box.SIMPLE)
    for row in rows:
        table.add_row(*(Text(_visible(_one_line(cell))) for cell in row))
    Console().print(table)


def _say(text: str, *, err: bool = False, dim: bool = False) -> None:
    shown = _visible(text)
    typer.echo(typer.style(shown, dim=True) if dim else shown, err=err)


def _visible(text: str) -> str:
    """Text from photos and file names may hold commands to a terminal: they are shown, not obeyed."""
    return "".join(c if c in _HARMLESS or category(c) not in _COMMANDS else repr(c)[1:-1] for c in text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _lines(prompt: bool) -> Iterator[str]:
    """The turns typed, without their line ends; a prompt only where a person sits."""
    while True:
        if prompt and sys.stdin.isatty():
            typer.echo("> ", nl=False)
        line = sys.stdin.readline()
        if not line:
            return
        yield line.rstrip("\n")


def _print_line(data: Any) -> None:
    sys.stdout.buffer.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    sys.stdout.flush()


def _print_json(data: Any) -> None:
    sys.stdout.buffer.write(json.dumps(data, ensure_ascii=False, indent=2).encode() + b"\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
