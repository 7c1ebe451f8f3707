// The page: which view is shown, in which language, and with which key.

import { keepKey, onKeyWanted } from "./api.js";
import * as catalogue from "./catalogue.js";
import * as chat from "./chat.js";
import * as conversations from "./conversations.js";
import * as corrections from "./corrections.js";
import { ask as dialog, field } from "./dialogs.js";
import { byId, el } from "./dom.js";
import * as words from "./words.js";
import { t } from "./words.js";

const VIEWS = { chat: null, conversations, catalogue, corrections };

function view() {
  const wanted = location.hash.slice(1);
  return wanted in VIEWS ? wanted : "chat";
}

async function show(moved) {
  const now = view();
  for (const name of Object.keys(VIEWS)) byId(name).hidden = name !== now;
  document.body.dataset.view = now;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link === document.body) continue;
    if (link.dataset.view === now) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${t(`nav.${now}`)} · Sightline`;
  const ready = VIEWS[now]?.show();
  if (moved) {
    scrollTo(0, 0);
    byId(`${now}-title`).focus({ preventScroll: true });
  }
  await ready;
}

function language() {
  const other = words.spoken() === "en" ? "zh" : "en";
  const switcher = byId("language");
  switcher.textContent = words.LANGUAGES[other];
  switcher.lang = other === "zh" ? "zh-CN" : "en";
  switcher.onclick = () => words.choose(other);
}

onKeyWanted((refused) =>
  dialog({
    title: t("key.title"),
    text: t(refused ? "key.refused" : "key.text"),
    fields: [
      field(t("key.label"), el("input", { name: "key", type: "password", required: true, autocomplete: "off" })),
      el("label", { class: "check" }, el("input", { type: "checkbox", name: "keep" }), el("span", {}, t("key.keep"))),
    ],
    submit: t("key.submit"),
    action: async (data) => {
      keepKey(data.get("key").trim(), data.has("keep"));
      return true;
    },
  }),
);

await words.begin();
language();
words.onLanguage(() => {
  language();
  show(false);
});
addEventListener("hashchange", () => show(true));
// The address says which view is shown, and goes on saying so.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
await Promise.all([show(false), chat.begin()]);
document.documentElement.dataset.ready = "true";
