// Under the search field: what is asked with, which media, which filters.

import * as api from "./api.js";
import { recalled } from "./card.js";
import { $, el, icon, named } from "./dom.js";
import { kept } from "./files.js";
import { picture, placeholder } from "./media.js";
import { address, asks, narrowed } from "./state.js";
import { language, name, t } from "./words.js";

const KINDS = ["image", "text", "audio", "video"];
const EXAMPLES = ["size > 1000000", "media_type = 'image/png'", "path LIKE '%2024%'", "has_audio"];
let open = false;

/** Draw the bar of a state. */
export async function bar(state, go) {
  const box = $("bar");
  const pills = el("div.pills", { role: "group", aria: { label: t("media") } });
  const panel = el("div.panel", { id: "panel", hidden: !open });
  const chips = el("div.chips", { role: "group", aria: { label: t("askedWith") } }, chipsOf(state));
  const row = el("div.bar-row", {}, pills, toggle(state, panel));
  box.replaceChildren(row, chips, panel);
  chips.hidden = !chips.children.length;
  draw(state, go, null, pills, panel);
  const lake = await api.lake().catch(() => null); // the answers will say what is wrong
  if (lake && row.isConnected) draw(state, go, lake, pills, panel);
}

function draw(state, go, lake, pills, panel) {
  const kinds = lake ? KINDS.filter((kind) => lake.modalities.includes(kind)) : KINDS;
  pills.replaceChildren(everything(state), ...kinds.map((kind) => pill(state, kind)));
  panel.replaceChildren(form(state, go, lake));
  const on = pills.querySelector('[aria-pressed="true"]'); // on a phone it may lie outside
  if (on) pills.scrollLeft = on.offsetLeft - pills.offsetLeft - 60;
}

function everything(state) {
  const on = !state.modality.length;
  return el("a.pill", { href: address({ ...state, modality: [], page: 1 }), role: "button", aria: { pressed: String(on) } }, t("everything"));
}

function pill(state, kind) {
  const on = state.modality.includes(kind);
  const modality = on ? state.modality.filter((one) => one !== kind) : [...state.modality, kind];
  return el("a.pill", { href: address({ ...state, modality, page: 1 }), role: "button", data: { kind }, aria: { pressed: String(on) } }, icon(kind), name(kind));
}

function toggle(state, panel) {
  const n = narrowed(state);
  const button = el("button.pill.filters", {
    type: "button", title: t("filters"), aria: { expanded: String(open), controls: "panel", label: t("filters") },
    onclick: () => show(panel, button, !open),
  }, icon("filters"), el("span.label", {}, t("filters")), n ? el("span.n", {}, String(n)) : null);
  return button;
}

function show(panel, button, wanted) {
  open = wanted;
  panel.hidden = !open;
  button.setAttribute("aria-expanded", String(open));
  if (open) panel.querySelector("select, input")?.focus();
}

/** Close the filters; whether they were open. */
export function closeFilters() {
  const panel = $("panel");
  if (!open || !panel) return false;
  show(panel, document.querySelector(".pill.filters"), false);
  document.querySelector(".pill.filters").focus();
  return true;
}

/* what is asked with */

function chipsOf(state) {
  const drop = (list, one) => address({ ...state, page: 1, [list]: state[list].filter((other) => other !== one) });
  const move = (from, to, id) => address({ ...state, page: 1, [from]: state[from].filter((o) => o !== id), [to]: [...state[to], id] });
  const rest = asks({ ...state, item: state.item.slice(1) });
  return [
    state.file ? fileChip(state) : null,
    ...state.item.map((id) => itemChip(id, true, drop("item", id), rest ? move("item", "not", id) : null)),
    ...state.segment.map((id) => chip(true, [picture(`/thumbnails/${encodeURIComponent(id)}`, "", () => placeholder("file")), t("moment")], drop("segment", id))),
    ...state.not.map((id) => itemChip(id, false, drop("not", id), move("not", "item", id))),
    ...state.without.map((one) => chip(false, [el("span", { dir: "auto" }, one)], drop("without", one))),
  ].filter(Boolean);
}

function chip(like, content, away, turned) {
  const label = t(like ? "like" : "without");
  return el("span.chip", { class: like ? "" : "not" },
    turned ? el("a.sign", { href: turned, title: t("turn"), aria: { label: `${label}: ${t("turn")}` } }, icon(like ? "plus" : "without")) : el("span.sign", {}, icon(like ? "plus" : "without")),
    el("span.sr", {}, `${label} `), ...content,
    el("a.away", { href: away, aria: { label: t("remove") }, title: t("remove") }, icon("close")));
}

function itemChip(id, like, away, turned) {
  const seen = (small) => (small ? picture(small, "", () => placeholder("file")) : placeholder("file"));
  const shown = el("span.thumb", {}, seen(recalled(id)?.thumbnail));
  const label = el("span.key", { dir: "auto" }, named(recalled(id)?.key || `#${id}`));
  if (!recalled(id)) {
    api.item(id, undefined, 0, 1).then((item) => {
      label.textContent = named(item.key);
      shown.replaceChildren(seen(item.files.map((file) => file.thumbnail).find(Boolean)));
    }, () => {});
  }
  return chip(like, [shown, label], away, turned);
}

