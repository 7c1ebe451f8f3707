"""A checkpoint in this process as a LangChain chat model.

One conversation is read at a time. What was read of a photo is kept, so that the next question about it in the same
language, in whatever turn and by whatever tool, is read from where it differs (see `kept.py`); another language tells
the model other words before the photo. What is not done here: continuous batching, which in transformers answers
without seeing the image.
"""

import copy
import json
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal, Self

from langchain_core.callbacks import CallbackManager, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr

from ..errors import BadInput, Unavailable
from .chat import conversation, harmless, images_of, texts_of, tool_calls
from .checkpoint import Checkpoint, Dtype, hash_of, load, placeholders
from .kept import Session, Sessions, keyed
from .writing import Ended, Wanted, Watch, Writer, overlap

_AT_ONCE = 8  # conversations that a batch reads together
_LOOK = 0.05  # seconds between looks at whether anybody still waits for a turn


@dataclass(frozen=True)
class _Account:
    """How a reply ended, and how many ids were read, were kept from before, and were written."""

    ended: Ended
    read: int
    kept: int
    written: int


class TransformersChatModel(BaseChatModel):
    """A vision language model run by transformers, from a folder or a repository of the hub.

    `device`, `dtype` and `bits` are those of `checkpoint.load`, which says what is raised. `max_tokens` bounds a reply,
    `deadline` its seconds, `stop` ends it; `temperature` 0 is greedy, and `seed` makes any other repeatable. A call may
    name each of these five itself, and a `cancel` event that ends it at the next token. `kept_bytes` bounds what is
    kept of conversations, keys and values together. `response_metadata` says how a reply ended (`finish_reason`: stop,
    length, deadline, cancelled, tool_calls); `usage_metadata` how many tokens were read, how many of these were kept
    from before, and how many were written.
    """

    model_config = ConfigDict(protected_namespaces=())

    model_name: str
    device: str | None = None
    dtype: Dtype | None = None
    bits: Literal[4, 8] | None = None
    max_tokens: int = Field(default=512, gt=0)
    temperature: float = Field(default=0.0, ge=0)
    seed: int | None = None
    deadline: float | None = None
    stop: list[str] | None = None
    kept_bytes: int = Field(default=2_000_000_000, ge=0)

    _checkpoint: Checkpoint = PrivateAttr()
    _sessions: Sessions = PrivateAttr()
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    def model_post_init(self, context: Any, /) -> None:
        """Load the checkpoint."""
        super().model_post_init(context)
        self._checkpoint = load(self.model_name, self.device, self.dtype, self.bits)
        self._sessions = Sessions(self.kept_bytes)

    @classmethod
    def load(cls, name: str, **settings: Any) -> Self:
        """The checkpoint in a folder, or of a repository of the hub. `settings` are the fields above."""
        return cls(model_name=name, **settings)

    @property
    def _llm_type(self) -> str:
        return "sightline-transformers"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("model_name", "max_tokens", "temperature", "seed", "stop")}

    @property
    def can(self) -> Checkpoint:
        """What the checkpoint can do."""
        return self._checkpoint

    @property
    def model_type(self) -> str:
        """The `model_type` of the checkpoint."""
        return self._checkpoint.kind

    @property
    def kept(self) -> Sessions:
        """What is kept of conversations."""
        return self._sessions

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | dict[str, Any] | bool | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Show functions to the model. `tool_choice`: "auto", "any" or a name; the reply is then begun as a call.

        Raises `Unavailable` where its chat template shows no functions.
        """
        if not self._checkpoint.tools:
            raise Unavailable(f"Expected a model whose chat template shows functions; {self.model_name} has none.")
        shown = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=shown, tool_choice=_choice(tool_choice, shown, self._checkpoint.call), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        tools: Sequence[dict[str, Any]] = (),
        tool_choice: str | None = None,
        cancel: threading.Event | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Write in a thread of its own, which goes on without a listener no further than the next token."""
        left = threading.Event()
        pieces: queue.Queue[str | _Account | BaseException] = queue.Queue()
        writer = Writer(self._checkpoint, self._wanted(stop, {**kwargs, "cancel": cancel}), pieces.put, left)

        def write() -> None:
            try:
                pieces.put(self._write(messages, tools, tool_choice, writer))
            except BaseException as error:  # it would end in this thread unseen
                pieces.put(error)

        # Not a daemon: a process that ends while torch computes is aborted. It ends with the next token.
        threading.Thread(target=write, name="sightline-transformers").start()
        said = held = tool_choice or ""
        try:
            while isinstance(piece := pieces.get(), str):
                said, held = said + piece, held + piece
                # With functions at hand, what may be a call is held back until it is whole.
                if not tools or not _may_call(said, held):
                    yield _told(run_manager, AIMessageChunk(content=held))
                    held = ""
            if isinstance(piece, BaseException):
                raise piece
            rest, calls = tool_calls(held, [tool["function"]["name"] for tool in tools]) if tools else (held, [])
            chunks = [
                tool_call_chunk(
                    name=call["name"], args=json.dumps(call["args"], ensure_ascii=False), id=call["id"], index=n
                )
                for n, call in enumerate(calls)
            ]
            told = self._metadata(piece, called=bool(calls))
            last = AIMessageChunk(content=rest, tool_call_chunks=chunks, chunk_position="last", **told)
            yield _told(run_manager, last)
        finally:
            left.set()

    def _wanted(self, stop: Sequence[str] | None, given: dict[str, Any]) -> Wanted:
        """How a reply is to be, by what a call gives and else by the fields."""
        wanted = {name: getattr(self, name) for name in ("max_tokens", "temperature", "seed", "deadline")}
        if unknown := set(given) - {*wanted, "cancel"}:
            raise BadInput(
                f"Expected a call to name {', '.join(wanted)}, stop or cancel; got {', '.join(sorted(unknown))}."
            )
        return Wanted(**{**wanted, **given}, stop=tuple(stop or self.stop or ()))

    def _metadata(self, account: _Account, called: bool = False) -> dict[str, Any]:
        return {
            "usage_metadata": UsageMetadata(
                input_tokens=account.read,
                output_tokens=account.written,
                total_tokens=account.read + account.written,
                input_token_details=InputTokenDetails(cache_read=account.kept),
            ),
            "response_metadata": {
                "finish_reason": "tool_calls" if called else account.ended,
                "model_name": self.model_name,
                "model_provider": "transformers",
            },
        }

    def batch(
        self,
        inputs: list[Any],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """Answer many conversations, several at once, where nothing is to be told of each of them.

        With a config, callbacks, functions or exceptions to return, or without a chat template: one after another.
        """
        heard = config or return_exceptions or CallbackManager.configure(self.callbacks).handlers
        if heard or "tools" in kwargs or len(inputs) < 2 or not self._checkpoint.template:
            return super().batch(inputs, config, return_exceptions=return_exceptions, **kwargs)
        wanted = self._wanted(kwargs.pop("stop", None), kwargs)
        asked = [conversation(self._convert_input(each).to_messages(), self._checkpoint) for each in inputs]
        groups = (asked[n : n + _AT_ONCE] for n in range(0, len(asked), _AT_ONCE))
        return [answer for group in groups for answer in self._together(group, wanted)]

    def _together(self, group: Sequence[list[dict[str, Any]]], wanted: Wanted) -> list[AIMessage]:
        said: list[list[str]] = [[] for _ in group]
        writers = [Writer(self._checkpoint, wanted, pieces.append) for pieces in said]
        with self._turn(writers[0]) as granted:
            if not granted:
                accounts = [_Account(writers[0].finish(), 0, 0, 0)] * len(group)
            else:
                inputs = self._inputs(group, ())
                self._generated(writers, **inputs)
                read = inputs["attention_mask"].sum(1).tolist()
                accounts = [_Account(w.finish(), n, 0, len(w.ids)) for w, n in zip(writers, read, strict=True)]
        return [AIMessage("".join(p), **self._metadata(a)) for p, a in zip(said, accounts, strict=True)]

    @contextmanager
    def _turn(self, writer: Writer) -> Iterator[bool]:
        """Alone with the checkpoint; `False` where nobody waits any more when it comes to that."""
        import torch

        while not self._lock.acquire(timeout=_LOOK):
            if writer.over():
                yield False
                return
        try:
            with torch.inference_mode():
                yield not writer.over()
        finally:
            self._lock.release()

    def _write(
        self, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]], begun: str | None, writer: Writer
    ) -> _Account:
        """Read the conversation from where nothing kept agrees with it, and write the reply through `writer`."""
        able = self._checkpoint
        turned = conversation(messages, able)
        with self._turn(writer) as granted:
            if not granted:
                return _Account(writer.finish(), 0, 0, 0)
            inputs = self._inputs([turned], tools, begun) if able.template else self._single(turned)
            if able.keeps:
                kept = self._kept_and_written(inputs, images_of(turned), writer)
            else:
                kept = 0
                self._generated([writer], **inputs)
            return _Account(writer.finish(), int(inputs["input_ids"].shape[1]), kept, len(writer.ids))

    def _kept_and_written(self, inputs: dict[str, Any], images: Sequence[Any], writer: Writer) -> int:
        """Go on from what is kept, keep what comes of it, and say how many ids were kept.

        What is kept stays as it was until this has come to its end, so that nothing half read is ever gone on from.
        """
        import torch
        from transformers import DynamicCache

        able = self._checkpoint
        ids = inputs["input_ids"]
        counts = placeholders(able.processor, able.images, images) if images else []
        read = ids[0].tolist()
        keys = keyed(
            read, able.processor.image_token_id, [(hash_of(i), n) for i, n in zip(images, counts, strict=True)]
        )
        found = self._sessions.find(keys)
        cache = found.cache if found else DynamicCache(config=able.model.config.get_text_config(decoder=True))
        start, last = cache.get_seq_length(), len(keys) - 1
        positions = self._positions(inputs)
        known = read[:start].count(able.processor.image_token_id)
        unread = [image for image, end in zip(images, accumulate(counts), strict=True) if end > known]
        if unread:
            tensors = able.images.again(unread)
            able.model(
                input_ids=ids[:, start:last],
                attention_mask=torch.ones_like(ids[:, :last]),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
                **self._placed({name: tensor for name, tensor in tensors.items() if name in inputs}),
                **({"position_ids": positions[..., start:last]} if positions is not None else {}),
            )
        if not writer.over():
            self._generated([writer], input_ids=ids, attention_mask=torch.ones_like(ids), past_key_values=cache)
        # The last id written was never read.
        self._sessions.put(Session((*keys, *writer.ids)[: cache.get_seq_length()], cache))
        return start

    def _positions(self, inputs: dict[str, Any]) -> Any:
        """Positions `(3, 1, n)` of all ids, for a family that counts in three dimensions; else `None`.

        Such a model also remembers how far they lag behind its last conversation, and is told of this one.
        """
        inner: Any = getattr(self._checkpoint.model, "model", None)
        if not hasattr(inner, "get_rope_index"):
            return None
        names = ("input_ids", "mm_token_type_ids", "image_grid_thw", "attention_mask")
        positions, lag = inner.get_rope_index(**{name: inputs[name] for name in names if name in inputs})
        inner.rope_deltas = lag
        return positions

    def _inputs(
        self, group: Sequence[list[dict[str, Any]]], tools: Sequence[dict[str, Any]], begun: str | None = None
    ) -> dict[str, Any]:
        """What the model reads of conversations; `begun` are the first words of its reply to the only one."""
        import torch

        able = self._checkpoint
        try:
            read = able.processor.apply_chat_template(
                list(group),
                tools=harmless(tools, able) or None,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                processor_kwargs={"padding": True, "padding_side": "left"} if len(group) > 1 else {},
            )
        except Exception as error:  # templates and processors raise whatever they like
            raise BadInput(f"{self.model_name} cannot read this conversation: {error}") from error
        inputs = {name: read[name] for name in read if name in able.takes}
        if begun:
            more = able.tokenizer(begun, add_special_tokens=False, return_tensors="pt")["input_ids"]
            inputs["input_ids"] = torch.cat([inputs["input_ids"], more], dim=1)
            inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
            for name in {"mm_token_type_ids", "token_type_ids"} & set(inputs):
                inputs[name] = torch.cat([inputs[name], torch.zeros_like(more)], dim=1)
        return self._placed(inputs)

    def _single(self, turned: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """What a model without a chat template reads: one image and the words of the last message."""
        able = self._checkpoint
        images = images_of(turned)
        if len(images) != 1:
            raise BadInput(f"Expected one image and a text, which {self.model_name} takes; got {len(images)} images.")
        read = able.processor(images=images[0], text=texts_of(turned[-1:]), return_tensors="pt")
        return self._placed({name: read[name] for name in read if name in able.takes})

    def _placed(self, inputs: dict[str, Any]) -> dict[str, Any]:
        model = self._checkpoint.model
        return {
            name: tensor.to(model.device, model.dtype) if tensor.is_floating_point() else tensor.to(model.device)
            for name, tensor in inputs.items()
        }

    def _generated(self, writers: Sequence[Writer], **inputs: Any) -> None:
        """Write a reply to each row of the inputs."""
        import torch
        from transformers import StoppingCriteriaList

        model, wanted = self._checkpoint.model, writers[0].wanted
        # Whole and alone, because BLIP-2 hands it on to its language model, which has another.
        config = copy.deepcopy(model.generation_config)
        config.update(max_new_tokens=wanted.max_tokens, do_sample=wanted.temperature > 0)
        if wanted.temperature > 0:
            config.update(temperature=wanted.temperature)
        devices = [model.device] if model.device.type == "cuda" else []
        with torch.random.fork_rng(devices, enabled=wanted.seed is not None):
            if wanted.seed is not None:
                torch.manual_seed(wanted.seed)
            watch = StoppingCriteriaList([Watch(writers)])
            model.generate(**inputs, generation_config=config, stopping_criteria=watch)


def _told(run_manager: CallbackManagerForLLMRun | None, message: AIMessageChunk) -> ChatGenerationChunk:
    chunk = ChatGenerationChunk(message=message)
    if run_manager:
        run_manager.on_llm_new_token(str(message.content), chunk=chunk)
    return chunk


def _may_call(said: str, held: str) -> bool:
    """Whether the end of a reply that is held back may be the call of a function, or the beginning of one."""
    return "<tool_call>" in held or said.lstrip().startswith("{") or bool(overlap(held, "<tool_call>"))


def _choice(choice: str | dict[str, Any] | bool | None, tools: Sequence[dict[str, Any]], call: str) -> str | None:
    """How a reply begins in which a function has to be called; `None` where it need not be."""
    if isinstance(choice, dict):
        choice = str(choice.get("function", choice).get("name", ""))
    if choice in (None, False, "auto", "none"):
        return None
    names = [tool["function"]["name"] for tool in tools]
    if choice in (True, "any", "required"):
        choice = names[0] if len(names) == 1 else ""
    elif choice not in names:
        raise BadInput(f"Expected one of the functions {', '.join(names)}; got {choice!r}.")
    # The quote after a name is one token with the comma that follows, so that it is left to the model where it can be.
    longer = any(name != choice and name.startswith(str(choice)) for name in names)
    return f'{call}{choice}"' if choice and longer else f"{call}{choice}"
