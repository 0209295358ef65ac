// One execution, or one line of the log, as a row of a list.

import { h, icon } from "./dom.js";
import { bytes, duration, fullTime, timeOfDay } from "./format.js";
import { FAILED_STATUSES, pill } from "./status.js";

/** The link to an execution, which is its row in a list. Its summary `about` may arrive later. */
export function executionRow(item, about) {
  const bad = FAILED_STATUSES.has(item.status);
  const picture = about?.thumbnail
    ? thumbnail(about)
    : bad
      ? icon("bad")
      : item.status === "RUNNING"
        ? icon("busy")
        : null;
  const took = item.ended ? duration(item.ended - item.started) : "";
  return h(
    "a",
    { class: "row", href: `#/executions/${encodeURIComponent(item.name)}` },
    h("span", { class: `thumb ${bad ? "bad" : ""}` }, picture),
    h(
      "span",
      { class: "what" },
      h("span", { class: "key" }, about ? about.key || "(no key)" : "\u2007"),
      h("span", { class: "note" }, about ? note(about) : "\u2007"),
    ),
    pill(item.status, about),
    h(
      "time",
      { datetime: new Date(item.started).toISOString(), title: fullTime(item.started) },
      timeOfDay(item.started),
    ),
    h("span", { class: "took" }, took),
  );
}

/** The smallest rendition; empty if it is deleted. */
export function thumbnail(about) {
  return about.thumbnail
    ? h("img", { src: about.thumbnail, alt: "", loading: "lazy", onerror: (event) => event.target.remove() })
    : null;
}

/** The error of a summary, or what was made. */
export function note(about) {
  return about.error ? [h("strong", {}, about.error), ` ${about.message}`] : describe(about);
}

/** Source and outputs: 4032 × 3024 JPEG, 4.2 MB → 128 × 128, 3.3 kB. */
export function describe({ bucket, result, source, made }) {
  if (result === "removed") return `${bucket}: the source was deleted, and so were its renditions`;
  if (!source || !made.length) return bucket;
  const size = ({ width, height }) => `${width} × ${height}`;
  const outputs =
    made.length > 2
      ? `${made.length} renditions`
      : made.map((item) => `${size(item)}, ${bytes(item.bytes)}`).join(" and ");
  return `${size(source)} ${source.format.toUpperCase()}, ${bytes(source.bytes)} → ${outputs}`;
}
