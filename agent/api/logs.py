"""What a server says on standard error: one JSON object a line, for whatever collects such lines.

It holds no words, photos, names of threads or products, keys, addresses or query strings. Of an error that nobody
foresaw there are its kind and its places in the code, and neither its message nor any value: both may hold what a
person wrote. What a library says in its own words is left out for the same reason; where it said it, and how bad that
is, is told.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

from .calls import under_way

_OURS = ("sightline", "uvicorn")
"""The loggers whose words are known."""


class JsonLines(logging.Formatter):
    """A record as one JSON object; `extra={"about": {…}}` adds fields to it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name.partition(".")[0] in _OURS:
            line["message"] = record.getMessage().strip()
        else:
            line["at"] = f"{record.module}:{record.lineno}"
        if call := under_way().id:
            line["request"] = call
        line |= getattr(record, "about", {})
        if record.exc_info and record.exc_info[1]:
            line["errors"] = _told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def _told(error: BaseException) -> list[dict[str, Any]]:
    """An error and what it came of, each with its kind and the places it passed, the innermost last."""
    told: list[dict[str, Any]] = []
    seen: BaseException | None = error
    while seen is not None and len(told) < 8:
        frames = traceback.extract_tb(seen.__traceback__)
        told.append(
            {
                "kind": f"{type(seen).__module__}.{type(seen).__qualname__}",
                "traceback": [f"{f.filename}:{f.lineno} {f.name}" for f in frames],
            }
        )
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return told


def handler(stream: TextIO) -> logging.Handler:
    """What writes these lines to a stream."""
    made = logging.StreamHandler(stream)
    made.setFormatter(JsonLines())
    return made


def configure() -> None:
    """Let this process, which is a server, say everything so."""
    logging.basicConfig(handlers=[handler(sys.stderr)], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
