"""The Assistant of a running server: the same methods, the same arguments, the same types.

Photos are loaded here and sent; a path never is, but that of a catalogue to `index`, which the server of this machine
reads itself. What is written to a file is written here. Settings, and with them the model, are the server's.
"""

import asyncio
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from ..tools.errors import BadInput, SightlineError, UnknownCorrection, UnknownProduct
from ..tools.types import (
    Correction,
    CorrectionAbout,
    CorrectionScope,
    FieldName,
    Finding,
    Photo,
    PhotoId,
    Product,
    View,
    is_photo_id,
)
from . import note
from .reply import Ask, Progress, Reply, Statement, Step, from_json, to_json
from .wire import Wire

if TYPE_CHECKING:
    from ..memory.catalogue import Hit
    from ..memory.indexing import Progress as Indexing
    from ..memory.indexing import Report
    from ..memory.sessions import Found, Thread
    from .assistant import Event, Source
    from .router import Routed
    from .tickets import Placed

MAIN = "main"
"""The thread of turns that name none, as in the Assistant."""

HOME = "~/.sightline"

_AT_ONCE = 4  # looks at many photos, or asynchronous turns, under way; more wait
_TOOLS = ("describe", "ocr", "ground", "identify", "compare")
_EVENTS: dict[str, type[Any]] = {"status": Progress, "finding": Finding, "sentence": Statement}


