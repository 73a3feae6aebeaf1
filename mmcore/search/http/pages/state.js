// The state of the page is its address: back, forward and a shared link bring it again.

const LISTS = ["without", "item", "segment", "not", "modality"];
const TEXTS = ["q", "language", "root", "where", "words", "method", "diversity", "away", "file", "name", "as", "view", "id", "at", "t"];
export const PER_PAGE = 24;
const LAST = 10000; // the server skips no more

/** What an address says; unknown words in it count for nothing. */
export function read(search = location.search) {
  const given = new URLSearchParams(search);
  const state = { page: whole(given.get("page")), collapse: given.get("collapse") === "1" };
  for (const name of TEXTS) state[name] = (given.get(name) || "").trim();
  for (const name of LISTS) state[name] = [...new Set(given.getAll(name).map((one) => one.trim()).filter(Boolean))];
  return state;
}

function whole(text) {
  const page = /^[1-9][0-9]{0,3}$/.test(text || "") ? Number(text) : 1;
  return Math.min(page, Math.floor(LAST / PER_PAGE) + 1);
}

/** The address of a state; what is usual is left out. */
export function address(state) {
  const told = new URLSearchParams();
  for (const name of TEXTS) if (state[name]) told.set(name, state[name]);
  for (const name of LISTS) for (const one of state[name] || []) told.append(name, one);
  if (state.collapse) told.set("collapse", "1");
  if (state.page > 1) told.set("page", String(state.page));
  const query = told.toString();
  return query ? `/?${query}` : "/";
}

/** An empty search. */
export function blank() {
  return read("");
}

/** Whether anything is asked. */
export function asks(state) {
  return Boolean(state.q || state.item.length || state.segment.length || state.file);
}

/** The parts of a state that narrow the answers down, for the count beside "Filters". */
export function narrowed(state) {
  return ["language", "root", "where", "words", "method", "diversity", "away"].filter((name) => state[name]).length + (state.collapse ? 1 : 0);
}

/** An item's page, at a segment and a second. */
export function itemAddress(id, segment, second) {
  const at = { ...blank(), view: "item", id, at: segment || "" };
  if (second) at.t = String(Math.round(second * 100) / 100);
  return address(at);
}
