// Players that start at a hit's span, and the waveform that says where.

import { el, icon, PAUSE, PLAY, solid, svg } from "./dom.js";
import { get } from "./api.js";
import { clock, t } from "./words.js";

const POINTS = 128; // bars across a page; a card has fewer
const SHOWN = /^image\/(png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)$/;
let playing = null;

/** Whether a browser draws a file of this type; of one that is not told it may be tried. */
export const drawn = (type) => !type?.includes("/") || SHOWN.test(type);

/** Only one plays at a time. */
function alone(player) {
  if (playing && playing !== player) playing.pause();
  playing = player;
}

/** Stop what plays: its page goes away. */
export function quiet() {
  if (playing) playing.pause();
  playing = null;
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    entry.target.dispatchEvent(new Event("seen"));
  }
}, { rootMargin: "300px" });

/** Do something once, when an element comes near the window. */
export function whenSeen(target, act) {
  target.addEventListener("seen", act, { once: true });
  seen.observe(target);
}

/** A small picture; `instead` takes its place where there is none. */
export function picture(src, alt, instead) {
  const img = el("img", { src, alt, loading: "lazy", decoding: "async", draggable: false });
  img.draggable = false;
  img.addEventListener("error", () => img.replaceWith(instead()), { once: true });
  return img;
}

/** What stands for something that cannot be shown. */
export function placeholder(kind) {
  return el("div.placeholder", { aria: { hidden: "true" } }, icon(kind));
}

/** The path of a waveform: one bar for each peak, about a middle line. */
export function bars(peaks) {
  const most = Math.max(...peaks, 0.05);
  return peaks.map((peak, n) => {
    const half = Math.max(1.5, (peak / most) * 46);
    return `M${n * 4 + 2} ${(50 - half).toFixed(1)}V${(50 + half).toFixed(1)}`;
  }).join("");
}

/** A sound: a button, its waveform, the time. It plays its span and stops. */
export class Sound {
  constructor({ url, waveform, span, label, points = POINTS }) {
    Object.assign(this, { url, points, waveform, audio: null });
    this.within(span);
    this.shape = solid(PLAY);
    this.button = el("button.play", { type: "button", onclick: () => this.toggle(), data: { key: "p" } }, this.shape);
    this.wave = el("div.wave", {
      role: "slider", tabIndex: 0, onpointerdown: (e) => this.point(e), onkeydown: (e) => this.step(e),
      aria: { label: t("position"), valuemin: 0 },
    });
    this.time = el("span.time");
    this.root = el("div.sound", { role: "group", aria: { label: label || t("audio") } }, this.button, this.wave, this.time);
    this.draw(new Array(points).fill(0));
    this.show();
    if (!url) this.button.disabled = true;
    if (waveform) whenSeen(this.root, () => this.load(waveform));
  }

  within(span) {
    const at = span && span.unit === "second" ? span : null;
    Object.assign(this, { from: at ? at.start : 0, until: at ? at.end : 0 });
  }

  /** Take another part of the same file, and play it. */
  take({ waveform, span }) {
    this.waveform = waveform;
    this.within(span);
    this.seek(0);
    if (this.audio.paused) this.toggle();
    if (waveform) this.load(waveform);
  }

  async load(waveform) {
    try {
      const told = await get(`${waveform}?points=${this.points}`);
      if (this.waveform !== waveform) return; // another part was taken meanwhile
      this.from = told.start;
      this.until = told.start + told.seconds;
      this.draw(told.peaks);
      this.show();
    } catch {
      this.root.classList.add("flat"); // the sound may still be played
    }
  }

