// The conversations: opened, named, taken along, handed to a person, deleted.

import { ask, call, explain } from "./api.js";
import * as chat from "./chat.js";
import { ask as dialog, field, toast } from "./dialogs.js";
import { byId, el, icon, iconButton } from "./dom.js";
import { t, when } from "./words.js";

const path = (thread) => `/api/threads/${encodeURIComponent(thread.name)}`;

/** The view that lists them. */
export async function show() {
  const view = byId("conversations");
  const list = el("ul", { class: "cards", "aria-labelledby": "conversations-title" });
  view.replaceChildren(
    el("div", { class: "bar" }, el("h2", { id: "conversations-title", tabindex: "-1" }, t("nav.conversations"))),
    list,
  );
  try {
    const threads = await ask("/api/threads");
    if (threads.length) list.append(...threads.map(item));
    else list.replaceWith(el("p", { class: "empty" }, icon("chat"), t("conversations.none")));
  } catch (error) {
    list.replaceWith(el("p", { class: "trouble", role: "alert" }, explain(error)));
  }
}

function item(thread) {
  const title = thread.title || t("conversations.untitled");
  return el(
    "li",
    { class: "card" },
    el(
      "a",
      {
        href: "#chat",
        class: "grow",
        "aria-current": chat.isOpen(thread.name) ? "true" : null,
        on: { click: () => chat.open(thread.name) },
      },
      el("span", { class: "strong" }, title),
      el(
        "span",
        { class: "hint" },
        [t("conversations.turns", { n: thread.turns }), thread.at ? when(new Date(1000 * thread.at)) : null, thread.unfinished && t("conversations.unfinished"), thread.asks && t("conversations.asks")]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    el(
      "div",
      { class: "actions" },
      iconButton("pencil", t("conversations.rename", { title }), () => rename(thread), { class: "round" }),
      iconButton("download", t("conversations.export", { title }), () => take(thread), { class: "round" }),
      iconButton("person", t("conversations.hand", { title }), () => hand(thread), { class: "round" }),
      iconButton("bin", t("conversations.delete", { title }), () => forget(thread), { class: "round" }),
    ),
  );
}

function rename(thread) {
  return dialog({
    title: t("conversations.rename_title"),
    fields: [field(t("conversations.name"), el("input", { name: "title", maxlength: 200, value: thread.title }), t("conversations.name_hint"))],
    submit: t("save"),
    action: async (data) => {
      const named = await ask(path(thread), { method: "PATCH", json: { title: data.get("title") } });
      chat.renamed(thread.name, named.title);
      await show();
    },
  });
}

/** The file goes to the person's own disk. */
async function take(thread) {
  try {
    const blob = await (await call(`/api/exports/${encodeURIComponent(thread.name)}`)).blob();
    const address = URL.createObjectURL(blob);
    el("a", { href: address, download: "conversation.zip" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
    toast(t("conversations.exported"));
  } catch (error) {
    toast(explain(error));
  }
}

function hand(thread) {
  return dialog({
    title: t("conversations.hand_title"),
    text: t("conversations.hand_text"),
    fields: [field(t("conversations.note"), el("textarea", { name: "note", rows: 3, maxlength: 20000 }))],
    submit: t("conversations.hand_submit"),
    action: async (data) => {
      const { ticket, where } = await ask("/api/tickets", { method: "POST", json: { thread: thread.name, note: data.get("note") } });
      toast(t(where ? "conversations.handed" : "conversations.handed_waits", { id: ticket.id }));
    },
  });
}

function forget(thread) {
  return dialog({
    title: t("conversations.delete_title"),
    text: t("conversations.delete_text", { title: thread.title || t("conversations.untitled") }),
    submit: t("delete"),
    danger: true,
    action: async () => {
      await ask(path(thread), { method: "DELETE" });
      chat.renamed(thread.name, null);
      await show();
      toast(t("conversations.deleted"));
    },
  });
}

