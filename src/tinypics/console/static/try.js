// Try it: a preview of a direct event, and code that sends it.

import { errorText, get, post, postForPicture } from "./api.js";
import { announce, button, card, copyButton, h, picker } from "./dom.js";
import { EventForm } from "./form.js";
import { bytes, duration } from "./format.js";

const DEBOUNCE = 250; // milliseconds without another change
const LANGUAGES = Object.entries({ json: "JSON", aws: "aws", curl: "curl", python: "Python" });
// How the original is shown.
const ORIGINAL = { width: 640, height: 480, fit: "inside", format: "jpeg", background: "808080" };
const LEAD =
  "Choose a picture or drop a file, and change its settings. The preview is made on this computer by the same code; nothing is stored until you start the workflow.";

export async function show(main, { query, stack, signal }) {
  document.title = "Try it · Tinypics";
  const view = new TryView(query, stack, signal);
  main.append(h("h1", "Try it"), h("p.lead", LEAD), view.element);
  view.changed();
  view.suggest().catch(() => {}); // suggestions are optional
}

class TryView {
  constructor(query, stack, signal) {
    Object.assign(this, { stack, signal, language: "json" });
    this.form = new EventForm(query, stack, {
      changed: () => this.changed(),
      submitted: (button) => this.submit(button),
    });
    this.result = h("div", { "aria-live": "polite" });
    const rendition = h("div.result", h("h3", "Rendition"), h("p.quiet.small", "At its true size."), this.result);
    const listeners = { onclick: (event) => this.setPoint(event), onload: () => this.placeMark() };
    this.source = h("img.focusable", { alt: "The original; click the point that must stay in view", ...listeners });
    this.mark = h("span.focus-mark", { hidden: true });
    this.original = h(
      "div.original-part",
      { hidden: true },
      h("h3", "Original"),
      h("p.quiet.small", "Click the point that must stay in view."),
      h("div.picker", this.source, this.mark),
    );
    const preview = card("Preview", h("div.preview", rendition, this.original));
    this.snippets = h("section.card", { "aria-label": "The same as code" });
    const choose = picker("Choose a file", "quiet", { id: "own" }, (files) => this.take(files));
    this.offer = h("div.offer", { role: "group", "aria-label": "Pictures to try" }, choose);
    const drop = (event) => this.take(event.dataTransfer.files);
    this.element = h("div.try", { ondrop: drop }, this.offer, this.form.element, preview, this.snippets);
  }

  /** Offer the newest pictures, and start with the first one whose source still exists. */
  async suggest() {
    const { items } = await get("/api/pictures", this.signal);
    const known = items.filter(({ source, thumbnail }) => source && thumbnail).slice(0, 8);
    const button = ({ source, thumbnail }) =>
      h(
        "button",
        { type: "button", title: source, onclick: () => this.choose(source) },
        h("img", { src: thumbnail, alt: source }),
      );
    this.offer.prepend(...known.map(button));
    if (this.form.fields.key.value) return;
    this.suggestions = known.map(({ source }) => source);
    this.choose((this.suggested = this.suggestions.shift() ?? ""));
  }

  /** Show another source: an object, or a `file` that is not in the bucket. */
  choose(key, file = null) {
    this.file = file;
    this.form.fields.key.value = key;
    this.form.submitButton.disabled = Boolean(file);
    this.form.submitButton.title = file ? "The file is not in the bucket: upload it under Pictures first" : "";
    this.changed();
  }

  /** A preview of the event, of the bucket's object or of the file. */
  preview(event, signal) {
    const path = `/api/preview/file?${new URLSearchParams({ event: JSON.stringify(event) })}`;
    return this.file ? postForPicture(path, this.file, signal) : postForPicture("/api/preview", { event }, signal);
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

  take([file]) {
    if (file) this.choose(file.name, file);
  }

  changed() {
    if (this.file?.name !== this.form.fields.key.value) this.file = null; // another key was typed
    this.placeMark();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.update(), DEBOUNCE);
  }

  /** Update address, snippets and preview. */
  async update() {
    if (this.signal.aborted) return; // another view is shown
    history.replaceState(history.state, "", `#/try?${this.form.address()}`);
    this.running?.abort();
    this.running = new AbortController();
    const signal = AbortSignal.any([this.signal, this.running.signal]);
    const event = this.form.event();
    try {
      this.showSnippets(await post("/api/snippets", { event }, signal));
      if (!event.key)
        return this.showText(
          "Drop a file here, choose one, or enter the key of a picture in the bucket.",
          "empty small",
        );
      if (!this.result.querySelector("img")) this.showText("Making the preview", "empty small");
      await this.loadOriginal(event, signal);
      this.result.classList.add("busy");
      const response = await this.preview(event, signal);
      this.showRendition(await response.blob(), JSON.parse(response.headers.get("Tinypics-Facts")));
    } catch (error) {
      if (signal.aborted) return;
      const isGone = error.error === "SourceNotFound" && event.key === this.suggested;
      if (isGone && this.suggestions.length) return this.choose((this.suggested = this.suggestions.shift()));
      this.showText(errorText(error), "refused");
    }
    this.result.classList.remove("busy");
  }

  showText(text, kind) {
    this.result.replaceChildren(h("p", { class: kind }, text));
  }

  /** The original, fetched once per key. */
  async loadOriginal({ bucket, key }, signal) {
    const name = this.file ?? `${bucket}\n${key}`;
    if (this.shown === name) return;
    const response = await this.preview({ bucket, key, ...ORIGINAL }, signal);
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
      h("div.frame.true", { tabindex: 0, role: "group", "aria-label": "The rendition at its true size" }, image),
      h("p", h("strong", facts.rendition), h("br"), summary.join(" · ")),
      facts.dropped.length ? h("p.warn", `Dropped: ${facts.dropped.join(", ")}`) : "",
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
    const code = h("code", snippets[this.language] ?? snippets.json);
    const choose = (language) => () => {
      this.language = language;
      this.showSnippets(snippets);
    };
    const languages = LANGUAGES.filter(([language]) => snippets[language]);
    const buttons = languages.map(([language, label]) => {
      const element = button(label, choose(language));
      element.ariaPressed = String(language === this.language);
      return element;
    });
    this.snippets.replaceChildren(
      h(
        "div.bar",
        h("h2", "The same as code"),
        copyButton(() => code.textContent),
      ),
      h("div.segments", { role: "group", "aria-label": "Language" }, buttons),
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
