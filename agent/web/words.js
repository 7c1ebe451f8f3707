// The words of the page in English and Chinese; the choice is remembered, and first follows the browser.

export const LANGUAGES = { en: "English", zh: "中文" };
const CHOICE = "sightline.language";
let words = {};
let language = "en";
const listeners = [];

function first() {
  const kept = localStorage.getItem(CHOICE);
  if (kept in LANGUAGES) return kept;
  return navigator.languages.some((each) => each.toLowerCase().startsWith("zh")) &&
    !navigator.language.toLowerCase().startsWith("en")
    ? "zh"
    : "en";
}

/** Load the words; to be awaited before anything is shown. */
export async function begin() {
  await load(first());
}

async function load(wanted) {
  words = await (await fetch(`/static/words.${wanted}.json`)).json();
  language = wanted;
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
  for (const [attribute, set] of Object.entries({
    t: (e, text) => (e.textContent = text),
    tLabel: (e, text) => {
      e.setAttribute("aria-label", text);
      if (e.matches("button")) e.title = text;
    },
    tPlaceholder: (e, text) => (e.placeholder = text),
  })) {
    const name = attribute.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    for (const element of document.querySelectorAll(`[data-${name}]`)) set(element, t(element.dataset[attribute]));
  }
}

/** Speak another language from now on. */
export async function choose(wanted) {
  await load(wanted);
  localStorage.setItem(CHOICE, wanted);
  for (const listener of listeners) listener();
}

/** Call this whenever the language has changed. */
export function onLanguage(listener) {
  listeners.push(listener);
}

export const spoken = () => language;

/** The sentence of a key, its `{slots}` filled. */
export function t(key, slots = {}) {
  const sentence = words[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (slot, name) => String(slots[name] ?? slot));
}

/** The word for one of several values of a kind; the value itself where it has none. */
export function word(kind, value) {
  return words[`${kind}.${value}`] ?? String(value);
}

/** A date and a time as people write them. */
export function when(date) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }).format(date);
}
