"""Imports of a home: catalogues that were sent, indexed one after another, and taken up again after a crash.

Each is a folder `imports/<id>`: `job.json` says how it stands, and `files` are what was sent, until they are indexed.
A folder appears whole or not at all, and only after that is an import acknowledged.
"""

import logging
import os
import re
import shutil
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ...tools.errors import BadInput, Overloaded, Unavailable, UnknownImport
from ..assistant import Assistant
from .arriving import Upload, is_full, settle, sync
from .errors import Told, failure
from .unpacking import unpack

_log = logging.getLogger("sightline.api")

_PART = ".part-"
"""Begins the name of a folder that is not whole yet, or not any more."""
_WAITING, _ENDED, _PROBLEMS = 8, 100, 1000
"""Imports of a home that are being sent or wait, those that are kept after their end, and how many problems of one."""


_FULL = Unavailable("The disk of this server is full, so not everything was indexed. Make room, and send it again.")


class Problem(BaseModel):
    """A row that was left out: its line, and what was expected there; line 0: it is of no row."""

    model_config = ConfigDict(title="ImportProblem")

    line: int
    message: str


class Report(BaseModel):
    """How many products are new, changed and as they were; and which rows were left out."""

    model_config = ConfigDict(title="ImportReport")

    added: int
    updated: int
    unchanged: int
    problems: list[Problem]


