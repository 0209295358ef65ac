// Try it: a preview of a direct event, and code that sends it.

import { get, post, postForPicture, reason } from "./api.js";
import { announce, copyButton, h } from "./dom.js";
import { EventForm } from "./form.js";
import { bytes, duration } from "./format.js";

const SETTLED = 250; // milliseconds without another change
const KINDS = [
  ["json", "JSON"],
  ["aws", "aws"],
  ["curl", "curl"],
  ["python", "Python"],
];
const WHOLE = { width: 640, height: 480, fit: "inside", format: "jpeg", background: "808080" }; // the preview of the original
const LEAD =
  "An event as a form. The preview is made on this computer by the same code; nothing is stored until you start the workflow.";

export async function show(main, { query, stack, signal }) {
  document.title = "Try it · Tinypics";
  const trial = new Trial(query, stack, signal);
  main.append(h("h1", {}, "Try it"), h("p", { class: "lead" }, LEAD), trial.element);
  trial.changed();
  if (!query.get("key")) trial.suggest();
}

class Trial {
  constructor(query, stack, signal) {
    Object.assign(this, { stack, signal, kind: "json" });
    this.form = new EventForm(query, stack, {
      changed: () => this.changed(),
      submitted: (button) => this.submit(button),
    });
    this.result = h("div", { "aria-live": "polite" });
    const rendition = h(
      "div",
      { class: "result" },
      h("h3", {}, "Rendition"),
      h("p", { class: "quiet small" }, "At its true size."),
      this.result,
    );
    const click = (event) => this.point(event);
    const load = () => this.place();
    this.source = h("img", {
      class: "focusable",
      alt: "The original; click the point that must stay in view",
      onclick: click,
      onload: load,
    });
    this.mark = h("span", { class: "focus-mark", hidden: true });
    this.original = h(
      "div",
      { class: "original-part", hidden: true },
      h("h3", {}, "Original"),
      h("p", { class: "quiet small" }, "Click the point that must stay in view."),
      h("div", { class: "picker" }, this.source, this.mark),
    );
    const preview = h(
      "section",
      { class: "card preview", "aria-label": "Preview" },
      h("h2", {}, "Preview"),
      rendition,
      this.original,
    );
    this.snippets = h("section", { class: "card", "aria-label": "The same as code" });
    this.element = h("div", { class: "trial" }, this.form.element, preview, this.snippets);
  }

  /** Suggest the newest pictures as keys. */
  async suggest() {
    try {
      const page = await get("/api/executions?status=SUCCEEDED", this.signal);
      const names = page.items.slice(0, 30).map((item) => item.name);
      const about = Object.values(await post("/api/subjects", { names }, this.signal));
      const made = about.filter((each) => each.bucket === this.stack.source_bucket && each.result === "made");
      if (this.form.suggest([...new Set(made.map((each) => each.key))])) this.changed();
    } catch {
      /* suggestions are optional */
    }
  }

  point(event) {
    const area = this.source.getBoundingClientRect();
    const share = (at, start, length) =>
      Math.min(1, Math.max(0, (at - start) / length))
        .toFixed(3)
        .replace(/\.?0+$/, "");
    this.form.point = `${share(event.clientX, area.left, area.width)},${share(event.clientY, area.top, area.height)}`;
    this.changed();
  }

  changed() {
    this.place();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settled(), SETTLED);
  }

  async settled() {
    if (this.signal.aborted) return; // another view is shown
    history.replaceState(null, "", `#/try?${this.form.address()}`);
    this.running?.abort();
    this.running = new AbortController();
    const signal = AbortSignal.any([this.signal, this.running.signal]);
    const event = this.form.event();
    try {
      this.offer(await post("/api/snippets", { event }, signal));
      if (!event.key)
        return this.say("Name the key of a picture in the bucket, or drop one under Pictures first.", "empty small");
      if (!this.result.querySelector("img")) this.say("Making it", "empty small");
      await this.load(event, signal);
      this.result.classList.add("busy");
      const response = await postForPicture("/api/preview", { event }, signal);
      this.made(await response.blob(), JSON.parse(response.headers.get("Tinypics-Facts")));
    } catch (error) {
      if (signal.aborted) return;
      this.say(reason(error), "refused");
    }
    this.result.classList.remove("busy");
  }

  say(text, kind) {
    this.result.replaceChildren(h("p", { class: kind }, text));
  }

  /** The original, fetched once per key. */
  async load({ bucket, key }, signal) {
    const name = `${bucket}\n${key}`;
    if (this.shown === name) return;
    const response = await postForPicture("/api/preview", { event: { bucket, key, ...WHOLE } }, signal);
    this.shown = name;
    fill(this.source, await response.blob());
    this.original.hidden = false;
  }

  made(blob, facts) {
    const image = h("img", { alt: "The rendition", width: facts.width, height: facts.height });
    fill(image, blob);
    const saved = Math.round(1000 * (1 - facts.bytes / facts.source.bytes)) / 10;
    const story = [
      `${facts.width} × ${facts.height}`,
      facts.format.toUpperCase(),
      `${bytes(facts.bytes)}, ${saved >= 0 ? `${saved} % smaller` : `${-saved} % larger`}`,
      duration(facts.ms),
    ];
    this.result.replaceChildren(
      h(
        "div",
        { class: "frame true", tabindex: 0, role: "group", "aria-label": "The rendition at its true size" },
        image,
      ),
      h("p", {}, h("strong", {}, facts.rendition), h("br"), story.join(" · ")),
      facts.dropped.length ? h("p", { class: "warn" }, `Not kept: ${facts.dropped.join(", ")}`) : "",
    );
  }

  /** The mark of the focal point on the original. */
  place() {
    this.mark.hidden = !this.form.point || this.original.hidden;
    if (this.mark.hidden) return;
    const [x, y] = this.form.point.split(",").map(Number);
    this.mark.style.left = `${this.source.offsetLeft + x * this.source.clientWidth}px`;
    this.mark.style.top = `${this.source.offsetTop + y * this.source.clientHeight}px`;
  }

  /** Code that sends the event, in the language that was chosen last. */
  offer(found) {
    const code = h("code", {}, found[this.kind] ?? found.json);
    const choose = (kind) => () => {
      this.kind = kind;
      this.offer(found);
    };
    const kinds = KINDS.filter(([kind]) => found[kind]);
    const buttons = kinds.map(([kind, word]) =>
      h("button", { type: "button", "aria-pressed": String(kind === this.kind), onclick: choose(kind) }, word),
    );
    this.snippets.replaceChildren(
      h(
        "div",
        { class: "bar" },
        h("h2", {}, "The same as code"),
        copyButton(() => code.textContent, "Copy"),
      ),
      h("div", { class: "segments", role: "group", "aria-label": "Language" }, buttons),
      h("pre", { tabindex: 0, id: "snippet" }, code),
    );
  }

  async submit(button) {
    button.disabled = true;
    try {
      const { name } = await post("/api/executions", { event: this.form.event() });
      location.hash = this.stack.listed ? `#/executions/${encodeURIComponent(name)}` : "#/"; // the log has the details
    } catch (error) {
      announce(reason(error));
    }
    button.disabled = false;
  }
}

function fill(image, blob) {
  const url = URL.createObjectURL(blob);
  image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  image.src = url;
}
