// The box: words and photos that are about to be sent. They stay here until the server has answered.

import { byId, el, icon, iconButton } from "./dom.js";
import { onLanguage, t } from "./words.js";

const MOST = 16;
let photos = [];
let send = () => {};
let pickedFor = null;

const question = byId("question");

/** The modes: an icon, and the request that each is. */
const MODES = { read: "text", product: "question", colour: "colour", code: "code" };

/** Begin; `onSend(text, files)` takes what is sent. `hasPhotos()`: whether the conversation is about photos already. */
export function begin(onSend, hasPhotos) {
  send = onSend;
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit(question.value);
  });
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit(question.value);
    }
  });
  question.addEventListener("input", grow);
  for (const [opener, input] of [["pick", "files"], ["shoot", "shot"]]) {
    byId(opener).addEventListener("click", () => {
      pickedFor = null;
      byId(input).click();
    });
    byId(input).addEventListener("change", (event) => {
      add(event.target.files);
      event.target.value = "";
      if (pickedFor && photos.length) submit(pickedFor);
      else question.focus();
      pickedFor = null;
    });
  }
  dropping();
  document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      add(event.clipboardData.files);
    }
  });
  const modes = () => {
    byId("modes").replaceChildren(
      ...Object.entries(MODES).map(([mode, drawing]) =>
        el(
          "button",
          {
            type: "button",
            class: "mode",
            on: {
              click: () => {
                if (photos.length || hasPhotos()) return submit(t(`modes.${mode}.asks`));
                // The photo that is chosen now is sent with this at once.
                pickedFor = t(`modes.${mode}.asks`);
                byId("files").click();
              },
            },
          },
          icon(drawing),
          el("span", {}, t(`modes.${mode}.name`)),
        ),
      ),
    );
  };
  modes();
  onLanguage(() => {
    modes();
    show();
  });
  listening();
}

function submit(text) {
  if (text.trim() || photos.length) send(text.trim(), photos.map(({ file }) => file));
}

/** Take photos into the box. */
export function add(files) {
  const images = [...files].filter((file) => file.type.startsWith("image/") || /\.(heic|heif|avif)$/i.test(file.name));
  trouble(images.length < files.length ? t("composer.not_image") : "");
  if (photos.length + images.length > MOST) trouble(t("composer.too_many", { most: MOST }));
  photos.push(...images.slice(0, MOST - photos.length).map((file) => ({ file, address: URL.createObjectURL(file) })));
  show();
}

/** Empty the box; what was in it, to be given to `restore` where sending fails. */
export function take() {
  const taken = { text: question.value, photos };
  question.value = "";
  photos = [];
  show();
  grow();
  return taken;
}

/** Put back what was taken, before whatever has been written since. */
export function restore(taken) {
  question.value = [taken.text, question.value].filter(Boolean).join("\n");
  photos = [...taken.photos, ...photos].slice(0, MOST);
  show();
  grow();
}

/** Let go of the photos that were taken, now that the server has them. */
export function release(taken) {
  for (const { address } of taken.photos) URL.revokeObjectURL(address);
}

/** Put the cursor into the box. */
export function focus() {
  question.focus();
}

/** Show that a turn is under way, or that it is over. */
export function working(now) {
  byId("stop").hidden = !now;
  byId("send").hidden = now;
  for (const mode of byId("modes").children) mode.disabled = now;
}

/** Say what went wrong, beside the box. */
export function trouble(words) {
  byId("trouble").textContent = words ?? "";
}

function show() {
  byId("thumbs").hidden = !photos.length;
  byId("thumbs").replaceChildren(
    ...photos.map(({ file, address }, n) =>
      el(
        "li",
        {},
        el("img", { src: address, alt: t("composer.thumb", { n: n + 1, name: file.name }) }),
        iconButton("close", t("composer.remove", { n: n + 1, name: file.name }), () => remove(n), { class: "remove" }),
      ),
    ),
  );
}

function remove(n) {
  URL.revokeObjectURL(photos.splice(n, 1)[0].address);
  show();
  (byId("thumbs").querySelectorAll("button")[Math.min(n, photos.length - 1)] ?? question).focus();
}

function grow() {
  question.style.height = "auto";
  question.style.height = `${Math.min(question.scrollHeight + 2, 200)}px`;
}

function dropping() {
  let inside = 0;
  const over = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const shown = (now) => (byId("drop").hidden = !now);
  addEventListener("dragenter", (event) => over(event) && shown((inside += 1) > 0));
  addEventListener("dragleave", (event) => over(event) && shown((inside -= 1) > 0));
  addEventListener("dragover", (event) => over(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!over(event)) return;
    event.preventDefault();
    shown((inside = 0));
    if (document.querySelector("dialog[open]")) return;
    location.hash = "chat";
    add(event.dataTransfer.files);
    question.focus();
  });
}

function listening() {
  const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
  const speak = byId("speak");
  speak.hidden = !Recognition;
  if (!Recognition) return;
  let heard = null;
  speak.addEventListener("click", () => {
    if (heard) return heard.stop();
    heard = new Recognition();
    heard.lang = document.documentElement.lang;
    speak.setAttribute("aria-pressed", "true");
    heard.addEventListener("result", (event) => {
      const words = [...event.results].map((result) => result[0].transcript).join("");
      question.value = [question.value, words].filter(Boolean).join(" ");
      grow();
    });
    heard.addEventListener("error", () => trouble(t("composer.not_heard")));
    heard.addEventListener("end", () => {
      heard = null;
      speak.setAttribute("aria-pressed", "false");
      question.focus();
    });
    heard.start();
  });
}
