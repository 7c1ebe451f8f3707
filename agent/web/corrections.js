// What people told us we got wrong: told of a sentence, listed, and undone.

import { ask, explain, fill, photoPath } from "./api.js";
import { ask as dialog, field, select, toast } from "./dialogs.js";
import { byId, button, el, icon } from "./dom.js";
import { t, when, word } from "./words.js";

const ABOUT = ["other", "product", "field", "text", "count", "colour", "thing", "place"];
const SCOPES = ["photo", "product", "similar"];
const FIELDS = ["expiry", "production", "shelf_life", "date", "weight", "volume", "quantity", "lot", "ingredients", "phone"];
const COLOURS = ["black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown"];
const PLACES = ["upper", "middle", "lower"].flatMap((row) => ["left", "centre", "right"].map((column) => `${row}_${column}`));
const MOST = 300;

/** What a sentence asserts, as a correction would put it. */
function meant(reply, n) {
  const claim = (kind) => reply.claims.find((each) => each.statement === n && each.kind === kind);
  const about = { date: "field", number: "field", quote: "text", count: "count", colour: "colour", product: "product" };
  const order = ["date", "number", "colour", "count", "quote", "product"];
  const kind = order.find((each) => claim(each));
  const said = claim(kind);
  const finding = reply.findings.find((each) => each.id === (said?.finding ?? reply.statements[n].cites[0]));
  const fact = finding?.facts.find((each) => each.value === said?.value);
  // Of a difference, what was read in the photo, and not what the official picture says.
  const difference = finding?.differences[Number.parseInt(claim("difference")?.value, 10) - 1];
  return {
    about: about[kind] ?? (finding?.tool === "ground" ? "thing" : "other"),
    before: (kind === "quote" && difference?.now) || (said?.value ?? null),
    what: fact?.name ?? finding?.asked ?? null,
    photo: finding?.photos[0] ?? reply.photos[0],
    sku: finding?.matches[0]?.sku || null,
    title: finding?.matches[0]?.title,
  };
}

/** Ask what is right instead of the sentence `n` of a reply, and keep it. */
export async function correct(reply, n) {
  const guess = meant(reply, n);
  const products = await ask("/api/products").catch(() => []);
  const body = el("div", { class: "fields" });
  const scope = select("scope", SCOPES.filter((each) => each !== "product" || guess.sku).map((each) => [each, t(`scope.${each}`)]));
  const about = select("about", ABOUT.map((each) => [each, t(`about.${each}`)]), guess.about);
  const fill = () => body.replaceChildren(...asked(about.value, guess, products));
  about.addEventListener("change", fill);
  fill();
  return dialog({
    title: t("correct.title"),
    text: reply.statements[n].text,
    fields: [field(t("correct.about"), about), body, field(t("correct.scope"), scope)],
    submit: t("correct.submit"),
    action: async (data) => {
      const told = Object.fromEntries([...data].filter(([, value]) => value !== ""));
      // What we had said is only what we had said of the same.
      if (told.about === guess.about && guess.before) told.before ??= guess.before;
      if (told.scope === "product") told.sku = guess.sku;
      const kept = await ask("/api/corrections", { method: "POST", json: { ...told, photo: guess.photo } });
      toast(t("correct.kept"), () => undo(kept));
      return kept;
    },
  });
}

