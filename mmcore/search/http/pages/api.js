// Questions to the server. A problem comes back as an error with a line for people.

import { PER_PAGE } from "./state.js";
import { language, t } from "./words.js";

/** What went wrong: `message` is for people. */
export class Problem extends Error {
  constructor(status, told = {}, wait = 0) {
    super(told.detail || told.title || t("failed"));
    Object.assign(this, { status, code: told.code || "", wait, errors: told.errors || [] });
  }
}

/** The JSON at an address of the server. */
export async function get(path, signal, given = {}) {
  const headers = { Accept: "application/json", "Accept-Language": language(), ...given.headers };
  let answer;
  try {
    answer = await fetch(path, { ...given, headers, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: t("unreachable"), code: "unreachable" });
  }
  if (answer.ok) return answer.json();
  throw await problem(answer);
}

async function problem(answer) {
  const told = await answer.json().catch(() => ({}));
  return new Problem(answer.status, told, Number(answer.headers.get("Retry-After")) || 0);
}

/** The answers to a state (to one item alone: without that item itself); `file` is what was dropped, where it asks with one. */
export function search(state, file, signal) {
  const told = options(state);
  if (file) {
    if (state.as) told.set("as", state.as);
    return get(`/api/search/media?${told}`, signal, { method: "POST", body: file });
  }
  const alone = state.item.length === 1 && !state.q && !state.segment.length && !state.not.length;
  if (!alone) return get(`/api/search?${told}`, signal);
  told.delete("item");
  return get(`/api/similar/${encodeURIComponent(state.item[0])}?${told}`, signal);
}

function options(state) {
  const told = new URLSearchParams();
  const where = condition(state);
  for (const name of ["q", "language", "words", "method", "diversity"]) if (state[name]) told.set(name, state[name]);
  for (const name of ["without", "item", "segment", "modality"]) for (const one of state[name]) told.append(name, one);
  for (const one of state.not) told.append("without_item", one);
  if (where) told.set("where", where);
  if (state.away && (state.without.length || state.not.length)) told.set("without_weight", state.away);
  if (state.collapse) told.set("collapse", "true");
  told.set("k", PER_PAGE);
  told.set("offset", (state.page - 1) * PER_PAGE);
  return told;
}

/** The folder chosen and the condition written, as one condition. */
export function condition({ root, where }) {
  const chosen = root ? `root = '${root.replaceAll("'", "''")}'` : "";
  if (!chosen || !where) return chosen || where;
  return `${chosen} AND (${where}\n)`;
}

/** What was typed, taken apart: what is looked for, and the "-word"s, which are not wanted. */
export async function typed(text) {
  if (!/[-－]/.test(text)) return { q: text.trim(), without: [] };
  return get(`/api/typed?${new URLSearchParams({ q: text })}`);
}

export const item = (id, signal, offset = 0, limit = 200) =>
  get(`/api/items/${encodeURIComponent(id)}?offset=${offset}&limit=${limit}`, signal);
export const similar = (id, k, signal) => get(`/api/similar/${encodeURIComponent(id)}?k=${k}`, signal);
export const snapshots = (signal) => get("/api/snapshots", signal);
export const evaluation = (signal) => get("/api/evaluation?last=30", signal);

let asked = null;
let known = null;

/** What is served; asked once, again after a failure. */
export function lake() {
  asked ??= get("/api/lake").then(
    (told) => {
      known = told.snapshot;
      return told;
    },
    (error) => {
      asked = null;
      throw error;
    },
  );
  return asked;
}

/** What is served is asked anew where another snapshot answered than the one known. */
export function heard(snapshot) {
  if (known !== null && snapshot !== known) asked = null;
}