class Client:
    """An Assistant that is elsewhere. Every method does, gives and raises what that of `Assistant` does.

    Beside that, each raises `Unavailable` where the server is gone, `Unauthorised`, `Forbidden`, and `Overloaded`.
    """

    def __init__(self, url: str, key: str | None = None, home: Path | str | None = None) -> None:
        """The server at `url`, for the holder of a `key`.

        `home` is the folder of its home where that is on this machine: then pictures of a reply are files in it, else
        addresses on the server. Raises `BadInput` for what is no address.
        """
        self.home = Path(home) if home is not None else None
        self._wire = Wire(url, key)
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sightline-client")

    @classmethod
    def at(cls, home: Path | str | None = None) -> Self | None:
        """The server that runs on a home of this machine, for the owner of both; `None` where none does.

        `home` is as in `Assistant.open`. A note is believed only where nobody else can have written it, and a program
        at its address only where it knows the secret of the note, which it is not told.
        """
        folder = Path(home if home is not None else environ.get("SIGHTLINE_HOME", HOME)).expanduser()
        left = note.read(folder)
        if left is None:
            return None
        client = cls(left.url, left.secret, folder)
        if client._wire.knows(left.secret):
            return client
        client.close()
        return None

    def ask(
        self,
        text: str = "",
        photos: "Iterable[Source]" = (),
        thread: str = MAIN,
        claimed: str | None = None,
        manner: str = "plain",
        strict: bool = False,
    ) -> Reply:
        """See `Assistant.ask`."""
        *_, reply = self.stream(text, photos, thread, claimed, manner, strict)
        if not isinstance(reply, Reply):
            raise TypeError(f"A turn ends with its Reply; got {reply!r}.")
        return reply

    async def aask(
        self,
        text: str = "",
        photos: "Iterable[Source]" = (),
        thread: str = MAIN,
        claimed: str | None = None,
        manner: str = "plain",
        strict: bool = False,
    ) -> Reply:
        """See `Assistant.aask`."""
        call = partial(self.ask, text, list(photos), thread, claimed, manner, strict)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def stream(
        self,
        text: str = "",
        photos: "Iterable[Source]" = (),
        thread: str = MAIN,
        claimed: str | None = None,
        manner: str = "plain",
        strict: bool = False,
    ) -> "Iterator[Event]":
        """See `Assistant.stream`; each event is yielded as it arrives."""
        turn = {"text": text, "photos": [self._sent(photo) for photo in photos], "thread": thread, "claimed": claimed}
        for name, data in self._wire.events("/api/turns", {**turn, "manner": manner, "strict": strict}, last="reply"):
            if name == "reply":
                yield self._reply(data)
            elif name in _EVENTS:
                yield from_json(_EVENTS[name], data)

    def waiting(self, thread: str = MAIN) -> Ask | None:
        """See `Assistant.waiting`."""
        asks = self._wire.call("GET", f"/api/waiting/{_part(thread)}")
        return from_json(Ask, asks) if asks else None

    def plan(self, text: str, photos: int = 0, thread: str | None = None) -> "Routed":
        """See `Assistant.plan`."""
        from .router import Routed

        told = self._wire.call("POST", "/api/plan", {"text": text, "photos": photos, "thread": thread})
        return Routed(tuple(from_json(Step, step) for step in told["plan"]), told["margin"])

    def resume(self, thread: str = MAIN) -> Reply | None:
        """See `Assistant.resume`."""
        told = self._wire.call("POST", "/api/turns/resume", {"thread": thread})
        return self._reply(told) if told else None

    def unfinished(self) -> dict[str, str]:
        """See `Assistant.unfinished`."""
        return dict(self._wire.call("GET", "/api/unfinished"))

    def describe(self, photo: "Source", question: str | None = None, detail: str = "normal") -> Finding:
        """See `Assistant.describe`."""
        return self._look("describe", photo, question=question or None, detail=detail)

    def ocr(self, photo: "Source", field: FieldName | None = None) -> Finding:
        """See `Assistant.ocr`."""
        return self._look("ocr", photo, field=field or None)

    def ground(self, photo: "Source", target: str) -> Finding:
        """See `Assistant.ground`."""
        return self._look("ground", photo, target=target)

    def identify(self, photo: "Source") -> Finding:
        """See `Assistant.identify`."""
        return self._look("identify", photo)

    def compare(self, photo: "Source", claimed: str | None = None, other: "Source | None" = None) -> Finding:
        """See `Assistant.compare`."""
        return self._look("compare", photo, claimed=claimed, other=None if other is None else self._sent(other))

    def look(self, tool: str, photo: "Source", **args: str) -> Finding:
        """See `Assistant.look`."""
        if tool not in _TOOLS:
            raise BadInput(f"Expected one of {', '.join(_TOOLS)}; got {tool!r}.")
        return self._look(tool, photo, **args)

    def each(
        self, tool: str, photos: "Iterable[Source]", **args: str
    ) -> "Iterator[tuple[Source, Finding | SightlineError]]":
        """See `Assistant.each`."""
        if tool not in _TOOLS:
            raise BadInput(f"Expected one of {', '.join(_TOOLS)}; got {tool!r}.")
        self._know(args.get("claimed"))
        call = getattr(self, tool)

        def look(source: "Source") -> Finding | SightlineError:
            try:
                found: Finding = call(source, **args)
            except SightlineError as error:
                return error
            return found

        sources = iter(photos)
        waiting = deque((s, self._pool.submit(look, s)) for s in islice(sources, _AT_ONCE))
        while waiting:
            source, found = waiting.popleft()
            yield source, found.result()
            waiting.extend((s, self._pool.submit(look, s)) for s in islice(sources, 1))

    def index(self, file: Path | str, progress: "Indexing | None" = None, within: Path | str | None = None) -> "Report":
        """See `Assistant.index`; only the server of a home on this machine is told where a file lies."""
        from ..memory.indexing import Report
        from ..memory.records import Problem

        report: Report | None = None
        given = {
            "path": str(Path(file).resolve()),
            "within": str(Path(within).resolve()) if within is not None else None,
        }
        for name, data in self._wire.events("/api/index", given, last="report"):
            if name == "report":
                problems = tuple(Problem(**problem) for problem in data["problems"])
                report = Report(data["added"], data["updated"], data["unchanged"], problems)
            elif name == "progress" and progress is not None:
                progress(data["step"], data["done"], data["total"])
        if report is None:
            raise TypeError("Indexing ends with its report; got none.")
        return report

    def products(self) -> Sequence[Product]:
        """See `Assistant.products`."""
        return [from_json(Product, product) for product in self._wire.call("GET", "/api/products")]

    def product(self, sku: str) -> Product:
        """See `Assistant.product`."""
        return from_json(Product, self._wire.call("GET", f"/api/products/{_part(sku)}"))

    def search(self, words: str, n: int = 10) -> "Sequence[Hit]":
        """See `Assistant.search`."""
        from ..memory.catalogue import Hit

        hits = self._wire.call("GET", "/api/search", words=words, most=n)
        return [Hit(**{**hit, "product": from_json(Product, hit["product"])}) for hit in hits]

    def add_product(
        self, sku: str, title: str, images: Sequence[Path | str], attributes: dict[str, str] | None = None
    ) -> Product:
        """See `Assistant.add_product`."""
        given = {"title": title, "images": [self.load(Path(image)).data for image in images], "attributes": attributes}
        return from_json(Product, self._wire.call("PUT", f"/api/products/{_part(sku)}", given))

    def confirm(
        self,
        photo: "Source",
        sku: str,
        *,
        box: Sequence[float] | None = None,
        edition: str | None = None,
        by: str | None = None,
        source: str | None = None,
    ) -> View:
        """See `Assistant.confirm`."""
        if source is None and not is_photo_id(photo):
            from ..tools.photos import file_name

            source = file_name(photo)
        given = {"photo": self._sent(photo), "sku": sku, "box": _box(box), "edition": edition, "by": by}
        return from_json(View, self._wire.call("POST", "/api/views", {**given, "source": source}))

    def views(self, sku: str | None = None) -> Sequence[View]:
        """See `Assistant.views`."""
        return [from_json(View, view) for view in self._wire.call("GET", "/api/views", sku=sku)]

    def withdraw(self, photo_id: PhotoId, sku: str) -> None:
        """See `Assistant.withdraw`."""
        self._wire.call("DELETE", f"/api/views/{_part(photo_id)}/{_part(sku)}")

    def remove_product(self, sku: str) -> None:
        """See `Assistant.remove_product`."""
        self._wire.call("DELETE", f"/api/products/{_part(sku)}")

    def correct(
        self,
        photo: "Source | None",
        about: CorrectionAbout,
        after: str,
        *,
        what: str | None = None,
        before: str | None = None,
        scope: CorrectionScope = "photo",
        sku: str | None = None,
        box: Sequence[float] | None = None,
        by: str | None = None,
    ) -> Correction:
        """See `Assistant.correct`."""
        given = {"photo": None if photo is None else self._sent(photo), "about": about, "after": after, "what": what}
        rest = {"before": before, "scope": scope, "sku": sku, "box": _box(box), "by": by}
        return from_json(Correction, self._wire.call("POST", "/api/corrections", {**given, **rest}))

    def corrections(
        self, photo: PhotoId | None = None, sku: str | None = None, undone: bool = False
    ) -> list[Correction]:
        """See `Assistant.corrections`."""
        told = self._wire.call("GET", "/api/corrections", photo=photo, sku=sku, undone=undone)
        return [from_json(Correction, one) for one in told]

    def correction(self, correction: str) -> Sequence[Correction]:
        """See `Assistant.correction`."""
        told = self._wire.call("GET", f"/api/corrections/{_id(correction)}")
        return [from_json(Correction, version) for version in told]

    def conflicting_corrections(self) -> Sequence[tuple[Correction, ...]]:
        """See `Assistant.conflicting_corrections`."""
        groups = self._wire.call("GET", "/api/corrections/conflicts")
        return [tuple(from_json(Correction, one) for one in group) for group in groups]

    def edit_correction(self, correction: str, after: str) -> Correction:
        """See `Assistant.edit_correction`."""
        told = self._wire.call("PATCH", f"/api/corrections/{_id(correction)}", {"after": after})
        return from_json(Correction, told)

    def undo_correction(self, correction: str) -> Correction:
        """See `Assistant.undo_correction`."""
        return from_json(Correction, self._wire.call("POST", f"/api/corrections/{_id(correction)}/undo"))

    def export_corrections(self, file: Path | str) -> int:
        """See `Assistant.export_corrections`."""
        lines = self._wire.fetch("GET", "/api/corrections/export")
        try:
            Path(file).write_bytes(lines)
        except OSError as error:
            raise BadInput(f"Expected a file to write corrections to; {file} cannot be written ({error}).") from error
        return lines.count(b"\n")

    def import_corrections(self, file: Path | str) -> int:
        """See `Assistant.import_corrections`."""
        try:
            lines = Path(file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"Expected a JSON Lines file of corrections; {file} cannot be read ({error}).") from error
        return int(self._wire.call("POST", "/api/corrections/import", {"lines": lines})["imported"])

    def load(self, source: "Source") -> Photo:
        """See `Assistant.load`: what has an id is the server's, anything else is read here."""
        if isinstance(source, Photo):
            return source
        from ..tools.photos import load

        return self._stored("photos", source) if is_photo_id(source) else load(source)

    def keep(self, photo: "Source") -> PhotoId:
        """See `Assistant.keep`."""
        return str(self._wire.call("POST", "/api/photos", {"photo": self._sent(photo)})["id"])

    def drop(self, photo: PhotoId) -> None:
        """See `Assistant.drop`."""
        self._wire.call("DELETE", f"/api/photos/{_part(photo)}")

    def official(self, reference: PhotoId) -> Photo:
        """See `Assistant.official`."""
        return self._stored("references", reference)

    def upright(self, photo: "Source") -> tuple[bytes, str]:
        """See `Assistant.upright`."""
        from ..tools.picture import upright

        return upright(self.load(photo))

    def draw(self, photo: "Source", finding: Finding, path: Path | str, other: "Source | None" = None) -> Path:
        """See `Assistant.draw`; the picture is drawn there, and saved here."""
        # The finding may be longer than a form's field may be; photos are in it as text.
        shown = {"photo": self._as_text(photo), "other": None if other is None else self._as_text(other)}
        picture = self._wire.fetch("POST", "/api/pictures", {**shown, "finding": to_json(finding)})
        try:
            Path(path).write_bytes(picture)
        except OSError as error:
            raise BadInput(f"Expected a place to save the picture; {path} cannot be written ({error}).") from error
        return Path(path)

    def threads(self) -> "list[Thread]":
        """See `Assistant.threads`."""
        from ..memory.sessions import Thread

        rows = self._wire.call("GET", "/api/threads")
        # One whose first turn was cut short has none yet, and is among `unfinished`.
        return [Thread(row["name"], row["turns"], row["at"], row["title"]) for row in rows if row["turns"]]

    def history(self, thread: str = MAIN) -> list[Reply]:
        """See `Assistant.history`."""
        return [self._reply(turn) for turn in self._wire.call("GET", f"/api/threads/{_part(thread)}")]

    def forget(self, thread: str) -> None:
        """See `Assistant.forget`."""
        self._wire.call("DELETE", f"/api/threads/{_part(thread)}")

    def title(self, thread: str, title: str) -> str:
        """See `Assistant.title`."""
        return str(self._wire.call("PATCH", f"/api/threads/{_part(thread)}", {"title": title})["title"])

    def find_turns(self, words: str, n: int = 20) -> "list[Found]":
        """See `Assistant.find_turns`."""
        from ..memory.sessions import Found

        return [Found(**turn) for turn in self._wire.call("GET", "/api/turns", words=words, most=n)]

    def rename(self, thread: str, name: str) -> None:
        """See `Assistant.rename`."""
        self._wire.call("PATCH", f"/api/threads/{_part(thread)}", {"name": name})

    def export(self, thread: str, file: Path | str) -> int:
        """See `Assistant.export`; the file is written here."""
        from ..memory.exporting import kind_of, whole

        path = Path(file).expanduser()
        kind = kind_of(path)
        with self._wire.download(f"/api/exports/{_part(thread)}", kind=kind) as (headers, pieces), whole(path) as out:
            for piece in pieces:
                out.write(piece)
        return int(headers["x-photos"])

    def hand_off(self, thread: str = MAIN, note: str = "") -> "Placed":
        """See `Assistant.hand_off`."""
        return _placed(self._wire.call("POST", "/api/tickets", {"thread": thread, "note": note}))

    def tickets(self) -> "list[Placed]":
        """See `Assistant.tickets`."""
        return [_placed(placed) for placed in self._wire.call("GET", "/api/tickets")]

    def ticket(self, ticket: str) -> "Placed":
        """See `Assistant.ticket`."""
        return _placed(self._wire.call("GET", f"/api/tickets/{_part(ticket)}"))

    def send_tickets(self) -> "list[Placed]":
        """See `Assistant.send_tickets`."""
        return [_placed(placed) for placed in self._wire.call("POST", "/api/tickets/send")]

    def own(self) -> None:
        """Do nothing: the server is its home's writer."""

    def close(self) -> None:
        """Wait for what is under way here and let go of the server, which goes on."""
        self._pool.shutdown()
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look(self, tool: str, photo: "Source", **args: Any) -> Finding:
        return from_json(Finding, self._wire.call("POST", f"/api/{tool}", {"photo": self._sent(photo), **args}))

    def _sent(self, source: "Source") -> str | bytes:
        """A photo as it is sent: the id of one that is kept there, else its bytes."""
        return source if is_photo_id(source) else self.load(source).data

    def _as_text(self, source: "Source") -> str:
        """A photo as text: the id of one that is kept there, else a data URI."""
        from base64 import b64encode

        if is_photo_id(source):
            return source
        photo = self.load(source)
        return f"data:image/{photo.format.lower()};base64,{b64encode(photo.data).decode()}"

    def _stored(self, kind: str, photo: PhotoId) -> Photo:
        from ..tools.photos import reopen

        return reopen(self._wire.fetch("GET", f"/api/{kind}/{_part(photo)}", stored=True), photo)

    def _know(self, claimed: str | None) -> None:
        """Refuse an order for what the catalogue does not have, where there is one."""
        if claimed is not None:
            try:
                self.views(claimed)
            except UnknownProduct:
                if self.products():
                    raise

    def _reply(self, data: dict[str, Any]) -> Reply:
        """A reply, its pictures as files where the home is on this machine."""
        if self.home is not None:
            for picture in data["pictures"]:
                turn, name = picture["path"].split("/")[-2:]
                picture["path"] = str(self.home / "pictures" / turn / name)
        return Reply.from_dict(data)


def _placed(data: dict[str, Any]) -> "Placed":
    from .handoff import Ticket
    from .tickets import Placed

    return Placed(from_json(Ticket, data["ticket"]), data["where"], data["problem"])


def _box(box: Sequence[float] | None) -> list[float] | None:
    return [float(edge) for edge in box] if box is not None else None


def _part(name: str) -> str:
    """A name as one part of an address; dots as well, which an address may not have alone."""
    return quote(name.encode("utf-8", "replace"), safe="").replace(".", "%2E")


def _id(correction: str) -> str:
    """The id of a correction, which may be an address. Raises `UnknownCorrection` for what cannot be one."""
    if not re.fullmatch("[0-9a-f]{12}", correction):
        raise UnknownCorrection(
            f"Expected the id of a correction; got {correction!r:.60}, which is none. List them first."
        )
    return correction
