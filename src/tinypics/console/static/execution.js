// One execution: its states, pictures, log lines, input and output.

import { errorText, get, poll, post } from "./api.js";
import { announce, copyButton, h, icon, withCode } from "./dom.js";
import { bytes, duration, fullTime, timeOfDay } from "./format.js";
import { recordFigures } from "./pictures.js";
import { pill } from "./status.js";
import { workflowDrawing } from "./workflow.js";

const LOG_DELAY = 60_000; // milliseconds to wait for log lines

export async function show(main, { argument: name, stack, signal }) {
  document.title = "Execution · Tinypics";
  const path = `/api/executions/${encodeURIComponent(name)}`;
  const [workflow, first] = await Promise.all([get("/api/workflow", signal), get(path, signal)]);
  const drawing = await workflowDrawing(workflow.states);
  if (signal.aborted) return;
  document.title = `${first.key || name} · Tinypics`;
  const header = h("header", { class: "subject" });
  const failure = h("div");
  const steps = h("ol", { class: "steps" });
  const pictures = card(
    "pictures",
    "Pictures",
    h("p", { class: "empty small" }, "Shown when the execution has ended."),
  );
  const log = card("log", "Log", h("p", { class: "empty small" }, "Shown when the execution has ended."));
  const documents = h("div", { class: "pair" });
  main.append(
    h("p", { class: "crumbs" }, h("a", { href: "#/" }, icon("left"), "All executions")),
    header,
    failure,
    pictures,
    card("path", "Path through the workflow", pathView(drawing, steps)),
    log,
    documents,
  );
  let before = "";
  const render = (execution) => {
    const text = JSON.stringify({ ...execution, now: 0 });
    if (text === before) return; // keep the focus
    before = text;
    header.replaceChildren(...headerParts(execution));
    failure.replaceChildren(...(execution.advice ? [adviceCard(execution)] : []));
    drawing?.highlightPath(execution.visits);
    steps.replaceChildren(...execution.visits.map(stepItem));
    documents.replaceChildren(jsonCard("Input", execution.input), jsonCard("Output", execution.output));
  };
  const done = new AbortController();
  signal.addEventListener("abort", () => done.abort(), { once: true });
  const update = async (execution) => {
    render(execution);
    if (execution.status !== "RUNNING") {
      done.abort();
      showLog(`${path}/log`, log, signal, stack.local);
      await showPictures(`${path}/pictures`, pictures, signal);
    }
    return true;
  };
  await update(first);
  poll(async () => update(await get(path, done.signal)), done.signal, { fast: 300, slow: 1500 });
}

function card(id, title, content) {
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), content);
}

/** Replaces the content of a card below its title. */
function setContent(card, ...content) {
  card.replaceChildren(card.firstChild, ...content);
}

function pathView(drawing, steps) {
  if (!drawing) return steps;
  const attributes = { class: "scroll", tabindex: 0, role: "group", "aria-label": "Drawing of the workflow" };
  return h("div", { class: "path" }, h("div", attributes, drawing.element), steps);
}

async function showPictures(path, card, signal) {
  const records = await get(path, signal).catch(errorText);
  if (signal.aborted) return;
  const problem = typeof records === "string" ? records : records.length ? null : "This execution has no pictures.";
  setContent(card, ...(problem ? [h("p", { class: "empty small" }, problem)] : records.flatMap(recordFigures)));
}

/** The log lines, which arrive a little after the end of the execution. */
function showLog(path, card, signal, local) {
  const done = new AbortController();
  const refresh = async () => {
    const lines = await get(path, signal);
    setContent(card, logLines(lines, local));
    if (lines.length) done.abort();
    return false;
  };
  poll(refresh, AbortSignal.any([signal, done.signal, AbortSignal.timeout(LOG_DELAY)]), { fast: 500, slow: 5000 });
}

