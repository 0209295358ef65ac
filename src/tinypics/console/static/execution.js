// One execution: its states, pictures, log lines, input and output.

import { errorText, get, poll, post } from "./api.js";
import { announce, button, card, copyButton, crumb, h, icon, picker, subject, time, withCode } from "./dom.js";
import { bytes, duration, timeOfDay } from "./format.js";
import { trayOf } from "./home.js";
import { mainCopy, recordFigures, tryAddress } from "./pictures.js";
import { pill, stateName } from "./status.js";
import { workflowDrawing } from "./workflow.js";

const LOG_DELAY = 60_000; // milliseconds to wait for log lines

export async function show(main, { argument: name, stack, signal }) {
  document.title = "Execution · Tinypics";
  const path = `/api/executions/${encodeURIComponent(name)}`;
  const [workflow, first] = await Promise.all([get("/api/workflow", signal), get(path, signal)]);
  const drawing = await workflowDrawing(workflow.states);
  if (signal.aborted) return;
  document.title = `${first.key || name} · Tinypics`;
  const header = h("div");
  const failure = h("div");
  const steps = h("ol.steps");
  const pictures = card("Pictures", h("p.empty.small", "Shown when the execution has ended."));
  const log = card("Log", h("p.empty.small", "Shown when the execution has ended."));
  const documents = h("div.pair");
  main.append(
    crumb("All executions", "#/executions"),
    header,
    failure,
    pictures,
    card("Path through the workflow", pathView(drawing, steps)),
    log,
    documents,
  );
  let before = "";
  const render = (execution) => {
    const text = JSON.stringify({ ...execution, now: 0 });
    if (text === before) return; // keep the focus
    before = text;
    header.replaceChildren(head(execution, stack));
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
      await showPictures(`${path}/pictures`, pictures, header, stack, signal);
    }
    return true;
  };
  await update(first);
  poll(async () => update(await get(path, done.signal)), done.signal, { fast: 300, slow: 1500 });
}

/** Replaces the content of a card below its title. */
function setContent(element, ...content) {
  element.replaceChildren(element.firstChild, ...content);
}

function pathView(drawing, steps) {
  const attributes = { tabindex: 0, role: "group", "aria-label": "Drawing of the workflow" };
  return drawing ? h("div.path", h("div.scroll", attributes, drawing.element), steps) : steps;
}

async function showPictures(path, section, header, stack, signal) {
  const records = await get(path, signal).catch(errorText);
  if (signal.aborted) return;
  const problem = typeof records === "string" ? records : records.length ? null : "This execution has no pictures.";
  if (problem) return setContent(section, h("p.empty.small", problem));
  setContent(section, ...records.flatMap((record) => recordFigures(record, stack)));
  const copy = records.length === 1 && mainCopy(records[0], stack);
  if (copy) header.querySelector(".actions").append(copy);
}

/** The log lines, which arrive a little after the end of the execution. */
function showLog(path, section, signal, local) {
  const done = new AbortController();
  const refresh = async () => {
    const lines = await get(path, signal);
    setContent(section, logLines(lines, local));
    if (lines.length) done.abort();
    return false;
  };
  poll(refresh, AbortSignal.any([signal, done.signal, AbortSignal.timeout(LOG_DELAY)]), { fast: 500, slow: 5000 });
}

function head(execution, stack) {
  const { name, key, bucket, status, started, ended, advice } = execution;
  const start = async () => {
    again.disabled = true;
    try {
      const other = await post(`/api/executions/${encodeURIComponent(name)}/again`, {});
      announce("Started again with the same input");
      location.hash = `#/executions/${encodeURIComponent(other.name)}`;
    } catch (error) {
      announce(errorText(error));
      again.disabled = false;
    }
  };
  const retry = advice?.remedy === "retry";
  const again = button([icon("retry"), retry ? "Retry" : "Run again"], start, retry ? "primary" : "");
  const took = ended ? `, took ${duration(ended - started)}` : "";
  const change = advice?.remedy === "change";
  const tryIt = h(
    "a",
    { class: change ? "button primary" : "button", href: tryAddress(execution, execution.made[0]) },
    change ? "Change and try" : "Looks wrong? Try other settings",
  );
  const offered = key && (change || execution.result === "made" || execution.result === "skipped");
  const replace = advice?.remedy === "replace" && bucket === stack.source_bucket && replaceButton(execution, stack);
  const facts = [pill(status, execution), h("span", bucket), time(started, `${timeOfDay(started)}${took}`)];
  return subject(key, facts, [offered ? tryIt : null, status === "RUNNING" ? null : again, replace]);
}

/** The main action if the file itself is the reason: another one under the same key. */
function replaceButton({ key, error }, stack) {
  const label = error === "SourceNotFound" ? "Upload the file" : "Replace the file";
  return picker([icon("up"), label], "primary", { id: "replacement" }, ([file]) => {
    trayOf(stack).replace(key, file);
    location.hash = "#/";
  });
}

function adviceCard({ error, message, advice }) {
  return h(
    "section.card.advice",
    { "aria-label": "Why it failed" },
    h("h2", icon("bad"), error),
    h("p.message", message),
    h("p", withCode(advice.happened)),
    h("p", h("strong", "What to do: "), withCode(advice.do)),
  );
}

function stepItem(visit) {
  const kind = visit.ms === null ? "busy" : visit.failed || visit.answered ? "bad" : "good";
  const attempts = visit.attempts > 1 ? `, ${visit.attempts} attempts` : "";
  return h(
    "li",
    { class: kind },
    icon(kind),
    h("span.name", { title: visit.state }, stateName(visit.state)),
    h("span.took", `${visit.ms === null ? "running" : duration(visit.ms)}${attempts}`),
    visit.answered ? h("span.why", "answered: ", h("strong", visit.answered)) : null,
    visit.errors.map(([error, cause]) => h("span.why", h("strong", error), ` ${cause.slice(0, 300)}`)),
  );
}

function logLines(lines, local) {
  if (lines.length) return h("div", lines.map(logLine));
  const reason = local
    ? "a busy emulator writes them with those of the next picture"
    : "they arrive a few seconds late";
  return h("p.empty.small", `No log lines of this execution yet: ${reason}.`);
}

function logLine({ at, line }) {
  const bad = line.status && line.status !== "SUCCESS";
  const took = `${duration(line.duration_ms)}${line.cold_start ? ", cold start" : ""}`;
  return h(
    "details",
    { class: `line ${bad ? "bad" : ""}`, open: bad },
    h(
      "summary",
      icon(bad ? (line.status === "RETRY" ? "retry" : "bad") : "good"),
      time(at),
      h("strong", line.status ?? line.level ?? ""),
      h("span", ` ${lineText(line)}`),
      line.duration_ms ? h("span.took", took) : null,
    ),
    h("pre", { tabindex: 0 }, h("code", JSON.stringify(line, null, 2))),
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
  if (value === null) return card(title, h("p.empty.small", "None yet."));
  const text = JSON.stringify(value, null, 2);
  const copy = copyButton(() => text, `Copy ${title.toLowerCase()}`);
  return h(
    "section.card",
    { "aria-label": title },
    h("div.bar", h("h2", title), copy),
    h("pre", { tabindex: 0 }, h("code", text)),
  );
}