function fileChip(state) {
  const shown = el("span.thumb", {}, placeholder("file"));
  kept(state.file).then((file) => file && shown.replaceChildren(preview(file)));
  const away = address({ ...state, file: "", name: "", as: "", page: 1 });
  return chip(true, [shown, el("span.key", { dir: "auto" }, named(state.name || t("yourFile")))], away);
}

function preview(file) {
  const kind = file.type.split("/")[0];
  if (kind !== "image") return placeholder(KINDS.includes(kind) ? kind : "file");
  const url = URL.createObjectURL(file);
  const img = picture(url, "", () => placeholder("image"));
  img.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  return img;
}

/* filters */

function form(state, go, lake) {
  const set = (change) => go({ ...state, ...change, page: 1 });
  return el("form.filters-form", { onsubmit: (e) => (e.preventDefault(), set({ where: e.target.where.value.trim() })) },
    lake && lake.languages.length > 1 ? field(t("textLanguage"), choice("language", state.language, [["", t("any")], ...lake.languages.map((one) => [one, tongue(one)])], set)) : null,
    lake && lake.roots.length > 1 ? field(t("folder"), choice("root", state.root, [["", t("any")], ...lake.roots.map((one) => [one, one])], set)) : null,
    without(state, set),
    away(state, set),
    balance(state, set),
    variety(state, set),
    el("label.check", {}, el("input", { type: "checkbox", name: "collapse", checked: state.collapse, onchange: (e) => set({ collapse: e.target.checked }) }), el("span", {}, t("collapse"))),
    where(state, lake),
    el("div.row.wide", {},
      el("button.button", { type: "submit" }, t("apply")),
      narrowed(state) ? el("button.button.plain", { type: "button", onclick: () => set({ language: "", root: "", where: "", words: "", method: "", diversity: "", away: "", collapse: false }) }, t("clear")) : null));
}

function tongue(code) {
  try {
    return new Intl.DisplayNames([language()], { type: "language" }).of(code);
  } catch {
    return code;
  }
}

function field(label, ...inputs) {
  return el("label.field", {}, el("span", {}, label), ...inputs);
}

function choice(named, value, pairs, set) {
  return el("select", { name: named, onchange: (e) => set({ [named]: e.target.value }) },
    pairs.map(([key, told]) => el("option", { value: key, selected: key === value }, told)));
}

function without(state, set) {
  const add = (e) => {
    if (e.key !== "Enter" || e.isComposing) return;
    e.preventDefault();
    const one = e.target.value.trim();
    if (one) set({ without: [...new Set([...state.without, one])] });
  };
  return field(t("without"), el("input", { type: "text", name: "without", placeholder: t("withoutHint"), maxLength: 500, onkeydown: add }));
}

/** How much counts what is not wanted. */
function away(state, set) {
  const pairs = [["", t("awayUsual")], ["0.3", t("awayLittle")], ["2", t("awayMuch")]];
  if (state.away && !pairs.some(([value]) => value === state.away)) pairs.push([state.away, state.away]);
  return field(t("away"), choice("away", state.away, pairs, set));
}

function balance(state, set) {
  const pairs = [["", t("balanceUsual")], ["0", t("balanceMeaning")], ["0.5", t("balanceBoth")], ["1", t("balanceWords")]];
  if (state.words && !pairs.some(([value]) => value === state.words)) pairs.push([state.words, state.words]);
  return field(t("balance"), choice("words", state.words, pairs, set));
}

function variety(state, set) {
  const pairs = [["", t("varietyNone")], ["0.3", t("varietySome")], ["0.7", t("varietyMuch")]];
  if (state.diversity && !pairs.some(([value]) => value === state.diversity)) pairs.push([state.diversity, state.diversity]);
  return field(t("variety"), choice("diversity", state.diversity, pairs, set));
}

function where(state, lake) {
  const input = el("input", { type: "text", name: "where", id: "where", value: state.where, spellcheck: false, autocapitalize: "off", autocomplete: "off", placeholder: EXAMPLES[0], maxLength: 10000 });
  const put = (text) => () => {
    input.value = input.value.trim() ? `${input.value.trim()} AND ${text}` : text;
    input.focus();
  };
  const own = (lake ? lake.columns : []).map(({ name: column, type }) => {
    const quoted = /^[a-z_][a-z0-9_]*$/.test(column) ? column : `"${column.replaceAll('"', '""')}"`;
    return el("button.code", { type: "button", title: type, onclick: put(`${quoted} = `) }, column);
  });
  const some = EXAMPLES.map((one) => el("button.code", { type: "button", onclick: put(one) }, one));
  return el("div.field.wide", {}, el("label", { htmlFor: "where" }, t("where")), input, el("div.codes", {}, own, some));
}