class Import(BaseModel):
    """A catalogue that was sent, by the path of its file in what was sent, and how far it is.

    `step` is what is being done, `done` how many photos (`embedding`) or rows (`indexing`) are through, of `total`;
    until its turn comes it has no step. `report` is there once it is done, `error` where it failed.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    at: str
    catalogue: str
    state: Literal["running", "done", "failed"] = "running"
    step: Literal["embedding", "indexing"] | None = None
    done: int = 0
    total: int = 0
    report: Report | None = None
    error: Told | None = None


class _Stopped(Exception):
    """The server stops: the rest is done after it starts again."""


class Imports:
    """The imports of one home; safe under threads."""

    def __init__(self, assistant: Assistant) -> None:
        """Clear what was never whole, and go on with what is unfinished. Raises `Busy`."""
        assistant.own()
        self._assistant = assistant
        self._folder = assistant.home / "imports"
        self._folder.mkdir(exist_ok=True)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sightline-import")
        self._arriving = 0
        self._jobs: dict[str, Import] = {}
        for left in self._folder.glob(f"{_PART}*"):
            shutil.rmtree(left, ignore_errors=True)
        for job in sorted(_kept(self._folder), key=lambda job: (job.at, job.id)):
            self._jobs[job.id] = job
            if job.state == "running":
                self._pool.submit(self._run, job)
            else:
                shutil.rmtree(self._files(job.id), ignore_errors=True)

    def all(self) -> list[Import]:
        """Every import, the latest first."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: (job.at, job.id), reverse=True)

    def get(self, id_: str) -> Import:
        """One import. Raises `UnknownImport`."""
        with self._lock:
            job = self._jobs.get(id_)
        if job is None:
            raise UnknownImport(f"Expected the id of an import; got {id_!r:.100}. List them first.")
        return job

    def arrive(self) -> Path:
        """A folder for what is being sent, to be given to `accept`, and in any case to `leave` after that.

        Raises `Overloaded`.
        """
        with self._lock:
            if self._arriving + sum(job.state == "running" for job in self._jobs.values()) >= _WAITING:
                raise Overloaded(f"Expected {_WAITING} imports at once at most; wait until one is done.", after=30)
            self._arriving += 1
        try:
            folder = self._folder / f"{_PART}{uuid.uuid4().hex}"
            folder.mkdir()
        except BaseException:
            with self._lock:
                self._arriving -= 1
            raise
        return folder

    def accept(self, upload: Upload) -> Import:
        """Take in what was sent, whole and on the disk, and begin to index it. Raises `BadInput`, `TooLarge`."""
        catalogue = upload.finish()
        if upload.zip is not None:
            catalogue = unpack(upload.zip, upload.folder / "files")
            upload.zip.unlink()
        job = Import(id=uuid.uuid4().hex, at=datetime.now(UTC).isoformat(), catalogue=catalogue or "")
        (upload.folder / "job.json").write_text(_plain(job), "utf-8")
        settle(upload.folder)
        with self._lock:
            upload.folder.rename(self._folder / job.id)
            sync(self._folder)
            self._jobs[job.id] = job
        self._pool.submit(self._run, job)
        return job

    def leave(self, folder: Path) -> None:
        """Clear what was being sent, and was not accepted."""
        shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            self._arriving -= 1

    def forget(self, id_: str) -> None:
        """Delete an import that has ended. Raises `UnknownImport`, `BadInput`."""
        if self.get(id_).state == "running":
            raise BadInput("Expected an import that has ended; this one is running. Wait until it is done.")
        with self._lock:
            if self._jobs.pop(id_, None):
                # All of it goes at once, whatever comes between.
                gone = (self._folder / id_).rename(self._folder / f"{_PART}{id_}")
                sync(self._folder)
                shutil.rmtree(gone, ignore_errors=True)

    def close(self) -> None:
        """Stop after the batch that is being indexed; what is unfinished goes on when the home is opened again."""
        self._stopping.set()
        self._pool.shutdown(cancel_futures=True)

    def _run(self, job: Import) -> None:
        """Index what was sent, to its end or until the server stops."""

        def progress(step: Literal["embedding", "indexing"], done: int, total: int) -> None:
            self._set(job.model_copy(update={"step": step, "done": done, "total": total}))
            if self._stopping.is_set():
                raise _Stopped

        if self._stopping.is_set():
            return
        files = self._files(job.id)
        try:
            told = self._assistant.index(files / job.catalogue, progress, within=files)
        except _Stopped:
            return
        except Exception as error:
            said = failure(_FULL if is_full(error) else error)["error"]
            ended = {"state": "failed", "error": Told(**{**said, "message": self._without_us(job.id, said["message"])})}
        else:
            problems = [Problem(line=p.line, message=self._without_us(job.id, p.message)) for p in told.problems]
            if more := problems[_PROBLEMS:]:
                problems[_PROBLEMS:] = [Problem(line=0, message=f"{len(more)} more rows could not be used.")]
            report = Report(added=told.added, updated=told.updated, unchanged=told.unchanged, problems=problems)
            ended = {"state": "done", "report": report}
        at = self.get(job.id)
        self._end(at.model_copy(update={**ended, "step": None}))

    def _end(self, job: Import) -> None:
        """Keep how an import ended, and only after that let go of what was sent."""
        try:
            part = self._folder / job.id / f"{_PART}job"
            part.write_text(_plain(job), "utf-8")
            sync(part)
            part.replace(part.with_name("job.json"))
            sync(part.parent)
            shutil.rmtree(self._files(job.id), ignore_errors=True)
        except OSError as error:
            # It is told as long as this server runs; the next one indexes the same again, which changes nothing.
            _log.error("the end of an import could not be kept", exc_info=error)
        self._set(job)
        for old in [job.id for job in self.all() if job.state != "running"][_ENDED:]:
            self.forget(old)

    def _set(self, job: Import) -> None:
        with self._lock:
            self._jobs[job.id] = job

    def _files(self, id_: str) -> Path:
        return self._folder / id_ / "files"

    def _without_us(self, id_: str, message: str) -> str:
        """What is said of a file, by its path in what was sent: where we keep it is nobody's business."""
        plain = message.replace(f"{self._files(id_)}{os.sep}", "")
        return re.sub(rf"…[^…]*?{id_}/files/", "…", plain)


class AllImports:
    """The imports of every home that is served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[Assistant, Imports] = {}

    def of(self, assistant: Assistant) -> Imports:
        """Those of a home; the first call goes on with what is unfinished there. Raises `Busy`."""
        with self._lock:
            if assistant not in self._of:
                self._of[assistant] = Imports(assistant)
            return self._of[assistant]

    def leave(self, assistant: Assistant) -> None:
        """Stop those of a home that is about to be closed, between two batches; opened again, they go on."""
        with self._lock:
            imports = self._of.pop(assistant, None)
        if imports:
            imports.close()

    def close(self) -> None:
        """Stop them all, between two batches."""
        with self._lock:
            for imports in self._of.values():
                imports.close()
            self._of.clear()


def _plain(job: Import) -> str:
    return job.model_dump_json(exclude={"step", "done", "total"} if job.state == "running" else {"step"})


def _kept(folder: Path) -> list[Import]:
    """What was kept of each import; one of which nothing can be read is cleared away."""
    found = []
    for at in folder.iterdir():
        try:
            found.append(Import.model_validate_json((at / "job.json").read_bytes()))
        except (OSError, ValidationError) as error:
            _log.error("an import could not be read, and is left where it is: %s", at.name, exc_info=error)
    return found
