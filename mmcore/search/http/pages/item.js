// The page of one item: all its media, its segments, what lies near it.

import * as api from "./api.js";
import { card, marked, place, readable } from "./card.js";
import { announce, breakable, el, icon, named, PLAY, solid } from "./dom.js";
import { drawn, picture, placeholder, Sound, video } from "./media.js";
import { trouble } from "./results.js";
import { address, blank } from "./state.js";
import { by, bytes, date, number, t } from "./words.js";

const NEAR = 12;
const SEGMENTS = 200;
const NUMBER = /^\d{1,19}$/;

/** Show the item of a state. */
export async function itemPage(main, state, { signal, again }) {
  main.setAttribute("aria-busy", "true");
  try {
    if (!NUMBER.test(state.id)) throw new api.Problem(404, { detail: t("noSuchItem") });
    const item = await api.item(state.id, signal);
    if (signal.aborted) return;
    item.segments = read(item.segments, item);
    show(main, item, state, signal);
    main.querySelector("h1").focus({ preventScroll: true });
  } catch (error) {
    if (error.name !== "AbortError") trouble(main, error, again);
  } finally {
    main.removeAttribute("aria-busy");
  }
}

function show(main, item, state, signal) {
  document.title = `${named(item.key)} — mmindex`;
  announce(named(item.key));
  const at = item.segments.find((one) => one.segment_id === state.at) || null;
  const players = new Map();
  const media = item.files.map((file) => viewer(file, item, at, Number(state.t) || 0, players)).filter(Boolean);
  const like = address({ ...blank(), item: [item.item_id] });
  main.replaceChildren(el("article.item", {},
    el("div.item-head", {},
      el("button.icon.back", { type: "button", title: t("back"), aria: { label: t("back") }, onclick: leave }, icon("left")),
      el("h1", { tabIndex: -1, dir: "auto" }, breakable(item.key)),
      el("a.button", { href: like }, icon("more"), t("moreLike"))),
    el("div.item-body", {},
      el("div.item-media", {}, media.length ? media : placeholder("file"), texts(item, at)),
      el("aside.facts", {}, facts(item), fileList(item))),
    segments(item, state, players, signal),
    neighbours(item, signal)));
}

/** Back to where one came from; to the start where the item was opened by its link. */
export function leave() {
  if (history.state && history.state.inside) history.back();
  else document.querySelector("#brand").click();
}

/* media */

function viewer(file, item, at, second, players) {
  const here = at && at.file === file.n ? at : null;
  const role = (file.media_type || "").split("/")[0] || file.role;
  if (role === "video" || role === "audio") return timed(role, file, item, here, second, players);
  if (role === "image" || file.role === "image") return still(file, item, here);
  return null;
}

function timed(role, file, item, here, second, players) {
  if (!file.url) return away(file);
  const start = here && here.span?.unit === "second" ? here.span.start : second;
  if (role === "video") {
    const player = video({ url: file.url, poster: file.thumbnail, start, label: named(file.path) });
    players.set(file.n, (part) => jump(player, part.span.start));
    return el("figure.medium", { class: here ? "here" : "" }, player, caption(file));
  }
  const segment = here?.waveform ? here : item.segments.find((one) => one.file === file.n && one.waveform);
  const sound = new Sound({ url: file.url, waveform: segment?.waveform, span: segment?.span, label: named(file.path) });
  players.set(file.n, (part) => sound.take(part));
  return el("figure.medium.heard", { class: here ? "here" : "" }, sound.root, caption(file));
}

function jump(player, from) {
  player.currentTime = from;
  player.play().catch(() => {}); // the browser may want another click
  player.scrollIntoView({ block: "center", behavior: "smooth" });
}

function still(file, item, here) {
  const src = file.url && drawn(file.media_type) ? file.url : file.thumbnail;
  if (!src) return away(file);
  const frame = el("div.frame", {}, picture(src, named(file.path), () => (src !== file.thumbnail && file.thumbnail ? picture(file.thumbnail, named(file.path), () => placeholder("image")) : placeholder("image"))));
  if (here?.box) frame.append(boxOf(here.box));
  return el("figure.medium", {}, frame, caption(file));
}

function boxOf([left, top, right, bottom]) {
  const share = (x) => `${(x * 100).toFixed(2)}%`;
  return el("div.box", { aria: { label: t("boxHere") }, css: { left: share(left), top: share(top), width: share(right - left), height: share(bottom - top) } });
}

function away(file) {
  return el("figure.medium", {}, placeholder(file.role), el("figcaption", {}, t("notServed")));
}

function caption(file) {
  return el("figcaption", { dir: "auto" }, named(file.path));
}

