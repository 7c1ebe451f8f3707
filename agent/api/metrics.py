"""Figures of a running server for Prometheus. No label holds a name, a word or an address: each has few values."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from ...tools.types import Finding
from ..reply import Reply
from .calls import Call

_SECONDS = (0.005, 0.02, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 60, 120)


class Metrics:
    """The figures of one app, in a registry of its own."""

    def __init__(self, running: Callable[[], int], in_line: Callable[[], int]) -> None:
        """`running` and `in_line` say how many calls run, and wait, now."""
        self._registry = own = CollectorRegistry()
        ProcessCollector(registry=own)
        self._requests = Counter(
            "sightline_requests", "Requests answered, by route.", ["method", "route", "status"], registry=own
        )
        self._seconds = Histogram(
            "sightline_request_seconds", "How long they took.", ["route"], buckets=_SECONDS, registry=own
        )
        self._refused = Counter(
            "sightline_refused",
            "Requests told to come again later: rate, key (too many of a key's at once) or line (too many of all).",
            ["reason"],
            registry=own,
        )
        self._photos = Counter("sightline_photos_received", "Photos that requests brought.", registry=own)
        self._turns = Counter("sightline_turns", "Turns finished, by what was found.", ["outcome"], registry=own)
        self._tools = Histogram(
            "sightline_tool_seconds", "How long a look took, by tool.", ["tool"], buckets=_SECONDS, registry=own
        )
        Gauge("sightline_running", "Calls of the Assistant that run.", registry=own).set_function(running)
        Gauge("sightline_in_line", "Calls that wait for a thread.", registry=own).set_function(in_line)

    def request(self, call: Call, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is its template."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        self._photos.inc(call.photos)
        if call.refused:
            self._refused.labels(call.refused).inc()

    def seen(self, event: object) -> None:
        """Count what the Assistant gives: a turn when its reply comes, and each look."""
        if isinstance(event, Reply):
            self._turns.labels(event.outcome).inc()
        elif isinstance(event, tuple):  # of several photos: the photo, and its finding or error
            for each in event:
                self.seen(each)
        elif isinstance(event, Finding):
            self._tools.labels(event.tool).observe(event.ms / 1000)

    def text(self) -> bytes:
        """All of them, in Prometheus's text format."""
        return generate_latest(self._registry)
