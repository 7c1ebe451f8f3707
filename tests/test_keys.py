"""Keys: kept as hashes, seen and forgotten at once; and tenants, who never see one another."""

import asyncio
import io
import json
import re
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import CountingReader, label
from gates import SECRET, OneLine, app_of, bearing, routes, serving
from PIL import Image
from starlette.testclient import TestClient
from typer.testing import CliRunner

from sightline.agent.api.importing import AllImports
from sightline.agent.api.keys import FILE, Keys
from sightline.agent.api.serving import serve
from sightline.agent.api.tenants import Tenants
from sightline.agent.assistant import Assistant
from sightline.agent.cli import app as command
from sightline.tools.errors import BadInput, Busy, Unavailable

CHANGES = ("/api/products", "/api/views")
"""Where whatever is no GET changes the catalogue."""


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def filled(path: str, ids: dict[str, str]) -> str:
    """A path with these ids in place of its parameters."""
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: ids[found[1]], path)


@pytest.fixture
def client(tmp_path: Path, reader: CountingReader) -> Iterator[TestClient]:
    del reader
    with serving(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "home")


# --- keys


def test_a_key_is_known_again_and_is_not_what_is_kept(keys: Keys, tmp_path: Path) -> None:
    given = keys.add("shop", ["look"])
    assert re.fullmatch(r"sl_[\w-]{43}", given)
    found = keys.of(given)
    assert found is not None
    assert (found.name, found.scopes, found.tenant) == ("shop", ("look",), "shop")
    assert given.endswith(found.ends)
    kept = tmp_path / "home" / FILE
    assert given not in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert keys.of(given[:-1]) is None
    assert keys.of("") is None
    assert keys.of("sl_\udcff") is None


@pytest.mark.parametrize(
    "name", ["", "..", "../up", "a/b", "Shop", "a b", "-a", ".a", "x" * 65, "local", "anyone", "é"]
)
def test_a_name_that_is_no_folder_is_refused(keys: Keys, name: str) -> None:
    with pytest.raises(BadInput):
        keys.add(name)
    with pytest.raises(BadInput):
        keys.add("good", tenant=name)
    assert not keys.all()


def test_a_name_is_given_once_until_it_is_revoked(keys: Keys) -> None:
    first = keys.add("shop")
    with pytest.raises(BadInput, match="taken"):
        keys.add("shop")
    keys.revoke("shop")
    second = keys.add("shop")
    assert keys.of(first) is None
    assert keys.of(second)
    with pytest.raises(BadInput, match="nobody"):
        keys.revoke("nobody")