/** The texts of an item, each once; the one that was found first is marked. */
function texts(item, at) {
  const some = item.segments.filter((one) => one.modality === "text" && one.text);
  if (!some.length) return null;
  const shown = some.slice(0, 12).map((one) => el("blockquote.said", { dir: "auto", lang: one.language || "", class: at === one ? "here" : "" },
    el("p", {}, one.text), el("footer.muted", {}, [one.source === "self" ? "" : t(`source_${one.source}`, {}, one.source), kind(one), place(one.span)].filter(Boolean).join(" · "))));
  return el("div.texts", {}, shown);
}

/** What kind of sound, picture or text a segment is, where that is told. */
function kind(segment) {
  return segment.kind ? t(`kind_${segment.kind}`, {}, segment.kind) : "";
}

/** Segments with their texts as people read them. */
function read(segments, item) {
  return segments.map((one) => ({ ...one, text: readable(one.text, item.files[one.file]?.path) }));
}

/* facts */

function facts(item) {
  const rows = [[t("folder"), item.root], [t("labels"), item.labels.join(", ")], [t("split"), item.split],
    ...Object.entries(item.columns).map(([key, value]) => [key, told(value)]), [t("itemId"), item.item_id]];
  return el("dl", {}, rows.filter(([, value]) => value != null && value !== "").map(([key, value]) => el("div", {}, el("dt", {}, named(key)), el("dd", { dir: "auto" }, named(value)))));
}

function told(value) {
  if (value == null) return "";
  if (typeof value === "object") return JSON.stringify(value);
  return typeof value === "number" ? number(value) : String(value);
}

function fileList(item) {
  if (!item.files.length) return null;
  const one = (file) => el("li", {}, icon(file.role),
    el("div", {}, file.url ? el("a", { href: file.url, target: "_blank", rel: "noopener", dir: "auto" }, named(file.path)) : el("span", { dir: "auto" }, named(file.path)),
      el("span.muted", {}, [file.media_type, file.size == null ? "" : bytes(file.size), file.modified ? date(file.modified) : ""].filter(Boolean).join(" · "))));
  return el("div.files", {}, el("h2", {}, t("files")), el("ul", {}, item.files.map(one)));
}

/* segments */

function segments(item, state, players, signal) {
  if (item.segments_total < 2) return null;
  const list = el("ul.segments", {}, item.segments.map((one) => segment(one, state, players)));
  const box = el("details.section", { open: Boolean(state.at) || item.segments.some((one) => one.box || ["second", "page"].includes(one.span?.unit)) }, el("summary", {}, el("h2", {}, t("segments", { n: item.segments_total }))), list);
  if (item.segments_total > item.segments.length) box.append(further(item, list, state, players, signal));
  return box;
}

function further(item, list, state, players, signal) {
  const button = el("button.button", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      const more = await api.item(item.item_id, signal, list.children.length, SEGMENTS);
      list.append(...read(more.segments, item).map((one) => segment(one, state, players)));
      button.hidden = list.children.length >= more.segments_total;
    } catch (error) {
      announce(error.message);
    }
    button.disabled = false;
  } }, t("showMore"));
  return button;
}

function segment(one, state, players) {
  const jumpTo = one.span?.unit === "second" ? players.get(one.file) : null;
  const like = address({ ...blank(), segment: [one.segment_id], modality: [one.modality] });
  return el("li", { class: one.segment_id === state.at ? "here" : "" },
    el("span.kind", { title: by(one.modality) }, one.thumbnail ? picture(one.thumbnail, "", () => icon(one.modality)) : icon(one.modality)),
    jumpTo ? el("button.play.small", { type: "button", aria: { label: t("playAt", { at: place(one.span) }) }, onclick: () => jumpTo(one) }, solid(PLAY)) : null,
    el("span.what", { dir: "auto" }, [place(one.span), kind(one)].filter(Boolean).join(" · ") || (one.text ? "" : by(one.modality)), one.text ? el("span.text", {}, marked(one.text, [])) : null),
    el("a.icon", { href: like, title: t("moreLike"), aria: { label: t("moreLike") } }, icon("more")));
}

/* neighbours */

function neighbours(item, signal) {
  const box = el("section.section", {}, el("h2", {}, t("near")));
  api.similar(item.item_id, NEAR, signal).then((answer) => {
    if (answer.hits.length) box.append(el("ol.grid.small.answers", { aria: { label: t("near") } }, answer.hits.map((hit) => card(hit, blank()))));
    else box.append(el("p.muted", {}, t("nothing")));
  }, (error) => error.name === "AbortError" || box.append(el("p.muted", {}, error.message)));
  return box;
}
