// One execution, or one line of the log, as a row of a list.

import { h, icon, time } from "./dom.js";
import { bytes, duration } from "./format.js";
import { FAILED_STATUSES, pill } from "./status.js";

const BLANK = "\u2007"; // keeps the height of a line

/** The link to an execution, which is its row in a list. Its summary `about` may arrive later. */
export function executionRow(item, about) {
  const href = `#/executions/${encodeURIComponent(item.name)}`;
  return Object.assign(row(item, item.started, item.ended && item.ended - item.started, about, "a.row"), { href });
}

/** A row: its picture, key and result, when it was started, and the milliseconds that it took. */
export function row({ status }, at, took, about, tag = "div.row") {
  const bad = FAILED_STATUSES.has(status);
  const placeholder = bad ? "bad" : ({ RUNNING: "busy" }[status] ?? (about?.result === "removed" ? "gone" : null));
  const picture = about?.thumbnail ? thumbnail(about.thumbnail) : placeholder && icon(placeholder);
  return h(
    tag,
    h("span", { class: `thumb ${bad ? "bad" : ""}` }, picture),
    h("span.what", h("span.key", about ? about.key || "(no key)" : BLANK), h("span.note", about ? note(about) : BLANK)),
    pill(status, about),
    time(at),
    h("span.took", duration(took)),
  );
}

/** A thumbnail; an icon in its place if it was deleted, or cannot be shown. */
export function thumbnail(src, other = "gone") {
  return h("img", { src, alt: "", loading: "lazy", onerror: (event) => event.target.replaceWith(icon(other)) });
}

/** The error of a summary, or what was made. */
function note(about) {
  return about.error ? [h("strong", about.error), ` ${about.message}`] : describe(about);
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
