// One execution, or one line of the log, as a row of a list.

import { h, icon } from "./dom.js";
import { bytes, duration, exactly, moment } from "./format.js";
import { ENDED_BADLY, pill } from "./status.js";

/** An execution in a list. Its summary `about` may arrive later. */
export function row(item, about) {
  const bad = ENDED_BADLY.has(item.status);
  const picture = about?.thumbnail
    ? thumbnail(about)
    : bad
      ? icon("bad")
      : item.status === "RUNNING"
        ? icon("busy")
        : null;
  const took = item.ended ? duration(item.ended - item.started) : "";
  return h(
    "li",
    {},
    h(
      "a",
      { class: "row", href: `#/executions/${encodeURIComponent(item.name)}` },
      h("span", { class: `thumb ${bad ? "bad" : ""}` }, picture),
      h(
        "span",
        { class: "what" },
        h("span", { class: "key" }, about ? about.key || "(no key)" : "\u2007"),
        h(
          "span",
          { class: "note" },
          about?.error ? [h("strong", {}, about.error), ` ${about.message}`] : about ? story(about) : "\u2007",
        ),
      ),
      pill(item.status, about),
      h("time", { datetime: new Date(item.started).toISOString(), title: exactly(item.started) }, moment(item.started)),
      h("span", { class: "took" }, took),
    ),
  );
}

/** The smallest rendition; empty if it is deleted. */
export function thumbnail(about) {
  return about.thumbnail
    ? h("img", { src: about.thumbnail, alt: "", loading: "lazy", onerror: (event) => event.target.remove() })
    : null;
}

/** Source and output: 4032 × 3024 JPEG, 4.2 MB → 128 × 128, 3.3 kB. */
export function story({ bucket, result, source, made }) {
  if (result === "removed") return `${bucket}: the source is gone, its renditions too`;
  if (!source || !made.length) return bucket;
  const size = ({ width, height }) => `${width} × ${height}`;
  const outputs =
    made.length > 2
      ? `${made.length} renditions`
      : made.map((item) => `${size(item)}, ${bytes(item.bytes)}`).join(" and ");
  return `${size(source)} ${source.format.toUpperCase()}, ${bytes(source.bytes)} → ${outputs}`;
}