def test_keys_that_are_added_at_once_are_all_kept(tmp_path: Path) -> None:
    threads = [threading.Thread(target=lambda n=n: Keys(tmp_path).add(f"key{n}")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [key.name for key in Keys(tmp_path).all()] == [f"key{n}" for n in range(8)]


def test_what_another_process_adds_and_revokes_holds_with_the_next_request(client: TestClient, keys: Keys) -> None:
    assert client.get("/api/threads").status_code == 200
    given = keys.add("shop")
    assert client.get("/api/threads").status_code == 401
    assert client.get("/api/threads", headers=bearing(given)).status_code == 200
    keys.revoke("shop")
    refused = client.get("/api/threads", headers=bearing(given))
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert refused.json()["error"]["code"] == "Unauthorised"


def test_where_the_keys_are_lost_or_broken_nobody_is_let_in_but_the_owner(
    client: TestClient, keys: Keys, tmp_path: Path
) -> None:
    given = keys.add("shop")
    assert client.get("/api/threads", headers=bearing(given)).status_code == 200
    file = tmp_path / "home" / FILE
    kept = file.read_text()
    file.write_text(kept[:-20])
    assert client.get("/api/threads", headers=bearing(given)).status_code == 503
    with pytest.raises(Unavailable) as told:
        Keys(tmp_path / "home").all()
    assert json.loads(kept)[0]["sha256"] not in str(told.value)
    file.unlink()
    assert client.get("/api/threads").status_code == 401
    assert client.get("/api/threads", headers=bearing(given)).status_code == 401
    assert client.get("/api/threads", headers=bearing(SECRET)).status_code == 200


def test_the_command_line_shows_a_key_once(tmp_path: Path) -> None:
    def run(*args: str) -> str:
        done = CliRunner().invoke(command, [*args, "--home", str(tmp_path)])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "No keys yet" in run("keys")
    given = run("keys", "add", "shop", "--scope", "look", "--tenant", "acme").strip()
    found = Keys(tmp_path).of(given)
    assert found is not None
    assert (found.scopes, found.tenant) == (("look",), "acme")
    listed = run("keys")
    assert all(shown in listed for shown in ("shop", "look", "acme", given[-4:]))
    assert given not in listed
    assert json.loads(run("keys", "--json"))["keys"][0]["ends"] == given[-4:]
    run("keys", "revoke", "shop")
    assert Keys(tmp_path).of(given) is None


# --- what needs one


def test_every_route_but_the_free_ones_wants_a_key(client: TestClient, keys: Keys) -> None:
    keys.add("shop")
    found = routes(client.app)  # type: ignore[arg-type]
    assert len(found) > 40
    for method, path in found:
        assert client.request(method, path).status_code == 401, f"{method} {path}"
        wrong = client.request(method, path, headers=bearing("sl_wrong"))
        assert wrong.status_code == 401, f"{method} {path}"
    for path in ("/health", "/api/openapi.json"):
        assert client.get(path).status_code == 200


def test_a_key_opens_what_its_scopes_say_and_no_more(client: TestClient, keys: Keys) -> None:
    of = {scope: bearing(keys.add(scope, [scope])) for scope in ("look", "catalogue", "operate")}
    nothing = bearing(keys.add("nothing", []))
    for method, path in routes(client.app):  # type: ignore[arg-type]
        assert client.request(method, path, headers=nothing).status_code == 403, f"{method} {path}"
        opens = [s for s, key in of.items() if client.request(method, path, headers=key).status_code != 403]
        if path == "/api/index":  # a file of this machine is its owner's alone to name
            assert opens == []
            continue
        assert len(opens) == 1, f"{method} {path}"
        changes = path.startswith("/api/imports") or (method != "GET" and path.startswith(CHANGES))
        assert opens[0] == ("operate" if path == "/metrics" else "catalogue" if changes else "look"), f"{method} {path}"


def test_the_schema_says_that_a_key_is_wanted(client: TestClient) -> None:
    schema = client.get("/api/openapi.json").json()
    assert schema["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            assert bool(operation.get("security")) == (path not in ("/health", "/api/proof/{nonce}")), path


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "localhost.evil.example", "10.0.0.1", "", "[::1"]
)
def test_without_keys_another_host_is_refused_and_with_keys_any_is_taken(
    client: TestClient, keys: Keys, host: str
) -> None:
    assert client.get("/api/threads", headers={"Host": host}).status_code == 403
    given = bearing(keys.add("shop"))
    assert client.get("/api/threads", headers=given | {"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8765", "[::1]:80", "LOCALHOST"])
def test_without_keys_this_machine_is_taken(client: TestClient, host: str) -> None:
    assert client.get("/api/threads", headers={"Host": host}).status_code == 200


def test_only_with_keys_another_machine_may_ask(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="keys add"):
        serve(tmp_path / "home", "0.0.0.0", 0)
    assert not (tmp_path / "home" / "server.json").exists()


# --- tenants


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, dict[str, Any]]]:
    """Acme, who did everything that can be done, and Globex, who did nothing; with Acme's ids."""
    home = tmp_path_factory.mktemp("server")
    keys = Keys(home)
    every = ["look", "catalogue", "operate"]
    acme, globex = (bearing(keys.add(name, every)) for name in ("acme", "globex"))  # type: ignore[arg-type]
    patch = pytest.MonkeyPatch()
    patch.setattr("sightline.agent.assistant.RapidReader", lambda: OneLine("BEST BEFORE 14 MAR 2027 ACMECANARY"))
    with serving(home) as client:
        photo = png(label("BEST BEFORE 14 MAR 2027", "ACMECANARY"))
        form: Any = {"text": "When does it expire? acmecanary", "thread": "acmecanary"}
        taken = client.post("/api/turns", data=form, files=[("photos", photo)], headers=acme)
        assert taken.status_code == 200, taken.text
        reply = taken.json()
        (picture, *_) = reply["pictures"]
        turn, name = picture["path"].split("/")[-2:]
        official = png(label("ACMECANARY TEA", "250 g"))
        put = client.put(
            "/api/products/acmecanary", data={"title": "acmecanary tea"}, files=[("images", official)], headers=acme
        )
        assert put.status_code == 200, put.text
        told = {"about": "text", "after": "acmecanary", "before": "x", "photo": reply["photos"][0]}
        correction = client.post("/api/corrections", json=told, headers=acme)
        assert correction.status_code == 201, correction.text
        ticket = client.post("/api/tickets", json={"thread": "acmecanary"}, headers=acme)
        assert ticket.status_code == 200, ticket.text
        said = {"model": "sightline", "messages": [{"role": "user", "content": "Who are you, acmecanary?"}]}
        completion = client.post("/v1/chat/completions", json=said, headers=acme)
        assert completion.status_code == 200, completion.text
        row = ("acmecanary.jsonl", b'{"sku": "acmecanary-2"}\n')
        sent = client.post("/api/imports", files={"file": row}, headers=acme)
        assert sent.status_code == 202, sent.text
        ids = {
            "completion": completion.json()["id"],
            "id": sent.json()["id"],
            "model": "sightline",
            "thread": "acmecanary",
            "turn": turn,
            "name": name,
            "photo": reply["photos"][0],
            "reference": put.json()["references"][0],
            "sku": "acmecanary",
            "correction": correction.json()["id"],
            "ticket": ticket.json()["ticket"]["id"],
        }
        yield client, {"acme": acme, "globex": globex, "ids": ids}
    patch.undo()


