// Health: counts, times, cost and queues. Figures are from the function's own log lines.

import { get, poll } from "./api.js";
import { h, s, segments } from "./dom.js";
import { count, duration, plural, timeOfDay } from "./format.js";
import { pill } from "./status.js";

const PERIODS = [
  ["300", "5 minutes"],
  ["3600", "1 hour"],
  ["86400", "1 day"],
];

export async function show(main, { query, stack, signal }) {
  document.title = "Health · Tinypics";
  const seconds = query.get("seconds") ?? "3600";
  const content = h("div", {}, h("p", { class: "empty" }, "Reading the log"));
  main.append(
    h(
      "div",
      { class: "bar" },
      h("h1", {}, "Health"),
      segments("Period", PERIODS, seconds, (value) => `#/health?seconds=${value}`),
    ),
    content,
  );
  let before = "";
  const refresh = async () => {
    const health = await get(`/api/health?seconds=${encodeURIComponent(seconds)}`, signal);
    const text = JSON.stringify({ ...health, bars: 0 });
    content.replaceChildren(...cards(health));
    const changed = text !== before;
    before = text;
    return changed;
  };
  await refresh();
  poll(refresh, signal, stack.local ? { fast: 2000, slow: 8000 } : { fast: 15_000, slow: 60_000 });
}

function cards(health) {
  if (!health.pictures && !health.backfills.length && !health.queues.some((queue) => queue.waiting)) {
    return [
      h(
        "div",
        { class: "empty" },
        h("p", {}, "No pictures were processed in this period."),
        h("p", {}, h("a", { href: "#/" }, "Upload some"), ", or choose a longer period."),
      ),
    ];
  }
  return [
    h("dl", { class: "figures" }, figures(health)),
    timeline(health),
    Object.keys(health.errors).length ? errorCounts(health.errors) : null,
    health.backfills.length ? backfills(health.backfills) : null,
    health.more
      ? h("p", { class: "foot" }, "The log has more lines than were read: choose a shorter period for exact figures.")
      : null,
  ].filter(Boolean);
}

function figures({ pictures, counts, ms, cold, cost, gb_seconds: gbSeconds, prices, running, queues }) {
  const failed = counts.FAILED ?? 0;
  const made = `${count(counts.SUCCESS ?? 0)} made, ${count(counts.SKIPPED ?? 0)} up to date`;
  const retried = counts.RETRY ? `${plural(counts.RETRY, "attempt")} retried` : "no attempt was retried";
  const basis = `of the function: ${gbSeconds} GB-seconds and its requests, at AWS's prices (${prices})`;
  return [
    figure("Pictures", count(pictures), made),
    figure("Failed", count(failed), retried, failed ? "bad" : "good"),
    figure("Median time", duration(ms.p50), `95 %: ${duration(ms.p95)}, 99 %: ${duration(ms.p99)}`),
    figure("Cold starts", count(cold), pictures ? `${Math.round((100 * cold) / pictures)} % of all` : ""),
    cost === null ? null : figure("Estimated cost", cost, basis),
    running === null ? null : figure("Running", running >= 100 ? "100 or more" : count(running), "executions"),
    queues.map((queue) => figure(queue.name, count(queue.waiting), queueNote(queue), isAlarming(queue) ? "bad" : "")),
  ];
}

function figure(name, value, detail, kind = "") {
  return h(
    "div",
    { class: `figure ${kind}` },
    h("dt", {}, name),
    h("dd", {}, h("strong", {}, value), h("span", {}, detail)),
  );
}

function queueNote(queue) {
  if (isAlarming(queue)) return "failed all retries: fix the cause (tinypics logs), then run tinypics verify --fix";
  if (queue.taken) return `and ${count(queue.taken)} in flight`;
  return queue.waiting ? "messages" : "no messages";
}

function isAlarming({ name, waiting }) {
  return name === "Dead letters" && waiting > 0;
}

function timeline({ bars, seconds }) {
  const most = Math.max(...bars.map((bar) => bar.good + bar.bad));
  const step = duration((seconds * 1000) / bars.length);
  return h(
    "section",
    { class: "card", "aria-label": "Over time" },
    h("h2", {}, "Over time"),
    chart(bars, most, `Pictures over the last ${duration(seconds * 1000)}; at most ${most} in ${step}`),
    h("p", { class: "axis" }, h("span", {}, timeOfDay(Date.now() - seconds * 1000)), h("span", {}, "now")),
    h(
      "p",
      { class: "legend" },
      h("span", { class: "good" }, "made"),
      h("span", { class: "bad" }, "failed or retried"),
      h("i", {}, `highest bar: ${plural(most, "picture")} in ${step}`),
    ),
  );
}

function chart(bars, most, title) {
  const width = 960,
    height = 120,
    step = width / bars.length,
    scale = height / Math.max(1, most);
  const column = (bar, index) => {
    const good = bar.good * scale,
      bad = bar.bad * scale;
    return [
      s("rect", { class: "good", x: index * step + 1, y: height - good, width: step - 2, height: good, rx: 2 }),
      s("rect", { class: "bad", x: index * step + 1, y: height - good - bad, width: step - 2, height: bad, rx: 2 }),
    ];
  };
  return s(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" },
    s("title", {}, title),
    bars.map(column),
  );
}

function errorCounts(errors) {
  const item = ([error, number]) => h("li", {}, h("a", { href: "#/failures" }, error), h("span", {}, count(number)));
  return h(
    "section",
    { class: "card", "aria-label": "Errors" },
    h("h2", {}, "Errors"),
    h("ul", { class: "plain counts" }, Object.entries(errors).map(item)),
  );
}

function backfills(runs) {
  return h(
    "section",
    { class: "card", "aria-label": "Backfills" },
    h("h2", {}, "Backfills"),
    h("ul", { class: "plain runs" }, runs.map(backfill)),
  );
}

/** The progress of one backfill, which may still be counting. `lost`: objects of batches that failed. */
function backfill({ name, status, started, total, done, lost }) {
  const ended = done + lost;
  const progress = total
    ? `${count(ended)} of ${plural(total, "object")}, ${Math.floor((100 * ended) / total)} %`
    : "no objects counted yet";
  return h(
    "li",
    {},
    h(
      "p",
      {},
      pill(status),
      h("strong", {}, progress),
      lost ? h("span", { class: "warn" }, `${count(lost)} without an outcome`) : null,
    ),
    h("progress", { max: total || 1, value: ended, "aria-label": `Backfill ${name}` }),
    h("p", { class: "note" }, `Started ${timeOfDay(started)}. Results: tinypics backfill --attach ${name}`),
  );
}
