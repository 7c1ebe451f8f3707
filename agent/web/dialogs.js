// Dialogs: the browser's own, so that focus stays inside, Escape closes and focus goes back to where it was.

import { explain } from "./api.js";
import { byId, button, el, iconButton } from "./dom.js";
import { t } from "./words.js";

let count = 0;

/**
 * Ask something: `action` gets the form's data and may refuse, which is said in the dialog; nothing typed is lost.
 * Resolves to what the action gave, or to undefined where the person closed it.
 */
export function ask({ title, text, fields = [], submit, danger = false, action }) {
  const id = `dialog-${++count}`;
  const before = document.activeElement;
  return new Promise((resolve) => {
    let result;
    const trouble = el("p", { class: "trouble", role: "alert" });
    const go = el("button", { type: "submit", class: danger ? "danger" : "primary" }, submit);
    const form = el(
      "form",
      { novalidate: true },
      text && el("p", { id: `${id}-text` }, text),
      fields,
      trouble,
      el("div", { class: "actions" }, button(null, t("dialog.cancel"), () => box.close(), { class: "quiet" }), go),
    );
    const box = el(
      "dialog",
      { "aria-labelledby": id, "aria-describedby": text ? `${id}-text` : null },
      el(
        "div",
        { class: "bar" },
        el("h2", { id }, title),
        iconButton("close", t("dialog.close"), () => box.close(), { class: "round" }),
      ),
      form,
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const wrong = form.querySelector(":invalid:not(fieldset)");
      if (wrong) {
        const name = wrong.labels?.[0]?.firstChild?.textContent ?? "";
        trouble.textContent = t("dialog.needed", { name });
        wrong.setAttribute("aria-invalid", "true");
        wrong.focus();
        return;
      }
      go.disabled = true;
      trouble.textContent = "";
      try {
        result = await action(new FormData(form), form);
        box.close();
      } catch (error) {
        trouble.textContent = explain(error);
      } finally {
        go.disabled = false;
      }
    });
    form.addEventListener("input", (event) => event.target.removeAttribute("aria-invalid"));
    box.addEventListener("close", () => {
      box.remove();
      const back = before?.isConnected && before !== document.body ? before : byId("main");
      back.focus();
      resolve(result);
    });
    document.body.append(box);
    box.showModal();
    // The first thing to fill in, else the way out: never the deed itself.
    (form.querySelector("input:not([hidden]), textarea, select") ?? form.querySelector(".actions .quiet")).focus();
  });
}

/** A field of a form, under its label; `hint` says what is expected. */
export function field(label, control, hint) {
  const id = `field-${++count}`;
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    control,
    hint && el("p", { class: "hint", id: `${id}-hint` }, hint),
  );
}

/** A choice among values, each with its words. */
export function select(name, options, chosen, properties = {}) {
  return el(
    "select",
    { name, ...properties },
    options.map(([value, words]) => el("option", { value, selected: value === chosen }, words)),
  );
}

let gone;

/** Say that something is done, with a way to take it back where there is one. */
export function toast(words, undo) {
  const place = byId("toast");
  place.replaceChildren(el("span", {}, words));
  if (undo) {
    place.append(
      button("undo", t("undo"), async () => {
        place.replaceChildren();
        try {
          await undo();
        } catch (error) {
          toast(explain(error));
        }
      }),
    );
  }
  clearTimeout(gone);
  gone = setTimeout(() => place.contains(document.activeElement) || place.replaceChildren(), undo ? 20000 : 6000);
}
