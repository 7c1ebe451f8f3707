// The chat: what was asked, and the answer, sentence by sentence.

import { ask, explain, fill, photoPath, turn as take } from "./api.js";
import * as composer from "./composer.js";
import { correct } from "./corrections.js";
import { byId, button, el, icon, iconButton, reveal } from "./dom.js";
import * as evidence from "./evidence.js";
import { onLanguage, t, word } from "./words.js";

const THREAD = "sightline.thread";
const wide = matchMedia("(min-width: 64rem)");
let thread = localStorage.getItem(THREAD) ?? newName();
let title = "";
let replies = [];
let asks = null;
let pending = null;
let row = null;

function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Begin where the person left. */
export async function begin() {
  composer.begin(send, () => Boolean(replies.at(-1)?.photos.length));
  byId("stop").addEventListener("click", () => pending?.abort());
  byId("new-chat").addEventListener("click", () => {
    leave(newName());
    show();
    composer.focus();
  });
  onLanguage(show);
  composer.restore({ text: "", photos: [] });
  await open(thread);
}

function leave(name) {
  pending?.abort();
  thread = name;
  localStorage.setItem(THREAD, thread);
  replies = [];
  title = "";
  asks = null;
  evidence.close();
  composer.trouble("");
}

/** Open a conversation. */
export async function open(name) {
  leave(name);
  show();
  try {
    const listed = (await ask("/api/threads")).find((each) => each.name === name);
    if (!listed || thread !== name) return;
    title = listed.title;
    asks = listed.asks;
    if (listed.unfinished) await ask("/api/turns/resume", { method: "POST", json: { thread: name } });
    const turns = await ask(`/api/threads/${encodeURIComponent(name)}`);
    if (thread === name && !pending) replies = turns;
  } catch (error) {
    composer.trouble(explain(error));
  }
  show();
  if (replies.length) beside(replies.at(-1));
}

/** Whether this conversation is the open one. */
export const isOpen = (name) => name === thread;

/** Forget the open conversation, which is gone; or call it otherwise. */
export function renamed(name, to) {
  if (name !== thread) return;
  if (to === null) leave(newName());
  else title = to;
  show();
}

/** Take a turn: what is sent stays at hand until the answer is there. */
async function send(text, files = []) {
  if (pending) return;
  composer.trouble("");
  const mine = thread;
  const stop = (pending = new AbortController());
  const taken = composer.take();
  // What is sent goes back into the box where the turn fails; what somebody has begun to write beside it stays there.
  const draft = { text: taken.text.trim() === text || !taken.text ? text : "", photos: files.length ? taken.photos : [] };
  composer.restore({ text: draft.text ? "" : taken.text, photos: files.length ? [] : taken.photos });
  const item = waiting(text, draft.photos);
  row = item.row;
  byId("welcome").hidden = true;
  byId("turns").hidden = false;
  byId("turns").append(item.row);
  reveal(item.row, "end");
  composer.working(true);
  announce(t("chat.looking"), true);
  try {
    let said = 0;
    const form = new FormData();
    form.append("text", text);
    form.append("thread", mine);
    for (const file of files) form.append("photos", file, file.name);
    for await (const [event, data] of take(form, stop.signal)) {
      if (event === "status") item.status.textContent = word("step", data.step);
      if (event === "sentence") {
        said += 1;
        item.say(data);
        announce(data.text);
      }
      if (event === "reply") {
        composer.release(draft);
        if (thread !== mine) return;
        finish(data);
        announce(t("chat.done", { n: Math.max(said, data.statements.length) }));
      }
    }
  } catch (error) {
    item.row.remove();
    row = null;
    if (thread === mine) {
      byId("welcome").hidden = Boolean(replies.length);
      composer.restore(draft);
      composer.trouble(explain(error) ?? t("chat.stopped"));
      composer.focus();
    }
  } finally {
    if (pending === stop) pending = row = null;
    composer.working(Boolean(pending));
  }
}

/** A turn whose answer is on its way. */
function waiting(text, photos) {
  const status = el("p", { class: "status" }, t("chat.sending"));
  const answer = el("div", { class: "sentences" });
  const images = photos.map(({ file, address }) => el("img", { src: address, alt: file.name }));
  const row = el(
    "li",
    { class: "turn" },
    asked(text, images),
    el("div", { class: "answer", "aria-busy": "true" }, answer, el("div", { class: "working" }, status)),
  );
  return { row, status, say: (statement) => answer.append(el("p", {}, statement.text)) };
}

