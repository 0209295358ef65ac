// One execution: its way through the workflow, its pictures, its log lines, what it was given and answered.

import { get, poll, post, postForPicture, reason } from "./api.js";
import { announce, copyButton, h, icon, prose } from "./dom.js";
import { bytes, duration, exactly, moment } from "./format.js";
import { graph } from "./graph.js";
import { ENDED_BADLY, pill } from "./status.js";

export async function show(main, { argument: name, signal }) {
  document.title = "Execution · Tinypics";
  const path = `/api/executions/${encodeURIComponent(name)}`;
  const [workflow, first] = await Promise.all([get("/api/workflow", signal), get(path, signal)]);
  if (signal.aborted) return;
  document.title = `${first.key || name} · Tinypics`;
  const head = h("header", { class: "subject" });
  const failure = h("div");
  const way = graph(workflow);
  const steps = h("ol", { class: "steps" });
  const pictures = h("section", { class: "card", "aria-labelledby": "pictures" }, h("h2", { id: "pictures" }, "Pictures"), h("p", { class: "empty small" }, "They appear when the execution has ended."));
  const log = h("section", { class: "card", "aria-labelledby": "log" }, h("h2", { id: "log" }, "Log"), h("p", { class: "empty small" }, "Lines appear when the execution has ended."));
  const documents = h("div", { class: "pair" });
  main.append(
    h("p", { class: "crumbs" }, h("a", { href: "#/" }, icon("left"), "All executions")),
    head, failure, pictures,
    h("section", { class: "card", "aria-labelledby": "way" }, h("h2", { id: "way" }, "Way through the workflow"),
      h("div", { class: "way" }, h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Graph of the workflow" }, way.element), steps)),
    log, documents,
  );
  const render = (found) => {
    head.replaceChildren(...subject(found));
    failure.replaceChildren(...(found.advice ? [advised(found)] : []));
    way.update(found.visits, found.status === "RUNNING");
    steps.replaceChildren(...found.visits.map(step));
    documents.replaceChildren(json("Input", found.input), json("Output", found.output));
  };
  const finish = async () => {
    const [shown, lines] = await Promise.allSettled([get(`${path}/pictures`, signal), get(`${path}/log`, signal)]);
    if (signal.aborted) return;
    pictures.replaceChildren(h("h2", { id: "pictures" }, "Pictures"), ...(shown.value ? shown.value.flatMap(record) : [trouble(shown.reason)]), ...(shown.value?.length === 0 ? [h("p", { class: "empty small" }, "This execution was about no picture.")] : []));
    log.replaceChildren(h("h2", { id: "log" }, "Log"), lines.value ? logLines(lines.value) : trouble(lines.reason));
  };
  const done = new AbortController();
  signal.addEventListener("abort", () => done.abort(), { once: true });
  const look = async (found) => {
    render(found);
    if (found.status !== "RUNNING") { done.abort(); await finish(); }
    return true;
  };
  await look(first);
  poll(async () => look(await get(path, done.signal)), done.signal, { fast: 300, slow: 1500 });
}

function subject(found) {
  const again = h("button", { type: "button", class: "primary", onclick: async () => {
    again.disabled = true;
    try {
      const started = await post(`/api/executions/${encodeURIComponent(found.name)}/again`, {});
      announce("Started again with the same input");
      location.hash = `#/executions/${encodeURIComponent(started.name)}`;
    } catch (error) { announce(reason(error)); again.disabled = false; }
  } }, icon("again"), "Run again");
  const took = found.ended ? `, took ${duration(found.ended - found.started)}` : "";
  return [
    h("div", { class: "words" },
      h("h1", { class: "key" }, found.key || "(no key)"),
      h("p", { class: "facts" }, pill(found.status, found), h("span", {}, found.bucket), h("time", { datetime: new Date(found.started).toISOString(), title: exactly(found.started) }, `${moment(found.started)}${took}`))),
    h("div", { class: "actions" },
      found.key ? h("a", { class: "button", href: `#/try?${new URLSearchParams({ bucket: found.bucket, key: found.key })}` }, "Try other sizes") : null,
      again),
  ];
}

function advised(found) {
  return h("section", { class: "card advice", "aria-label": "Why it failed" },
    h("h2", {}, icon("bad"), found.error),
    h("p", { class: "message" }, found.message),
    h("p", {}, prose(found.advice.happened)),
    h("p", {}, h("strong", {}, "What to do: "), prose(found.advice.do)));
}

function step(visit) {
  const kind = visit.ms === null ? "busy" : visit.failed ? "bad" : "good";
  const tries = visit.attempts > 1 ? `, ${visit.attempts} attempts` : "";
  return h("li", { class: kind }, icon(kind), h("span", { class: "name" }, visit.state),
    h("span", { class: "took" }, visit.ms === null ? `working${tries}` : `${duration(visit.ms)}${tries}`),
    visit.errors.map(([error, cause]) => h("span", { class: "why" }, h("strong", {}, error), ` ${cause.slice(0, 300)}`)));
}

function record({ original, renditions, removed, manifest }) {
  const parts = [h("div", { class: "prints", tabindex: 0, role: "group", "aria-label": "The original and its renditions" }, print(original), renditions.map((each) => rendition(each)))];
  if (removed.length) parts.push(h("p", { class: "empty small" }, `Removed with their source: ${removed.join(", ")}`));
  else if (!renditions.length) parts.push(h("p", { class: "empty small" }, "No rendition was made."));
  if (manifest) parts.push(h("div", { class: "snippet" }, h("h3", {}, "HTML for a page"), copyButton(() => manifest.picture, "Copy HTML"), h("pre", { tabindex: 0 }, h("code", {}, manifest.picture))));
  return parts;
}

function print(original) {
  const frame = h("div", { class: "frame" });
  if (!original.there) frame.append(h("p", {}, "The original is no longer there."));
  else if (original.shown === false) preview(frame, original);
  else frame.append(image(original.url, "The original", original, () => h("p", {}, "Browsers cannot show this file.")));
  const size = original.width ? `${original.width} × ${original.height}` : "size not known";
  return h("figure", { class: "original" }, frame, h("figcaption", {},
    h("strong", {}, "Original"),
    h("span", {}, [size, original.label, bytes(original.bytes)].filter(Boolean).join(" · ")),
    original.width ? h("span", { class: "quiet" }, `Shown ${Math.min(100, Math.round(100 * Math.min(420 / original.width, 320 / original.height)))} % of its size`) : null,
    original.overwritten ? h("span", { class: "warn" }, "It was overwritten since.") : null));
}

/** What browsers cannot show (HEIC, TIFF, JPEG 2000): said so, with a picture made by the core. */
async function preview(frame, original) {
  const note = h("p", {}, `Browsers do not show ${original.label}. This is a JPEG of it.`);
  frame.append(note);
  try {
    const event = { bucket: original.bucket, key: original.key, width: 840, height: 640, fit: "inside", format: "jpeg" };
    const response = await postForPicture("/api/preview", { event });
    const url = URL.createObjectURL(await response.blob());
    frame.prepend(h("img", { src: url, alt: "The original, as a JPEG", onload: () => URL.revokeObjectURL(url) }));
  } catch (error) { note.textContent = `Browsers do not show ${original.label}. ${reason(error)}`; }
}

function rendition(item) {
  const frame = h("div", { class: "frame true" }, image(item.url, `Rendition ${item.width} × ${item.height}`, item, () => h("p", {}, "It is no longer there.")));
  const saved = item.saved === null ? "" : item.saved >= 0 ? `${item.saved} % smaller` : `${-item.saved} % larger`;
  return h("figure", {}, frame, h("figcaption", {},
    h("strong", {}, item.rendition ?? `${item.width}x${item.height}`),
    h("span", {}, `${item.width} × ${item.height} · ${item.label} · ${bytes(item.bytes)}`),
    saved ? h("span", { class: "saved" }, saved) : null,
    item.dropped?.length ? h("span", { class: "warn" }, `Without ${item.dropped.join(", ")}`) : null,
    h("code", { class: "quiet" }, item.key)));
}

function image(url, alt, { width, height }, otherwise) {
  return h("img", { src: url, alt, width, height, onerror: (event) => event.target.replaceWith(otherwise()) });
}

function logLines(lines) {
  if (!lines.length) return h("p", { class: "empty small" }, "No line of the function is about this execution (yet): lines come a few seconds late on AWS.");
  return h("div", {}, lines.map(({ at, line }) => {
    const bad = line.status && line.status !== "SUCCESS";
    const told = line.error ? `${line.error}: ${line.message}` : line.skipped ? `skipped: ${line.reason}` : line.message ?? "made";
    return h("details", { class: `line ${bad ? "bad" : ""}`, open: bad },
      h("summary", {}, icon(bad ? (line.status === "RETRY" ? "again" : "bad") : "good"), h("time", { title: exactly(at) }, moment(at)), h("strong", {}, line.status ?? line.level ?? ""), h("span", {}, ` ${told}`), line.duration_ms ? h("span", { class: "took" }, `${duration(line.duration_ms)}${line.cold_start ? ", cold start" : ""}`) : null),
      h("pre", { tabindex: 0 }, h("code", {}, JSON.stringify(line, null, 2))));
  }));
}

function json(title, value) {
  const text = JSON.stringify(value, null, 2);
  return h("section", { class: "card", "aria-label": title },
    h("div", { class: "bar" }, h("h2", {}, title), value === null ? null : copyButton(() => text, `Copy ${title.toLowerCase()}`)),
    value === null ? h("p", { class: "empty small" }, "Nothing yet.") : h("pre", { tabindex: 0 }, h("code", {}, text)));
}

function trouble(error) {
  return h("p", { class: "empty small" }, reason(error));
}
