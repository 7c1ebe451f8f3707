"""Open a vision language model by name, or take one that is there.

Nothing is loaded or asked here: a checkpoint is loaded with the first request, and whether a server answers is found
out then.
"""

import ipaddress
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import BadInput, Unavailable
from .families import family_of
from .model import PATIENCE, Model

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from .local import TransformersChatModel

Opener = Callable[[str, str | None], Model]

_LOCAL_PATIENCE = 600.0
"""Seconds that a model in this process may take of a turn: on two cores, one of 0.5 billion parameters takes 43 until
the first word about a photo, and near one a word (measured with random weights)."""

_KEY = "SIGHTLINE_API_KEY"
_OPENAI = "https://api.openai.com/v1"


def open_model(model: "str | BaseChatModel", server: str | None = None) -> Model:
    """The model of this name, or this chat model, with what is known of its family.

    A name is `transformers:` and a folder or a repository of the hub, `openai:` and what the server calls it, or
    whatever `langchain.chat_models.init_chat_model` takes. `server` is the address of an OpenAI-compatible server,
    as http://127.0.0.1:8000/v1. Raises `BadInput` for a name nobody knows and for an address that is none or holds
    more, `Unavailable` where it cannot be had; whether a checkpoint can is found out with the first request.
    """
    if not isinstance(model, str):
        return _of(model)
    kind, colon, rest = model.partition(":")
    if not colon or not rest:
        raise BadInput(
            f"Expected a model as {', '.join(f'{name}:…' for name in OPENERS)} or provider:model; got {model!r}. "
            "Try transformers:Qwen/Qwen3-VL-4B-Instruct, or openai:MODEL with the address of its server."
        )
    server = server or None  # an empty one, as a variable that is set to nothing, is none
    if server is not None:
        server = address(server)
    if server is not None and kind != "openai":
        raise BadInput(f"Expected no server's address for {kind}: models; got {server!r}. Leave it out.")
    opener = OPENERS.get(kind)
    return opener(rest, server) if opener else _any(model)


def address(server: str) -> str:
    """The address of a server as it is kept and printed, with /v1 where its path was left out.

    Raises `BadInput` for what is none, and for one that holds more: a name, a password, a query or a fragment.
    """
    try:
        parts = urlsplit(server)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # half of an IPv6 address, a port that is no number
        whole = False
    if not whole or parts.query or parts.fragment or "@" in parts.netloc:
        raise BadInput(  # which does not repeat what somebody may have put a key into
            "Expected the address of a server, as http://127.0.0.1:8000/v1, without a name, a password, a ? or a #; "
            f"it is written down, so a key goes into {_KEY} instead."
        )
    return parts._replace(path=parts.path.rstrip("/") or "/v1").geturl()


def is_here(server: str) -> bool:
    """Whether an address is one of this machine, which what is sent there does not leave."""
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _of(chat: "BaseChatModel") -> Model:
    """A chat model that the caller made: its family is known by the name it goes by."""
    from .local import TransformersChatModel

    if isinstance(chat, TransformersChatModel):
        return _checkpoint(chat.model_name, chat)
    name = next((str(n) for field in ("model_name", "model", "model_id") if (n := getattr(chat, field, None))), None)
    name = name or type(chat).__name__
    server = next((str(a) for field in ("openai_api_base", "base_url") if (a := getattr(chat, field, None))), "")
    return Model(lambda: chat, name, family_of(name), server.rstrip("/"))


def _local(model: str, _: str | None) -> Model:
    return _checkpoint(model)


def _checkpoint(model: str, chat: "TransformersChatModel | None" = None) -> Model:
    """A checkpoint, or one that is loaded already.

    A folder goes by where it lies, however it was written, and is called by its own name.
    """
    from .checkpoint import kind_of

    path = Path(model).expanduser()
    folder = path.resolve() if path.is_dir() else None
    name, readable = (str(folder), folder.name) if folder else (model, "")
    try:
        kind = chat.model_type if chat else kind_of(name)
    except Unavailable:  # said when it is wanted: a home can be listed without it
        kind = ""
    opens = (lambda: chat) if chat else _Once(name)
    return Model(opens, name, family_of(readable or name, kind), patience=_LOCAL_PATIENCE, readable=readable)


class _Once:
    """A checkpoint that is loaded when it is first wanted, once."""

    def __init__(self, name: str) -> None:
        self._name, self._lock = name, threading.Lock()
        self._chat: BaseChatModel | None = None

    def __call__(self) -> "BaseChatModel":
        with self._lock:
            if self._chat is None:
                # In a thread that a process waits for at its end: torch aborts one that ends while it loads.
                with ThreadPoolExecutor(1, thread_name_prefix="sightline-load") as loading:
                    self._chat = loading.submit(self._load).result()
            return self._chat

    def _load(self) -> "BaseChatModel":
        from .local import TransformersChatModel

        return TransformersChatModel.load(self._name)


def _served(model: str, server: str | None) -> Model:
    chat = _client(model, server)
    return Model(lambda: chat, model, family_of(model), server or _OPENAI)


def _client(model: str, server: str | None) -> "BaseChatModel":
    """A model behind an OpenAI-compatible server; OpenAI's own where no address is given."""
    import httpx
    from langchain_openai.chat_models.base import BaseChatOpenAI, ChatOpenAI
    from pydantic import SecretStr

    key = os.environ.get(_KEY)
    if server is None:
        key = key or os.environ.get("OPENAI_API_KEY")
        if not key:
            raise Unavailable(
                f"Expected the address of a server for openai:{model} (SIGHTLINE_SERVER), or an OpenAI key in {_KEY}."
            )
        return ChatOpenAI(model=model, base_url=_OPENAI, api_key=SecretStr(key), max_retries=0, timeout=PATIENCE)
    # Whose the server is nobody knows: it is shown no key but the one set for it.
    # The base class keeps the name max_tokens, which every server knows; tries again are ours to make.
    once = httpx.Limits(max_keepalive_connections=0)
    here = is_here(server)
    return BaseChatOpenAI(
        model=model,
        base_url=server,
        # What is asked of this machine goes through no proxy, and leaves no connection for anybody to close.
        http_client=httpx.Client(trust_env=False, limits=once) if here else None,
        http_async_client=httpx.AsyncClient(trust_env=False, limits=once) if here else None,
        api_key=SecretStr(key or "none"),
        max_retries=0,
        timeout=PATIENCE,
        temperature=0,
    )


def _any(model: str) -> Model:
    try:
        from langchain.chat_models import init_chat_model
    except ImportError:
        raise Unavailable(
            f"Expected transformers: or openai: before a model's name; {model!r} needs langchain and its provider. "
            "Try: pip install langchain"
        ) from None
    try:
        chat: BaseChatModel = init_chat_model(model)
    except Exception as error:  # providers raise whatever they like
        raise Unavailable(f"langchain cannot open {model!r}: {error}") from error
    provider, _, name = model.partition(":")
    return Model(lambda: chat, name, family_of(model), provider)


OPENERS: dict[str, Opener] = {"transformers": _local, "openai": _served}
"""What opens a model, by what stands before the colon; it is given the rest, and the server's address."""
