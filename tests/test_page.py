"""The page at `/`, in a browser: by keyboard alone, in both languages, and for those who cannot see it."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, Literal

import httpx
import pytest
from browsing import axe, chromium, serving
from fakes import SHOP, label, shop_home
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, Route, ViewportSize, expect, sync_playwright

PATIENCE = 90_000  # milliseconds: the machine may be busy with other tests
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
ZOOMED: ViewportSize = {"width": 320, "height": 256}  # 1280 by 1024 at 400%


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    del browser  # without one there is nothing to serve
    home = tmp_path_factory.mktemp("page") / "home"
    shutil.copytree(shop_home(), home)
    with serving(home) as address:
        yield address


Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def visits(browser: Browser, server: str) -> Iterator[Visit]:
    """Opens the page as somebody sees it who comes for the first time; what it raises fails the test."""
    contexts: list[BrowserContext] = []
    raised: list[object] = []

    def visit(language: str = "en", size: ViewportSize = WIDE) -> Page:
        locale = {"en": "en-GB", "zh": "zh-CN"}[language]
        context = browser.new_context(viewport=size, locale=locale)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: raised.append(error))
        page.goto(server)
        page.wait_for_selector("html[data-ready]")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert raised == []


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def page(visits: Visit, language: str) -> Iterator[Page]:
    opened = visits(language)
    yield opened
    opened.context.close()


def jpeg(photo: Image.Image, name: str = "photo.jpg") -> FilePayload:
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=93)
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}


def relabelled() -> FilePayload:
    """Half as large as the sample: what is printed on it is still read, sooner."""
    return jpeg(Image.open(SHOP / "photos" / "relabelled-sticker.jpg").reduce(2))


def honey() -> FilePayload:
    return jpeg(Image.open(SHOP / "photos" / "honey-on-bench.jpg"))


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Go on with the Tab key until this has the focus, and can be seen to have it."""
    for _ in range(150):
        page.keyboard.press(key)
        if page.evaluate(
            "(wanted) => document.activeElement.matches(wanted) && document.activeElement.matches(':focus-visible')",
            selector,
        ):
            return
    pytest.fail(f"the Tab key never comes to {selector}")


def answered(page: Page, turns: int) -> None:
    expect(page.locator(".answer:not([aria-busy])")).to_have_count(turns, timeout=PATIENCE)


WATCH = """() => {
  window.seen = [];
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) {
      if (node.parentElement?.matches('[aria-busy] .sentences')) window.seen.push(node.textContent);
    }
  }).observe(document.getElementById('turns'), { childList: true, subtree: true });
}"""


def asked_by_keyboard(page: Page, photo: FilePayload, question: str) -> None:
    tab_to(page, "#pick", "Shift+Tab")
    page.evaluate("document.getElementById('files').addEventListener('click', () => { window.chooses = true; })")
    page.keyboard.press("Enter")
    assert page.evaluate("window.chooses")
    # The dialog of the operating system is nobody's page.
    page.locator("#files").set_input_files(photo)
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(question)
    page.keyboard.press("Enter")


SAYS = {
    "en": {
        "match": "Does it match the official picture?",
        "done": "The answer is complete. Sentences: 3.",
        "differs": "Differs from the official picture",
        "supported": "Supported",
        "product": "Which product is this?",
        "kept": "Thank you. I will remember it.",
        "lang": "en",
    },
    "zh": {
        "match": "和官方图片一致吗？",
        "done": "回答完毕，共 3 句。",
        "differs": "与官方图片不同",
        "supported": "有依据",
        "product": "这是什么商品？",
        "kept": "谢谢，我会记住。",
        "lang": "zh-CN",
    },
}


@pytest.fixture(scope="module", params=["en", "zh"])
def told(request: pytest.FixtureRequest, visits: Visit) -> Iterator[tuple[Page, dict[str, str]]]:
    """The page of somebody who has asked one question, with the evidence beside the answer."""
    says = SAYS[request.param]
    page = visits(request.param)
    page.evaluate(WATCH)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    tab_to(page, "#question")
    asked_by_keyboard(page, relabelled(), says["match"])
    answered(page, 1)
    yield page, says
    page.context.close()


