// Try it: a direct event as a form, what it would make as a picture, and how to send it from elsewhere.

import { get, post, postForPicture, reason } from "./api.js";
import { announce, copyButton, h } from "./dom.js";
import { bytes, duration } from "./format.js";

const SETTLED = 250; // milliseconds without another change
const KINDS = [["json", "JSON"], ["aws", "aws"], ["curl", "curl"], ["python", "Python"]];

export async function show(main, { query, stack, signal }) {
  document.title = "Try it · Tinypics";
  const trial = new Trial(query, stack, signal);
  main.append(h("h1", {}, "Try it"), h("p", { class: "lead" }, "An event as a form. The preview is made on this computer by the same code; nothing is stored until you start the workflow."), trial.element);
  trial.changed();
  if (!query.get("key")) trial.suggest();
}

class Trial {
  constructor(query, stack, signal) {
    Object.assign(this, { stack, signal });
    const text = (name, value, more = {}) => h("input", { id: name, name, value, autocomplete: "off", spellcheck: "false", ...more });
    const select = (name, values, none) => h("select", { id: name, name }, none ? h("option", { value: "" }, none) : null, values.map((value) => h("option", { value }, value)));
    this.fields = {
      bucket: text("bucket", query.get("bucket") ?? stack.source_bucket),
      key: text("key", query.get("key") ?? "", { placeholder: "holiday/IMG_4711.jpg", list: "keys" }),
      width: text("width", "320", { type: "number", min: 1, max: 16384, inputmode: "numeric" }),
      height: text("height", "320", { type: "number", min: 1, max: 16384, inputmode: "numeric" }),
      fit: select("fit", stack.fits),
      gravity: select("gravity", ["a point", ...stack.gravities]),
      format: select("format", [...stack.formats, "auto"], "original"),
      quality: text("quality", "", { type: "number", min: 1, max: 100, placeholder: "default", inputmode: "numeric" }),
    };
    this.fields.gravity.value = "centre";
    this.fields.point = text("point", "0.5,0.5", { pattern: "[01]?(\\.[0-9]+)?,[01]?(\\.[0-9]+)?" });
    this.keys = h("datalist", { id: "keys" });
    const field = (name, label = name) => h("label", { for: name }, h("span", {}, label), this.fields[name]);
    this.source = h("img", { class: "focusable", alt: "The original; click the point that must stay in view" });
    this.mark = h("span", { class: "focus-mark", hidden: true });
    this.picker = h("div", { class: "picker" }, this.source, this.mark);
    this.result = h("div", { class: "result", "aria-live": "polite" });
    this.start = h("button", { type: "submit", class: "primary" }, "Start the workflow");
    const form = h("form", { class: "card form", oninput: (event) => this.input(event), onsubmit: (event) => this.submit(event) },
      h("div", { class: "fields" }, field("bucket"), field("key"), h("div", { class: "row" }, field("width"), field("height")), h("div", { class: "row" }, field("fit"), field("gravity")), this.pointed = h("div", { hidden: true }, field("point", "Point: x,y of the original, 0 to 1")), h("div", { class: "row" }, field("format"), field("quality"))),
      this.keys, this.start, h("p", { class: "quiet small" }, "Starting it stores the rendition in ", h("code", {}, stack.output_bucket), "."));
    this.source.addEventListener("click", (event) => this.point(event));
    this.source.addEventListener("load", () => this.place());
    this.preview = h("section", { class: "card preview", "aria-label": "Preview" }, h("h2", {}, "Preview"), this.result, this.original = h("div", { class: "original-part", hidden: true }, h("h3", {}, "Original"), h("p", { class: "quiet small" }, "Click the point that must stay in view."), this.picker));
    this.snippets = h("section", { class: "card", "aria-label": "The same from elsewhere" });
    this.element = h("div", { class: "trial" }, form, this.preview, this.snippets);
    this.kind = "json";
  }

  /** The newest pictures, for whoever has no key at hand. */
  async suggest() {
    try {
      const page = await get("/api/executions?status=SUCCEEDED", this.signal);
      const about = await post("/api/subjects", { names: page.items.slice(0, 30).map((item) => item.name) }, this.signal);
      const keys = [...new Set(Object.values(about).filter((each) => each.bucket === this.stack.source_bucket && each.result === "made").map((each) => each.key))];
      this.keys.replaceChildren(...keys.map((key) => h("option", { value: key })));
      if (keys.length && !this.fields.key.value) { this.fields.key.value = keys[0]; this.changed(); }
    } catch { /* the field is there */ }
  }

  input(event) {
    if (event.target !== this.fields.point || event.target.checkValidity()) this.changed();
  }

