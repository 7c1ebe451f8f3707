// Elements. Every text comes in as a text node: what a photo, a file name or a record says is never markup.

/** An element with these properties, listeners (`on`) and children; strings are text, nothing is left out. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "value") {
      element.value = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing. */
export function draw(tag, properties = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A drawing from the sheet of icons; what it means is always said in words beside it. */
export function icon(name) {
  return draw("svg", { class: "icon", "aria-hidden": "true" }, draw("use", { href: `/static/icons.svg#${name}` }));
}

/** A button with an icon and words. */
export function button(name, words, click, properties = {}) {
  return el("button", { type: "button", on: { click }, ...properties }, name && icon(name), el("span", {}, words));
}

/** A button that shows its icon alone; its words are its name, and its tip. */
export function iconButton(name, words, click, properties = {}) {
  return el("button", { type: "button", "aria-label": words, title: words, on: { click }, ...properties }, icon(name));
}

export const byId = (id) => document.getElementById(id);

/** Bring an element into sight, without movement for those who want none. */
export function reveal(element, block = "nearest") {
  element.scrollIntoView({ block, behavior: still() ? "auto" : "smooth" });
}

/** Whether the person wants no movement. */
export function still() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
