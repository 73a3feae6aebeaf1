// The page begins here: the address says what is shown, links and keys change the address.

import * as api from "./api.js";
import { bar, closeFilters } from "./bar.js";
import { $, announce, el, icon, named, types } from "./dom.js";
import { keep } from "./files.js";
import { itemPage, leave } from "./item.js";
import { lakePage } from "./lake.js";
import { quiet } from "./media.js";
import { results, trouble } from "./results.js";
import { address, asks, blank, read } from "./state.js";
import { language, switchLanguage, t, translate } from "./words.js";

const VIEWS = new Map([["item", itemPage], ["lake", lakePage]]);
let running = new AbortController();
let state = read();

/* the address */

/** Go to a state, as a new entry of the history. */
function go(next) {
  const to = address(next);
  if (to !== location.pathname + location.search) {
    history.replaceState({ ...history.state, y: scrollY }, "");
    history.pushState({ inside: true }, "", to);
  }
  render({ back: false });
}

async function render({ back }) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  quiet();
  state = read();
  const main = $("main");
  const view = state.view ? VIEWS.get(state.view) || unknown : results;
  document.body.dataset.view = view === results ? (asks(state) ? "results" : "home") : state.view;
  document.title = titleOf(state);
  if (document.activeElement !== $("q") || $("q").value.trim() !== state.q) $("q").value = state.q;
  if (view === results) bar(state, go);
  else $("bar").replaceChildren();
  const y = back && history.state ? history.state.y || 0 : 0;
  if (!back) scrollTo(0, 0);
  if (view !== results) main.replaceChildren();
  await view(main, state, { signal, back, again: () => render({ back: false }) });
  if (!signal.aborted && back) scrollTo(0, y);
  if (!signal.aborted) drawTools();
}

/** The address names no page of this one. */
function unknown(main, state, { again }) {
  trouble(main, new api.Problem(404, { detail: t("noSuchPage") }), again);
}

function titleOf({ q, item, file, name }) {
  const asked = q || name || (file ? t("yourFile") : item.length ? t("moreLike") : "");
  return asked ? `${named(asked)} — mmindex` : "mmindex";
}

/** Links inside the page change the state; with a modifier they are the browser's. */
function follow(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.target || link.origin !== location.origin || link.pathname !== "/" || link.hash) return;
  event.preventDefault();
  go(read(link.search));
}

/* the search field */

async function submit(event) {
  event.preventDefault();
  const { signal } = running;
  let told;
  try {
    told = await api.typed($("q").value);
  } catch (error) {
    return signal.aborted || trouble($("main"), error, () => submit(event));
  }
  if (signal.aborted) return undefined; // something else was asked for meanwhile
  const { q, without } = told;
  const kept = state.view ? blank() : state;
  const next = { ...kept, q, without: [...new Set([...kept.without, ...without])], page: 1, view: "", id: "", at: "", t: "" };
  if (!asks(next)) return go(without.length ? { ...blank(), without } : blank());
  $("q").value = q;
  if (matchMedia("(pointer: coarse)").matches) $("q").blur(); // a phone's keys would hide the answers
  return go(next);
}

async function askWith(file) {
  if (!file) return;
  const lake = await api.lake().catch(() => null);
  const most = lake ? lake.max_upload_mb : Infinity;
  if (file.size > most * 1e6) return refuse(t("tooLarge", { n: most }));
  if (!file.size) return refuse(t("emptyFile"));
  const id = await keep(file);
  const modality = state.view ? [] : state.modality;
  return go({ ...blank(), modality, file: id, name: file.name.slice(0, 200) });
}

function refuse(text) {
  announce(text);
  running.abort();
  trouble($("main"), new api.Problem(413, { detail: text }), () => render({ back: true }));
}

function dropping() {
  const over = $("drop");
  const brings = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  let depth = 0;
  addEventListener("dragenter", (event) => brings(event) && (depth += 1, over.hidden = false));
  addEventListener("dragleave", (event) => brings(event) && (depth -= 1) <= 0 && (over.hidden = true));
  addEventListener("dragover", (event) => brings(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    depth = 0;
    over.hidden = true;
    askWith(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) event.preventDefault(), askWith(file);
  });
}

/* keys */

