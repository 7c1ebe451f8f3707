// The catalogue: its products, searched, added one by one or from a file, and deleted.

import { ask, explain, fill, referencePath } from "./api.js";
import { ask as dialog, field, toast } from "./dialogs.js";
import { byId, button, el, icon, iconButton } from "./dom.js";
import { t } from "./words.js";

const AT_ONCE = 60;
const EVERY = 700; // milliseconds between two looks at an upload

/** The view of it. */
export async function show() {
  const view = byId("catalogue");
  const words = el("input", { type: "search", name: "words", maxlength: 500, autocomplete: "off" });
  const count = el("p", { class: "hint", role: "status" });
  const list = el("ul", { class: "products", "aria-labelledby": "catalogue-title" });
  const more = button(null, t("catalogue.more"), () => next(), { hidden: true });
  const upload = el("div", { id: "import", class: "import" });
  const search = el(
    "form",
    { role: "search", class: "search" },
    field(t("catalogue.search"), words),
    el("button", { type: "submit" }, icon("search"), el("span", {}, t("catalogue.find"))),
  );
  let rest = [];

  function next() {
    list.append(...rest.splice(0, AT_ONCE).map((product) => item(product, fresh)));
    more.hidden = !rest.length;
  }

  async function fresh() {
    try {
      const wanted = words.value.trim();
      const found = wanted
        ? (await ask(`/api/search?most=50&words=${encodeURIComponent(wanted)}`)).map((hit) => hit.product)
        : await ask("/api/products");
      list.replaceChildren();
      count.textContent = t(wanted ? "catalogue.found" : found.length ? "catalogue.count" : "catalogue.none", { n: found.length });
      rest = found;
      next();
    } catch (error) {
      count.textContent = explain(error);
    }
  }

  search.addEventListener("submit", (event) => {
    event.preventDefault();
    fresh();
  });
  words.addEventListener("input", () => words.value || fresh());
  view.replaceChildren(
    el(
      "div",
      { class: "bar" },
      el("h2", { id: "catalogue-title", tabindex: "-1" }, t("nav.catalogue")),
      el(
        "div",
        { class: "actions" },
        button("plus", t("catalogue.add"), () => add(fresh)),
        button("upload", t("catalogue.upload"), () => bring(upload, fresh), { class: "primary" }),
      ),
    ),
    upload,
    search,
    count,
    list,
    more,
  );
  await fresh();
}

function item(product, fresh) {
  const img = el("img", { alt: "", loading: "lazy" });
  const box = el("div", { class: "thumb" }, img);
  // Fetched when it comes into sight: a catalogue may be long.
  const watched = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    watched.disconnect();
    if (product.references.length) fill(img, referencePath(product.references[0]));
  });
  watched.observe(box);
  const attributes = Object.entries(product.attributes);
  return el(
    "li",
    { class: "product" },
    box,
    el("p", { class: "strong" }, product.title),
    el("p", { class: "hint" }, product.sku),
    attributes.length > 0 &&
      el(
        "details",
        {},
        el("summary", {}, t("catalogue.attributes", { n: attributes.length }), el("span", { class: "unseen" }, ` ${product.title}`)),
        el("dl", {}, attributes.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
      ),
    iconButton("bin", t("catalogue.delete", { title: product.title }), () => remove(product, fresh), { class: "round corner" }),
  );
}

function remove(product, fresh) {
  return dialog({
    title: t("catalogue.delete_title"),
    text: t("catalogue.delete_text", { title: product.title, sku: product.sku }),
    submit: t("delete"),
    danger: true,
    action: async () => {
      await ask(`/api/products/${encodeURIComponent(product.sku)}`, { method: "DELETE" });
      await fresh();
      toast(t("catalogue.deleted", { title: product.title }));
    },
  });
}

function add(fresh) {
  return dialog({
    title: t("catalogue.add_title"),
    fields: [
      field(t("catalogue.sku"), el("input", { name: "sku", required: true, maxlength: 200, autocomplete: "off" })),
      field(t("catalogue.title"), el("input", { name: "title", required: true, maxlength: 500, autocomplete: "off" })),
      field(t("catalogue.images"), el("input", { type: "file", name: "images", accept: "image/*", multiple: true, required: true })),
      field(t("catalogue.more_of"), el("textarea", { name: "attributes", rows: 3 }), t("catalogue.more_of_hint")),
    ],
    submit: t("save"),
    action: async (data) => {
      const form = new FormData();
      form.append("title", data.get("title"));
      for (const file of data.getAll("images")) form.append("images", file, file.name);
      const lines = data.get("attributes").split("\n").map((line) => line.split(/[:：](.*)/s));
      const attributes = Object.fromEntries(lines.filter(([name, value]) => name.trim() && value).map(([name, value]) => [name.trim(), value.trim()]));
      form.append("attributes", JSON.stringify(attributes));
      const kept = await ask(`/api/products/${encodeURIComponent(data.get("sku").trim())}`, { method: "PUT", form });
      await fresh();
      toast(t("catalogue.added", { title: kept.title }));
    },
  });
}

/** Bring a whole catalogue, and show how far it is. */
async function bring(place, fresh) {
  const begun = await dialog({
    title: t("catalogue.upload_title"),
    text: t("catalogue.upload_text"),
    fields: [
      field(t("catalogue.file"), el("input", { type: "file", name: "file", accept: ".zip,.jsonl,.csv", required: true }), t("catalogue.file_hint")),
      field(t("catalogue.files"), el("input", { type: "file", name: "images", accept: "image/*", multiple: true }), t("catalogue.files_hint")),
    ],
    submit: t("catalogue.upload_submit"),
    action: async (data) => {
      const form = new FormData();
      form.append("file", data.get("file"), data.get("file").name);
      for (const image of data.getAll("images").filter((each) => each.size)) form.append("images", image, image.name);
      return ask("/api/imports", { method: "POST", form });
    },
  });
  if (begun) await follow(begun, place, fresh);
}

async function follow(job, place, fresh) {
  const bar = el("progress", { max: 1, "aria-label": t("catalogue.progress") });
  const words = el("p", { role: "status" });
  place.replaceChildren(el("h3", {}, t("catalogue.progress")), bar, words);
  try {
    while (job.state === "running") {
      words.textContent = t("catalogue.running", { done: job.done, total: job.total || "…" });
      if (job.total) bar.value = job.done / job.total;
      await new Promise((resolve) => setTimeout(resolve, EVERY));
      job = await ask(`/api/imports/${encodeURIComponent(job.id)}`);
    }
    bar.remove();
    if (job.state === "failed") {
      words.className = "trouble";
      words.textContent = t("catalogue.failed", { message: job.error?.message ?? job.error ?? "" });
      return;
    }
    const { added, updated, unchanged, problems } = job.report;
    words.textContent = t("catalogue.done", { added, updated, unchanged });
    if (problems.length) {
      place.append(
        el("p", { class: "strong" }, t("catalogue.problems", { n: problems.length })),
        el("ul", {}, problems.slice(0, 100).map(({ line, message }) => el("li", {}, t("catalogue.problem", { line: line ?? "–", message })))),
      );
    }
  } catch (error) {
    words.className = "trouble";
    words.textContent = explain(error);
  }
  await fresh();
}
