// One execution: its states, pictures, log lines, input and output.

import { get, poll, post, reason } from "./api.js";
import { announce, copyButton, h, icon, prose } from "./dom.js";
import { bytes, duration, exactly, moment } from "./format.js";
import { record } from "./prints.js";
import { pill } from "./status.js";
import { workflowDrawing } from "./workflow.js";

const LATE = 60_000; // milliseconds to wait for log lines

export async function show(main, { argument: name, stack, signal }) {
  document.title = "Execution · Tinypics";
  const path = `/api/executions/${encodeURIComponent(name)}`;
  const [workflow, first] = await Promise.all([get("/api/workflow", signal), get(path, signal)]);
  document.title = `${first.key || name} · Tinypics`;
  const head = h("header", { class: "subject" });
  const failure = h("div");
  const drawing = await workflowDrawing(workflow.states);
  if (signal.aborted) return;
  const steps = h("ol", { class: "steps" });
  const pictures = h(
    "section",
    { class: "card", "aria-labelledby": "pictures" },
    h("h2", { id: "pictures" }, "Pictures"),
    h("p", { class: "empty small" }, "They appear when the execution has ended."),
  );
  const log = h(
    "section",
    { class: "card", "aria-labelledby": "log" },
    h("h2", { id: "log" }, "Log"),
    h("p", { class: "empty small" }, "Lines appear when the execution has ended."),
  );
  const documents = h("div", { class: "pair" });
  main.append(
    h("p", { class: "crumbs" }, h("a", { href: "#/" }, icon("left"), "All executions")),
    head,
    failure,
    pictures,
    h(
      "section",
      { class: "card", "aria-labelledby": "path" },
      h("h2", { id: "path" }, "Path through the workflow"),
      h(
        "div",
        { class: drawing && "path" },
        drawing &&
          h(
            "div",
            { class: "scroll", tabindex: 0, role: "group", "aria-label": "Drawing of the workflow" },
            drawing.element,
          ),
        steps,
      ),
    ),
    log,
    documents,
  );
  let before = "";
  const render = (found) => {
    const text = JSON.stringify({ ...found, now: 0 });
    if (text === before) return; // keep the focus
    before = text;
    head.replaceChildren(...subject(found));
    failure.replaceChildren(...(found.advice ? [advised(found)] : []));
    drawing?.highlightPath(found.visits);
    steps.replaceChildren(...found.visits.map(step));
    documents.replaceChildren(json("Input", found.input), json("Output", found.output));
  };
  const finish = async () => {
    tell(`${path}/log`, log, signal, stack.local);
    const found = await get(`${path}/pictures`, signal).catch(reason);
    if (signal.aborted) return;
    const said = typeof found === "string" ? found : found.length ? null : "This execution was about no picture.";
    pictures.replaceChildren(
      h("h2", { id: "pictures" }, "Pictures"),
      ...(said ? [h("p", { class: "empty small" }, said)] : found.flatMap(record)),
    );
  };
  const done = new AbortController();
  signal.addEventListener("abort", () => done.abort(), { once: true });
  const look = async (found) => {
    render(found);
    if (found.status !== "RUNNING") {
      done.abort();
      await finish();
    }
    return true;
  };
  await look(first);
  poll(async () => look(await get(path, done.signal)), done.signal, { fast: 300, slow: 1500 });
}

/** The log lines, which arrive a little after the end of the execution. */
function tell(path, log, signal, local) {
  const enough = new AbortController();
  const look = async () => {
    const lines = await get(path, signal);
    log.replaceChildren(h("h2", { id: "log" }, "Log"), logLines(lines, local));
    if (lines.length) enough.abort();
    return false;
  };
  poll(look, AbortSignal.any([signal, enough.signal, AbortSignal.timeout(LATE)]), { fast: 500, slow: 5000 });
}

