// Failures: failed executions without a retry, grouped by error name, with advice.

import { errorText, get, poll, post } from "./api.js";
import { announce, button, copyButton, h, icon, segments, time, withCode } from "./dom.js";
import { count } from "./format.js";
import { thumbnail } from "./row.js";

const PERIODS = Object.entries({ 3600: "1 hour", 86400: "1 day", 604800: "7 days" });
const SHOWN = 10;
const REMEDIES = {
  replace: "A retry of the same file fails again: open one to replace it.",
  change: "A retry without a change fails again.",
};

export async function show(main, { query, stack, signal }) {
  document.title = "Failures · Tinypics";
  const seconds = query.get("seconds") ?? "86400";
  const content = h("div", h("p.empty", "Looking for failed executions"));
  const showNew = button("Show them", () => reload(), "link");
  const news = h("p.news", { role: "status", hidden: true }, "More executions have failed. ", showNew);
  main.append(
    h(
      "div.bar",
      h("h1", "Failures"),
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
      ...(found.groups.length ? found.groups.map((group) => groupCard(group, reload, signal)) : [none]),
      found.more ? h("p.foot", "Older failures are not listed: retry these first, or use tinypics retry.") : "",
    );
  };
  const reload = (result) =>
    load()
      .then(() => result && announce(result))
      .catch((error) => announce(errorText(error)));
  await load();
  // Do not replace the list while the user reads it. Also, each failure takes requests, which AWS throttles.
  const refresh = async () => {
    news.hidden = (await latest()) <= newest;
    return false;
  };
  if (stack.listed) poll(refresh, signal, stack.local ? { fast: 2000, slow: 5000 } : { fast: 10_000, slow: 60_000 });
}

/** Waits for executions, and reports how many failed again. */
async function follow(names, result, signal) {
  result.hidden = false;
  for (;;) {
    const found = Object.values(await post("/api/subjects", { names }, signal));
    const number = (isIt) => count(found.filter(isIt).length);
    const running = found.filter(({ status }) => status === "RUNNING").length;
    result.textContent = `${number(({ status }) => status === "SUCCEEDED")} succeeded, ${number(({ error }) => error)} failed again${running ? `, ${count(running)} running` : ""}`;
    if (!running) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function noFailures() {
  const good = h("p", icon("good"), " No execution failed in this period, or all of them were retried.");
  return h("div.empty", good, h("p", "New failures appear here, each with its cause and what to do."));
}

function noList() {
  return h(
    "div.empty",
    h("p", "This workflow is of type EXPRESS, which keeps no list of failed executions."),
    h("p", h("code", "tinypics verify --fix"), " makes missing thumbnails."),
    h("p", h("a", { href: "#/executions" }, "Executions"), " shows the results in the function's log."),
  );
}

function groupCard({ error, advice, items }, reload, signal) {
  const result = h("p.news", { role: "status", hidden: true });
  const start = async () => {
    retry.disabled = true;
    try {
      const started = await post("/api/failures/retry", { names: items.map((item) => item.name) });
      await follow(Object.values(started), result, signal);
    } catch (error) {
      announce(errorText(error));
    }
    await reload(result.textContent); // also after an error, because some may have been started
    retry.disabled = false;
  };
  const fits = advice.remedy === "retry";
  const label = `Retry ${items.length === 1 ? "this one" : `these ${count(items.length)}`}${fits ? "" : " anyway"}`;
  const retry = button([icon("retry"), label], start, fits ? "primary" : "");
  const keys = items.map((item) => item.key).join("\n");
  const copy = copyButton(() => keys, items.length === 1 ? "Copy key" : "Copy keys", "");
  const row = (item) =>
    h(
      "li",
      h(
        "a",
        { href: `#/executions/${encodeURIComponent(item.name)}` },
        h("span.thumb.bad", item.thumbnail ? thumbnail(item.thumbnail, "bad") : icon("bad")),
        h("span.key", item.key),
        h("span.note", item.message.slice(0, 300)),
        time(item.started),
      ),
    );
  const list = h("ol.plain.failed", items.slice(0, SHOWN).map(row));
  const showRest = () => {
    list.append(...items.slice(SHOWN).map(row));
    rest.remove();
  };
  const rest = items.length > SHOWN ? button(`Show ${count(items.length - SHOWN)} more`, showRest, "quiet") : null;
  return h(
    "section.card.failure",
    { "aria-label": error },
    h("div.bar", h("h2", icon("bad"), error, h("span.number", count(items.length))), h("span.actions", copy, retry)),
    h("p", withCode(advice.happened), " ", withCode(advice.do)),
    fits ? null : h("p.quiet.small", REMEDIES[advice.remedy]),
    result,
    list,
    rest,
  );
}
