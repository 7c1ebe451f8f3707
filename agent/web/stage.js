// The pictures of a scene: side by side with numbered marks, one after the other, or one drawn over the other.

import { fill, photoPath } from "./api.js";
import { button, draw, el, reveal, still } from "./dom.js";
import { laid } from "./scenes.js";
import { t } from "./words.js";

const PAUSE = 900; // milliseconds; well below three changes a second
const WAYS = ["side", "blink", "slider"];
let way = "side";

/**
 * The pictures of a scene. `onMark(n)` is called when a mark is chosen; `chosen` is the mark that is shown from close
 * by. What it gives has `element`, `choose(n)` and `focus(n)`.
 */
export function stage(scene, onMark) {
  const can = Boolean(scene.match?.homography && scene.reference);
  const place = el("div", { class: "pictures" });
  const close = el("div", { class: "closeups" });
  const images = { photo: null, reference: null };
  let stop = () => {};
  let chosen = null;
  let wanted = null;

  const names = {
    photo: scene.pair ? t("stage.first") : t("stage.photo", { n: scene.n }),
    reference: scene.pair ? t("stage.second") : t("stage.official", { title: scene.match?.title ?? "" }),
  };

  function frame(side, over = null) {
    const img = el("img", { alt: names[side], draggable: "false" });
    images[side] = img;
    const marks = el("div", { class: "marks" });
    const box = el("div", { class: "frame" }, img, over, marks);
    fill(img, side === "photo" ? photoPath(scene.photo) : scene.reference).then(() => {
      if (!img.naturalWidth) {
        box.classList.add("missing");
        box.prepend(el("p", {}, t("stage.missing")));
        return;
      }
      marks.replaceChildren(...marksOf(side, img));
      choose(chosen);
      if (side === "photo" && wanted !== null) focus(wanted);
      box.dispatchEvent(new Event("filled"));
    });
    return box;
  }

  function marksOf(side, img) {
    const size = { width: img.naturalWidth, height: img.naturalHeight };
    const drawing = draw("svg", { viewBox: `0 0 ${size.width} ${size.height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    const buttons = [];
    for (const [n, mark] of scene.marks.entries()) {
      const box = side === "photo" ? mark.region.box : mark.there;
      if (!box) continue;
      const corners =
        (side === "photo" && mark.region.quad) ||
        [[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]];
      const points = corners.map((corner) => corner.join(",")).join(" ");
      drawing.append(
        draw("polygon", { points, class: "under", "data-mark": n }),
        draw("polygon", { points, class: "over", "data-mark": n }),
      );
      const one = el(
        "button",
        {
          type: "button",
          class: "mark",
          "data-mark": n,
          "aria-label": t(side === "photo" ? "stage.mark_photo" : "stage.mark_official", { n: n + 1, label: labelOf(mark) }),
          on: { click: () => onMark(n) },
        },
        String(n + 1),
      );
      one.style.left = `clamp(22px, ${(100 * box[0]) / size.width}%, calc(100% - 8px))`;
      one.style.top = `clamp(22px, ${(100 * box[1]) / size.height}%, calc(100% - 8px))`;
      buttons.push(one);
    }
    return [drawing, ...buttons];
  }

  const figure = (box, caption) => el("figure", {}, box, el("figcaption", {}, caption));

  function side() {
    const two = scene.reference && figure(frame("reference"), names.reference);
    return el("div", { class: two ? "two" : "one" }, figure(frame("photo"), names.photo), two);
  }

  /** The photo with the other picture laid over it; `over` is the layer that holds that. */
  function overlaid() {
    const img = el("img", { alt: "", draggable: "false" });
    const over = el("div", { class: "laid" }, img);
    const box = frame("photo", over);
    const fit = () => {
      const photo = images.photo;
      if (!photo.naturalWidth || !img.naturalWidth) return;
      img.style.width = `${img.naturalWidth}px`;
      img.style.height = `${img.naturalHeight}px`;
      img.style.transform = laid(scene.match.homography, photo.clientWidth / photo.naturalWidth);
    };
    fill(img, scene.reference).then(fit);
    box.addEventListener("filled", fit);
    const watched = new ResizeObserver(fit);
    watched.observe(box);
    stop = () => watched.disconnect();
    return { box, over };
  }

  function blink() {
    const { box, over } = overlaid();
    const caption = el("figcaption", {});
    let official = false;
    const swap = button("swap", t("stage.swap"), () => {
      play(false);
      turn();
    });
    const run = button(null, "", () => play(!timer), { class: "quiet" });
    let timer = null;
    function turn() {
      official = !official;
      over.hidden = !official;
      caption.textContent = official ? names.reference : names.photo;
    }
    function play(now) {
      clearInterval(timer);
      timer = now ? setInterval(turn, PAUSE) : null;
      run.lastChild.textContent = t(now ? "stage.pause" : "stage.play");
    }
    official = true;
    turn();
    const free = stop;
    stop = () => {
      clearInterval(timer);
      free();
    };
    // Nothing moves by itself for those who want no movement.
    play(!still());
    return [el("figure", {}, box, caption), el("div", { class: "actions" }, swap, !still() && run)];
  }

  function slider() {
    const { box, over } = overlaid();
    const line = el("div", { class: "seam" });
    over.after(line);
    const range = el("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": t("stage.slide") });
    const cut = () => {
      over.style.clipPath = `inset(0 ${100 - range.value}% 0 0)`;
      line.style.left = `${range.value}%`;
      range.setAttribute("aria-valuetext", t("stage.slid", { percent: range.value }));
    };
    range.addEventListener("input", cut);
    cut();
    return [
      el("figure", {}, box, el("figcaption", { class: "ends" }, el("span", {}, names.reference), el("span", {}, names.photo))),
      range,
    ];
  }

  function show() {
    stop();
    stop = () => {};
    images.photo = images.reference = null;
    const shown = can ? way : "side";
    // Of a customer's confirmed photo the pack alone is shown, which the picture of the comparison does.
    const confirmed = scene.match?.confirmed && scene.picture;
    place.replaceChildren(...[shown === "blink" ? blink() : shown === "slider" ? slider() : side()].flat());
    if (confirmed && shown === "side") {
      const img = el("img", { alt: t("stage.compared", { legend: scene.picture.legend.join("; ") }) });
      fill(img, scene.picture.path);
      place.append(el("figure", {}, el("div", { class: "frame" }, img)));
    }
  }

  /** Both sides of a mark, from close by. */
  function closeup(n) {
    const mark = scene.marks[n];
    if (!mark || !(mark.there || mark.region.kind !== "product")) return close.replaceChildren();
    const pieces = [["photo", mark.region.box], ["reference", mark.there]].filter(([, box]) => box);
    close.replaceChildren(...pieces.map(([side, box]) => figure(piece(side, box, n), t(`stage.close_${scene.pair ? "pair_" : ""}${side}`))));
  }

  function piece(side, box, n) {
    const img = el("img", { alt: t(side === "photo" ? "stage.mark_photo" : "stage.mark_official", { n: n + 1, label: "" }).replace(/[:：,，]?\s*$/, "") });
    const hole = el("div", { class: "hole" }, img);
    fill(img, side === "photo" ? photoPath(scene.photo) : scene.reference).then(() => {
      const [width, height] = [hole.clientWidth, hole.clientHeight];
      const [across, down] = [box[2] - box[0], box[3] - box[1]];
      const scale = Math.min(width / (1.5 * across), height / (1.5 * down), 4);
      img.style.width = `${img.naturalWidth * scale}px`;
      img.style.left = `${width / 2 - ((box[0] + box[2]) / 2) * scale}px`;
      img.style.top = `${height / 2 - ((box[1] + box[3]) / 2) * scale}px`;
    });
    return hole;
  }

  /** Go to a mark in the photo, which may be on its way yet. */
  function focus(n) {
    const mark = place.querySelector(`button[data-mark="${n}"]`);
    wanted = mark ? null : n;
    mark?.focus({ preventScroll: true });
    if (mark) reveal(place);
  }

  function choose(n) {
    chosen = n;
    for (const each of place.querySelectorAll("[data-mark]")) {
      const now = Number(each.dataset.mark) === n && n !== null;
      each.classList.toggle("chosen", now);
      if (each.matches("button")) each.setAttribute("aria-pressed", String(now));
    }
  }

  const ways =
    can &&
    el(
      "fieldset",
      { class: "ways" },
      el("legend", { class: "unseen" }, t("stage.ways")),
      WAYS.map((each) =>
        el(
          "label",
          {},
          el("input", {
            type: "radio",
            name: "way",
            value: each,
            checked: each === way,
            on: {
              change: () => {
                way = each;
                show();
              },
            },
          }),
          el("span", {}, t(`stage.${each}`)),
        ),
      ),
    );
  show();
  return {
    element: el("div", { class: "stage" }, ways, place, close),
    choose(n) {
      choose(n);
      closeup(n);
    },
    focus,
    close: () => stop(),
  };
}

/** What a mark is called: what differs there, or what is there. */
export function labelOf({ region, difference }) {
  if (!difference) return region.label || t("region.unreadable");
  const kind = t(`difference.${difference.kind}`);
  return difference.now || region.label ? `${kind}, ${difference.now ?? region.label}` : kind;
}