function subject(found) {
  const again = h(
    "button",
    {
      type: "button",
      class: "primary",
      onclick: async () => {
        again.disabled = true;
        try {
          const started = await post(`/api/executions/${encodeURIComponent(found.name)}/again`, {});
          announce("Started again with the same input");
          location.hash = `#/executions/${encodeURIComponent(started.name)}`;
        } catch (error) {
          announce(reason(error));
          again.disabled = false;
        }
      },
    },
    icon("again"),
    "Run again",
  );
  const took = found.ended ? `, took ${duration(found.ended - found.started)}` : "";
  return [
    h(
      "div",
      { class: "words" },
      h("h1", { class: "key" }, found.key || "(no key)"),
      h(
        "p",
        { class: "facts" },
        pill(found.status, found),
        h("span", {}, found.bucket),
        h(
          "time",
          { datetime: new Date(found.started).toISOString(), title: exactly(found.started) },
          `${moment(found.started)}${took}`,
        ),
      ),
    ),
    h(
      "div",
      { class: "actions" },
      found.key
        ? h(
            "a",
            { class: "button", href: `#/try?${new URLSearchParams({ bucket: found.bucket, key: found.key })}` },
            "Try other sizes",
          )
        : null,
      again,
    ),
  ];
}

function advised(found) {
  return h(
    "section",
    { class: "card advice", "aria-label": "Why it failed" },
    h("h2", {}, icon("bad"), found.error),
    h("p", { class: "message" }, found.message),
    h("p", {}, prose(found.advice.happened)),
    h("p", {}, h("strong", {}, "What to do: "), prose(found.advice.do)),
  );
}

function step(visit) {
  const kind = visit.ms === null ? "busy" : visit.failed ? "bad" : "good";
  const tries = visit.attempts > 1 ? `, ${visit.attempts} attempts` : "";
  return h(
    "li",
    { class: kind },
    icon(kind),
    h("span", { class: "name" }, visit.state),
    h("span", { class: "took" }, visit.ms === null ? `working${tries}` : `${duration(visit.ms)}${tries}`),
    visit.errors.map(([error, cause]) =>
      h("span", { class: "why" }, h("strong", {}, error), ` ${cause.slice(0, 300)}`),
    ),
  );
}

function logLines(lines, local) {
  if (!lines.length)
    return h(
      "p",
      { class: "empty small" },
      `No line of the function is about this execution (yet): ${
        local ? "a busy engine writes it together with those of the next picture" : "lines come a few seconds late"
      }.`,
    );
  return h(
    "div",
    {},
    lines.map(({ at, line }) => {
      const bad = line.status && line.status !== "SUCCESS";
      const told = line.error
        ? `${line.error}: ${line.message}`
        : line.skipped
          ? `skipped: ${line.reason}`
          : (line.message ?? made(line));
      return h(
        "details",
        { class: `line ${bad ? "bad" : ""}`, open: bad },
        h(
          "summary",
          {},
          icon(bad ? (line.status === "RETRY" ? "again" : "bad") : "good"),
          h("time", { title: exactly(at) }, moment(at)),
          h("strong", {}, line.status ?? line.level ?? ""),
          h("span", {}, ` ${told}`),
          line.duration_ms
            ? h("span", { class: "took" }, `${duration(line.duration_ms)}${line.cold_start ? ", cold start" : ""}`)
            : null,
        ),
        h("pre", { tabindex: 0 }, h("code", {}, JSON.stringify(line, null, 2))),
      );
    }),
  );
}

/** The stored outputs in the log line of a success. */
function made({ renditions, removed, ...line }) {
  if (removed) return `removed: ${removed.length}`;
  const each = ({ width, height, format, bytes: size }) => `${width} × ${height} ${format.toUpperCase()}, ${bytes(size)}`;
  return `made ${(renditions ?? [line]).map(each).join("; ")}`;
}

function json(title, value) {
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
    value === null ? h("p", { class: "empty small" }, "Nothing yet.") : h("pre", { tabindex: 0 }, h("code", {}, text)),
  );
}
