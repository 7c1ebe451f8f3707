// The server: requests with the person's key, a turn's events as they come, and photos as addresses of blobs.

import { t } from "./words.js";

const KEY = "sightline.key";
let askKey = async () => null;
let asking = null;

/** Who asks the person for a key; gives it, or null where they have none. */
export function onKeyWanted(ask) {
  askKey = ask;
}

/** What the server refused: `status` is that of HTTP (0: it cannot be reached), `code` the name of the error. */
export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const key = () => sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);

/** Keep a key for this visit, or for good. */
export function keepKey(given, forGood) {
  sessionStorage.setItem(KEY, given);
  if (forGood) localStorage.setItem(KEY, given);
  else localStorage.removeItem(KEY);
}

/** The response of the server; raises `Refused`, and `AbortError` where the signal says so. */
export async function call(path, { method = "GET", json, form, accept, signal } = {}) {
  for (;;) {
    const used = key();
    const headers = {};
    if (used) headers.Authorization = `Bearer ${used}`;
    if (accept) headers.Accept = accept;
    if (json !== undefined) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(path, { method, headers, body: json === undefined ? form : JSON.stringify(json), signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused(0, "Unreachable", String(error.message));
    }
    if (response.ok) return response;
    if (response.status === 401 && (key() !== used || (await newKey(used)))) continue;
    throw await refusal(response);
  }
}

/** One dialog, however many requests wait for it. */
async function newKey(refused) {
  asking ??= askKey(Boolean(refused)).finally(() => (asking = null));
  return Boolean(await asking);
}

async function refusal(response) {
  try {
    const { error } = await response.json();
    return new Refused(response.status, error.code, error.message);
  } catch {
    return new Refused(response.status, "Unknown", response.statusText);
  }
}

/** The JSON that the server answers with. */
export async function ask(path, options) {
  const response = await call(path, options);
  return response.status === 204 ? null : response.json();
}

/** The events of a turn, each as its name and its data; raises `Refused` where the server ends it with an error. */
export async function* turn(form, signal) {
  const response = await call("/api/turns", { method: "POST", form, accept: "text/event-stream", signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let ended = false;
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused(0, "Unreachable", String(error.message));
    }
    if (part.done) break;
    const blocks = (rest + part.value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      if (!fields.event) continue;
      const data = JSON.parse(fields.data);
      if (fields.event === "error") throw new Refused(data.error.code === "InternalError" ? 500 : 400, data.error.code, data.error.message);
      ended ||= fields.event === "reply";
      yield [fields.event, data];
    }
  }
  if (!ended) throw new Refused(0, "Unreachable", "");
}

const kept = new Map();
const MOST = 200;

/** The address of an image of the server, fetched once with the key. */
export function image(path) {
  if (!kept.has(path)) {
    const address = call(path)
      .then((response) => response.blob())
      .then((blob) => URL.createObjectURL(blob));
    address.catch(() => kept.delete(path));
    kept.set(path, address);
    if (kept.size > MOST) forget(kept.keys().next().value);
  }
  return kept.get(path);
}

function forget(path) {
  kept.get(path).then(URL.revokeObjectURL, () => {});
  kept.delete(path);
}

export const photoPath = (id) => `/api/photos/${encodeURIComponent(id)}`;
export const referencePath = (id) => `/api/references/${encodeURIComponent(id)}`;

/** Put an image of the server into an `img`; where it cannot be had, its description stands there. */
export async function fill(img, path) {
  try {
    img.src = await image(path);
    await img.decode();
  } catch {
    img.dataset.missing = "true";
  }
  return img;
}

/** What went wrong and what to try, in the language of the page; null where the person stopped it. */
export function explain(error) {
  if (error.name === "AbortError") return null;
  if (!(error instanceof Refused)) {
    console.error(error);
    return t("error.page");
  }
  const message = error.message;
  if (error.status === 0) return t("error.unreachable");
  if (error.code === "UnreadablePhoto") return t("error.photo", { message });
  const by = { 401: "error.key", 403: "error.forbidden", 413: "error.large", 429: "error.busy" }[error.status];
  if (by) return t(by, { message });
  return error.status >= 500 && error.status !== 503 ? t("error.server") : t("error.told", { message });
}
