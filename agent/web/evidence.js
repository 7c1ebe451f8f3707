// The evidence: the pictures that an answer rests on, each claim and what became of it, and what would help.

import { ask, explain } from "./api.js";
import * as corrections from "./corrections.js";
import { toast } from "./dialogs.js";
import { byId, button, el, icon, iconButton, reveal } from "./dom.js";
import { isPair, scenesOf } from "./scenes.js";
import { stage } from "./stage.js";
import { t, word } from "./words.js";

const VERDICTS = { same: "check", other_variant: "swap", differs: "unequal", cannot_tell: "question" };
const STATUSES = { supported: "check", contradicted: "cross", unverified: "question" };
const panel = byId("evidence");
let shown = null;
let opener = null;
let current = null;

/** A verdict in words, with a sign of its own beside its colour. */
export function verdict(finding) {
  const { answer } = finding.verdict;
  return el("span", { class: `verdict ${answer}` }, icon(VERDICTS[answer]), verdictWords(finding, answer));
}

const verdictWords = (finding, answer) => word("verdict", isPair(finding) ? `pair_${answer}` : answer);

/** Open the evidence of a reply; `from` is the button that asked for it, which gets the focus back. */
export function open(reply, from = null) {
  shown = { reply };
  opener = from;
  show();
  if (from) {
    byId("evidence-title").focus({ preventScroll: true });
    reveal(byId("evidence-title"), "start");
  }
}

/** Close it; `back`: the focus was in it, and goes back to where it was opened. */
export function close(back = false) {
  current?.close();
  current = shown = null;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove("with-evidence");
  const last = document.querySelector(".turn:last-child [aria-controls=evidence]");
  if (back) (opener?.isConnected ? opener : last)?.focus();
  opener = null;
}

/** Show it anew, where it is open. */
export function again() {
  if (shown) show();
}

corrections.onUndone(again);
panel.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown) close(true);
});

function show() {
  const { reply } = shown;
  current?.close();
  const { scenes, claims } = scenesOf(reply);
  const place = el("div", {});
  let at = scenes.find((scene) => scene.marks.length) ?? scenes[0];

  function put(scene) {
    current?.close();
    at = scene;
    current = stage(scene, (n) => {
      choose(scene, n);
      // From a mark to what is said of it; from there back again.
      const said = [...panel.querySelectorAll("button.claim")].find((each) => each.dataset.at === key(scene, n));
      said?.focus({ preventScroll: true });
      if (said) reveal(said);
    });
    place.replaceChildren(current.element);
    for (const each of panel.querySelectorAll("[data-scene]")) {
      each.setAttribute("aria-pressed", String(Number(each.dataset.scene) === scenes.indexOf(scene)));
    }
  }

  // The marks of a photo are the same, whichever of its products is shown beside it.
  const key = (scene, n) => `${scenes.findIndex(({ marks }) => marks === scene.marks)}.${n}`;

  function choose(scene, n) {
    if (scene !== at) put(scene);
    current.choose(n);
    for (const each of panel.querySelectorAll("button.claim")) {
      each.classList.toggle("chosen", each.dataset.at === key(scene, n));
    }
  }

  function claimed(claim) {
    const body = [
      el("span", { class: "what" }, el("span", { class: "kind" }, t(`kind.${claim.kind}`)), " ", valueOf(claim)),
      el("span", { class: `status ${claim.status}` }, icon(STATUSES[claim.status]), t(`status.${claim.status}`)),
    ];
    if (claim.mark === null) return el("div", { class: "claim" }, el("span", { class: "no mark", "aria-hidden": "true" }, "–"), body);
    return el(
      "button",
      {
        type: "button",
        class: "claim",
        "data-at": key(claim.scene, claim.mark),
        on: {
          click: () => {
            choose(claim.scene, claim.mark);
            current.focus(claim.mark);
          },
        },
      },
      el("span", { class: "mark" }, el("span", { class: "unseen" }, t("ledger.mark")), String(claim.mark + 1)),
      body,
    );
  }

  const unsaid = claims.filter((claim) => claim.statement === null);
  const help = wishes(reply);
  panel.replaceChildren(
    el(
      "div",
      { class: "bar" },
      el("h2", { id: "evidence-title", tabindex: "-1" }, t("evidence.title")),
      iconButton("close", t("evidence.close"), () => close(true), { class: "round" }),
    ),
    ...reply.findings.filter((finding) => finding.verdict).map((finding) => el("p", {}, verdict(finding), " ", likely(finding.verdict))),
    ...(scenes.length > 1
      ? [
          el(
            "div",
            { class: "actions", role: "group", "aria-label": t("evidence.photos") },
            scenes.map((scene, n) =>
              button(null, [t("chat.photo", { n: scene.n }), scene.match?.title].filter(Boolean).join(" · "), () => put(scene), { "data-scene": n, class: "quiet" }),
            ),
          ),
        ]
      : []),
    place,
    section("ledger.title", ledger(reply, claims, claimed)),
    ...(unsaid.length ? [section("ledger.unsaid", el("p", { class: "hint" }, t("ledger.unsaid_hint")), el("ul", { class: "claims" }, unsaid.map((claim) => el("li", {}, claimed(claim)))))] : []),
    ...(help.length ? [section("evidence.help", el("ul", { class: "plain" }, help.map((each) => el("li", {}, each))))] : []),
    ...confirming(reply),
    el("div", { id: "told" }),
    sources(reply),
  );
  panel.hidden = false;
  document.body.classList.add("with-evidence");
  if (at) {
    put(at);
    const first = at.marks.findIndex((mark) => mark.difference);
    if (first >= 0) choose(at, first);
  }
  told(reply);
}