function keys(event) {
  if (event.isComposing || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === "Escape") return escape(event);
  if ($("keys").open || event.target.matches?.("video")) return; // these have keys of their own
  if (types(event.target)) return event.target === $("q") && event.key === "ArrowDown" ? step(event, null) : undefined;
  if (event.key === "/") return event.preventDefault(), $("q").focus(), $("q").select();
  if (event.key === "?") return event.preventDefault(), showKeys();
  if (event.key.startsWith("Arrow")) return step(event, event.key);
  const act = event.target.closest?.(".card")?.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (act) event.preventDefault(), act.click();
}

function escape(event) {
  if ($("keys").open) return; // a dialog closes by itself
  if (closeFilters()) return event.preventDefault();
  if (types(event.target)) return event.target.blur();
  if (state.view) return leave();
  if (document.activeElement.closest?.(".card")) document.activeElement.blur();
}

/** Move among the cards as they lie on the page. */
function step(event, key) {
  const links = [...document.querySelectorAll(".answers .title")];
  const now = links.indexOf(document.activeElement.closest?.(".card")?.querySelector(".title"));
  if (!links.length || (now < 0 && key && key !== "ArrowDown" && key !== "ArrowRight")) return;
  const to = now < 0 ? links[0] : beside(links, now, key);
  event.preventDefault();
  if (to) to.focus(), to.closest(".card").scrollIntoView({ block: "nearest" });
  else if (key === "ArrowUp") $("q").focus();
}

function beside(links, now, key) {
  if (key === "ArrowLeft") return links[now - 1];
  if (key === "ArrowRight") return links[now + 1];
  const box = (link) => link.closest(".card").getBoundingClientRect();
  const from = box(links[now]);
  const ways = links.filter((link) => (key === "ArrowDown" ? box(link).top > from.bottom - 2 : box(link).bottom < from.top + 2));
  const far = (link) => Math.abs(box(link).top - from.top) * 10 + Math.abs(box(link).left - from.left);
  return ways.sort((a, b) => far(a) - far(b))[0];
}

function showKeys() {
  const row = (keys, text) => el("div", {}, el("dt", {}, keys.map((key) => el("kbd", {}, key))), el("dd", {}, t(text)));
  $("keys").replaceChildren(
    el("h2", { id: "keys-title" }, t("keys")),
    el("dl", {}, row(["/"], "keyFocus"), row(["Enter"], "keyEnter"), row(["←", "↑", "→", "↓"], "keyArrows"), row(["P"], "keyPlay"), row(["M"], "keyMore"), row(["X"], "keyWithout"), row(["Esc"], "keyEscape"), row(["?"], "keyHelp")),
    el("form", { method: "dialog" }, el("button.button", {}, t("close"))));
  $("keys").showModal();
}

/* theme and language */

const THEMES = ["auto", "light", "dark"];
const SHAPES = { auto: "auto", light: "sun", dark: "moon" };

const themeNow = () => document.documentElement.dataset.theme || "auto";

function nextTheme() {
  const theme = THEMES[(THEMES.indexOf(themeNow()) + 1) % THEMES.length];
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // it holds as long as the page
  }
  drawTools();
}

function drawTools() {
  const theme = t(`theme_${themeNow()}`);
  $("to-theme").replaceChildren(icon(SHAPES[themeNow()]));
  $("to-theme").title = theme;
  $("to-theme").setAttribute("aria-label", theme);
  $("to-language").textContent = language() === "zh" ? "EN" : "中文";
  $("to-language").lang = language() === "zh" ? "en" : "zh-CN";
  $("to-lake").textContent = t("lake");
  if (state.view === "lake") $("to-lake").setAttribute("aria-current", "page");
  else $("to-lake").removeAttribute("aria-current");
}

function start() {
  history.scrollRestoration = "manual";
  $("search-icon").append(icon("search"));
  $("pick").append(icon("camera"));
  $("go").append(icon("search"));
  $("to-keys").append(icon("keys"));
  $("search").addEventListener("submit", submit);
  $("pick").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => (askWith($("file").files[0]), ($("file").value = "")));
  $("to-theme").addEventListener("click", nextTheme);
  $("to-keys").addEventListener("click", showKeys);
  $("to-language").addEventListener("click", () => (switchLanguage(), drawTools(), render({ back: true })));
  addEventListener("click", follow);
  addEventListener("keydown", keys);
  addEventListener("popstate", () => render({ back: true }));
  dropping();
  translate(document);
  drawTools();
  render({ back: true });
  if (!asks(state) && !state.view && matchMedia("(pointer: fine)").matches) $("q").focus();
}

start();
