"""Handing a conversation to a person: one ticket a turn, evidence and no more, to a desk that may be down."""

import base64
import hashlib
import hmac
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from fakes import CountingReader, label
from PIL import Image
from typer.testing import CliRunner

from sightline.agent import desks
from sightline.agent.assistant import Assistant
from sightline.agent.cli import app
from sightline.agent.desks import FileDesk, WebhookDesk, open_desk
from sightline.agent.handoff import HUMAN, Ticket, id_of, write
from sightline.agent.reply import Reply, from_json
from sightline.agent.router import Routed, Router
from sightline.tools.errors import BadInput, Unavailable, UnknownThread
from sightline.tools.types import Box, Region, Size

PERSON = "Let me talk to a person"
SECRET = "s3cret"


@pytest.fixture(autouse=True)
def routed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A router that knows when somebody asks for a person."""
    usual = Router.plan

    def plan(self: Router, text: str, photos: int, **more: Any) -> Routed:
        person = PERSON in text or "转人工" in text
        rest = text.replace(PERSON, "").replace("转人工", "").strip()
        asked = usual(self, rest, photos, **more).plan if rest or not person else ()
        return Routed((*asked, *([HUMAN] if person else [])), None)

    monkeypatch.setattr(Router, "plan", plan)
    monkeypatch.setattr(desks, "_PAUSES", (0.01, 0.02))
    for name in ("SIGHTLINE_DESK", "SIGHTLINE_DESK_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shot() -> Image.Image:
    """A photo with metadata that would tell who took it where."""
    image = label("BEST BEFORE 14 MAR 2027", "NET WEIGHT 250 g", "Store in a cool place")
    exif = Image.Exif()
    exif[0x010F] = "Camera of Ann"
    image.info["exif"] = exif.tobytes()
    return image


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_turn_that_asks_for_a_person_makes_a_ticket_of_the_thread(assistant: Assistant, shot: Image.Image) -> None:
    assistant.ask("When does it expire?", [shot], claimed="OAT-1L")
    reply = assistant.ask(PERSON)
    assert reply.ticket is not None
    folder = assistant.home / "tickets" / reply.ticket
    assert str(folder) in reply.text
    assert [s.text for s in reply.statements] == [reply.text], "and nothing else is said"
    ticket = from_json(Ticket, json.loads((folder / "ticket.json").read_text("utf-8")))
    assert (ticket.id, ticket.turn, ticket.question) == (reply.ticket, reply.turn, PERSON)
    assert [said.question for said in ticket.said] == ["When does it expire?", PERSON]
    assert "14 March 2027" in ticket.said[0].answer
    assert [(tried.tool, tried.asked, tried.outcome) for tried in ticket.tried] == [("ocr", "expiry", "found")]
    claims = [c for of_turn in ticket.claims.values() for c in of_turn]
    assert ("date", "2027-03-14", "supported") in {(c.kind, c.value, c.status) for c in claims}
    assert set(ticket.regions) == {c.region for c in claims}
    assert ticket.faces_removed is None
    assert json.loads((folder / "ticket.json").read_text("utf-8"))["faces_removed"] is None
    jsonschema.validate(reply.to_dict(), Reply.json_schema())
    assert Reply.from_dict(reply.to_dict()) == reply


def test_its_pictures_are_crops_without_metadata(assistant: Assistant, shot: Image.Image) -> None:
    asked = assistant.ask("When does it expire?", [shot])
    ticket = assistant.hand_off().ticket
    folder = assistant.home / "tickets" / ticket.id
    assert {p.name for p in folder.iterdir()} == {"ticket.json", *(shown.name for shown in ticket.pictures)}
    assert ticket.pictures
    (seen,) = {c.region.box for c in asked.claims if c.region}
    for shown in ticket.pictures:
        picture = opened((folder / shown.name).read_bytes())
        assert picture.format == "JPEG"
        assert not {"exif", "comment", "xmp", "icc_profile"} & picture.info.keys()
        assert not picture.getexif()
        assert picture.size == (shown.box.width, shown.box.height)
        assert shown.box.area < 0.3 * shot.width * shot.height
        assert shown.box.shared(seen) == seen.area, "with a margin"
        assert shown.why == "claimed"


def test_where_nothing_was_found_the_whole_photo_goes_with_it(assistant: Assistant) -> None:
    assistant.ask("What does it say?", [Image.new("RGB", (1800, 1200), "black")])
    ticket = assistant.hand_off().ticket
    assert [(shown.why, shown.box) for shown in ticket.pictures] == [("whole", Box(0, 0, 1800, 1200))]
    assert opened((assistant.home / "tickets" / ticket.id / ticket.pictures[0].name).read_bytes()).size == (1600, 1067)


def test_what_a_person_marked_and_what_differs_is_shown_first(assistant: Assistant, shot: Image.Image) -> None:
    reply = assistant.ask("When does it expire?", [shot])
    mark = Region(Box(600, 440, 640, 480), "the dent", "thing")
    everything = Region(Box(0, 0, 640, 480), "all of it", "thing")
    marked = [(reply.photos[0], region) for region in (mark, everything)]
    ticket, pictures = write([reply], assistant._photos, marked=marked, corrections=({"before": "a", "after": "b"},))
    assert [(s.why, s.label) for s in ticket.pictures][:2] == [
        ("marked", "the dent"),
        ("claimed", "BEST BEFORE 14 MAR 2027"),
    ]
    assert ticket.pictures[0].box == Box(588, 428, 640, 480)
    assert ticket.corrections == ({"before": "a", "after": "b"},)
    assert pictures.keys() == {s.name for s in ticket.pictures}
    assert all(Size(*opened(data).size) != Size(640, 480) for data in pictures.values()), "never the whole photo"


def test_a_request_beside_a_question_is_answered_and_handed_over_in_one_turn(
    assistant: Assistant, shot: Image.Image
) -> None:
    reply = assistant.ask(f"When does it expire? {PERSON}", [shot])
    assert "14 March 2027" in reply.text
    ticket = assistant.ticket(reply.ticket or "").ticket
    assert [tried.tool for tried in ticket.tried] == ["ocr"]
    assert ticket.pictures


def test_with_nothing_to_show_a_person_is_had_all_the_same(assistant: Assistant) -> None:
    reply = assistant.ask("转人工")
    assert reply.ticket
    assert "工单" in reply.text
    assert "还没有" in reply.text
    assert assistant.ticket(reply.ticket).ticket.pictures == ()
    with pytest.raises(UnknownThread):
        assistant.hand_off("nobody")


def test_a_turn_is_handed_over_once_and_the_next_again(assistant: Assistant, shot: Image.Image) -> None:
    reply = assistant.ask("When does it expire?", [shot])
    first = assistant.hand_off(note="The customer waits.\ud800")
    assert first.ticket.note == "The customer waits.?"
    assert assistant.hand_off(note="again") == first
    assert first.ticket.id == id_of(reply.turn)
    assistant.rename("main", "another")
    assert assistant.hand_off("another") == first
    assistant.ask(PERSON, thread="another")
    assert len({assistant.hand_off("another").ticket.id, first.ticket.id}) == 2
    assert len(assistant.tickets()) == len(list((assistant.home / "tickets").iterdir())) == 2


def test_a_ticket_outlives_its_thread_and_a_damaged_photo_keeps_nobody_from_a_person(
    assistant: Assistant, shot: Image.Image
) -> None:
    assistant.ask("When does it expire?", [shot])
    (kept,) = (assistant.home / "photos").glob("??/*.photo")
    whole = kept.read_bytes()
    kept.write_bytes(b"damaged")
    assert assistant.hand_off().ticket.pictures == ()
    kept.write_bytes(whole)
    assistant.ask("When does it expire?")
    ticket = assistant.hand_off().ticket
    assistant.forget("main")
    folder = assistant.home / "tickets" / ticket.id
    assert all(opened((folder / shown.name).read_bytes()).size for shown in ticket.pictures)
    assert next(p.ticket for p in assistant.tickets()) == ticket


@pytest.fixture
def ticket(assistant: Assistant, shot: Image.Image) -> tuple[Ticket, dict[str, bytes]]:
    return write([assistant.ask("When does it expire?", [shot])], assistant._photos)


def test_a_folder_takes_a_ticket_whole_and_once(tmp_path: Path, ticket: tuple[Ticket, dict[str, bytes]]) -> None:
    desk = FileDesk(tmp_path / "desk")
    where = Path(desk.hand(*ticket))
    before = {p.name: p.stat().st_mtime_ns for p in where.iterdir()}
    assert desk.hand(*ticket) == str(where)
    assert {p.name: p.stat().st_mtime_ns for p in where.iterdir()} == before
    assert [p.name for p in (tmp_path / "desk").iterdir()] == [ticket[0].id], "nothing half-written beside it"
    for name, age in ((".part-killed", 4000), (".part-writing", 10)):
        (tmp_path / "desk" / name).mkdir()
        os.utime(tmp_path / "desk" / name, (time.time() - age,) * 2)
    desk.hand(replace(ticket[0], id="another"), ticket[1])
    assert {p.name for p in (tmp_path / "desk").iterdir()} == {ticket[0].id, "another", ".part-writing"}
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="folder"):
        FileDesk(tmp_path / "file").hand(*ticket)


class Receiver:
    """A web address that answers with these statuses, one after another and then the last, and keeps what came."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.came = list(statuses), list[tuple[dict[str, str], bytes]]()

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        self.came.append((headers, body))
        return self.statuses[min(len(self.came), len(self.statuses)) - 1]


