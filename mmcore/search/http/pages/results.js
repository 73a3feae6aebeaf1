// The answers to a search, and what is said where there are none.

import * as api from "./api.js";
import { card, skeletons } from "./card.js";
import { announce, el, icon } from "./dom.js";
import { kept } from "./files.js";
import { address, asks, blank, narrowed } from "./state.js";
import { date, number, seconds, t } from "./words.js";

const remembered = new Map(); // address → answer: "back" shows at once what was there
const SLOW = 150; // ms after which waiting is shown

/** Show the answers to a state; `back`: those that were shown before may be shown again. */
export async function results(main, state, { signal, back, again }) {
  if (!asks(state)) return home(main, state, signal);
  const waiting = setTimeout(() => wait(main), main.querySelector(".home") ? 0 : SLOW); // what is there asks something else
  try {
    const answer = await answered(state, signal, back);
    if (signal.aborted) return;
    show(main, state, answer);
  } catch (error) {
    if (error.name !== "AbortError") trouble(main, error, again, state);
  } finally {
    clearTimeout(waiting);
    main.removeAttribute("aria-busy");
  }
}

async function answered(state, signal, back) {
  const at = address(state);
  if (back && remembered.has(at)) return remembered.get(at);
  const file = state.file ? await kept(state.file) : null;
  if (state.file && !file) throw new api.Problem(0, { title: t("fileGone"), detail: t("fileGoneHint"), code: "file-gone" });
  const answer = await api.search(state, file, signal);
  api.heard(answer.snapshot);
  remembered.set(at, answer);
  if (remembered.size > 20) remembered.delete(remembered.keys().next().value);
  return answer;
}

/** Old answers are dimmed while new ones are awaited; else grey cards stand there. */
function wait(main) {
  main.setAttribute("aria-busy", "true");
  if (!main.querySelector(".grid.answers")) main.replaceChildren(el("div.status", {}, el("span.muted", {}, t("searching"))), skeletons());
}

function show(main, state, answer) {
  const hits = answer.hits.filter((hit) => !state.not.includes(hit.item_id)); // "without that": not it either
  const told = status(answer, hits.length);
  announce(told);
  const notes = answer.notes.map((note) => el("p.note", {}, note.charAt(0).toUpperCase() + note.slice(1)));
  if (!hits.length) return main.replaceChildren(none(state, notes));
  const list = el("ol.grid.answers", { aria: { label: t("results") } }, hits.map((hit) => card(hit, state)));
  main.replaceChildren(
    el("div.status", {}, el("h1.count", {}, told), el("span.muted", {}, took(answer))),
    ...notes, list, pager(state, answer) || "",
  );
}

function status(answer, n) {
  if (!n) return t("nothing");
  const low = answer.offset + 1;
  const high = answer.offset + n;
  if (low === 1 && !answer.more) return t("count", { n });
  if (!answer.more) return t("rangeOf", { low: number(low), high: number(high), n: high });
  return t("range", { low: number(low), high: number(high) });
}

function took(answer) {
  const total = answer.seconds.total;
  return [total == null ? "" : seconds(total), t("snapshotN", { n: answer.snapshot })].filter(Boolean).join(" · ");
}

function pager(state, answer) {
  if (state.page === 1 && !answer.more) return null;
  const link = (page, text, rel, shape) => el("a.button", { href: address({ ...state, page }), rel }, shape === "left" && icon("left"), text, shape === "right" && icon("right"));
  return el("nav.pager", { aria: { label: t("pages") } },
    state.page > 1 ? link(state.page - 1, t("previous"), "prev", "left") : el("span"),
    el("span.muted", { aria: { current: "page" } }, t("pageN", { n: number(state.page) })),
    answer.more ? link(state.page + 1, t("next"), "next", "right") : el("span"),
  );
}

/** The same question without filters. */
function unfiltered(state) {
  return { ...blank(), q: state.q, item: state.item, segment: state.segment, file: state.file, name: state.name };
}

/** No answer: what could be left out. */
function none(state, notes) {
  const wide = unfiltered(state);
  const links = [];
  if (state.page > 1) links.push(el("a.button", { href: address({ ...state, page: 1 }) }, t("firstPage")));
  if (narrowed(state) || state.modality.length || state.not.length || state.without.length) links.push(el("a.button", { href: address(wide) }, t("dropFilters")));
  return el("section.message", {}, icon("search"), el("h1", {}, t(state.page > 1 ? "noFurther" : "nothing")), notes.length ? notes : el("p", {}, t(links.length ? "nothingFiltered" : "nothingHint")), el("div.row", {}, links));
}

/** What went wrong, and what to do; `state`: what was asked, where that may be the reason. */
export function trouble(main, error, again, state) {
  announce(error.message);
  if (error.status === 401) return location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  const title = error.code === "file-gone" ? t("fileGone") : t({ 0: "unreachableTitle", 404: "notThere", 410: "notThere", 429: "busy", 503: "busy" }[error.status] || "wrong");
  const faults = error.errors.length > 1 ? el("ul", {}, error.errors.map((one) => el("li", {}, el("code", {}, one.where), ` ${one.what}`))) : null;
  const box = el("section.message.trouble", { role: "alert" }, icon("without"), el("h1", {}, title), el("p", {}, error.message), faults,
    el("div.row", {}, mayPass(error) && el("button.button", { type: "button", onclick: again }, t("again")),
      state && !mayPass(error) && narrowed(state) > 0 && el("a.button", { href: address(unfiltered(state)) }, t("dropFilters")),
      el("a.button.plain", { href: "/" }, t("startOver"))));
  main.replaceChildren(box);
  if (error.wait > 0 && error.wait <= 30) later(box, error.wait, again);
}

/** Whether the same may be answered another time: it was not what was asked that was refused. */
function mayPass(error) {
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

function later(box, wait, again) {
  box.append(el("p.muted", {}, t("retryIn", { n: number(wait) })));
  setTimeout(() => box.isConnected && again(), wait * 1000);
}

/** Nothing is asked yet: what there is to search. */
async function home(main, state, signal) {
  const counts = el("div.counts");
  const only = state.without.length || state.not.length ? el("p.note", { role: "alert" }, t("onlyWithout")) : null;
  main.replaceChildren(el("section.home", {}, only, el("h1", {}, t("homeTitle")), el("p.lead", {}, t("homeLead")), counts, tips()));
  try {
    const lake = await api.lake();
    if (signal.aborted) return;
    counts.append(el("span.count", {}, el("b", {}, number(lake.items)), t("itemsWord", { n: lake.items })));
    for (const kind of lake.modalities) counts.append(el("span.count", {}, icon(kind), el("b", {}, number(lake.files[kind] || 0)), t(`some_${kind}`, { n: lake.files[kind] || 0 })));
    if (lake.quarantine) counts.append(el("a.count", { href: "/?view=lake" }, el("b", {}, number(lake.quarantine)), t("inQuarantine")));
    counts.append(el("a.count", { href: "/?view=lake" }, t("publishedOn", { n: lake.snapshot, when: date(lake.created_at) })));
  } catch (error) {
    if (!signal.aborted) trouble(main, error, () => home(main, state, signal));
  }
}

function tips() {
  const tip = (kind, text) => el("li", {}, icon(kind), el("span", {}, t(text)));
  return el("ul.tips", {}, tip("search", "tipWords"), tip("image", "tipDrop"), tip("without", "tipWithout"), tip("more", "tipMore"));
}

