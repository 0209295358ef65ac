// Health: counts, times, cost and queues. Figures are from the function's own log lines.

import { get, poll } from "./api.js";
import { card, copyButton, h, icon, s, segments } from "./dom.js";
import { count, duration, plural, timeOfDay } from "./format.js";
import { pill } from "./status.js";

const PERIODS = Object.entries({ 300: "5 minutes", 3600: "1 hour", 86400: "1 day" });

export async function show(main, { query, stack, signal }) {
  document.title = "Health · Tinypics";
  const seconds = query.get("seconds") ?? "3600";
  const content = h("div", h("p.empty", "Reading the log"));
  main.append(
    h(
      "div.bar",
      h("h1", "Health"),
      segments("Period", PERIODS, seconds, (value) => `#/health?seconds=${value}`),
    ),
    content,
  );
  let before = "";
  const refresh = async () => {
    const health = await get(`/api/health?seconds=${encodeURIComponent(seconds)}`, signal);
    const text = JSON.stringify({ ...health, bars: 0 });
    content.replaceChildren(...cards(health, stack));
    const changed = text !== before;
    before = text;
    return changed;
  };
  await refresh();
  poll(refresh, signal, stack.local ? { fast: 2000, slow: 8000 } : { fast: 15_000, slow: 60_000 });
}

function cards(health, stack) {
  if (!health.pictures && !health.backfills.length && !health.queues.some((queue) => queue.waiting)) {
    const advice = h("p", h("a", { href: "#/" }, "Upload some"), ", or choose a longer period.");
    return [h("div.empty", h("p", "No pictures were processed in this period."), advice)];
  }
  return [
    h("dl.figures", figures(health)),
    timeline(health),
    Object.keys(health.errors).length ? errorCounts(health.errors) : null,
    health.backfills.length ? card("Backfills", h("ul.plain.runs", health.backfills.map((run) => backfill(run, stack)))) : null,
    health.more
      ? h("p.foot", "The log has more lines than were read: choose a shorter period for exact figures.")
      : null,
  ].filter(Boolean);
}

function figures(health) {
  const { pictures, attempts, retried, ms, cold, cost, running } = health;
  const { made = 0, current = 0, removed = 0, failed = 0 } = health.counts;
  const results = [`${count(made)} made`, `${count(current)} up to date`, removed ? `${count(removed)} removed` : ""];
  const basis = `of the function: ${health.gb_seconds} GB-seconds and its requests, at AWS's prices (${health.prices})`;
  const repeated = retried ? `${plural(retried, "attempt")} repeated after a passing error` : "no attempt was repeated";
  return [
    figure("Pictures", count(pictures), results.filter(Boolean).join(", ")),
    figure("Failed", count(failed), repeated, failed ? "bad" : "good"),
    figure("Median time", duration(ms.p50), `95 %: ${duration(ms.p95)}, 99 %: ${duration(ms.p99)}`),
    figure("Cold starts", count(cold), `of ${plural(attempts, "attempt")}`),
    cost === null ? null : figure("Estimated cost", cost, basis),
    running === null ? null : figure("Running", running >= 100 ? "100 or more" : count(running), "executions"),
    health.queues.map((queue) =>
      figure(queue.name, count(queue.waiting), queueNote(queue), isAlarming(queue) ? "bad" : ""),
    ),
  ];
}

function figure(name, value, detail, kind = "") {
  return h("div", { class: `figure ${kind}` }, h("dt", name), h("dd", h("strong", value), h("span", detail)));
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
  const most = 2 * Math.ceil(Math.max(1, ...bars.map((bar) => bar.good + bar.bad)) / 2); // the axis names its half
  const step = duration((seconds * 1000) / bars.length);
  const title = `Results over the last ${duration(seconds * 1000)}; at most ${most} in ${step}`;
  const times = [1, 0.5, 0].map((share) => h("span", share ? timeOfDay(Date.now() - share * seconds * 1000) : "now"));
  const scale = [most, most / 2, 0].map((value) => h("span", count(value)));
  return card(
    "Over time",
    h("div.plot", h("p.scale", scale), chart(bars, most, title), h("p.axis", times)),
    h(
      "p.legend",
      h("span.good", "made or up to date"),
      h("span.bad", "failed or repeated"),
      h("i", `results in each ${step}`),
    ),
  );
}

function chart(bars, most, title) {
  const [width, height] = [960, 120];
  const [step, scale] = [width / bars.length, height / most];
  const column = (bar, index) => {
    const [good, bad] = [bar.good * scale, bar.bad * scale];
    return [
      s("rect.good", { x: index * step + 1, y: height - good, width: step - 2, height: good, rx: 2 }),
      s("rect.bad", { x: index * step + 1, y: height - good - bad, width: step - 2, height: bad, rx: 2 }),
    ];
  };
  return s(
    "svg.chart",
    { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" },
    s("title", title),
    bars.map(column),
  );
}

function errorCounts(errors) {
  const item = ([error, number]) => h("li", h("a", { href: "#/failures" }, error), h("span", count(number)));
  return card("Errors", h("ul.plain.counts", Object.entries(errors).map(item)));
}

/** The progress of one backfill, which may still be counting. `lost`: objects of batches that failed. */
function backfill({ name, status, started, total, done, lost, states }, stack) {
  const ended = done + lost;
  const failed = states?.failed ?? 0;
  const bad = failed || lost;
  const command = `${stack.backfill} --attach ${name}`;
  const parts = states
    ? [`${count(states.done ?? 0)} made`, `${count(states.skipped ?? 0)} skipped`, `${count(failed)} failed`]
    : [`${count(done)} with a result`];
  const progress = total ? `${parts.join(", ")} of ${plural(total, "object")}` : "no objects counted yet";
  return h(
    "li",
    h(
      "p",
      { class: bad ? "bad" : "" },
      bad && status === "SUCCEEDED" ? h("span.pill.bad", icon("bad"), "Ended with failures") : pill(status),
      h("strong", progress),
      lost ? h("span.warn", `${count(lost)} without an outcome`) : null,
    ),
    h("progress", { max: total || 1, value: ended, "aria-label": `Backfill ${name}` }),
    h(
      "p.note",
      `Started ${timeOfDay(started)}. ${bad ? "The failed keys" : "Results"}: `,
      h("code", command),
      copyButton(() => command),
    ),
  );
}