@contextmanager
def receiving(receiver: Receiver) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(receiver.answer({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def signed(headers: dict[str, str], body: bytes) -> bool:
    said = f"{headers['x-sightline-timestamp']}.".encode() + body
    expected = hmac.new(SECRET.encode(), said, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers["x-sightline-signature"], f"sha256={expected}")


def test_a_web_address_that_fails_twice_gets_the_same_ticket_three_times_signed(
    ticket: tuple[Ticket, dict[str, bytes]],
) -> None:
    receiver = Receiver(503, 429, 200)
    with receiving(receiver) as url:
        assert WebhookDesk(f"{url}/hook/token?key=private", SECRET).hand(*ticket) == url, "and its path is not told"
    assert len(receiver.came) == 3
    for headers, body in receiver.came:
        assert signed(headers, body)
        assert headers["idempotency-key"] == ticket[0].id
        sent = json.loads(body)
        assert from_json(Ticket, sent["ticket"]) == ticket[0]
        assert {name: base64.b64decode(data) for name, data in sent["pictures"].items()} == ticket[1]
    headers, body = receiver.came[0]
    assert not signed(headers, body + b" ")


@pytest.mark.parametrize(("status", "tries"), [(500, 3), (408, 3), (401, 1), (422, 1), (302, 1), (307, 1)])
def test_what_is_refused_is_not_tried_again_and_what_may_pass_three_times(
    ticket: tuple[Ticket, dict[str, bytes]], status: int, tries: int
) -> None:
    receiver = Receiver(status)
    with receiving(receiver) as url, pytest.raises(Unavailable, match=str(status)):
        WebhookDesk(url, SECRET).hand(*ticket)
    assert len(receiver.came) == tries


def test_without_a_secret_nothing_is_sent(ticket: tuple[Ticket, dict[str, bytes]]) -> None:
    receiver = Receiver(200)
    with receiving(receiver) as url, pytest.raises(Unavailable, match="SIGHTLINE_DESK_SECRET"):
        WebhookDesk(url, None).hand(*ticket)
    assert not receiver.came


@pytest.mark.parametrize(
    "url", ["http://example.com/hook", "https://", "HTTP://10.0.0.1/x", "http://a:b@evil", "http://127.0.0.1:x/"]
)
def test_an_address_that_others_can_read_along_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        open_desk(url, tmp_path)


@pytest.fixture
def down(tmp_path: Path, reader: CountingReader, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Assistant, str]]:
    """An Assistant whose desk cannot be reached."""
    del reader
    with receiving(Receiver(200)) as url:
        pass
    monkeypatch.setenv("SIGHTLINE_DESK", url)
    monkeypatch.setenv("SIGHTLINE_DESK_SECRET", SECRET)
    with Assistant.open(tmp_path / "home") as opened:
        yield opened, url


def test_what_cannot_be_sent_waits_in_the_outbox_and_goes_later_as_the_same_ticket(
    down: tuple[Assistant, str], shot: Image.Image
) -> None:
    assistant, url = down
    assistant.ask("When does it expire?", [shot])
    reply = assistant.ask(PERSON)
    assert "kept" in reply.text
    assert url not in reply.text
    outbox = assistant.home / "outbox" / (reply.ticket or "")
    assert len(list(outbox.iterdir())) > 1
    assert [p.where for p in assistant.send_tickets()] == [None]
    always, good = Receiver(500), Receiver(200)
    for receiver in (always, good):
        with receiving(receiver) as there:
            assistant._kit.tickets._desk = WebhookDesk(there, SECRET)
            (placed,) = assistant.send_tickets()
            assert placed.where == (there if receiver is good else None)
            assert bool(placed.problem) == (receiver is always)
    assert assistant.send_tickets() == []
    assert {h["idempotency-key"] for h, _ in always.came + good.came} == {reply.ticket}
    assert len({body for _, body in always.came + good.came}) == 1
    assert len(good.came) == 1
    assert {p.name for p in outbox.iterdir()} == {"ticket.json", "sent.json"}, "the desk has the pictures"


def test_the_command_line_hands_off_lists_shows_and_sends(
    down: tuple[Assistant, str], shot: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant, _ = down
    assistant.ask("When does it expire?", [shot])
    assistant.close()

    def run(*args: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(args), env={"SIGHTLINE_HOME": str(assistant.home)})
        return result.exit_code, result.output

    code, out = run("handoff", "--note", "please call")
    assert code == 4
    assert "waits in the outbox" in out
    id_ = out.split()[0]
    assert run("tickets", "send")[0] == 4
    code, out = run("tickets")
    assert (code, out.split("\t")[0], out.split("\t")[3]) == (0, id_, "waits")
    receiver = Receiver(200)
    with receiving(receiver) as url:
        monkeypatch.setenv("SIGHTLINE_DESK", url)
        assert run("tickets", "send") == (0, f"{id_}: {url}\n")
    assert run("tickets", "send") == (0, "No ticket waits.\n")
    code, out = run("tickets", "show", id_)
    assert code == 0
    assert "please call" in out
    assert "2027-03-14" in out
    shown: dict[str, Any] = json.loads(run("tickets", "show", id_, "--json")[1])
    assert shown["where"] == url
    assert shown["ticket"]["note"] == "please call"
    assert json.loads(run("tickets", "--json")[1])["tickets"][0]["id"] == id_
    assert run("tickets", "show", "../photos")[0] == run("handoff", "--thread", "none")[0] == 2


def test_the_secret_is_no_setting(tmp_path: Path, reader: CountingReader) -> None:
    del reader
    (tmp_path / "settings.json").write_text(json.dumps({"desk_secret": SECRET}))
    with pytest.raises(BadInput, match="desk_secret") as raised:
        Assistant.open(tmp_path)
    assert SECRET not in str(raised.value)


CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import sightline.agent.assistant as module
from sightline.agent import desks, tickets
from fakes import label
class Nothing:
    name = "reads nothing"
    def read(self, pixels): return []
module.RapidReader = Nothing
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
def talk(home, moment):
    assistant = module.Assistant.open(home)
    assistant.ask("When does it expire?", [label("BEST BEFORE 14 MAR 2027")])
    if moment == "kept": tickets.Tickets._hand = die
    if moment == "handed": tickets._note = die
    if moment == "noted": assistant._sessions.commit = die
    assistant.ask("Let me talk to a person")
for moment in sys.argv[2:]:
    child = os.fork()
    if not child:
        talk(Path(sys.argv[1]) / moment, moment)
        os._exit(0)
    print(moment, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_hand_off_that_is_killed_neither_loses_nor_doubles_the_ticket(tmp_path: Path, reader: CountingReader) -> None:
    moments = ["kept", "handed", "noted"]
    child = CHILD.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", child, str(tmp_path), *moments], capture_output=True, text=True)
    assert done.stdout.split() == [word for moment in moments for word in (moment, "-9")], done.stderr
    for moment in moments:
        with Assistant.open(tmp_path / moment) as assistant:
            (before,) = assistant.tickets()
            reply = assistant.resume()
            assert reply is not None
            (placed,) = assistant.tickets()
            assert placed.ticket == before.ticket
            assert reply.ticket == placed.ticket.id
            assert [p.name for p in (assistant.home / "tickets").iterdir()] == [placed.ticket.id]
            assert placed.where == str(assistant.home / "tickets" / placed.ticket.id)
            assert assistant.hand_off() == placed
    del reader
