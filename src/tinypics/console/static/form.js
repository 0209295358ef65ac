// The direct event as a form.

import { h } from "./dom.js";

const POINT = "a point"; // a choice of gravity that is not a value of the event's field
const NO_RENDITION = { width: "320", height: "320", fit: "cover", gravity: "centre", format: "", quality: "" };

export class EventForm {
  /** Calls `changed` when the event has changed, and `submitted` with the button when the user sends it. */
  constructor(query, stack, { changed, submitted }) {
    this.stack = stack;
    this.defaults = { ...NO_RENDITION, ...stack.first }; // the first rendition that the stack makes
    this.fields = fields(query, stack, this.defaults);
    this.submitButton = h("button", { type: "submit", class: "primary" }, "Start the workflow");
    const field = (name, label = name) => h("label", { for: name }, h("span", label), this.fields[name]);
    const row = (...parts) => h("div.row", parts);
    this.pointField = h("div", { hidden: !this.point }, field("point", "Point: x,y of the original, 0 to 1"));
    const input = (event) => {
      this.pointField.hidden = !this.point;
      if (event.target.checkValidity() || event.target !== this.fields.point) changed();
    };
    const submit = (event) => {
      event.preventDefault();
      submitted(this.submitButton);
    };
    this.element = h(
      "form.card.form",
      { oninput: input, onsubmit: submit },
      h("div.fields", field("bucket"), field("key"), [
        row(field("width"), field("height")),
        row(field("fit"), field("gravity")),
        this.pointField,
        row(field("format"), field("quality")),
      ]),
      this.submitButton,
      h("p.quiet.small", "The workflow stores the rendition in ", h("code", stack.output_bucket), "."),
    );
  }

  /** The focal point, "x,y"; null for any other gravity. */
  get point() {
    return this.fields.gravity.value === POINT ? this.fields.point.value : null;
  }

  set point(text) {
    this.fields.gravity.value = POINT;
    this.fields.point.value = text;
    this.pointField.hidden = false;
  }

  /** The form as a query string, for links to it. */
  address() {
    const query = new URLSearchParams();
    for (const name of ["bucket", "key", ...Object.keys(this.defaults)]) {
      const value = (name === "gravity" ? this.point : null) ?? this.fields[name].value;
      if (value !== this.defaults[name]) query.set(name, value);
    }
    return query;
  }

  /** The event: numbers as numbers, without defaults. */
  event() {
    const value = (name) => this.fields[name].value;
    const event = { bucket: value("bucket"), key: value("key"), dest_bucket: this.stack.output_bucket };
    for (const name of ["width", "height", "quality"]) if (value(name)) event[name] = Number(value(name));
    const gravity = this.point ?? value("gravity");
    if (value("fit") !== "cover") event.fit = value("fit");
    if (gravity !== "centre") event.gravity = gravity;
    if (value("format")) event.format = value("format");
    return event;
  }
}

function fields(query, stack, defaults) {
  const text = (name, value, more = {}) =>
    h("input", { id: name, name, value, autocomplete: "off", spellcheck: "false", ...more });
  const number = (name, value, max, more = {}) =>
    text(name, value, { type: "number", min: 1, max, inputmode: "numeric", ...more });
  const select = (name, ...values) =>
    h(
      "select",
      { id: name, name },
      values.map((value) => h("option", { value }, value || "original")),
    );
  const given = (name) => query.get(name) ?? defaults[name];
  const found = {
    bucket: text("bucket", query.get("bucket") ?? stack.source_bucket),
    key: text("key", query.get("key") ?? "", { placeholder: "holiday/IMG_4711.jpg" }),
    width: number("width", given("width"), 16384),
    height: number("height", given("height"), 16384),
    fit: select("fit", ...stack.fits),
    gravity: select("gravity", POINT, ...stack.gravities),
    point: text("point", "0.5,0.5", { pattern: "[01]?(\\.[0-9]+)?,[01]?(\\.[0-9]+)?" }),
    format: select("format", "", ...stack.formats, "auto"),
    quality: number("quality", given("quality"), 100, { placeholder: "default" }),
  };
  for (const name of ["fit", "gravity", "format"]) found[name].value = given(name);
  if (/,/.test(given("gravity"))) {
    found.gravity.value = POINT;
    found.point.value = given("gravity");
  }
  return found;
}