function section(title, ...children) {
  return el("section", {}, el("h3", {}, t(title)), children);
}

function likely({ p }) {
  return p === null ? "" : el("span", { class: "hint" }, t("verdict.p", { percent: percent(p) }));
}

/** Never 100: nothing measured is certain. */
const percent = (p) => (p > 0.99 ? "> 99" : p < 0.01 ? "< 1" : Math.round(100 * p));

function ledger(reply, claims, claimed) {
  if (!reply.statements.length) return el("p", { class: "hint" }, t("ledger.none"));
  return el(
    "ol",
    { class: "ledger" },
    reply.statements.map((statement, n) => {
      const mine = claims.filter((claim) => claim.statement === n);
      return el(
        "li",
        {},
        el("p", { lang: reply.language }, statement.text),
        mine.length
          ? el("ul", { class: "claims" }, mine.map((claim) => el("li", {}, claimed(claim))))
          : el("p", { class: "hint" }, t("ledger.no_claims")),
      );
    }),
  );
}

function valueOf(claim) {
  if (claim.kind === "verdict") return verdictWords(claim.source, claim.value);
  if (claim.kind === "product") {
    const title = claim.source?.matches.find((match) => match.sku === claim.value)?.title;
    return title ? `${title} (${claim.value})` : claim.value;
  }
  if (claim.kind === "difference") {
    const [n, kind] = claim.value.split(" ");
    return kind ? t("ledger.difference", { n, kind: word("difference", kind) }) : claim.value;
  }
  // "2 upper_left": which one, as its mark says too, and where it is.
  const last = claim.value.split(" ").at(-1);
  const words = {
    colour: () => claim.value.split("|").map((each) => word("colour", each)).join(" / "),
    side: () => (word("place", last) === last ? word("side", last) : word("place", last)),
    direction: () => word("direction", last),
  };
  const put = words[claim.kind]?.() ?? claim.value;
  return claim.of ? `${claim.of}: ${put}` : put;
}

/** What would settle what could not be told. */
function wishes(reply) {
  const advice = reply.findings
    .filter((finding) => finding.quality?.advice)
    .map((finding) => t("evidence.advice", { n: reply.photos.indexOf(finding.photos[0]) + 1, advice: t(`advice.${finding.quality.advice}`) }));
  return [...(reply.asks ? [reply.asks.text] : []), ...advice];
}

/** To say that a product was recognised rightly, so that its photo teaches what it looks like. */
function confirming(reply) {
  const sure = reply.findings.filter(
    (finding) =>
      finding.matches.length === 1 &&
      finding.matches[0].sku &&
      ((finding.tool === "identify" && finding.outcome === "found") || finding.verdict?.answer === "same"),
  );
  return sure.slice(0, 1).map((finding) => {
    const { sku, title } = finding.matches[0];
    const photo = finding.photos[0];
    const confirm = button("check", t("evidence.confirm", { title }), async () => {
      try {
        await ask("/api/views", { method: "POST", json: { photo, sku } });
        toast(t("evidence.confirmed", { title }), () =>
          ask(`/api/views/${encodeURIComponent(photo)}/${encodeURIComponent(sku)}`, { method: "DELETE" }).then(() => toast(t("correct.undone"))),
        );
      } catch (error) {
        toast(explain(error));
      }
    });
    return section("evidence.right", el("p", { class: "hint" }, t("evidence.confirm_hint")), el("div", { class: "actions" }, confirm));
  });
}

/** The corrections that were told of these photos. */
async function told(reply) {
  try {
    const all = await Promise.all(reply.photos.map((photo) => ask(`/api/corrections?photo=${encodeURIComponent(photo)}`)));
    const kept = all.flat();
    const titles = await corrections.titlesOf(kept);
    if (!kept.length || shown?.reply !== reply) return;
    byId("told").replaceWith(section("evidence.corrections", el("ul", { class: "cards" }, kept.map((each) => corrections.item(each, titles, false)))));
  } catch (error) {
    byId("told")?.replaceChildren(el("p", { class: "hint" }, explain(error)));
  }
}

/** Who looked, and how it went. */
function sources(reply) {
  return el(
    "details",
    {},
    el("summary", {}, t("evidence.sources")),
    el(
      "ul",
      { class: "plain" },
      reply.findings.map((finding) =>
        el(
          "li",
          {},
          el("span", { class: "strong" }, word("step", finding.tool)),
          ` · ${t(`outcome.${finding.outcome}`)}`,
          finding.asked && ` · ${finding.asked}`,
          el("span", { class: "hint" }, ` ${finding.source} · ${t("evidence.ms", { ms: Math.round(finding.ms) })}`),
        ),
      ),
    ),
  );
}