def test_sentences_arrive_one_by_one_and_are_announced_once(told: tuple[Page, dict[str, str]]) -> None:
    page, says = told
    arrived = page.evaluate("window.seen")
    assert len(arrived) == 3
    assert page.locator(".turn .sentences p").all_inner_texts() == arrived
    announced = page.locator("#said p").all_text_contents()
    assert announced[1:-1] == arrived
    assert announced[-1] == says["done"]
    expect(page.locator("html")).to_have_attribute("lang", says["lang"])


def test_the_evidence_shows_both_pictures_and_the_verdict_in_words(told: tuple[Page, dict[str, str]]) -> None:
    page, says = told
    evidence = page.get_by_role("complementary")
    expect(evidence.locator(".verdict")).to_have_text(says["differs"])
    expect(evidence.locator(".frame img")).to_have_count(2)
    expect(evidence.locator(".marks .mark.chosen")).to_have_text(["1", "1"])
    assert set(evidence.locator(".claim .status").all_inner_texts()) == {says["supported"]}


def test_a_claim_leads_to_its_region_and_back(told: tuple[Page, dict[str, str]]) -> None:
    page, _ = told
    page.locator("#question").focus()
    tab_to(page, "button.claim:not(.chosen)")
    number = page.evaluate("document.activeElement.dataset.at.split('.')[1]")
    page.keyboard.press("Enter")
    marked = page.locator(":focus")
    expect(marked).to_have_attribute("data-mark", number)
    expect(marked).to_have_attribute("aria-pressed", "true")
    expect(page.locator(f"polygon.over.chosen[data-mark='{number}']")).to_have_count(1)
    page.keyboard.press("Space")
    expect(page.locator(":focus")).to_have_class("claim chosen")


MARKED = """(frame) => {
  const img = frame.querySelector('img');
  const [a, b] = [frame, frame.querySelector('[data-mark="0"]')].map((each) => each.getBoundingClientRect());
  const scale = a.width / img.naturalWidth;
  return [b.left - a.left, b.top - a.top, b.right - a.left, b.bottom - a.top].map((pixels) => pixels / scale);
}"""


def test_a_mark_lies_where_its_region_is(told: tuple[Page, dict[str, str]]) -> None:
    page, _ = told
    reply = page.evaluate(
        "async () => (await (await fetch('/api/threads/' + localStorage['sightline.thread'])).json())[0]"
    )
    difference = next(f for f in reply["findings"] if f["tool"] == "compare")["differences"][0]
    for frame, box in ((0, difference["region"]["box"]), (1, difference["there"])):
        drawn = page.locator("#evidence .frame").nth(frame)
        inside = drawn.evaluate(MARKED)
        assert all(abs(x - y) < 12 for x, y in zip(inside, box, strict=True)), (inside, box)


LAID = """(frame) => {
  const edges = (element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    return [left, right, top, bottom];
  };
  const width = ([left, right]) => right - left;
  const official = edges(frame.querySelector('.laid img'));
  const pack = [...frame.querySelectorAll('polygon.over')].map(edges).sort((a, b) => width(b) - width(a))[0];
  return Math.max(...pack.map((edge, n) => Math.abs(edge - official[n])));
}"""