  draw(peaks) {
    const one = (name) => svg("svg", { class: name, viewBox: `0 0 ${peaks.length * 4} 100`, preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("path", { d: bars(peaks), "vector-effect": "non-scaling-stroke" }));
    this.done = one("done");
    this.wave.replaceChildren(one("all"), this.done);
  }

  get length() {
    return Math.max(this.until - this.from, 0);
  }

  get now() {
    const at = this.audio ? this.audio.currentTime - this.from : 0;
    return Math.min(Math.max(at, 0), this.length || at);
  }

  ready() {
    if (this.audio) return this.audio;
    const audio = new Audio();
    audio.preload = "metadata";
    audio.addEventListener("loadedmetadata", () => this.measured());
    audio.addEventListener("play", () => this.begin());
    audio.addEventListener("pause", () => this.show());
    audio.addEventListener("error", () => this.broken());
    audio.src = this.url;
    audio.currentTime = this.from;
    this.audio = audio;
    return audio;
  }

  measured() {
    if (!this.until && Number.isFinite(this.audio.duration)) this.until = this.audio.duration;
    this.show();
  }

  toggle() {
    const audio = this.ready();
    if (!audio.paused) return audio.pause();
    if (this.until && audio.currentTime >= this.until - 0.05) audio.currentTime = this.from;
    return audio.play().catch((error) => error.name === "AbortError" || this.broken());
  }

  begin() {
    alone(this.audio);
    const frame = () => {
      if (this.until && this.audio.currentTime >= this.until) this.audio.pause();
      this.show();
      if (!this.audio.paused) requestAnimationFrame(frame);
    };
    frame();
  }

  seek(second) {
    if (!this.url) return;
    this.ready().currentTime = this.from + Math.min(Math.max(second, 0), this.length);
    this.show();
  }

  point(event) {
    if (event.button) return;
    const box = this.wave.getBoundingClientRect();
    this.seek(((event.clientX - box.left) / box.width) * this.length);
    if (this.url && this.audio.paused) this.toggle();
  }

  step(event) {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5 }[event.key];
    if (event.key === " " || event.key === "Enter") this.toggle();
    else if (by) this.seek(this.now + by);
    else if (event.key === "Home") this.seek(0);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  show() {
    const on = Boolean(this.audio && !this.audio.paused);
    const share = this.length ? this.now / this.length : 0;
    this.shape.firstChild.setAttribute("d", on ? PAUSE : PLAY);
    this.button.setAttribute("aria-label", t(on ? "pause" : "play"));
    this.root.classList.toggle("on", on);
    this.done.style.clipPath = `inset(0 ${(100 - share * 100).toFixed(2)}% 0 0)`;
    this.time.textContent = this.length ? clock(on || share ? this.now : this.length) : "";
    this.wave.setAttribute("aria-valuemax", this.length.toFixed(1));
    this.wave.setAttribute("aria-valuenow", this.now.toFixed(1));
    this.wave.setAttribute("aria-valuetext", `${clock(this.now)} / ${clock(this.length)}`);
  }

  broken() {
    this.root.replaceChildren(cannot(this.url));
  }
}

/** A video with the browser's own controls, which starts at a second. */
export function video({ url, poster, start = 0, label, autoplay = false }) {
  const player = el("video.video", {
    controls: true, preload: autoplay ? "auto" : "metadata", playsInline: true, poster: poster || "",
    aria: { label: label || t("video") },
  });
  player.addEventListener("loadedmetadata", () => start && (player.currentTime = start), { once: true });
  player.addEventListener("play", () => alone(player));
  player.addEventListener("error", () => player.replaceWith(cannot(url)));
  player.src = start ? `${url}#t=${start}` : url;
  if (autoplay) player.play().catch(() => {}); // the browser may want another click
  return player;
}

/** A still that becomes the player when it is clicked. */
export function still({ url, poster, start = 0, label }) {
  const base = poster ? picture(poster, label, () => placeholder("video")) : placeholder("video");
  if (!url) return base;
  const box = el("div.still");
  const begin = (event) => {
    event.preventDefault();
    const player = video({ url, poster, start, label, autoplay: true });
    box.replaceChildren(player);
    player.focus();
  };
  box.append(base, el("button.play.big", { type: "button", onclick: begin, data: { key: "p" }, aria: { label: t("playAt", { at: clock(start) }) } }, solid(PLAY)));
  return box;
}

function cannot(url) {
  return el("p.cannot", {}, t("cannotPlay"), " ", url && el("a", { href: url, download: "" }, t("download")));
}