/** The fields that a correction of this kind needs. */
function asked(about, guess, products) {
  const same = about === guess.about;
  const what = (label, required) => field(label, el("input", { name: "what", required, maxlength: 2000, value: (same && guess.what) || "" }));
  const right = (control) => field(t("correct.after"), control);
  const text = (properties = {}) => el("input", { name: "after", required: true, maxlength: 2000, autocomplete: "off", ...properties });
  const choice = (values, kind) => select("after", values.map((each) => [each, word(kind, each)]));
  switch (about) {
    case "product": {
      const known = products.slice(0, MOST).map(({ sku, title }) => [sku, `${title} (${sku})`]);
      const other = known.find(([sku]) => sku !== guess.sku)?.[0];
      const control = products.length && products.length <= MOST ? select("after", known, other) : text();
      return [field(t("correct.which"), control)];
    }
    case "field": {
      const chosen = FIELDS.includes(guess.what) ? guess.what : "expiry";
      return [field(t("correct.field"), select("what", FIELDS.map((each) => [each, t(`field.${each}`)]), chosen)), field(t("correct.after"), text(), t("correct.field_hint"))];
    }
    case "text":
      return [
        field(t("correct.before"), el("input", { name: "before", maxlength: 2000, value: same ? guess.before : "" })),
        right(text()),
      ];
    case "count":
      return [what(t("correct.what_counted"), false), right(text({ type: "number", min: 0, max: 9999 }))];
    case "colour":
      return [right(choice(COLOURS, "colour"))];
    case "thing":
      return [what(t("correct.what"), true), right(choice(["absent", "present"], "there"))];
    case "place":
      return [what(t("correct.what"), true), right(choice(PLACES, "place"))];
    default:
      return [field(t("correct.words"), el("textarea", { name: "after", rows: 3, required: true, maxlength: 2000 }))];
  }
}

/** Take a correction back. */
export async function undo(correction) {
  await ask(`/api/corrections/${correction.id}/undo`, { method: "POST" });
  toast(t("correct.undone"));
  for (const listener of listeners) listener();
}

const listeners = [];

/** Call this whenever a correction was undone. */
export function onUndone(listener) {
  listeners.push(listener);
}

/** A correction as it is listed: what, instead of what, of what, and a way to take it back. */
export function item(correction, titles, withPhoto = true) {
  const { about, what, before, after } = correction;
  const kind = { colour: "colour", thing: "there", place: "place" }[about];
  const put = (value) => (about === "product" ? (titles.get(value) ?? value) : kind ? word(kind, value) : value);
  const img = withPhoto && correction.photo && el("img", { class: "thumb", alt: t("correct.photo") });
  if (img) fill(img, photoPath(correction.photo));
  const named = what && about === "field" ? word("field", what) : what;
  return el(
    "li",
    { class: "card row" },
    img,
    el(
      "div",
      { class: "grow" },
      el("p", { class: "strong" }, t(`about.${about}`), named && `: ${named}`),
      el("p", {}, before && el("del", {}, put(before)), before && " → ", el("ins", {}, put(after))),
      el(
        "p",
        { class: "hint" },
        [t(`scope.${correction.scope}`), correction.sku && put(correction.sku), when(new Date(correction.at))].filter(Boolean).join(" · "),
      ),
    ),
    button("undo", t("undo"), () => undo(correction).catch((error) => toast(explain(error))), {
      "aria-label": t("correct.undo", { after: put(after) }),
    }),
  );
}

/** The titles of the products that corrections name, by SKU; the catalogue is asked only where one does. */
export async function titlesOf(kept) {
  const named = kept.some(({ about, sku }) => about === "product" || sku);
  const products = named ? await ask("/api/products") : [];
  return new Map(products.map(({ sku, title }) => [sku, title]));
}

/** The view that lists them all. */
export async function show() {
  const view = byId("corrections");
  const list = el("ul", { class: "cards", "aria-labelledby": "corrections-title" });
  view.replaceChildren(
    el("div", { class: "bar" }, el("h2", { id: "corrections-title", tabindex: "-1" }, t("nav.corrections"))),
    el("p", { class: "lead" }, t("corrections.lead")),
    list,
  );
  try {
    const kept = await ask("/api/corrections");
    const titles = await titlesOf(kept);
    if (kept.length) list.append(...kept.reverse().map((each) => item(each, titles)));
    else list.replaceWith(el("p", { class: "empty" }, icon("pencil"), t("corrections.none")));
  } catch (error) {
    list.replaceWith(el("p", { class: "trouble", role: "alert" }, explain(error)));
  }
}