def asked(path: str, ids: dict[str, str]) -> str:
    """A GET of this path that is about these ids."""
    if path == "/api/references/{photo}":
        ids = ids | {"photo": ids["reference"]}
    queries = {"/api/turns": "?words=acmecanary", "/api/search": "?words=acmecanary", "/api/corrections": "?undone=1"}
    return filled(path, ids) + queries.get(path, "")


def test_no_tenant_sees_anything_of_another_by_any_route(two: tuple[TestClient, dict[str, Any]]) -> None:
    client, of = two
    shown = 0
    for method, path in routes(client.app):  # type: ignore[arg-type]
        if method != "GET" or path == "/metrics":
            continue
        own = client.get(asked(path, of["ids"]), headers=of["acme"])
        other = client.get(asked(path, of["ids"]), headers=of["globex"])
        if "{" in path:
            assert own.status_code == 200, f"{path}: it shows its owner what is theirs ({own.text[:200]})"
            # That a thread nobody has waits for nothing, and what our model is called, is no news.
            plain = {"/api/waiting/{thread:path}": b"null", "/v1/models/{model:path}": own.content}.get(path)
            assert other.status_code in (400, 404) or other.content == plain, f"{path}: {other.status_code}"
        else:
            assert other.status_code == own.status_code == 200, path
        assert b"acmecanary" not in other.content.lower().replace(b"'acmecanary'", b""), path
        for name in ("turn", "photo", "reference", "correction", "ticket", "completion", "id"):
            assert of["ids"][name] not in other.text or other.status_code in (400, 404), path
        shown += b"acmecanary" in own.content.lower()
    assert shown >= 6  # what is hidden from others was there to be seen


def test_no_tenant_changes_anything_of_another(two: tuple[TestClient, dict[str, Any]]) -> None:
    client, of = two
    ids, globex = of["ids"], of["globex"]
    for method, path, body in (
        ("DELETE", f"/api/photos/{ids['photo']}", None),
        ("DELETE", f"/api/threads/{ids['thread']}", None),
        ("PATCH", f"/api/threads/{ids['thread']}", {"name": "mine"}),
        ("DELETE", f"/api/products/{ids['sku']}", None),
        ("DELETE", f"/api/views/{ids['photo']}/{ids['sku']}", None),
        ("POST", f"/api/corrections/{ids['correction']}/undo", None),
        ("PATCH", f"/api/corrections/{ids['correction']}", {"after": "mine"}),
        ("POST", "/api/turns", {"text": "When does it expire?", "photos": [ids["photo"]], "thread": ids["thread"]}),
        ("POST", "/api/ocr", {"photo": ids["photo"]}),
        ("POST", "/api/photos", {"photo": ids["photo"]}),
        ("POST", "/api/tickets", {"thread": ids["thread"]}),
        ("POST", "/api/corrections", {"about": "text", "after": "mine", "photo": ids["photo"]}),
    ):
        refused = client.request(method, path, json=body, headers=globex)
        assert refused.status_code == 404, f"{method} {path}: {refused.status_code} {refused.text[:200]}"
    assert client.get(f"/api/threads/{ids['thread']}", headers=of["acme"]).json()[0]["turn"] == ids["turn"]