function finish(reply) {
  // A turn that was asked back goes on under its own id: its reply takes the place of the earlier one.
  replies = [...replies.filter((each) => each.turn !== reply.turn), reply];
  asks = reply.asks;
  title ||= reply.question.slice(0, 80);
  row = null;
  beside(reply);
  show();
  reveal(byId("turns").lastElementChild);
}

function announce(words, first = false) {
  const line = el("p", {}, words);
  if (first) byId("said").replaceChildren(line);
  else byId("said").append(line);
}

/** Whether an answer rests on anything that can be shown. */
const shows = (reply) => reply.findings.some((finding) => finding.tool !== "quality");

/** Open the evidence beside the last answer, where there is room for both. */
function beside(reply) {
  if (wide.matches && shows(reply)) evidence.open(reply);
  else evidence.close();
}

/** Show the conversation, and the turn that is under way. */
function show() {
  const drawn = replies.map(turnItem);
  if (row) drawn.push(row);
  byId("turns").replaceChildren(...drawn);
  byId("turns").hidden = !drawn.length;
  byId("welcome").hidden = Boolean(drawn.length);
  byId("chat-title").textContent = title || t("chat.new");
  evidence.again();
}

function asked(text, images) {
  return el(
    "div",
    { class: "asked" },
    images.length > 0 && el("div", { class: "sent" }, images),
    el("h3", { class: text ? "words" : "unseen" }, text || t("chat.photos_only", { n: images.length })),
  );
}

function turnItem(reply) {
  const images = reply.photos.map((photo, n) => {
    const img = el("img", { alt: t("chat.photo", { n: n + 1 }) });
    fill(img, photoPath(photo));
    return img;
  });
  const verdicts = reply.findings.filter((finding) => finding.verdict);
  const last = reply === replies.at(-1);
  return el(
    "li",
    { class: "turn" },
    asked(reply.question, images),
    el(
      "div",
      { class: "answer" },
      verdicts.length > 0 && el("p", { class: "verdicts" }, verdicts.map((each) => evidence.verdict(each))),
      el(
        "div",
        { class: "sentences", lang: reply.language },
        reply.statements.length
          ? reply.statements.map((statement, n) => sentence(reply, statement, n))
          : reply.text.split("\n").map((line) => el("p", {}, line)),
      ),
      last && asks && wish(reply),
      last && reply.offer && offered(),
      shows(reply) &&
        el(
          "div",
          { class: "actions" },
          button("sight", t("chat.evidence"), (event) => evidence.open(reply, event.currentTarget), {
            class: "quiet",
            "aria-controls": "evidence",
          }),
        ),
    ),
  );
}

function sentence(reply, statement, n) {
  const rests = reply.findings.filter((finding) => statement.cites.includes(finding.id));
  const correctable = rests.some((finding) => finding.tool !== "correct");
  return el(
    "div",
    { class: "sentence" },
    el("p", {}, statement.text, statement.hedged && el("span", { class: "tag" }, icon("question"), t("chat.hedged"))),
    correctable &&
      iconButton("flag", t("chat.wrong", { sentence: statement.text }), () => correct(reply, n).then(evidence.again), {
        class: "round faint",
      }),
  );
}

/** What the turn waits for: a photo, or one of a few products. */
function wish(reply) {
  const said = reply.text.includes(asks.text);
  return el(
    "div",
    { class: "wish" },
    !said && el("p", {}, asks.text),
    el(
      "div",
      { class: "actions" },
      asks.kind === "photo"
        ? button("camera", t("chat.add_photo"), () => byId("shoot").click(), { class: "primary" })
        : asks.options.map((option, n) => button(null, `${n + 1}. ${option.title}`, () => send(String(n + 1)))),
    ),
  );
}

function offered() {
  return el(
    "div",
    { class: "actions" },
    button("check", t("chat.yes"), () => send(t("chat.yes_says")), { class: "primary" }),
    button(null, t("chat.no"), () => send(t("chat.no_says"))),
  );
}
