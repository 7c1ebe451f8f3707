"""The Assistant: Sightline as a Python SDK. Everything else that has a face is thin over it.

It is synchronous and safe under threads; turns of one thread are taken one after another. What it
keeps lies in one folder, the home: photos, readings, the catalogue, finished turns, pictures, and the
checkpoints of a turn under way. One process writes a home at a time, from its first turn until it is
closed; any number read it. Looking at a photo with one tool keeps nothing of the photo.
"""

import asyncio
import shutil
import sqlite3
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from .. import __version__
from ..memory.catalogue import Catalogue, Hit
from ..memory.contracts import kept
from ..memory.corrections import Corrections, checked
from ..memory.embedders import SharedEmbedders
from ..memory.exporting import export
from ..memory.indexing import Progress as Indexing
from ..memory.indexing import Report
from ..memory.photos import PhotoStore
from ..memory.readings import Readings
from ..memory.records import read as read_rows
from ..memory.sessions import Found, Sessions, Thread
from ..tools.errors import BadInput, Busy, SightlineError, UnknownPhoto, UnknownThread
from ..tools.kit import Reader
from ..tools.models.model import Model
from ..tools.models.opening import open_model
from ..tools.photos import file_name, load, pixels
from ..tools.reader import RapidReader
from ..tools.toolbox import TOOLS
from ..tools.types import (
    Box,
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
from .answering import hand_over
from .correcting import confirm
from .desks import open_desk
from .evidence import copied, draw_compared
from .graph import build_graph
from .language import language_of, spoken
from .manners import MANNERS
from .names import thread_name
from .reply import Ask, Progress, Reply, Statement, Step, from_json
from .router import Routed, Router
from .settings import Settings
from .state import Answered, Asked, Planner, State, Told, TurnKit
from .tickets import Placed, Tickets
from .told import chosen, goes_on
from .turn import FINDING, SENTENCE, STATUS
from .waiting import Turns, config

if TYPE_CHECKING:
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.language_models import BaseChatModel
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph
    from PIL.Image import Image

    Source = str | Path | bytes | Image | Photo
    """A photo: a path, `-` for standard input, a data URI, bytes, a PIL image, or the id of a stored photo."""

Event = Progress | Finding | Statement | Reply

MAIN = "main"
"""The thread of turns that name none."""

_CORRECTED, _UPLOADED = "\ncorrected", "\nuploaded"
"""What refers, in the photo store, to the photos that corrections are about, and to those that were sent ahead; no
thread can be called so."""

_PASSING = 256  # readings of photos that nobody keeps, in memory
_AT_ONCE = 4  # asynchronous turns, or looks at many photos, under way; more wait


class Assistant:
    """Takes turns about photos, and shows what each answer rests on. Make one with `Assistant.open`."""

    def __init__(
        self,
        home: Path,
        kit: TurnKit,
        photos: PhotoStore,
        sessions: Sessions,
        readings: Readings,
        catalogue: Catalogue,
        corrections: Corrections,
        checkpoints: sqlite3.Connection,
        settings: Settings,
        embedders: SharedEmbedders,
        callbacks: "Sequence[BaseCallbackHandler]" = (),
    ) -> None:
        """Put together from its parts; `Assistant.open` is the usual way."""
        self.home = home
        self._kit = kit
        self._settings, self._embedders, self._callbacks = settings, embedders, callbacks
        self._photos = photos
        self._sessions = sessions
        self._readings = readings
        self._catalogue = catalogue
        self._corrections = corrections
        # What a single look reads stays in memory: nobody asked for it to be kept.
        self._passing = Readings(Path(":memory:"), __version__, most=_PASSING)
        self._saver = SqliteSaver(checkpoints)
        self._saver.setup()
        checkpoints.execute("PRAGMA wal_autocheckpoint=32")
        checkpoints.execute("PRAGMA journal_size_limit=65536")
        # A killed process loses nothing by it. A power cut may lose the turn under way, and then all of it; what is
        # finished is in `sessions`, which waits for the disk.
        checkpoints.execute("PRAGMA synchronous=NORMAL")
        graph = build_graph(kit, self._saver)
        # Given none, it has those of whoever calls it.
        self._graph = graph.with_config(callbacks=list(callbacks)) if callbacks else graph
        self._turns = Turns(self._graph, self._saver, sessions)
        self._lock = FileLock(home / "lock", thread_local=False)
        self._owning = threading.Lock()
        # A photo that a correction is being told of is not swept before that is kept.
        self._telling = threading.RLock()
        self._cut_short: dict[str, str] = {}
        # As long as somebody holds them: a server meets ever more threads.
        self._threads: WeakValueDictionary[str, threading.RLock] = WeakValueDictionary()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sightline")

    @classmethod
    def open(
        cls,
        home: Path | str | None = None,
        model: "str | BaseChatModel | None" = None,
        server: str | None = None,
        callbacks: "Sequence[BaseCallbackHandler]" = (),
    ) -> Self:
        """Open a home, making it where there is none.

        `home` defaults to the setting `SIGHTLINE_HOME`, else `~/.sightline`. `model` is a LangChain chat model that
        reads images, or the name of one: `transformers:` and a folder or a repository of the hub, `openai:` and a
        name, with the address of its `server`, or whatever `init_chat_model` takes; without it, that of the settings
        (at this `server`, where one is named), else none, and instruments answer alone. `callbacks` are LangChain's
        handlers: they are told of each turn's steps, and of what the model is asked. Raises `BadInput` for a home
        that is no folder, a name nobody knows, or a desk in the settings that is none, `Unavailable` for a model that
        cannot be had.
        """
        settings = Settings.of(home)
        seeing = open_model(model, server) if model is not None else _of(settings, server)
        known = seeing and replace(_known(seeing, settings.home), callbacks=tuple(callbacks))
        return cls._open(settings, known, RapidReader(), Router(), SharedEmbedders(), callbacks)

    def beside(self, home: Path | str) -> Self:
        """Open another home with the settings, the model and the instruments of this one, which are dear to load.

        Neither knows anything of what the other keeps. Raises `BadInput` for a home that is no folder.
        """
        settings = self._settings.model_copy(update={"home": Path(home)})
        return self._open(
            settings, self._kit.model, self._kit.reader, self._kit.router, self._embedders, self._callbacks
        )

    @classmethod
    def _open(
        cls,
        settings: Settings,
        model: Model | None,
        reader: Reader,
        router: Planner,
        embedders: SharedEmbedders,
        callbacks: "Sequence[BaseCallbackHandler]",
    ) -> Self:
        folder = settings.home
        desk = open_desk(settings.desk, folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with ExitStack() as opened:
                photos = opened.enter_context(closing(PhotoStore(folder / "photos")))
                readings = opened.enter_context(closing(Readings(folder / "readings.sqlite", __version__)))
                sessions = opened.enter_context(closing(Sessions(folder / "sessions.sqlite")))
                catalogue = opened.enter_context(
                    closing(
                        Catalogue(
                            folder / "catalogue", __version__, settings.embedder, settings.chroma, opens=embedders
                        )
                    )
                )
                corrections = opened.enter_context(closing(Corrections(folder / "corrections.sqlite")))
                checkpoints = sqlite3.connect(folder / "checkpoints.sqlite", check_same_thread=False, timeout=10)
                opened.enter_context(closing(checkpoints))
                kit = TurnKit(
                    model=model,
                    reader=reader,
                    readings=readings,
                    photos=photos,
                    catalogue=catalogue,
                    router=router,
                    sessions=sessions,
                    store=photos,
                    pictures=folder / "pictures",
                    tickets=Tickets(folder / "outbox", desk),
                    corrections=corrections,
                )
                stores = photos, sessions, readings, catalogue, corrections, checkpoints
                assistant = cls(folder, kit, *stores, settings, embedders, callbacks)
                opened.pop_all()
                return assistant
        except (OSError, sqlite3.Error) as error:
            raise BadInput(
                f"Expected a folder to keep photos and threads in; {folder} cannot be used ({error}). Try another home."
            ) from error

    def ask(
        self,
        text: str = "",
        photos: "Iterable[Source]" = (),
        thread: str = MAIN,
        claimed: str | None = None,
        manner: str = "plain",
        strict: bool = False,
    ) -> Reply:
        """Take one turn and give back the whole reply.

        Without photos the turn is about those of the thread's last turn, and what was ordered then. `claimed` is the
        SKU the customer ordered. `manner` is how the answer is put: plain, service or narrator; `strict`: only what is
        supported is said. Where the last turn `asks` for something, a photo that it has not seen goes on with it, and
        so do words that name one of its options; anything else leaves its question open. Raises `UnreadablePhoto`,
        `BadInput`, `UnknownProduct`, `Busy` (another process writes this home), `Unavailable` (an instrument is not
        installed); a turn that raises leaves no trace in its thread.
        """
        *_, reply = self.stream(text, photos, thread, claimed, manner, strict)
        return _as_reply(reply)

    async def aask(
        self,
        text: str = "",
        photos: "Iterable[Source]" = (),
        thread: str = MAIN,
        claimed: str | None = None,
        manner: str = "plain",
        strict: bool = False,
    ) -> Reply:
        """`ask` for asynchronous callers: runs in a pool of a few threads, does not block the loop."""
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
    ) -> Iterator[Event]:
        """Take one turn and yield what happens: `Progress`, each `Finding` and released `Statement`, last the `Reply`.

        A released statement is final; a finding comes without the words of a model, which are not checked yet, and with
        them in the reply. Raises as `ask` does; a turn whose caller stops listening is given up.
        """
        thread, text = thread_name(thread), _plain(text)
        if manner not in MANNERS:
            raise BadInput(f"Expected a manner of {', '.join(MANNERS)}; got {manner!r}.")
        loaded = [self.load(source) for source in photos]
        self.own()
        self._know(claimed)
        with self._alone(thread):
            self.resume(thread)
            ids = self._photos.keep(thread, loaded)
            waiting = self._turns.waiting(thread)
            told = self._told(*waiting, text, ids, claimed) if waiting else None
            if waiting and told:
                yield from self._run(waiting[0].turn, Command(resume=told))
                return
            turn = uuid.uuid4().hex
            asked = Asked(
                text=text,
                photos=ids,
                thread=thread,
                turn=turn,
                claimed=claimed,
                manner=manner,
                strict=strict,
                may_ask=True,
            )
            yield from self._run(turn, asked)
            if waiting:
                self._turns.end(waiting[0].turn)

    def waiting(self, thread: str = MAIN) -> Ask | None:
        """What the last turn of this thread waits for; `None` where it waits for nothing."""
        found = self._turns.waiting(thread)
        return found[1] if found else None

    def plan(self, text: str, photos: int = 0, thread: str | None = None) -> Routed:
        """The tools that a turn about so many photos would be sent to, and how sure that is; nothing is looked at.

        With a `thread`, a follow-up goes on from its last turn. No model is asked.
        """
        last = (self._sessions.last(thread_name(thread)) if thread is not None else None) or {}
        before = [from_json(Step, step) for step in last.get("plan", [])]
        return self._kit.router.plan(_plain(text), photos, before=before, ordered=bool(last.get("claimed")))

    def resume(self, thread: str = MAIN) -> Reply | None:
        """Finish the turn of this thread that a crash cut short; `None` where there is none."""
        self.own()
        with self._alone(thread):
            reply = None
            for turn in [turn for turn, name in self._cut_short.items() if name == thread]:
                del self._cut_short[turn]
                *_, reply = self._run(turn, None)
            return None if reply is None else _as_reply(reply)

    def unfinished(self) -> dict[str, str]:
        """The turns that were cut short and can be resumed, each with its thread."""
        return self._turns.cut_short()

    def describe(self, photo: "Source", question: str | None = None, detail: str = "normal") -> Finding:
        """Say what a photo shows, or answer a question about it.

        `detail` is brief, normal or full.
        """
        asked = {"question": _plain(question)} if question else {}
        return self._look("describe", photo, {**asked, "detail": detail})

    def ocr(self, photo: "Source", field: FieldName | None = None) -> Finding:
        """Read the visible text in reading order, each line with its box.

        With `field` only that field, which is one of `FieldName`.
        """
        return self._look("ocr", photo, {"field": field} if field else {})

    def ground(self, photo: "Source", target: str) -> Finding:
        """Find products, printed words, codes, colours, or other things."""
        return self._look("ground", photo, {"target": _plain(target)})

    def identify(self, photo: "Source") -> Finding:
        """Say which catalogue product a photo shows."""
        return self._look("identify", photo)

    def compare(self, photo: "Source", claimed: str | None = None, other: "Source | None" = None) -> Finding:
        """Hold a photo against the official picture and say what differs.

        `claimed` is the SKU that was ordered; without it the product is identified first. With `other`, the two
        photos are held against one another. Raises `UnknownProduct`.
        """
        if claimed is not None and other is not None:
            raise BadInput("Expected what was ordered or another photo to compare with; got both. Leave one out.")
        if other is None:
            return self._look("compare", photo, {"against": claimed} if claimed is not None else {})
        second = self.load(other)
        return self._look("compare", photo, {"against": second.id}, beside=(second,))

    def look(self, tool: str, photo: "Source", **args: str) -> Finding:
        """One look with any tool, by its name; `args` are the tool's own. Raises `BadInput` for one that there is not.

        Those above say what they take, and are the same looks.
        """
        if tool not in TOOLS:
            raise BadInput(f"Expected one of {', '.join(TOOLS)}; got {tool!r}.")
        return self._look(tool, photo, args)

    def each(
        self, tool: str, photos: "Iterable[Source]", **args: str
    ) -> "Iterator[tuple[Source, Finding | SightlineError]]":
        """One tool over many photos, a few at once: each photo, in order, with its finding or its error.

        `args` are those of the tool's method. Raises `BadInput` for a tool that there is not, `UnknownProduct` for a
        claimed one.
        """
        if tool not in TOOLS:
            raise BadInput(f"Expected one of {', '.join(TOOLS)}; got {tool!r}.")
        self._know(args.get("claimed"))
        call = getattr(self, tool, partial(self.look, tool))

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

    def warm(self) -> None:
        """Load what the first turn would wait for: OCR engine, router, catalogue. No model is asked, nothing kept.

        Takes seconds; to be called in a thread of its own. What is not installed is left for the turn that needs it.
        """
        from PIL import Image, ImageDraw

        drawn = Image.new("RGB", (320, 240), "white")
        ImageDraw.Draw(drawn).text((40, 100), "BEST BEFORE 2027", "black", font_size=24)
        official = next((p.references[0] for p in self.products()[:1]), None)
        photos = [load(drawn), *([self._catalogue.photo(official)] if official else [])]
        kit = replace(self._kit, model=None, readings=self._passing)
        self.plan("What is it?", 1)
        for tool in ("ocr", "identify", "compare"):
            with suppress(SightlineError):
                TOOLS[tool](photos[0 if tool == "ocr" else -1], kit)

    def _know(self, claimed: str | None) -> None:
        """Refuse an order for what the catalogue does not have, where there is one."""
        if claimed is not None and len(self._catalogue):
            self._catalogue.product(claimed)

    def index(self, file: Path | str, progress: "Indexing | None" = None, within: Path | str | None = None) -> "Report":
        """Keep the products of a JSON Lines or CSV file in the catalogue, each in place of its earlier record.

        What is unchanged is skipped, a bad row is reported by its line, and a run that was killed is taken up by
        the next. `progress` is told the step, how many are done, and of how many; what it raises ends the run. `within`
        is the folder that images must lie in, for a file that somebody else sent: a row that names another is reported,
        and its image is not opened. Raises `BadInput`, `Busy`.
        """
        rows = read_rows(Path(file), Path(within) if within is not None else None)
        self.own()
        return self._catalogue.index(rows, progress)

    def products(self) -> Sequence[Product]:
        """The products of the catalogue, by SKU."""
        return self._catalogue.products()

    def product(self, sku: str) -> Product:
        """The product of this SKU. Raises `UnknownProduct`."""
        return self._catalogue.product(sku)

    def search(self, words: str, n: int = 10) -> "Sequence[Hit]":
        """The products that words describe best, by their records and, where the embedder reads, by their photos."""
        return self._catalogue.search(_plain(words), n)

    def add_product(
        self, sku: str, title: str, images: Sequence[Path | str], attributes: dict[str, str] | None = None
    ) -> Product:
        """Keep one product in place of its earlier record. Raises `BadInput`, `Busy`."""
        self.own()
        return self._catalogue.add(sku, title, [Path(image) for image in images], attributes)

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
        """Keep a photo as a view of a product: from now on it teaches what that looks like. Give back what is kept.

        Where the official picture lies onto the photo, the product is taken to be; else in `box`, x0 y0 x1 y1 in pixels
        of the upright photo; else in its middle. What is around it is not learned. `edition` names the edition of the
        pack where it is not the one of now, `by` who says so, `source` where the photo comes from: by default its file,
        or the threads that it was sent to. Confirming the same again is harmless. Raises
        `Contradiction` where the photo shows, or its barcode names, another product; `BadInput` for a photo that is
        too poor, mirrored, or an official one of the product; `UnreadablePhoto`, `UnknownProduct`, `Busy`.
        """
        loaded = self.load(photo)
        self.own()
        kit = self._kit if is_photo_id(photo) else replace(self._kit, readings=self._passing)
        if source is None and is_photo_id(photo):
            source = ", ".join(name for name in self._photos.threads(photo) if name.isprintable())
        elif source is None:
            source = file_name(photo)
        by, edition, source = (text and _plain(text) for text in (by, edition, source))
        place = Box(*map(float, box)) if box is not None else None
        return confirm(kit, loaded, sku, box=place, by=by, edition=edition, source=source or None)

    def views(self, sku: str | None = None) -> Sequence[View]:
        """The confirmed views of a product, or of all, by SKU. Raises `UnknownProduct`."""
        return self._catalogue.views(sku)

    def withdraw(self, photo_id: PhotoId, sku: str) -> None:
        """Take back what was confirmed of a photo and a product. Raises `UnknownProduct`, `UnknownPhoto`, `Busy`."""
        self.own()
        self._catalogue.withdraw(photo_id, sku)

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
        """Keep that something said of a photo, or of a product, is wrong, and give back what is kept.

        The arguments are as in `Correction`: `after` is what is right, a SKU for `product`. Scope `product` needs the
        `sku` that it holds for, any other the photo, which is kept as long as the correction is. The same again changes
        nothing. Raises `BadInput`, `UnreadablePhoto`, `UnknownPhoto`, `UnknownProduct`, `Busy`.
        """
        loaded = self.load(photo) if photo is not None else None
        place = Box(*map(float, box)) if box is not None else None
        if place is not None and (loaded is None or place.inside(loaded.size) != place or place.area <= 0):
            raise BadInput(f"Expected a box within the photo, x0 y0 x1 y1 in its pixels; got {tuple(place)}.")
        for known in (after if about == "product" else None, sku if scope == "product" else None):
            if known is not None:
                self._catalogue.product(known)
        after, what, before, by = _plain(after), *(text and _plain(text) for text in (what, before, by))
        self.own()
        new = Correction(
            id=uuid.uuid4().hex[:12],
            scope=scope,
            about=about,
            what=what,
            before=before,
            after=after,
            photo=loaded.id if loaded else None,
            sku=sku if scope == "product" else None,
            box=place,
            by=by,
            at=self._corrections.now(),
            thread=None,
        )
        checked(new)
        with self._telling:
            if loaded:
                self._photos.keep(_CORRECTED, [loaded])
            told = self._corrections.add(new)
            self._sweep()
        return told

    def corrections(
        self, photo: PhotoId | None = None, sku: str | None = None, undone: bool = False
    ) -> list[Correction]:
        """The corrections that apply, in the order in which they were told: all, or those of a photo, or a product.

        With `undone` also those that were undone.
        """
        told = self._corrections.kept(undone=undone)
        return [c for c in told if photo in (None, c.photo) and (sku is None or sku in _products_of(c))]

    def correction(self, correction: str) -> Sequence[Correction]:
        """Every version of a correction, by its id, the first one first. Raises `UnknownCorrection`."""
        return self._corrections.versions(correction)

    def conflicting_corrections(self) -> Sequence[tuple[Correction, ...]]:
        """Those that apply and say different things of the same, two or more together."""
        return self._corrections.conflicts()

    def edit_correction(self, correction: str, after: str) -> Correction:
        """Say otherwise what is right; undoing brings the earlier back.

        Raises `UnknownCorrection`, `UnknownProduct`, `BadInput`, `Busy`.
        """
        if self._corrections.get(correction).about == "product":
            self._catalogue.product(after)
        self.own()
        return self._corrections.edit(correction, _plain(after))

    def undo_correction(self, correction: str) -> Correction:
        """Take back the latest change of a correction, exactly, and give back what that was.

        A photo that nothing else refers to goes with it. Raises `UnknownCorrection`, `BadInput`, `Busy`.
        """
        self._corrections.get(correction)
        self.own()
        undone = self._corrections.undo(correction)
        self._sweep()
        return undone

    def export_corrections(self, file: Path | str) -> int:
        """Write the corrections that apply as JSON Lines, and say how many. Raises `BadInput`."""
        return self._corrections.export(Path(file))

    def import_corrections(self, file: Path | str) -> int:
        """Keep those of a JSON Lines file that are not here yet, and say how many. Raises `BadInput`, `Busy`."""
        self.own()
        taken = self._corrections.take(Path(file))
        self._sweep()
        return taken

    def remove_product(self, sku: str) -> None:
        """Remove a product with its official photos and its views. Raises `UnknownProduct`, `Busy`."""
        self.own()
        self._catalogue.remove(sku)

    def load(self, source: "Source") -> Photo:
        """The photo, read once, to hand to several tools. Raises `UnreadablePhoto`, `UnknownPhoto`."""
        if isinstance(source, Photo):
            return source
        return self._photos.get(source) if is_photo_id(source) else load(source)

    def keep(self, photo: "Source") -> PhotoId:
        """Keep a photo under no thread until `drop`, and give back its id. Raises `UnreadablePhoto`, `Busy`."""
        loaded = self.load(photo)
        self.own()
        self._photos.keep(_UPLOADED, [loaded])
        return loaded.id

    def drop(self, photo: PhotoId) -> None:
        """Let go of a photo that `keep` kept; where nothing else refers to it, it is deleted.

        Raises `UnknownPhoto`, `Busy`.
        """
        if photo not in self._photos.of(_UPLOADED):
            raise UnknownPhoto(f"Expected the id of a photo that was kept under no thread; got {photo!r:.100}.")
        self.own()
        for gone in self._photos.release(_UPLOADED, [photo]):
            self._readings.forget(gone)

    def official(self, reference: PhotoId) -> Photo:
        """An official photo of the catalogue, or a confirmed one. Raises `UnknownPhoto`."""
        return self._catalogue.photo(reference)

    def upright(self, photo: "Source") -> tuple[bytes, str]:
        """A photo as a browser shows it upright, encoded, and its media type. Raises `UnreadablePhoto`."""
        from ..tools.picture import upright

        return upright(self.load(photo))

    def draw(self, photo: "Source", finding: Finding, path: Path | str, other: "Source | None" = None) -> Path:
        """Save a JPEG of the photo with the finding's regions as numbered marks. Raises `BadInput` if it cannot.

        A comparison is drawn beside the official picture, or beside `other`, the photo it was made with.
        """
        from ..tools.picture import annotate, save

        seen = self.load(photo)
        regions = finding.regions or tuple(f.region for f in finding.facts if f.region)
        try:
            shown = (seen,) if other is None else (seen, self.load(other))
            kit = replace(self._kit, photos=_Beside(self._photos, shown))
            if finding.tool == "compare" and draw_compared(kit, finding, "en", Path(path)):
                return Path(path)
            save(annotate(pixels(seen), regions), Path(path))
        except OSError as error:
            raise BadInput(f"Expected a place to save the picture; {path} cannot be written ({error}).") from error
        return Path(path)

    def graph(
        self, checkpointer: "BaseCheckpointSaver[Any] | None" = None
    ) -> "CompiledStateGraph[State, None, Asked, Answered]":
        """The machine, to run or to put into a graph of one's own as a node: `Asked` in, `Answered` out.

        It takes `messages`, or a text and ids of photos, and gives back `messages` and the `reply`; what it finishes is
        kept in this home, as `ask` keeps it. It works until the Assistant is closed. Raises `Busy`.
        """
        self.own()
        return build_graph(self._kit, checkpointer)

    def threads(self) -> list[Thread]:
        """The threads of this home, the one used last first."""
        return self._sessions.threads()

    def history(self, thread: str = MAIN) -> list[Reply]:
        """Every finished turn of a thread, oldest first. Raises `UnknownThread`."""
        return [Reply.from_dict(r) for r in self._sessions.turns(thread)]

    def forget(self, thread: str) -> None:
        """Delete a thread, its pictures, and the photos nothing else refers to. Raises `UnknownThread`."""
        self.own()
        with self._alone(thread):
            for turn in self._sessions.delete(thread):
                self._turns.end(turn)
                shutil.rmtree(self._kit.pictures / turn, ignore_errors=True)
            self._sweep()
            self._drop_photos(thread)

    def title(self, thread: str, title: str) -> str:
        """Set the title of a thread, made one line and cut; an empty one gives back its first words. What is set.

        Raises `UnknownThread`, `Busy`.
        """
        self.own()
        return self._sessions.title(thread, _plain(title))

    def find_turns(self, words: str, n: int = 20) -> list[Found]:
        """The turns of all threads whose question or answer holds each of the words, or a part; the latest first."""
        return self._sessions.search(_plain(words), n)

    def rename(self, thread: str, name: str) -> None:
        """Call a thread by another name, all at once or not at all; a turn that was cut short is finished first.

        Raises `UnknownThread`, `Busy`, and `BadInput` for a name that is none or is taken, and where the thread's last
        turn waits for an answer.
        """
        name = thread_name(name)
        self.own()
        if name == thread:
            return
        first, second = sorted((thread, name))
        with self._alone(first), self._alone(second):
            self.resume(thread)
            waiting = set(self.unfinished().values())
            if thread in waiting:
                raise BadInput(f"Expected a thread whose turns are finished; {thread!r} waits for an answer. Give it.")
            if name in waiting or self._sessions.last(name):
                raise BadInput(f"Expected a name that no thread has; {name!r} is taken. Choose another.")
            # The photos are the new name's as well before it is one, and the old one's until it is none: whatever is
            # left of this by a crash, `own` clears.
            self._photos.refer(name, self._photos.of(thread))
            self._sessions.rename(thread, name)
            self._corrections.rename(thread, name)
            self._photos.forget(thread)

    def mark(self, turn: str, mark: str) -> None:
        """Note by what else a finished turn is found, in place of another turn that was. Raises `Busy`."""
        self.own()
        self._sessions.mark(turn, mark)

    def marked(self, mark: str) -> tuple[Reply, float] | None:
        """The turn that is found by this, and since when (seconds since 1970); `None` where there is none."""
        found = self._sessions.marked(mark)
        return (Reply.from_dict(found[0]), found[1]) if found else None

    def going_on(self, mark: str, said: str, name: str) -> str | None:
        """The thread in which to go on after the marked turn; `None` where there is none, or it has not `said` that.

        It is the turn's own, where that is its last turn. Else it is a new thread of this name, which begins with
        copies of the turns up to that one, with ids and pictures of their own, none of which waits for an answer; the
        other is left as it is. Raises `Busy`, and `BadInput` for a name that is none or is taken.
        """
        name = thread_name(name)
        self.own()
        found = self._sessions.marked(mark)
        if not found or found[0]["text"].strip() != said.strip():
            return None
        turn, thread = found[0]["turn"], str(found[0]["thread"])
        with self._alone(thread):
            last = self._sessions.last(thread)
            if last and last["turn"] == turn:
                return thread
            before = self._sessions.until(turn)
        with self._alone(name):
            # Referred to before it is a thread: whatever is left of this by a crash, `own` clears.
            self._photos.refer(name, {photo for reply in before for photo in reply["photos"]})
            self._sessions.begin(name, [copied(reply, name, self._kit.pictures) for reply in before])
        return name if before else None

    def forget_all_but(self, most: int, pattern: str) -> None:
        """Delete the threads whose names fit this pattern (as of a file), but for the `most` used last.

        Raises `Busy`.
        """
        self.own()
        for thread in self._sessions.beyond(pattern, most):
            with suppress(UnknownThread):  # another call may have been quicker
                self.forget(thread)

    def export(self, thread: str, file: Path | str) -> int:
        """Write a thread to a `.zip`, its replies as JSON Lines with its photos as stored; how many photos it holds.

        A file that ends in `.jsonl` holds the replies alone. It is written whole or not at all, in place of one that is
        there. Raises `UnknownThread`, `UnreadablePhoto` for a photo that is damaged, `BadInput` where it cannot be
        written.
        """
        turns = [reply.to_dict() for reply in self.history(thread)]
        ids = sorted({photo for turn in turns for photo in turn["photos"]})
        return export(Path(file).expanduser(), turns, (self._photos.get(photo) for photo in ids))

    def hand_off(self, thread: str = MAIN, note: str = "") -> Placed:
        """Hand a thread to a person: its ticket, and where it went, or why it still waits in the outbox.

        Another call before the next turn gives back the same ticket, which keeps its first note, and tries again to
        hand it over where it waits. Raises `UnknownThread`, `Busy`.
        """
        self.own()
        with self._alone(thread):
            self.resume(thread)
            return hand_over(self._kit, self.history(thread)[-1], _plain(note))

    def tickets(self) -> list[Placed]:
        """The tickets of this home, the latest first, each with where it went; `None` for those that wait."""
        return self._kit.tickets.all()

    def ticket(self, ticket: str) -> Placed:
        """The ticket of this id. Raises `BadInput`."""
        return self._kit.tickets.get(ticket)

    def send_tickets(self) -> list[Placed]:
        """Hand over the tickets that wait in the outbox, and give back what became of each. Raises `Busy`."""
        self.own()
        return self._kit.tickets.send()

    def close(self) -> None:
        """Finish what is under way and let go of the home."""
        self._pool.shutdown()
        self._saver.conn.close()
        for store in (self._sessions, self._readings, self._passing, self._photos, self._catalogue, self._corrections):
            store.close()
        self._lock.release(force=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _told(self, reply: Reply, ask: Ask, text: str, photos: list[PhotoId], claimed: str | None) -> Told | None:
        """What is said to a turn that waits; `None` where it is not spoken to."""
        if claimed not in (None, reply.claimed):
            return None
        new = [photo for photo in photos if photo not in reply.photos]
        if new and goes_on(reply.plan, self._kit.router.plan(text, len(new)).plan, text):
            return Told(photos=new)
        option = None if photos else chosen(text, ask.options)
        return Told(choice=option.sku) if option else None

    def _run(self, turn: str, given: "Asked | Command[Any] | None") -> Iterator[Event]:
        """Run the machine from its beginning, or from where it waits; given nothing, from where it was cut short."""
        events = self._graph.stream(given, config(turn), stream_mode="custom", durability="sync")
        try:
            for chunk in events:
                if STATUS in chunk:
                    yield from_json(Progress, chunk[STATUS])
                elif FINDING in chunk:
                    yield from_json(Finding, chunk[FINDING])
                elif SENTENCE in chunk:
                    yield from_json(Statement, chunk[SENTENCE])
            reply = Reply.from_dict(self._graph.get_state(config(turn)).values["reply"])
        finally:
            # Whoever listened has the reply, or waits for none: the model need not finish its sentence.
            self._kit.turns.end(turn)
            close: Callable[[], None] = getattr(events, "close", lambda: None)
            close()
            # Finished, failed or given up: only a turn that the process did not live to end is resumed.
            if not self._turns.waits(turn):
                self._turns.end(turn)
                if not self._sessions.has(turn):
                    shutil.rmtree(self._kit.pictures / turn, ignore_errors=True)
        yield reply

    def own(self) -> None:
        """Become the home's writer, as the first turn does; clear what a crash left half done. Raises `Busy`."""
        with self._owning:
            if self._lock.is_locked:
                return
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise Busy(
                    f"Another process is writing {self.home}. Wait until it ends, or use another home (--home). "
                    "Any number of processes may read it meanwhile: looking at photos with one tool (identify, "
                    "compare, ocr, ground, describe), listing and searching the catalogue, and listing threads."
                ) from None
            self._photos.settle()
            self._turns.clear()
            self._cut_short = self._turns.cut_short()
            # A turn that failed, or was killed before its first step, may have left photos nobody can ask about.
            known = {thread.name for thread in self._sessions.threads()} | set(self._cut_short.values())
            for thread in set(self._photos.referring()) - known - {_CORRECTED, _UPLOADED}:
                self._drop_photos(thread)
            self._sweep()

    def _alone(self, thread: str) -> threading.RLock:
        """What is held while something is done in a thread."""
        with self._owning:
            return self._threads.setdefault(thread, threading.RLock())

    def _sweep(self) -> None:
        """Hold the photos that a correction refers to, and let go of those that none does any more."""
        with self._telling:
            told = {c.photo for c in self._corrections.kept() if c.photo}
            kept = set(self._photos.of(_CORRECTED))
            self._photos.refer(_CORRECTED, told - kept)
            for photo in self._photos.release(_CORRECTED, kept - told):
                self._readings.forget(photo)

    def _drop_photos(self, thread: str) -> None:
        for photo in self._photos.forget(thread):
            self._readings.forget(photo)

    def _look(
        self, tool: str, source: "Source", args: Mapping[str, str] | None = None, beside: tuple[Photo, ...] = ()
    ) -> Finding:
        photo = self.load(source)
        args = args or {}
        # A model is spoken to in the language of what is asked, and where that is nothing, of who looks.
        language = language_of(args.get("question") or args.get("target") or "", spoken(None))
        kit = replace(self._kit, model=self._kit.model and self._kit.model.begun(), language=language)
        if not is_photo_id(source):
            kit = replace(kit, readings=self._passing)
        if beside:
            kit = replace(kit, photos=_Beside(self._photos, beside))
        return TOOLS[tool](photo, kit, **args)


class _Beside:
    """The home's photos, and some that are not kept."""

    def __init__(self, photos: PhotoStore, beside: Sequence[Photo]) -> None:
        self._photos, self._beside = photos, {photo.id: photo for photo in beside}

    def get(self, photo: PhotoId) -> Photo:
        """See `Photos.get`."""
        return self._beside.get(photo) or self._photos.get(photo)


def _products_of(correction: Correction) -> tuple[str | None, ...]:
    """The products that a correction holds for, or names."""
    return (correction.sku, *((correction.after, correction.before) if correction.about == "product" else ()))


def _of(settings: Settings, server: str | None) -> Model | None:
    return open_model(settings.model, server or settings.server) if settings.model else None


def _known(model: Model, home: Path) -> Model:
    """The model with what was found of it under its own name, by the name that people call it. Raises `BadInput`."""
    contract = kept(model.name, model.server, home)
    return replace(model, name=model.readable or model.name, contract=contract)


def _as_reply(event: Event) -> Reply:
    if not isinstance(event, Reply):
        raise TypeError(f"A turn ends with its Reply; got {event!r}.")
    return event


def _plain(text: str) -> str:
    """Text that can be stored: what a broken terminal encoding smuggled in is replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
