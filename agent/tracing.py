"""Turns as OpenTelemetry's spans, through LangChain's callbacks: the turn, its steps, and what the model is asked.

A span says what was done, how long it took and what came of it: never words, photos or names. That is why this handler
is ours: those at hand record what goes in and what comes out.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from opentelemetry import context, trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import LLMResult

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""The variables that say where spans go. Source: OpenTelemetry's specification of its OTLP exporter."""


@contextmanager
def configured() -> Iterator[Sequence[BaseCallbackHandler]]:
    """What an Assistant is to be opened with: a handler where the environment says where spans go, else nothing.

    Spans are sent over gRPC, in the background; the last ones when the block ends. All of `OTEL_…` that the exporter
    and the SDK read holds.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        yield ()
        return
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "sightline"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield (Tracing(provider.get_tracer("sightline")),)
    finally:
        provider.shutdown()


class Tracing(BaseCallbackHandler):
    """Makes spans of the runs of our graph and of the model within it."""

    def __init__(self, tracer: Tracer) -> None:
        """Spans are begun with this tracer, within the span that is current where the turn begins."""
        self._tracer = tracer
        self._spans: dict[UUID, Span] = {}
        self._tokens: dict[UUID, Any] = {}

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Begin the span of a turn, or of a step; what else LangGraph runs on the way is none."""
        del serialized, inputs
        node = (metadata or {}).get("langgraph_node")
        within = self._spans.get(parent_run_id) if parent_run_id else None
        if within is None and node is None:
            self._spans[run_id] = self._tracer.start_span("turn")
        elif within is not None and kwargs.get("name") == node:
            span = self._tracer.start_span(str(node), trace.set_span_in_context(within))
            self._spans[run_id] = span
            # What the model is asked in this step finds it there: it is asked in a thread of its own.
            self._tokens[run_id] = context.attach(trace.set_span_in_context(span))

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_: Any) -> None:
        """End the span, with the outcome of the turn, or of the look."""
        self._end(run_id, _of(outputs))

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """End the span with the kind of the error."""
        self._end(run_id, {}, error)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: "list[list[BaseMessage]]",
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Begin the span of a request to the model."""
        del serialized, messages
        name = (metadata or {}).get("ls_model_name")
        named = {"gen_ai.request.model": str(name)} if name else {}
        self._spans[run_id] = self._tracer.start_span("model", attributes=named)

    def on_llm_end(self, response: "LLMResult", *, run_id: UUID, **_: Any) -> None:
        """End the span of a request."""
        del response
        self._end(run_id, {})

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """End the span of a request with the kind of the error."""
        self._end(run_id, {}, error)

    def _end(self, run_id: UUID, attributes: Mapping[str, str | float], error: BaseException | None = None) -> None:
        if (token := self._tokens.pop(run_id, None)) is not None:
            context.detach(token)
        if (span := self._spans.pop(run_id, None)) is None:
            return
        for name, value in attributes.items():
            span.set_attribute(name, value)
        if error is not None:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        span.end()


def _of(outputs: Any) -> dict[str, str | float]:
    """What came of a turn, or of a look: its outcome, and of a look the tool, its instrument and milliseconds."""
    if not isinstance(outputs, dict):
        return {}
    reply, findings = outputs.get("reply"), outputs.get("findings")
    if isinstance(reply, dict):
        return {"sightline.outcome": reply["outcome"]}
    if isinstance(findings, list) and len(findings) == 1:
        (found,) = findings
        told = {name: found[name] for name in ("tool", "outcome", "source", "ms")}
        return {f"sightline.{name}": value for name, value in told.items()}
    return {}
