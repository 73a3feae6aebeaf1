// What is served: the snapshot, how well it retrieves, the snapshots before it.

import * as api from "./api.js";
import { el, icon, svg } from "./dom.js";
import { trouble } from "./results.js";
import { bytes, date, language, name, number, t } from "./words.js";

const FIRST = ["RR", "nDCG@10", "Success@1", "Success@10", "R@10", "AP"]; // measures, in this order

/** Show the snapshot that serves and its evaluation. */
export async function lakePage(main, state, { signal, again }) {
  main.setAttribute("aria-busy", "true");
  document.title = `${t("lake")} — mmindex`;
  api.heard(null); // ask anew
  try {
    const [lake, kept, found] = await Promise.all([api.lake(), api.snapshots(signal), api.evaluation(signal)]);
    if (signal.aborted) return;
    main.replaceChildren(el("article.lake", {}, head(lake), evaluated(found), nights(found.history), versions(kept)));
  } catch (error) {
    if (error.name !== "AbortError") trouble(main, error, again);
  } finally {
    main.removeAttribute("aria-busy");
  }
}

function head(lake) {
  const most = Math.max(...lake.modalities.map((kind) => lake.files[kind] || 0), 1);
  const row = (kind) => el("div.measure", {}, el("span", {}, icon(kind), name(kind)), meter((lake.files[kind] || 0) / most), el("b", {}, number(lake.files[kind] || 0)));
  return el("section.panelled", {},
    el("h1", {}, t("snapshotN", { n: lake.snapshot })),
    el("p.muted", {}, [t("published", { when: date(lake.created_at, true) }), t("preset", { name: lake.preset }), lake.private ? t("private") : ""].filter(Boolean).join(" · ")),
    el("p.large", {}, el("b", {}, number(lake.items)), " ", t("itemsWord", { n: lake.items })),
    lake.modalities.map(row),
    lake.quarantine ? el("p.quarantine", {}, el("b", {}, number(lake.quarantine)), " ", t("quarantined", { n: lake.quarantine }), " ", el("code", {}, "mmindex quarantine"), " ", t("quarantineHow", { n: lake.quarantine })) : null);
}

function meter(share) {
  return el("span.meter", { aria: { hidden: "true" } }, el("span", { css: { width: `${Math.max(share * 100, 0.5).toFixed(1)}%` } }));
}

const badge = (verdict) => (verdict ? el("span.verdict", { data: { verdict } }, t(`verdict_${verdict}`, {}, verdict)) : null);

function evaluated(found) {
  const directions = Object.entries(found.scores);
  const names = [...new Set(directions.flatMap(([, scores]) => Object.keys(scores)))];
  const measures = [...FIRST.filter((one) => names.includes(one)), ...names.filter((one) => !FIRST.includes(one))].slice(0, 6);
  const line = ([direction, scores]) => el("tr", {}, el("th", { scope: "row" }, way(direction)), measures.map((one) => el("td", {}, scores[one] == null ? "–" : el("span.score", { css: { "--share": scores[one] } }, scores[one].toFixed(3)))));
  const table = directions.length ? el("div.scroll", { role: "group", tabIndex: 0, aria: { label: t("evaluation") } }, el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("direction")), measures.map((one) => el("th", { scope: "col" }, one)))), el("tbody", {}, directions.map(line)))) : null;
  return el("section.panelled", {},
    el("div.row.between", {}, el("h2", {}, t("evaluation"), badge(found.verdict)), found.report ? el("a.button", { href: `${found.report}?lang=${language()}`, target: "_blank", rel: "noopener" }, icon("open"), t("report")) : null),
    el("p.muted", {}, found.status === "measured" ? t("measuredWith", { n: found.queries }) : found.reason || t("unmeasured")),
    found.baseline ? el("p.muted", {}, t("baseline", { n: found.baseline })) : null,
    table, ruled(found.rules));
}