function headerParts(execution) {
  const { name, key, bucket, status, started, ended } = execution;
  const again = h(
    "button",
    {
      type: "button",
      class: "primary",
      onclick: async () => {
        again.disabled = true;
        try {
          const other = await post(`/api/executions/${encodeURIComponent(name)}/again`, {});
          announce("Started again with the same input");
          location.hash = `#/executions/${encodeURIComponent(other.name)}`;
        } catch (error) {
          announce(errorText(error));
          again.disabled = false;
        }
      },
    },
    icon("retry"),
    "Run again",
  );
  const took = ended ? `, took ${duration(ended - started)}` : "";
  const time = { datetime: new Date(started).toISOString(), title: fullTime(started) };
  const tryIt = h("a", { class: "button", href: `#/try?${new URLSearchParams({ bucket, key })}` }, "Try other sizes");
  return [
    h(
      "div",
      { class: "words" },
      h("h1", { class: "key" }, key || "(no key)"),
      h(
        "p",
        { class: "facts" },
        pill(status, execution),
        h("span", {}, bucket),
        h("time", time, `${timeOfDay(started)}${took}`),
      ),
    ),
    h("div", { class: "actions" }, key ? tryIt : null, again),
  ];
}

function adviceCard({ error, message, advice }) {
  return h(
    "section",
    { class: "card advice", "aria-label": "Why it failed" },
    h("h2", {}, icon("bad"), error),
    h("p", { class: "message" }, message),
    h("p", {}, withCode(advice.happened)),
    h("p", {}, h("strong", {}, "What to do: "), withCode(advice.do)),
  );
}

function stepItem(visit) {
  const kind = visit.ms === null ? "busy" : visit.failed ? "bad" : "good";
  const attempts = visit.attempts > 1 ? `, ${visit.attempts} attempts` : "";
  return h(
    "li",
    { class: kind },
    icon(kind),
    h("span", { class: "name" }, visit.state),
    h("span", { class: "took" }, `${visit.ms === null ? "running" : duration(visit.ms)}${attempts}`),
    visit.errors.map(([error, cause]) =>
      h("span", { class: "why" }, h("strong", {}, error), ` ${cause.slice(0, 300)}`),
    ),
  );
}

function logLines(lines, local) {
  if (lines.length) return h("div", {}, lines.map(logLine));
  const reason = local
    ? "a busy emulator writes them with those of the next picture"
    : "they arrive a few seconds late";
  return h("p", { class: "empty small" }, `No log lines of this execution yet: ${reason}.`);
}

function logLine({ at, line }) {
  const bad = line.status && line.status !== "SUCCESS";
  const took = `${duration(line.duration_ms)}${line.cold_start ? ", cold start" : ""}`;
  return h(
    "details",
    { class: `line ${bad ? "bad" : ""}`, open: bad },
    h(
      "summary",
      {},
      icon(bad ? (line.status === "RETRY" ? "retry" : "bad") : "good"),
      h("time", { title: fullTime(at) }, timeOfDay(at)),
      h("strong", {}, line.status ?? line.level ?? ""),
      h("span", {}, ` ${lineText(line)}`),
      line.duration_ms ? h("span", { class: "took" }, took) : null,
    ),
    h("pre", { tabindex: 0 }, h("code", {}, JSON.stringify(line, null, 2))),
  );
}

/** The error of a log line, its message, or the stored outputs. */
function lineText({ error, message, skipped, reason, removed, renditions, ...line }) {
  if (error) return `${error}: ${message}`;
  if (skipped) return `skipped: ${reason}`;
  if (removed) return `removed: ${removed.length}`;
  const output = ({ width, height, format, bytes: size }) =>
    `${width} × ${height} ${format.toUpperCase()}, ${bytes(size)}`;
  return message ?? `made ${(renditions ?? [line]).map(output).join("; ")}`;
}

function jsonCard(title, value) {
  const text = JSON.stringify(value, null, 2);
  return h(
    "section",
    { class: "card", "aria-label": title },
    h(
      "div",
      { class: "bar" },
      h("h2", {}, title),
      value === null ? null : copyButton(() => text, `Copy ${title.toLowerCase()}`),
    ),
    value === null ? h("p", { class: "empty small" }, "None yet.") : h("pre", { tabindex: 0 }, h("code", {}, text)),
  );
}