  point(event) {
    const area = this.source.getBoundingClientRect();
    const share = (at, start, length) => Math.min(1, Math.max(0, (at - start) / length)).toFixed(3).replace(/\.?0+$/, "");
    this.fields.point.value = `${share(event.clientX, area.left, area.width)},${share(event.clientY, area.top, area.height)}`;
    this.fields.gravity.value = "a point";
    this.changed();
  }

  /** The event that the form says; numbers as numbers, defaults left out. */
  event() {
    const value = (name) => this.fields[name].value;
    const event = { bucket: value("bucket"), key: value("key"), dest_bucket: this.stack.output_bucket };
    for (const name of ["width", "height", "quality"]) if (value(name)) event[name] = Number(value(name));
    if (value("fit") !== "cover") event.fit = value("fit");
    const gravity = value("gravity") === "a point" ? value("point") : value("gravity");
    if (gravity !== "centre") event.gravity = gravity;
    if (value("format")) event.format = value("format");
    return event;
  }

  changed() {
    this.place();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settled(), SETTLED);
  }

  async settled() {
    this.running?.abort();
    this.running = new AbortController();
    const signal = AbortSignal.any([this.signal, this.running.signal]);
    const event = this.event();
    if (!event.key) {
      this.result.replaceChildren(h("p", { class: "empty small" }, "Name the key of a picture in the bucket, or drop one under Pictures first."));
    }
    try {
      this.show(await post("/api/snippets", { event }, signal));
      if (!event.key) return;
      await this.load(event, signal);
      this.result.classList.add("busy");
      const response = await postForPicture("/api/preview", { event }, signal);
      this.made(await response.blob(), JSON.parse(response.headers.get("Tinypics-Facts")));
    } catch (error) {
      if (signal.aborted) return;
      this.result.replaceChildren(h("p", { class: "refused" }, reason(error)));
    }
    this.result.classList.remove("busy");
  }

  async load(event, signal) {
    const name = `${event.bucket}\n${event.key}`;
    if (this.shown === name) return;
    const response = await postForPicture("/api/preview", { event: { bucket: event.bucket, key: event.key, dest_bucket: event.dest_bucket, width: 640, height: 480, fit: "inside", format: "jpeg", background: "808080" } }, signal);
    this.shown = name;
    this.picture(this.source, await response.blob());
    this.original.hidden = false;
  }

  picture(image, blob) {
    const url = URL.createObjectURL(blob);
    image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
    image.src = url;
  }

  made(blob, facts) {
    const image = h("img", { alt: "The rendition", width: facts.width, height: facts.height });
    this.picture(image, blob);
    const saved = Math.round(1000 * (1 - facts.bytes / facts.source.bytes)) / 10;
    this.result.replaceChildren(h("div", { class: "frame true", tabindex: 0, role: "group", "aria-label": "The rendition at its true size" }, image),
      h("p", {}, h("strong", {}, facts.rendition), ` · ${facts.width} × ${facts.height} · ${facts.format} · ${bytes(facts.bytes)}, ${saved >= 0 ? `${saved} % smaller` : `${-saved} % larger`} · ${duration(facts.ms)}`),
      facts.dropped.length ? h("p", { class: "warn" }, `Without ${facts.dropped.join(", ")}`) : "");
  }

  place() {
    const [x, y] = this.fields.point.value.split(",").map(Number);
    const pointed = this.fields.gravity.value === "a point";
    this.pointed.hidden = !pointed;
    this.mark.hidden = !pointed || this.original.hidden;
    if (this.mark.hidden) return;
    this.mark.style.left = `${this.source.offsetLeft + x * this.source.clientWidth}px`;
    this.mark.style.top = `${this.source.offsetTop + y * this.source.clientHeight}px`;
  }

  show(found) {
    const kinds = KINDS.filter(([kind]) => found[kind]);
    const code = h("code", {}, found[this.kind] ?? found.json);
    const tabs = kinds.map(([kind, word]) => h("button", { type: "button", "aria-pressed": String(kind === this.kind), onclick: () => { this.kind = kind; this.show(found); } }, word));
    this.snippets.replaceChildren(
      h("div", { class: "bar" }, h("h2", {}, "The same from elsewhere"), copyButton(() => code.textContent, "Copy")),
      h("div", { class: "segments", role: "group", "aria-label": "Language" }, tabs), h("pre", { tabindex: 0, id: "snippet" }, code));
  }

  async submit(event) {
    event.preventDefault();
    this.start.disabled = true;
    try {
      const { name } = await post("/api/executions", { event: this.event() });
      location.hash = `#/executions/${encodeURIComponent(name)}`;
    } catch (error) { announce(reason(error)); }
    this.start.disabled = false;
  }
}
