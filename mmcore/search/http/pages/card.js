// One answer: what is shown of it, why it is there, and what can be asked next.

import * as api from "./api.js";
import { breakable, el, icon, named } from "./dom.js";
import { picture, placeholder, Sound, still, whenSeen } from "./media.js";
import { address, blank, itemAddress } from "./state.js";
import { by, clock, number, t } from "./words.js";

const AROUND = 240; // characters of a text that are shown
const known = new Map();

/** What is known of an item from an answer: for the chip that asks with it. */
export const recalled = (id) => known.get(id) || null;

/** The card of a hit. */
export function card(found, state) {
  const hit = { ...found, text: readable(found.text, found.path) };
  known.set(hit.item_id, { key: hit.key, thumbnail: hit.thumbnail });
  const href = itemAddress(hit.item_id, hit.segment_id, start(hit.span));
  const title = named(hit.key || hit.path || hit.item_id);
  return el("li.card", { data: { item: hit.item_id, modality: hit.modality || "item" } },
    stage(hit, title),
    el("div.about", {},
      el("a.title", { href, title: hit.path ? named(`${hit.root}: ${hit.path}`) : title, dir: "auto" }, breakable(title)),
      hit.thumbnail && hit.text ? el("p.snippet", { dir: "auto" }, marked(snippet(hit.text, words(hit)), words(hit))) : null,
      el("div.foot", {}, el("div.why", { aria: { label: t("why") }, role: "group" }, placed(hit), reasons(hit)), actions(hit, state)),
    ),
  );
}

/** The matched words of a hit. */
function words(hit) {
  return [...new Set(hit.why.flatMap((one) => one.words))];
}

const start = (span) => (span && span.unit === "second" ? span.start : 0);

/** What is seen of a hit. */
function stage(hit, title) {
  const box = el("div.stage");
  const file = hit.file || {};
  const type = file.media_type || "";
  if (hit.modality === "audio" || (hit.waveform && !hit.thumbnail)) {
    box.classList.add("heard");
    box.append(...heard(hit, title));
  } else if (hit.modality === "video" || type.startsWith("video/")) {
    box.append(still({ url: file.url, poster: hit.thumbnail, start: start(hit.span), label: title }));
  } else if (hit.thumbnail) {
    box.append(picture(hit.thumbnail, title, () => instead(hit)));
  } else if (hit.text) {
    box.append(passage(hit));
  } else {
    box.append(placeholder(hit.modality || "file"));
    if (!hit.segment_id) whenSeen(box, () => fill(box, hit, title));
  }
  if (hit.duplicates) box.append(el("span.badge", { title: t("duplicates", { n: hit.duplicates }) }, icon("layers"), `+${number(hit.duplicates)}`));
  return box;
}

function heard(hit, title) {
  const file = hit.file || {};
  const sound = new Sound({ url: file.url, waveform: hit.waveform, span: hit.span, label: title, points: 36 });
  return hit.thumbnail ? [picture(hit.thumbnail, title, () => placeholder("audio")), sound.root] : [sound.root];
}

function instead(hit) {
  return hit.text ? passage(hit) : placeholder(hit.modality || "image");
}

function passage(hit) {
  const text = snippet(hit.text, words(hit));
  return el("p.passage", { dir: "auto", class: text.length < 60 ? "short" : "" }, marked(text, words(hit)));
}

/** An item without a picture: its sound or its text, asked for when it comes into sight. */
async function fill(box, hit, title) {
  try {
    const item = await api.item(hit.item_id, undefined, 0, 20);
    const sound = item.segments.find((one) => one.waveform);
    const text = item.segments.find((one) => one.text);
    if (sound) {
      box.classList.add("heard");
      box.replaceChildren(new Sound({ url: item.files[sound.file]?.url, waveform: sound.waveform, span: sound.span, label: title, points: 36 }).root);
    } else if (text) {
      box.replaceChildren(passage({ ...hit, text: readable(text.text, item.files[text.file]?.path) }));
    }
  } catch {
    // the placeholder stays
  }
}

/** A text as people read it: of a Markdown file without the signs of its headings. */
export function readable(text, path) {
  return text && /\.(md|markdown)$/i.test(path || "") ? text.replace(/^[ \t]{0,3}#{1,6}[ \t]+/gm, "") : text;
}

/** The part of a text about its first matched word. */
export function snippet(text, matched) {
  const flat = text.replace(/\s+/g, " ").trim();
  if (flat.length <= AROUND) return flat;
  const found = pattern(matched)?.exec(flat);
  const from = Math.max(0, Math.min((found ? found.index : 0) - 60, flat.length - AROUND));
  return `${from ? "…" : ""}${flat.slice(from, from + AROUND)}${from + AROUND < flat.length ? "…" : ""}`;
}

/** Words of letters stand alone; Chinese ones lie among others, and so do emoji, however drawn. */
function pattern(matched) {
  const some = matched.filter(Boolean).sort((a, b) => b.length - a.length).map((word) => {
    const plain = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    if (!/[\p{L}\p{N}]/u.test(word)) return `${plain}[\\u{1f3fb}-\\u{1f3ff}]?\\ufe0f?`;
    return /\p{Script=Han}/u.test(word) ? plain : `(?<![\\p{L}\\p{N}])${plain}(?![\\p{L}\\p{N}])`;
  });
  return some.length ? new RegExp(some.join("|"), "giu") : null;
}

/** A text as nodes, its matched words marked. */
export function marked(text, matched) {
  const sought = pattern(matched);
  if (!sought) return [text];
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(sought)) {
    nodes.push(text.slice(at, found.index), el("mark", {}, found[0]));
    at = found.index + found[0].length;
  }
  return [...nodes, text.slice(at)];
}

/** Where in its file a hit lies. */
export function place(span) {
  if (!span) return "";
  if (span.unit === "second") return `${clock(span.start)}–${clock(span.end)}`;
  return span.unit === "page" ? t("pageOf", { n: number(span.start + 1) }) : "";
}

function placed(hit) {
  const told = place(hit.span);
  return told ? el("span.reason.span", { title: t("span") }, told) : null;
}

function reasons(hit) {
  return hit.why.map((one) => {
    const title = t("whyScore", { by: by(one.by), score: one.score.toFixed(2) });
    const short = hit.why.length > 1 || hit.span?.unit === "second" ? "sr" : "";
    const told = one.words.length ? el("span", { dir: "auto" }, one.words.slice(0, 4).join(" · ")) : el("span", { class: short }, by(one.by));
    return el("span.reason", { title, data: { by: one.by } }, icon(one.by), told);
  });
}

function actions(hit, state) {
  const more = { ...blank(), item: [hit.item_id], modality: state.modality };
  const asked = { ...state, view: "", id: "", at: "", t: "", page: 1, item: state.item.filter((one) => one !== hit.item_id) };
  const without = address({ ...asked, not: [...state.not, hit.item_id] });
  const can = state.q || state.file || asked.item.length || state.segment.length;
  return el("div.actions", {},
    el("a.icon", { href: address(more), title: t("moreLike"), aria: { label: t("moreLikeOf", { key: named(hit.key) }) }, data: { key: "m" } }, icon("more")),
    can ? el("a.icon", { href: without, title: t("withoutThat"), aria: { label: t("withoutOf", { key: named(hit.key) }) }, data: { key: "x" } }, icon("without")) : null,
  );
}

/** Cards that wait for an answer. */
export function skeletons(n = 8) {
  return el("ol.grid", { aria: { hidden: "true" } }, Array.from({ length: n }, () => el("li.card.waiting", {}, el("div.stage"), el("div.about", {}, el("div.line"), el("div.line.short")))));
}
