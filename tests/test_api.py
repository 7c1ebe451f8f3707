"""The native API: the Assistant over HTTP, and nothing that it would not say or take itself."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import SHOP, CountingReader, label, shop_home
from PIL import Image
from running import running

from sightline.agent.api.app import create_app
from sightline.agent.api.gate import Gate
from sightline.agent.assistant import Assistant
from sightline.tools.kit import Kit
from sightline.tools.toolbox import TOOLS
from sightline.tools.types import Finding, Photo

RELABELLED = SHOP / "photos" / "relabelled-sticker.jpg"


class Server:
    """An Assistant of the sample shop, and the server in front of it."""

    def __init__(self, assistant: Assistant, url: str) -> None:
        self.assistant = assistant
        self.http = httpx.Client(base_url=url, timeout=120)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(shop_home(), home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sightline.agent.assistant.RapidReader", CountingReader)
        with Assistant.open(home) as assistant, running(create_app(Gate(assistant, "secret"), in_line=2)) as url:
            served = Server(assistant, url)
            with served.http:
                yield served


def png(image: Image.Image, **how: Any) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG" if how else "PNG", **how)
    return out.getvalue()


LABEL = png(label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g"))


def events(response: httpx.Response) -> list[tuple[str, Any]]:
    frames = [frame.split("\n") for frame in response.text.split("\n\n") if frame and not frame.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in frames]


def test_a_turn_gives_the_reply_that_the_thread_keeps(server: Server) -> None:
    reply = server.http.post(
        "/api/turns", data={"text": "When does it expire?", "thread": "one"}, files={"photos": LABEL}
    )
    assert reply.status_code == 200, reply.text
    kept = server.assistant.history("one")[-1].to_dict()
    shown = reply.json()
    assert [p.pop("path") for p in shown["pictures"]] == [
        f"/api/pictures/{kept['turn']}/{Path(p.pop('path')).name}" for p in kept["pictures"]
    ]
    assert shown == kept
    assert "14 March 2027" in shown["text"]
    assert server.http.get("/api/threads/one").json()[-1]["turn"] == kept["turn"]


def test_events_come_in_the_order_in_which_things_happen(server: Server) -> None:
    with RELABELLED.open("rb") as photo:
        response = server.http.post(
            "/api/turns",
            data={"text": "Does it match the official picture?", "thread": "events"},
            files={"photos": photo},
            headers={"Accept": "text/event-stream"},
        )
    assert response.headers["content-type"].startswith("text/event-stream")
    told = events(response)
    kinds = [name for name, _ in told]
    assert kinds[0] == "status"
    assert kinds[-1] == "reply"
    # All looking ends before the first word.
    first = kinds.index("sentence")
    assert set(kinds[:first]) == {"status", "finding"}
    assert set(kinds[first:]) == {"sentence", "reply"}
    reply = told[-1][1]
    assert [data["text"] for name, data in told if name == "sentence"] == [s["text"] for s in reply["statements"]]
    looks = {data["id"] for name, data in told if name == "finding"}
    assert looks == {finding["id"] for finding in reply["findings"]}


def test_what_is_wrong_with_a_turn_has_a_status_even_where_events_are_wanted(server: Server) -> None:
    response = server.http.post(
        "/api/turns",
        data={"text": "?", "thread": "bad"},
        files={"photos": b"no photo"},
        headers={"Accept": "text/event-stream"},
    )
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "UnreadablePhoto"
    assert server.http.get("/api/threads/bad").status_code == 404


@pytest.mark.parametrize("path", [str(RELABELLED), "file:///etc/passwd", "-", "../x.jpg", "data:text/plain,x"])
def test_a_path_is_no_photo(server: Server, path: str) -> None:
    for body in ({"photos": [path]}, {"text": "x", "photos": [path]}):
        assert server.http.post("/api/turns", json=body).status_code == 422
    for tool in ("ocr", "identify", "compare", "describe"):
        assert server.http.post(f"/api/{tool}", json={"photo": path}).status_code == 422
        assert server.http.post(f"/api/{tool}", data={"photo": path}).status_code == 422


def test_an_address_is_not_fetched(server: Server) -> None:
    response = server.http.post("/api/ocr", json={"photo": "https://example.org/a.jpg"})
    assert response.status_code == 400


def test_a_picture_of_a_reply_can_be_had(server: Server) -> None:
    reply = server.http.post("/api/turns", data={"text": "Read it", "thread": "seen"}, files={"photos": LABEL}).json()
    picture = server.http.get(reply["pictures"][0]["path"])
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(picture.content)).size == label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g").size
    assert server.http.get(f"/api/pictures/{'0' * 32}/x.jpg").status_code == 404
    assert server.http.get(f"/api/pictures/{reply['turn']}/..%2f..%2fsettings.json").status_code in (404, 422)


def test_a_photo_is_shown_upright(server: Server) -> None:
    turned = Image.new("RGB", (60, 40), "white")
    turned.paste("red", (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise by a quarter to see it upright
    kept = server.http.post("/api/photos", files={"photo": png(turned, exif=exif, quality=95)})
    assert kept.status_code == 201
    assert (kept.json()["width"], kept.json()["height"]) == (40, 60)
    shown = Image.open(BytesIO(server.http.get(f"/api/photos/{kept.json()['id']}").content))
    assert shown.size == (40, 60)
    red, _, blue = shown.convert("RGB").getpixel((37, 3))  # type: ignore[misc]
    assert red > blue + 100


def test_a_photo_kept_ahead_is_there_until_it_is_let_go_of(server: Server) -> None:
    photo = server.http.post("/api/photos", files={"photo": png(label("LOT 77"))}).json()["id"]
    assert "LOT 77" in server.http.post("/api/ocr", json={"photo": photo}).json()["text"]
    server.http.post("/api/turns", json={"text": "Read it", "photos": [photo], "thread": "ahead"})
    assert server.http.delete(f"/api/photos/{photo}").status_code == 204
    assert server.http.delete(f"/api/photos/{photo}").status_code == 404
    # The thread is still about it.
    assert server.http.get(f"/api/photos/{photo}").status_code == 200
    assert server.http.delete("/api/threads/ahead").status_code == 204
    assert server.http.get(f"/api/photos/{photo}").status_code == 404


def test_of_a_batch_each_photo_has_its_finding_or_its_error(server: Server) -> None:
    files = [("photos", LABEL), ("photos", b"no photo"), ("photos", png(label("LOT 9")))]
    first, second, third = server.http.post("/api/batch/ocr", files=files).json()
    assert first["error"] is None
    assert "250 g" in first["finding"]["text"]
    assert (second["finding"], second["error"]["error"]["code"]) == (None, "UnreadablePhoto")
    assert "LOT 9" in third["finding"]["text"]


def test_found_absent_and_not_looked_are_three_outcomes(server: Server) -> None:
    def outcome(target: str) -> str:
        found = server.http.post("/api/ground", data={"target": target}, files={"photo": LABEL})
        return str(found.json()["outcome"])

    assert outcome('"250 g"') == "found"
    assert outcome("barcode") == "absent"
    assert outcome("a dog") == "not_looked"


def test_a_tool_that_is_added_to_the_table_is_served(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def shout(photo: Photo, kit: Kit, *, times: str = "1") -> Finding:
        """Listen to the photo."""
        del kit
        return Finding("shout:1", "shout", "found", (photo.id,), "ears", 1, times)

    monkeypatch.setitem(TOOLS, "shout", shout)
    with running(create_app(Gate(server.assistant, "secret"))) as url:
        one = httpx.post(f"{url}/api/shout", files={"photo": LABEL}, data={"times": "3"})
        assert one.json()["asked"] == "3"
        many = httpx.post(f"{url}/api/batch/shout", files=[("photos", LABEL), ("photos", b"none")])
        assert [result["error"] is None for result in many.json()] == [True, False]
        schema = httpx.get(f"{url}/api/openapi.json").json()
        assert schema["paths"]["/api/shout"]["post"]["description"] == "Listen to the photo."


def test_a_finding_can_be_drawn(server: Server) -> None:
    finding = server.http.post("/api/ocr", files={"photo": LABEL}).json()
    drawn = server.http.post("/api/pictures", data={"finding": json.dumps(finding)}, files={"photo": LABEL})
    assert Image.open(BytesIO(drawn.content)).format == "JPEG"
    assert drawn.content != LABEL


def test_corrections_are_told_changed_and_undone(server: Server) -> None:
    told = server.http.post(
        "/api/corrections", data={"about": "text", "before": "250 g", "after": "260 g"}, files={"photo": LABEL}
    )
    assert told.status_code == 201
    one = told.json()["id"]
    assert server.http.patch(f"/api/corrections/{one}", json={"after": "270 g"}).json()["after"] == "270 g"
    assert [version["after"] for version in server.http.get(f"/api/corrections/{one}").json()] == ["260 g", "270 g"]
    lines = server.http.get("/api/corrections/export").text
    assert server.http.post("/api/corrections/import", json={"lines": lines}).json() == {"imported": 0}
    for _ in range(2):
        assert server.http.post(f"/api/corrections/{one}/undo").status_code == 200
    assert one not in [correction["id"] for correction in server.http.get("/api/corrections").json()]
    assert one in [correction["id"] for correction in server.http.get("/api/corrections?undone=true").json()]
    assert server.http.get("/api/corrections/000000000000").status_code == 404


def test_a_thread_is_named_found_exported_and_handed_over(server: Server) -> None:
    server.http.post("/api/turns", data={"text": "Read the carton", "thread": "a/b c"}, files={"photos": LABEL})
    renamed = server.http.patch("/api/threads/a/b c", json={"title": "Carton", "name": "a/c"}).json()
    assert renamed == {"name": "a/c", "title": "Carton"}
    assert server.http.get("/api/turns", params={"words": "carton"}).json()[0]["thread"] == "a/c"
    exported = server.http.get("/api/exports/a/c")
    assert exported.headers["x-photos"] == "1"
    assert exported.content[:2] == b"PK"
    ticket = server.http.post("/api/tickets", json={"thread": "a/c", "note": "Please look"}).json()["ticket"]["id"]
    assert server.http.get(f"/api/tickets/{ticket}").json()["ticket"]["note"] == "Please look"
    assert server.http.delete("/api/threads/a/c").status_code == 204
    assert server.http.get("/api/threads/a/c").status_code == 404


def test_a_product_is_kept_shown_confirmed_and_removed(server: Server) -> None:
    official = (SHOP / "official" / "lrk-tea-lem20.jpg").read_bytes()
    added = server.http.put(
        "/api/products/SOAP/1",
        data={"title": "Sage soap", "attributes": json.dumps({"brand": "Sage"})},
        files={"images": official},
    )
    assert added.json()["attributes"] == {"brand": "Sage"}, added.text
    reference = added.json()["references"][0]
    assert server.http.get(f"/api/references/{reference}").headers["content-type"] == "image/jpeg"
    assert server.http.get("/api/search", params={"words": "sage soap"}).json()[0]["product"]["sku"] == "SOAP/1"
    assert "SOAP/1" in [product["sku"] for product in server.http.get("/api/products").json()]
    assert server.http.delete("/api/products/SOAP/1").status_code == 204
    assert server.http.delete("/api/products/SOAP/1").status_code == 404
    photo = (SHOP / "photos" / "oat-on-table.jpg").read_bytes()
    view = server.http.post("/api/views", data={"sku": "FRN-OAT-15", "by": "Ann"}, files={"photo": photo})
    assert view.status_code == 201, view.text
    wrong = server.http.post("/api/views", data={"sku": "LRK-TEA-LEM20"}, files={"photo": photo})
    assert wrong.status_code == 409
    assert server.http.delete(f"/api/views/{view.json()['photo']}/FRN-OAT-15").status_code == 204


def test_a_page_of_somebody_else_cannot_act(server: Server) -> None:
    for origin in ("https://evil.example", "http://127.0.0.1:1", "null"):
        refused = server.http.post("/api/plan", json={"text": "hi"}, headers={"Origin": origin})
        assert refused.status_code == 403
    own = str(server.http.base_url).rstrip("/")
    assert server.http.post("/api/plan", json={"text": "hi"}, headers={"Origin": own}).status_code == 200


def test_too_large_a_body_is_refused_whatever_it_says_of_itself(server: Server) -> None:
    app = create_app(Gate(server.assistant, "secret"), most_bytes=10_000)

    def chunks() -> Iterator[bytes]:
        yield from (b" " * 5000 for _ in range(3))

    with running(app) as url:
        for body in (b" " * 10_001, chunks()):
            refused = httpx.post(f"{url}/api/plan", content=body, headers={"content-type": "application/json"})
            assert refused.status_code == 413
            assert refused.json()["error"]["code"] == "TooLarge"


async def test_more_than_can_wait_is_told_to_come_back(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.http.base_url, timeout=120) as http:
        asked = [http.post("/api/turns", data={"thread": "busy"}, files={"photos": LABEL}) for _ in range(12)]
        answers = await asyncio.gather(*asked)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(answers) - len(refused) >= 3
    assert all(answer.status_code in (200, 429) for answer in answers)
    assert refused
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    # None of one thread's turns was lost, or taken twice.
    assert len(server.assistant.history("busy")) == len(answers) - len(refused)


def test_a_turn_whose_caller_goes_away_leaves_no_trace(server: Server) -> None:
    photo = RELABELLED.read_bytes()
    with server.http.stream(
        "POST",
        "/api/turns",
        data={"text": "Does it match the official picture?", "thread": "gone"},
        files={"photos": photo},
        headers={"Accept": "text/event-stream"},
    ) as response:
        for line in response.iter_lines():
            if line.startswith("event: status"):
                break
    # The next turn of the thread waits until the first is given up.
    server.http.post("/api/turns", data={"text": "Read it", "thread": "gone"}, files={"photos": LABEL})
    assert [turn.question for turn in server.assistant.history("gone")] == ["Read it"]


def test_a_slip_in_a_parameter_is_noticed(server: Server) -> None:
    assert server.http.get("/api/turns", params={"words": "x", "mots": 3}).status_code == 400
    assert server.http.get("/api/turns", params={"words": "x", "most": 3}).status_code == 200
    assert server.http.get("/v1/models", params={"api-version": 1}).status_code == 200


def test_what_is_not_there_is_told_in_the_same_shape(server: Server) -> None:
    for response in (
        server.http.get("/api/nothing"),
        server.http.get("/api/threads/nobody"),
        server.http.get(f"/api/photos/sha256:{'0' * 64}"),
        server.http.put("/api/turns"),
        server.http.post("/api/turns", content=b"{", headers={"content-type": "application/json"}),
    ):
        assert response.status_code in (404, 405, 422)
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert server.http.put("/api/turns").headers["allow"] == "GET, POST"
