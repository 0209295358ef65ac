// Failures: failed executions without a retry, grouped by error name, with advice.

import { errorText, get, poll, post } from "./api.js";
import { announce, h, icon, segments, withCode } from "./dom.js";
import { count, fullTime, plural, timeOfDay } from "./format.js";

const PERIODS = [
  ["3600", "1 hour"],
  ["86400", "1 day"],
  ["604800", "7 days"],
];
const SHOWN = 10;

export async function show(main, { query, stack, signal }) {
  document.title = "Failures · Tinypics";
  const seconds = query.get("seconds") ?? "86400";
  const content = h("div", {}, h("p", { class: "empty" }, "Looking for failed executions"));
  const showNew = h("button", { type: "button", class: "link", onclick: () => reload() }, "Show them");
  const news = h("p", { class: "news", role: "status", hidden: true }, "More executions have failed. ", showNew);
  main.append(
    h(
      "div",
      { class: "bar" },
      h("h1", {}, "Failures"),
      segments("Period", PERIODS, seconds, (value) => `#/failures?seconds=${value}`),
    ),
    news,
    content,
  );
  let newest; // the end of the newest failure that is shown
  const latest = async () => {
    if (!stack.listed) return 0;
    const { items } = await get("/api/executions?status=FAILED", signal);
    return Math.max(0, ...items.map((item) => item.ended));
  };
  const load = async () => {
    news.hidden = true;
    newest = await latest();
    const found = await get(`/api/failures?seconds=${encodeURIComponent(seconds)}`, signal);
    const none = found.listed ? noFailures() : noList();
    content.replaceChildren(
      ...(found.groups.length ? found.groups.map((group) => groupCard(group, reload)) : [none]),
      found.more
        ? h("p", { class: "foot" }, "Older failures are not listed: retry these first, or use tinypics retry.")
        : "",
    );
  };
  const reload = () => load().catch((error) => announce(errorText(error)));
  await load();
  // Do not replace the list while the user reads it. Also, each failure takes requests, which AWS throttles.
  const refresh = async () => {
    news.hidden = (await latest()) <= newest;
    return false;
  };
  if (stack.listed) poll(refresh, signal, stack.local ? { fast: 2000, slow: 5000 } : { fast: 10_000, slow: 60_000 });
}

function noFailures() {
  return h(
    "div",
    { class: "empty" },
    h("p", {}, icon("good"), " No execution failed in this period, or all of them were retried."),
    h("p", {}, "New failures appear here, each with its cause and what to do."),
  );
}

function noList() {
  return h(
    "div",
    { class: "empty" },
    h("p", {}, "This workflow is of type EXPRESS, which keeps no list of failed executions."),
    h(
      "p",
      {},
      h("code", {}, "tinypics verify --fix"),
      " makes missing thumbnails. ",
      h("a", { href: "#/" }, "Pictures"),
      " and ",
      h("a", { href: "#/health" }, "Health"),
      " show results from the function's log.",
    ),
  );
}

function groupCard({ error, advice, items }, reload) {
  const retry = h(
    "button",
    {
      type: "button",
      class: advice.retry ? "primary" : "",
      onclick: async () => {
        retry.disabled = true;
        try {
          const started = await post("/api/failures/retry", { names: items.map((item) => item.name) });
          announce(`Started ${plural(Object.keys(started).length, "retry", "retries")}`);
        } catch (error) {
          announce(errorText(error));
        }
        retry.disabled = false;
        await reload(); // also after an error, because some may have been started
      },
    },
    icon("retry"),
    `Retry ${items.length === 1 ? "this one" : `these ${count(items.length)}`}`,
  );
  const row = (item) =>
    h(
      "li",
      {},
      h(
        "a",
        { href: `#/executions/${encodeURIComponent(item.name)}` },
        h("span", { class: "key" }, item.key),
        h("span", { class: "note" }, item.message.slice(0, 300)),
        h("time", { title: fullTime(item.started) }, timeOfDay(item.started)),
      ),
    );
  const list = h("ol", { class: "plain" }, items.slice(0, SHOWN).map(row));
  const rest =
    items.length > SHOWN
      ? h(
          "button",
          {
            type: "button",
            class: "quiet",
            onclick: () => {
              list.append(...items.slice(SHOWN).map(row));
              rest.remove();
            },
          },
          `Show ${count(items.length - SHOWN)} more`,
        )
      : null;
  return h(
    "section",
    { class: "card failure", "aria-label": error },
    h(
      "div",
      { class: "bar" },
      h("h2", {}, icon("bad"), error, h("span", { class: "number" }, count(items.length))),
      retry,
    ),
    h("p", {}, withCode(advice.happened), " ", withCode(advice.do)),
    advice.retry ? null : h("p", { class: "quiet small" }, "A retry without a change fails again."),
    list,
    rest,
  );
}