def test_keys_of_one_tenant_share_its_home_and_the_owner_has_another(two: tuple[TestClient, dict[str, Any]]) -> None:
    client, _ = two
    home = client.app.state.gate._assistant.home  # type: ignore[attr-defined]
    second = Keys(home).add("second", tenant="acme")
    assert [t["name"] for t in client.get("/api/threads", headers=bearing(second)).json()][-1] == "acmecanary"
    assert client.get("/api/threads", headers=bearing(SECRET)).json() == []


def test_a_home_is_opened_once_however_many_ask_for_it_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: CountingReader
) -> None:
    opened: list[Path] = []
    beside = Assistant.beside

    def counted(self: Assistant, home: Path) -> Assistant:
        opened.append(home)
        made = beside(self, home)
        assert made._kit.reader is reader
        return made

    monkeypatch.setattr(Assistant, "beside", counted)
    given = bearing(Keys(tmp_path).add("shop"))

    async def all_at_once() -> None:
        with app_of(tmp_path) as app:
            async with app.router.lifespan_context(app):
                transport = httpx.ASGITransport(app)
                async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=given) as client:
                    got = await asyncio.gather(*(client.get("/api/threads") for _ in range(8)))
                    assert [each.status_code for each in got] == [200] * 8

    asyncio.run(all_at_once())
    assert opened == [tmp_path / "tenants" / "shop"]


async def test_homes_that_nobody_uses_make_room_and_one_in_use_stays(assistant: Assistant) -> None:
    tenants = Tenants(assistant, AllImports(), most=1)
    async with tenants.lent("a") as first:
        async with tenants.lent("b") as second, tenants.lent("c"):
            pass
        await asyncio.gather(*tenants._closing.values())
        assert first.threads() == []  # in use, so that it is open
        async with tenants.lent("b") as again:  # opened anew, once the first was closed
            assert again is not second
            assert again.threads() == []
    async with tenants.lent("a"), tenants.lent("a"):
        pass
    await tenants.close()
    with Assistant.open(assistant.home / "tenants" / "a") as freed:
        freed.own()


async def test_a_home_that_is_being_closed_is_opened_again_after_that(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Assistant.close

    def slowly(self: Assistant) -> None:
        time.sleep(0.1)
        close(self)

    tenants = Tenants(assistant, AllImports(), most=0)
    with monkeypatch.context() as patched:
        patched.setattr(Assistant, "close", slowly)
        for _ in range(3):
            async with tenants.lent("a") as opened:
                assert opened.threads() == []
        await tenants.close()


async def test_a_home_that_another_process_writes_is_told_and_asked_for_again(assistant: Assistant) -> None:
    tenants = Tenants(assistant, AllImports())
    folder = assistant.home / "tenants" / "a"
    with Assistant.open(folder) as other:
        other.own()
        with pytest.raises(Busy):
            async with tenants.lent("a"):
                pass
    async with tenants.lent("a") as opened:
        assert opened.home == folder
    await tenants.close()


def test_tenants_share_what_is_dear_to_load_and_nothing_that_is_kept(assistant: Assistant, tmp_path: Path) -> None:
    with assistant.beside(tmp_path / "one") as one, one.beside(tmp_path / "two") as two:
        kits = [each._kit for each in (assistant, one, two)]
        for name in ("reader", "router", "model"):
            assert len({id(getattr(kit, name)) for kit in kits}) == 1
        embedders = [kit.catalogue._embedder(None) for kit in kits]  # type: ignore[attr-defined]
        assert embedders[0] is embedders[1] is embedders[2]
        for name in ("readings", "photos", "catalogue", "sessions", "tickets", "corrections", "turns", "pictures"):
            assert len({id(getattr(kit, name)) for kit in kits}) == 3
        assert [each.home for each in (one, two)] == [tmp_path / "one", tmp_path / "two"]