def test_the_slider_and_the_blink_are_moved_by_keys(told: tuple[Page, dict[str, str]]) -> None:
    page, _ = told
    page.locator("#evidence .bar button").focus()
    tab_to(page, "input[name=way]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    tab_to(page, "input[type=range]")
    before = page.locator(".laid").evaluate("(laid) => laid.style.clipPath")
    page.keyboard.press("ArrowRight")
    assert page.locator(".laid").evaluate("(laid) => laid.style.clipPath") != before
    # The official picture is laid where the product lies in the photo.
    off = page.locator(".frame").first.evaluate(LAID)
    assert off < 6
    page.emulate_media(reduced_motion="reduce")
    tab_to(page, "input[name=way]", "Shift+Tab")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".pictures button:not(.mark)")).to_have_count(1)
    captions = page.locator(".pictures figcaption")
    shown = captions.inner_text()
    page.wait_for_timeout(1200)
    assert captions.inner_text() == shown
    tab_to(page, ".pictures button:not(.mark)")
    page.keyboard.press("Space")
    assert captions.inner_text() != shown
    page.emulate_media(reduced_motion="no-preference")
    page.locator("input[name=way]").first.check(force=True)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_correction_is_told_remembered_applied_and_undone_by_keyboard(page: Page, server: str, language: str) -> None:
    says = SAYS[language]
    asked_by_keyboard(page, honey(), says["product"])
    answered(page, 1)
    tab_to(page, ".sentence button")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("select[name=about]")).to_have_value("product")
    tab_to(page, "select[name=after]")
    for _ in range(20):
        if dialog.locator("select[name=after]").input_value() == "HJD-MASK-ROS":
            break
        page.keyboard.press("ArrowDown")
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text(says["kept"])
    expect(page.locator(":focus")).to_have_class("round faint")

    page.reload()
    page.wait_for_selector("html[data-ready]")
    answered(page, 1)
    expect(page.locator("#evidence .card")).to_contain_text("玫瑰")
    tab_to(page, "#question")
    page.keyboard.type(says["product"])
    page.keyboard.press("Enter")
    answered(page, 2)
    expect(page.locator(".turn").last).to_contain_text("玫瑰")

    tab_to(page, "a[data-view=corrections]", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#corrections-title")).to_be_focused()
    tab_to(page, "#corrections .card button")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_be_visible()
    assert httpx.get(f"{server}/api/corrections").json() == []


def problems(page: Page) -> list[str]:
    """What axe-core finds wrong with what is shown now, each with where."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe())
    found = page.evaluate(
        "async () => (await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', "
        "'best-practice'] })).violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target} ${n.failureSummary}`))"
    )
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*found, *(["there is something to scroll to at the side"] if wide else [])]


Way = tuple[Literal["light", "dark"], ViewportSize]


def seen_in(page: Page, *ways: Way) -> None:
    for scheme, size in ways:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        assert problems(page) == [], (scheme, size)


EVERY: tuple[Way, ...] = (("light", WIDE), ("dark", WIDE), ("light", ZOOMED), ("dark", ZOOMED))
BOTH: tuple[Way, ...] = (("light", WIDE), ("dark", ZOOMED))


def test_nothing_stands_in_the_way_of_anybody(told: tuple[Page, dict[str, str]]) -> None:
    """axe-core finds nothing, and nothing reaches over the side at 400% of 1280 pixels."""
    page, says = told
    seen_in(page, *EVERY)
    page.set_viewport_size(WIDE)
    for way in ("blink", "slider", "side"):
        page.locator(f"input[value={way}]").check(force=True)
        seen_in(page, BOTH[0])
    page.locator(".sentence button").first.click()
    seen_in(page, *BOTH)
    page.keyboard.press("Escape")
    for view, dialogs in {
        "corrections": [],
        "conversations": ["#conversations .actions button:nth-child(1)", "#conversations .actions button:nth-child(3)"],
        "catalogue": ["#catalogue .bar button >> nth=0", "#catalogue .bar button >> nth=1", ".product .corner"],
    }.items():
        page.evaluate("(view) => { location.hash = view; }", view)
        expect(page.locator(f"#{view}-title")).to_be_focused()
        page.wait_for_load_state("networkidle")
        seen_in(page, *BOTH)
        for opener in dialogs if says["lang"] == "en" else []:
            page.locator(opener).first.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            seen_in(page, *BOTH)
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_have_count(0)
            expect(page.locator(opener).first).to_be_focused()
    page.evaluate("() => { location.hash = 'chat'; }")
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")


def test_an_empty_chat_stands_in_nobodys_way_and_the_language_is_remembered(page: Page) -> None:
    seen_in(page, *EVERY)
    page.locator("#question").fill("half a question")
    page.locator("#language").click()
    expect(page.locator("h2").first).to_have_text("新会话")
    expect(page.locator("#question")).to_have_value("half a question")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#modes button")).to_have_text(["读文字", "这是什么？", "什么颜色？", "扫码"])
    seen_in(page, BOTH[0])


def test_a_recognised_product_is_confirmed_and_that_is_taken_back(page: Page, server: str) -> None:
    page.locator("#files").set_input_files(honey())
    page.get_by_role("button", name="What is this?").click()
    answered(page, 1)
    page.get_by_role("button", name="Yes, it is").click()
    expect(page.locator("#toast")).to_contain_text("Kept as a view")
    (view,) = httpx.get(f"{server}/api/views").json()
    assert view["sku"] == "HJD-MASK-HON"
    page.locator("#toast button").click()
    expect(page.locator("#toast")).to_contain_text("Taken back.")
    assert httpx.get(f"{server}/api/views").json() == []


HOSTILE = "<img src=/hit onerror=window.hit=1>"


def test_what_records_and_files_are_called_is_shown_as_text(page: Page, server: str) -> None:
    product = {"title": HOSTILE, "attributes": json.dumps({HOSTILE: HOSTILE})}
    photo = {"images": jpeg(label("ANYTHING", size=(320, 240)))["buffer"]}
    assert httpx.put(f"{server}/api/products/XSS", data=product, files=photo, timeout=60).is_success
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#files").set_input_files(jpeg(label("ANYTHING"), f"{HOSTILE}.jpg"))
    expect(page.locator("#thumbs img")).to_have_attribute("alt", f"Photo 1: {HOSTILE}.jpg")
    page.goto(f"{server}/#catalogue")
    card = page.locator(".product", has_text="XSS")
    expect(card.locator(".strong")).to_have_text(HOSTILE)
    card.locator("summary").click()
    expect(card.locator("dd")).to_have_text(HOSTILE)
    card.locator(".corner").click()
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE)
    page.locator("dialog .danger").click()
    expect(card).to_have_count(0)
    assert page.evaluate("window.hit") is None
    assert not any("/hit" in url for url in asked)
    assert all(url.startswith((server, "blob:")) for url in asked)


def test_a_turn_that_fails_loses_nothing_that_was_written(page: Page) -> None:
    broken: FilePayload = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no image"}
    page.locator("#files").set_input_files([broken, jpeg(label("FINE"))])
    page.locator("#question").fill("What is it?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("That photo could not be read.")
    expect(page.locator("#question")).to_have_value("What is it?")
    expect(page.locator("#thumbs li")).to_have_count(2)
    page.get_by_role("button", name="Remove photo 1: broken.png").click()
    expect(page.locator("#thumbs button")).to_be_focused()
    expect(page.locator("#thumbs li")).to_have_count(1)


def test_a_turn_can_be_stopped(page: Page) -> None:
    page.route("**/api/turns", lambda _: None)  # an answer that never comes
    page.locator("#question").fill("Hello")
    page.keyboard.press("Enter")
    expect(page.locator(".answer[aria-busy]")).to_have_count(1)
    tab_to(page, "#stop")
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_have_count(0)
    expect(page.locator("#question")).to_have_value("Hello")
    expect(page.locator("#question")).to_be_focused()


def test_a_button_of_a_mode_sends_the_photo_with_its_request(page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.get_by_role("button", name="Read this").click()
    page.locator("#files").set_input_files(jpeg(label("NET WEIGHT 250 g", size=(480, 160))))
    answered(page, 1)
    expect(page.locator(".turn h3")).to_have_text("Read all the text")
    expect(page.locator(".turn .sentences")).to_contain_text("NET WEIGHT 250 g")
    # On a phone the evidence comes below, when it is asked for.
    expect(page.locator("#evidence")).to_be_hidden()
    page.get_by_role("button", name="Show the evidence").click()
    expect(page.locator("#evidence-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Show the evidence")).to_be_focused()


def test_photos_come_by_drag_and_by_paste(page: Page) -> None:
    for event, carrier in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """([event, carrier]) => {
              const files = new DataTransfer();
              files.items.add(new File(['x'], `${event}.png`, { type: 'image/png' }));
              files.items.add(new File(['x'], `${event}.txt`, { type: 'text/plain' }));
              const Made = event === 'drop' ? DragEvent : ClipboardEvent;
              document.body.dispatchEvent(new Made(event, { bubbles: true, cancelable: true, [carrier]: files }));
            }""",
            [event, carrier],
        )
    expect(page.locator("#thumbs li")).to_have_count(2)
    expect(page.get_by_role("alert")).to_contain_text("left out")


def test_a_key_is_asked_for_once_and_sent_with_everything(page: Page, server: str) -> None:
    sent: list[str | None] = []

    def guard(route: Route) -> None:
        given = route.request.headers.get("authorization")
        sent.append(given)
        if given == "Bearer right":
            route.continue_()
            return
        body = {"error": {"message": "Expected a key.", "type": "", "param": None, "code": "Unauthorised"}}
        route.fulfill(status=401, json=body)

    page.route("**/api/**", guard)
    page.goto(f"{server}/#catalogue")
    page.reload()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_count(1)
    assert problems(page) == []
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("does not know that key")
    page.keyboard.type("right")
    page.keyboard.press("Enter")
    expect(page.locator(".product .thumb img[src^=blob]").first).to_be_visible()
    assert page.evaluate("[sessionStorage['sightline.key'], localStorage['sightline.key'] ?? null]") == ["right", None]
    assert sent[-1] == "Bearer right"


def test_a_catalogue_is_uploaded_and_shows_how_far_it_is(page: Page, server: str) -> None:
    job: dict[str, Any] = {"id": "7", "state": "running", "step": "images", "total": 3, "report": None, "error": None}
    report = {"added": 2, "updated": 0, "unchanged": 0, "problems": [{"line": 3, "message": f"no image {HOSTILE}"}]}
    looks = iter([{**job, "done": 1}, {**job, "done": 3, "state": "done", "report": report}])
    brought: list[bytes | None] = []

    def imports(route: Route) -> None:
        if route.request.method == "POST":
            brought.append(route.request.post_data_buffer)
            route.fulfill(status=202, json={**job, "done": 0})
        else:
            route.fulfill(json=next(looks))

    page.route("**/api/imports**", imports)
    page.route("**/api/imports/*", imports)
    page.goto(f"{server}/#catalogue")
    page.get_by_role("button", name="Upload a catalogue").click()
    page.locator("dialog button[type=submit]").click()
    expect(page.get_by_role("alert").last).to_have_text("Please fill in: Catalogue")
    page.locator("dialog input[name=file]").set_input_files(
        {"name": "shop.csv", "mimeType": "text/csv", "buffer": b"sku,title,images\n"}
    )
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("#import")).to_contain_text("Products so far: 1 of 3")
    expect(page.locator("#import")).to_contain_text("Done. Added: 2.")
    expect(page.locator("#import li")).to_have_text(f"Line 3: no image {HOSTILE}")
    assert brought[0] is not None
    assert b'name="file"; filename="shop.csv"' in brought[0]
    assert b'name="images"' not in brought[0]


def test_what_is_uploaded_is_in_the_catalogue(page: Page, server: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        rows = ({"sku": "NEW-1", "title": "Plum jam", "image": "jam.jpg"}, {"sku": "NEW-2", "image": "../secret.jpg"})
        zipped.writestr("shop.jsonl", "\n".join(map(json.dumps, rows)))
        zipped.write(SHOP / "official" / "lrk-tea-lem20.jpg", "jam.jpg")
    page.goto(f"{server}/#catalogue")
    page.get_by_role("button", name="Upload a catalogue").click()
    page.locator("dialog input[name=file]").set_input_files(
        {"name": "shop.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    )
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("#import")).to_contain_text("Done. Added: 1.", timeout=30_000)
    expect(page.locator("#import li")).to_contain_text("Line 2:")
    expect(page.locator(".product", has_text="Plum jam")).to_be_visible()
    page.get_by_role("button", name="Delete: Plum jam").click()
    page.locator("dialog button[type=submit]").click()
    expect(page.locator(".product", has_text="Plum jam")).to_have_count(0)


def test_conversations_are_named_opened_handed_over_and_deleted(page: Page) -> None:
    page.locator("#question").fill("Hello there")
    page.keyboard.press("Enter")
    answered(page, 1)
    page.locator("a[data-view=conversations]").click()
    page.get_by_role("button", name="Rename: Hello there").click()
    page.get_by_label("Title").fill("My tea")
    page.keyboard.press("Enter")
    expect(page.locator("#conversations .card").first).to_contain_text("My tea")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download: My tea").click()
    assert download.value.suggested_filename == "conversation.zip"
    page.get_by_role("button", name="Hand to a person: My tea").click()
    page.get_by_label("What they should know").fill("Please call back.")
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("#toast")).to_contain_text("icket")
    page.locator("#conversations a").first.click()
    expect(page.locator("#chat-title")).to_have_text("My tea")
    expect(page.locator(".turn h3")).to_have_text("Hello there")
    page.locator("a[data-view=conversations]").click()
    page.get_by_role("button", name="Delete: My tea").click()
    expect(page.locator("dialog .quiet")).to_be_focused()
    page.locator("dialog .danger").click()
    expect(page.locator("#conversations")).not_to_contain_text("My tea")
    page.locator("a[data-view=chat]").click()
    expect(page.locator(".turn")).to_have_count(0)
