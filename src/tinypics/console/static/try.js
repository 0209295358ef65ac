// Try it: a preview of a direct event, and code that sends it.

import { errorText, get, post, postForPicture } from "./api.js";
import { announce, copyButton, h } from "./dom.js";
import { EventForm } from "./form.js";
import { bytes, duration } from "./format.js";

const DEBOUNCE = 250; // milliseconds without another change
const LANGUAGES = [
  ["json", "JSON"],
  ["aws", "aws"],
  ["curl", "curl"],
  ["python", "Python"],
];
// How the original is shown.
const ORIGINAL = { width: 640, height: 480, fit: "inside", format: "jpeg", background: "808080" };
const LEAD =
  "Edit an event. The preview is made on this computer by the same code; nothing is stored until you start the workflow.";

export async function show(main, { query, stack, signal }) {
  document.title = "Try it · Tinypics";
  const view = new TryView(query, stack, signal);
  main.append(h("h1", {}, "Try it"), h("p", { class: "lead" }, LEAD), view.element);
  view.changed();
  if (!query.get("key")) view.suggest();
}

class TryView {
  constructor(query, stack, signal) {
    Object.assign(this, { stack, signal, language: "json" });
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
    const click = (event) => this.setPoint(event);
    const load = () => this.placeMark();
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
    this.element = h("div", { class: "try" }, this.form.element, preview, this.snippets);
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

  /** Set the focal point to where the original was clicked. */
  setPoint(event) {
    const area = this.source.getBoundingClientRect();
    const fraction = (at, start, length) =>
      Math.min(1, Math.max(0, (at - start) / length))
        .toFixed(3)
        .replace(/\.?0+$/, "");
    this.form.point = `${fraction(event.clientX, area.left, area.width)},${fraction(event.clientY, area.top, area.height)}`;
    this.changed();
  }

  changed() {
    this.placeMark();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.update(), DEBOUNCE);
  }

  /** Update address, snippets and preview. */
  async update() {
    if (this.signal.aborted) return; // another view is shown
    history.replaceState(null, "", `#/try?${this.form.address()}`);
    this.running?.abort();
    this.running = new AbortController();
    const signal = AbortSignal.any([this.signal, this.running.signal]);
    const event = this.form.event();
    try {
      this.showSnippets(await post("/api/snippets", { event }, signal));
      if (!event.key)
        return this.showText("Enter the key of a picture in the bucket, or upload one under Pictures.", "empty small");
      if (!this.result.querySelector("img")) this.showText("Making the preview", "empty small");
      await this.loadOriginal(event, signal);
      this.result.classList.add("busy");
      const response = await postForPicture("/api/preview", { event }, signal);
      this.showRendition(await response.blob(), JSON.parse(response.headers.get("Tinypics-Facts")));
    } catch (error) {
      if (signal.aborted) return;
      this.showText(errorText(error), "refused");
    }
    this.result.classList.remove("busy");
  }

  showText(text, kind) {
    this.result.replaceChildren(h("p", { class: kind }, text));
  }

  /** The original, fetched once per key. */
  async loadOriginal({ bucket, key }, signal) {
    const name = `${bucket}\n${key}`;
    if (this.shown === name) return;
    const response = await postForPicture("/api/preview", { event: { bucket, key, ...ORIGINAL } }, signal);
    this.shown = name;
    showBlob(this.source, await response.blob());
    this.original.hidden = false;
  }

  showRendition(blob, facts) {
    const image = h("img", { alt: "The rendition", width: facts.width, height: facts.height });
    showBlob(image, blob);
    const saved = Math.round(1000 * (1 - facts.bytes / facts.source.bytes)) / 10;
    const summary = [
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
      h("p", {}, h("strong", {}, facts.rendition), h("br"), summary.join(" · ")),
      facts.dropped.length ? h("p", { class: "warn" }, `Dropped: ${facts.dropped.join(", ")}`) : "",
    );
  }

  /** Show the focal point on the original. */
  placeMark() {
    this.mark.hidden = !this.form.point || this.original.hidden;
    if (this.mark.hidden) return;
    const [x, y] = this.form.point.split(",").map(Number);
    this.mark.style.left = `${this.source.offsetLeft + x * this.source.clientWidth}px`;
    this.mark.style.top = `${this.source.offsetTop + y * this.source.clientHeight}px`;
  }

  /** Code that sends the event, in the language that was chosen last. */
  showSnippets(snippets) {
    const code = h("code", {}, snippets[this.language] ?? snippets.json);
    const choose = (language) => () => {
      this.language = language;
      this.showSnippets(snippets);
    };
    const languages = LANGUAGES.filter(([language]) => snippets[language]);
    const buttons = languages.map(([language, label]) =>
      h(
        "button",
        { type: "button", "aria-pressed": String(language === this.language), onclick: choose(language) },
        label,
      ),
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
      announce(errorText(error));
    }
    button.disabled = false;
  }
}

function showBlob(image, blob) {
  const url = URL.createObjectURL(blob);
  image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  image.src = url;
}
