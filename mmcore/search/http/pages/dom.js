// Elements without a library. Text always goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: el("a.card.big", {href, onclick, aria: {label}, data: {…}}, child, "text", null). */
export function el(name, given = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag || "div");
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(given)) give(made, key, value);
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

function give(made, key, value) {
  if (value == null || value === false) return;
  if (key === "aria") for (const [n, v] of Object.entries(value)) v != null && made.setAttribute(`aria-${n}`, v);
  else if (key === "data") Object.assign(made.dataset, value);
  else if (key === "css") for (const [n, v] of Object.entries(value)) made.style.setProperty(n, v);
  else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
  else if (key === "class") made.classList.add(...value.split(" ").filter(Boolean));
  else if (key in made && key !== "list" && key !== "role") made[key] = value;
  else made.setAttribute(key, value === true ? "" : value);
}

/** An SVG element. */
export function svg(tag, given = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(given)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const STROKES = {
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14m5 12 4.5 4.5",
  image: "M4 5h16v14H4zm0 11 5-5 4 4 3-3 4 4M15.5 9.2a.8.8 0 1 0 0-.1",
  audio: "M4 10v4M8 6v12m4-9v6m4-8v10m4-7v4",
  video: "M4 6h12v12H4zm12 5 4-2.5v7L16 13",
  text: "M5 6h14M5 10h14M5 14h14M5 18h8",
  fused: "m12 4 8 4-8 4-8-4zm-8 8 8 4 8-4m-16 4 8 4 8-4",
  words: "m4 18 4.5-12L13 18m-7.5-4h6M15 12h5m-5 3h5m-5 3h3",
  camera: "M4 8h3.5L9 5.5h6L16.5 8H20v11H4zm8 2a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6",
  close: "m6 6 12 12M18 6 6 18",
  more: "M4 9.5c2.6-2.6 5.2-2.6 8 0s5.4 2.6 8 0M4 15.5c2.6-2.6 5.2-2.6 8 0s5.4 2.6 8 0",
  without: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16m-4 8h8",
  plus: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16m-4 8h8m-4-4v8",
  filters: "M4 7h9m4 0h3M4 17h3m4 0h9M15 5v4M9 15v4",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8m0-5v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4m0-12.8L17 7M7 17l-1.4 1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5",
  auto: "M4 5h16v11H4zm5 15h6m-3-4v4",
  left: "m14.5 6-6 6 6 6",
  right: "m9.5 6 6 6-6 6",
  keys: "M3 7h18v10H3zm3.5 3.3h.01m3.6 0h.01m3.6 0h.01m3.6 0h.01M8 13.8h8",
  open: "M13 5h6v6m0-6-8 8m-2-6H5v12h12v-4",
  layers: "M8 8h12v12H8zM4 16V4h12",
  file: "M6 3.5h8l4 4v13H6zm8 0v4h4",
};

/** A drawn icon; decoration only. */
export function icon(name) {
  const path = svg("path", { d: STROKES[name] || STROKES.file });
  return svg("svg", { class: "i", viewBox: "0 0 24 24", "aria-hidden": "true" }, path);
}

export const PLAY = "M8 5.2v13.6l11-6.8z";
export const PAUSE = "M7.5 5.5h3.2v13H7.5zm5.8 0h3.2v13h-3.2z";

/** A filled icon whose shape can be changed. */
export function solid(path) {
  return svg("svg", { class: "i solid", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: path }));
}

export const $ = (id) => document.getElementById(id);

/** Say something to who listens to the page. */
export function announce(text) {
  $("live").textContent = text;
}

/** A name as text: what would turn the letters after it round is shown as what it is. */
export function named(text) {
  return String(text).replace(/[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, (one) => `⟨U+${one.codePointAt().toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** A name or a path as nodes: it may be broken after its separators. */
export function breakable(text) {
  return named(text).split(/(?<=[/_.-])(?=[^/_.-])/).flatMap((part, n) => (n ? [el("wbr"), part] : [part]));
}

/** Whether letters go to this element. */
export function types(target) {
  const typed = target.matches?.("input:not([type=checkbox]):not([type=range]):not([type=file]), textarea, select");
  return Boolean(typed || target.isContentEditable);
}
