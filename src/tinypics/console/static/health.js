// Health: counts, times, cost and queues. Figures are from the function's own log lines.

import { get, poll } from "./api.js";
import { h, s } from "./dom.js";
import { count, duration, moment, plural } from "./format.js";
import { pill } from "./status.js";

const AGES = [
  ["300", "5 minutes"],
  ["3600", "1 hour"],
  ["86400", "1 day"],
];

export async function show(main, { query, stack, signal }) {
  document.title = "Health · Tinypics";
  const seconds = query.get("seconds") ?? "3600";
  const place = h("div", {}, h("p", { class: "empty" }, "Reading the log"));
  main.append(
    h(
      "div",
      { class: "bar" },
      h("h1", {}, "Health"),
      h(
        "nav",
        { class: "segments", "aria-label": "How far back" },
        AGES.map(([value, word]) =>
          h("a", { href: `#/health?seconds=${value}`, "aria-current": value === seconds ? "true" : null }, word),
        ),
      ),
    ),
    place,
  );
  let before = "";
  const look = async () => {
    const found = await get(`/api/health?seconds=${encodeURIComponent(seconds)}`, signal);
    const text = JSON.stringify({ ...found, bars: 0 });
    place.replaceChildren(...cards(found));
    const news = text !== before;
    before = text;
    return news;
  };
  await look();
  poll(look, signal, stack.local ? { fast: 2000, slow: 8000 } : { fast: 15_000, slow: 60_000 });
}

function cards(found) {
  const failed = found.counts.FAILED ?? 0;
  const again = found.counts.RETRY ?? 0;
  if (!found.pictures && !found.backfills.length && !found.queues.some((queue) => queue.waiting)) {
    return [
      h(
        "div",
        { class: "empty" },
        h("p", {}, "No picture was worked on in this time."),
        h("p", {}, h("a", { href: "#/" }, "Drop some"), ", or choose a longer time."),
      ),
    ];
  }
  return [
    h(
      "dl",
      { class: "figures" },
      figure(
        "Pictures",
        count(found.pictures),
        `${count(found.counts.SUCCESS ?? 0)} made, ${count(found.counts.SKIPPED ?? 0)} up to date`,
      ),
      figure(
        "Failed",
        count(failed),
        again ? `${count(again)} attempts were retried` : "no attempt had to be retried",
        failed ? "bad" : "good",
      ),
      figure("Median time", duration(found.ms.p50), `95 %: ${duration(found.ms.p95)}, 99 %: ${duration(found.ms.p99)}`),
      figure(
        "Cold starts",
        count(found.cold),
        found.pictures ? `${Math.round((100 * found.cold) / found.pictures)} % of them` : "",
      ),
      figure(
        "Estimated cost",
        money(found.dollars),
        `of the function: ${found.gb_seconds} GB-seconds and the requests, at AWS's prices (${found.prices})`,
      ),
      found.running === null
        ? null
        : figure("In work", found.running >= 100 ? "100 or more" : count(found.running), "executions that run now"),
      found.queues.map((queue) =>
        figure(
          queue.name,
          count(queue.waiting),
          waits(queue),
          lost(queue) ? "bad" : "",
        ),
      ),
    ),
    h(
      "section",
      { class: "card", "aria-label": "Over time" },
      h("h2", {}, "Over time"),
      chart(found),
      h("p", { class: "axis" }, h("span", {}, moment(Date.now() - found.seconds * 1000)), h("span", {}, "now")),
      h(
        "p",
        { class: "legend" },
        h("span", { class: "good" }, "made"),
        h("span", { class: "bad" }, "failed or retried"),
        h("i", {}, `tallest: ${plural(tallest(found.bars), "picture")} in ${duration(barred(found))}`),
      ),
    ),
    Object.keys(found.errors).length
      ? h(
          "section",
          { class: "card", "aria-label": "Errors" },
          h("h2", {}, "Errors"),
          h(
            "ul",
            { class: "plain counts" },
            Object.entries(found.errors).map(([error, number]) =>
              h("li", {}, h("a", { href: "#/failures" }, error), h("span", {}, count(number))),
            ),
          ),
        )
      : null,
    found.backfills.length ? backfills(found.backfills) : null,
    found.more
      ? h("p", { class: "foot" }, "There are more lines than are read here: choose a shorter time for true figures.")
      : null,
  ].filter(Boolean);
}

function backfills(runs) {
  return h(
    "section",
    { class: "card", "aria-label": "Backfills" },
    h("h2", {}, "Backfills"),
    h("ul", { class: "plain runs" }, runs.map(run)),
  );
}

/** A progress bar of one backfill, which may still be counting. */
function run({ name, status, started, total, done, lost }) {
  const ended = done + lost;
  const story = total
    ? `${count(ended)} of ${plural(total, "object")}, ${Math.floor((100 * ended) / total)} %`
    : "nothing counted yet";
  return h(
    "li",
    {},
    h(
      "p",
      {},
      pill(status),
      h("strong", {}, story),
      lost ? h("span", { class: "warn" }, `${count(lost)} lost`) : null,
    ),
    h("progress", { max: total || 1, value: ended, "aria-label": `Backfill ${name}` }),
    h("p", { class: "note" }, `since ${moment(started)}; results: tinypics backfill --attach ${name}`),
  );
}

function lost({ name, waiting }) {
  return name === "Dead letters" && waiting > 0;
}

function waits(queue) {
  if (lost(queue)) return "gave up: mend the cause (tinypics logs), then tinypics verify --fix";
  if (queue.taken) return `and ${count(queue.taken)} in work`;
  return queue.waiting ? "waiting" : "nothing waits";
}

function figure(name, value, detail, kind = "") {
  return h(
    "div",
    { class: `figure ${kind}` },
    h("dt", {}, name),
    h("dd", {}, h("strong", {}, value), h("span", {}, detail)),
  );
}

function money(dollars) {
  if (!dollars) return "$0";
  return dollars < 0.01 ? `$${dollars.toPrecision(2)}` : `$${dollars.toFixed(2)}`;
}

function tallest(bars) {
  return Math.max(...bars.map((bar) => bar.good + bar.bad));
}

/** Milliseconds of one bar. */
function barred({ bars, seconds }) {
  return (seconds * 1000) / bars.length;
}

function chart(found) {
  const { bars, seconds } = found;
  const most = Math.max(1, tallest(bars));
  const width = 960,
    height = 120,
    step = width / bars.length;
  const column = (bar, index) => {
    const good = (bar.good / most) * height,
      bad = (bar.bad / most) * height;
    return [
      s("rect", { class: "good", x: index * step + 1, y: height - good, width: step - 2, height: good, rx: 2 }),
      s("rect", { class: "bad", x: index * step + 1, y: height - good - bad, width: step - 2, height: bad, rx: 2 }),
    ];
  };
  return s(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" },
    s(
      "title",
      {},
      `Pictures over the last ${duration(seconds * 1000)}; at most ${most} in ${duration(barred(found))}`,
    ),
    bars.map(column),
  );
}