/** The rules of the gate, as sentences; one that is not known stays as it was written. */
function ruled(rules) {
  if (!rules.length) return null;
  return el("details.rules", {}, el("summary", {}, t("rules", { n: rules.length })), el("ul", {}, rules.map((one) => el("li", { title: one }, rule(one)))));
}

function rule(text) {
  const [, of, measure, told] = /^(\S+) (\S+): (.+)$/.exec(text) || [];
  const bounds = Object.fromEntries((told || "").split(",").map((one) => one.split("=").map((part) => part.trim())));
  const said = ["max_drop", "max_rise", "min"].filter((one) => bounds[one]).map((one) => t(`rule_${one}`, { n: bounds[one] }));
  if (!of || !said.length) return text;
  if (bounds.action === "warn") said.push(t("rule_warn"));
  return `${subject(of)}${measure === "share" ? "" : ` · ${measure}`}${t("colon")}${said.join(t("comma"))}`;
}

/** What a rule is about: each direction, an index, one medium's share. */
function subject(of) {
  const every = { "all*": "rule_all", "*->*": "rule_each", "index:*": "rule_index", "coverage:*": "rule_coverage", "quarantine": "rule_quarantine" }[of];
  return every ? t(every) : of.includes("->") ? way(of) : of;
}

/** "text:en->image" → English text → pictures. */
function way(direction) {
  return direction.split(/->|→/).map((side) => {
    const [kind, tongue] = side.split(":");
    return tongue ? `${name(kind)} (${tongue})` : name(kind);
  }).join(" → ");
}

function nights(history) {
  const scored = history.filter((one) => one.score != null).reverse();
  if (scored.length < 2) return null;
  return el("section.panelled", {}, el("h2", {}, t("history")), curve(scored), el("p.muted", {}, t("historyHint", { low: Math.min(...scored.map((o) => o.score)).toFixed(3), high: Math.max(...scored.map((o) => o.score)).toFixed(3) })));
}

function curve(scored) {
  const values = scored.map((one) => one.score);
  const low = Math.min(...values);
  const wide = Math.max(...values) - low || 1;
  const x = (n) => 8 + (n / (scored.length - 1)) * 584;
  const y = (value) => 72 - ((value - low) / wide) * 56;
  const line = svg("polyline", { points: scored.map((one, n) => `${x(n)},${y(one.score)}`).join(" ") });
  const dots = scored.map((one, n) => {
    const dot = svg("circle", { cx: x(n), cy: y(one.score), r: 4, class: one.verdict });
    const title = svg("title");
    title.textContent = `${date(one.when, true)} · ${t("snapshotN", { n: one.snapshot })} · ${one.score.toFixed(3)}`;
    dot.append(title);
    return dot;
  });
  return svg("svg", { class: "curve", viewBox: "0 0 600 88", role: "img", "aria-label": t("history") }, line, ...dots);
}

function versions(kept) {
  const cell = (...given) => el("td", {}, ...given);
  const line = (one) => el("tr", { class: one.serves ? "here" : "" },
    el("th", { scope: "row" }, number(one.snapshot), one.serves ? el("span.verdict", { data: { verdict: "serves" } }, t("serves")) : null),
    one.error ? el("td", { colSpan: 5 }, t("unreadable")) : [
      cell(one.created_at ? date(one.created_at, true) : "–"), cell(one.items == null ? "–" : number(one.items)), cell(one.bytes == null ? "–" : bytes(one.bytes)),
      cell(one.score == null ? "–" : one.score.toFixed(3)), cell(badge(one.verdict) || "–")]);
  const heads = ["snapshot", "when", "itemsHead", "size", "score", "verdict"];
  return el("section.panelled", {}, el("h2", {}, t("snapshots")), el("div.scroll", { role: "group", tabIndex: 0, aria: { label: t("snapshots") } }, el("table", {}, el("thead", {}, el("tr", {}, heads.map((one) => el("th", { scope: "col" }, t(one))))), el("tbody", {}, kept.snapshots.map(line)))));
}
