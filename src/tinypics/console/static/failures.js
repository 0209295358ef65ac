// Failures: failed executions without a retry, grouped by error name, with advice.

import { get, poll, post, reason } from "./api.js";
import { announce, h, icon, prose } from "./dom.js";
import { count, exactly, moment, plural } from "./format.js";

const AGES = [
  ["3600", "1 hour"],
  ["86400", "1 day"],
  ["604800", "7 days"],
];
const SHOWN = 10;

export async function show(main, { query, stack, signal }) {
  document.title = "Failures · Tinypics";
  const seconds = query.get("seconds") ?? "86400";
  const place = h("div", {}, h("p", { class: "empty" }, "Looking for failed executions"));
  const again = h("button", { type: "button", class: "link", onclick: () => reload() }, "Show them");
  const news = h("p", { class: "news", role: "status", hidden: true }, "Others have failed since. ", again);
  main.append(
    h(
      "div",
      { class: "bar" },
      h("h1", {}, "Failures"),
      h(
        "nav",
        { class: "segments", "aria-label": "How far back" },
        AGES.map(([value, word]) =>
          h("a", { href: `#/failures?seconds=${value}`, "aria-current": value === seconds ? "true" : null }, word),
        ),
      ),
    ),
    news,
    place,
  );
  let known;
  const latest = async () => {
    if (!stack.listed) return 0;
    const { items } = await get("/api/executions?status=FAILED", signal);
    return Math.max(0, ...items.map((item) => item.ended));
  };
  const load = async () => {
    news.hidden = true;
    known = await latest();
    const found = await get(`/api/failures?seconds=${encodeURIComponent(seconds)}`, signal);
    place.replaceChildren(
      ...(found.groups.length
        ? found.groups.map((group) => section(group, reload))
        : [found.listed ? nothing() : unlisted()]),
      found.more
        ? h(
            "p",
            { class: "foot" },
            "There are more: these are the newest. Try these again first, or use tinypics retry.",
          )
        : "",
    );
  };
  const reload = () => load().catch((problem) => announce(reason(problem)));
  await load();
  // Do not replace the list while the user reads it. Also, each failure takes requests, which AWS throttles.
  const look = async () => {
    news.hidden = (await latest()) <= known;
    return false;
  };
  if (stack.listed) poll(look, signal, stack.local ? { fast: 2000, slow: 5000 } : { fast: 10_000, slow: 60_000 });
}

function nothing() {
  return h(
    "div",
    { class: "empty" },
    h("p", {}, icon("good"), " Nothing failed in this time, or all of it was retried."),
    h("p", {}, "What fails from now on appears here, with what to do about it."),
  );
}

function unlisted() {
  return h(
    "div",
    { class: "empty" },
    h("p", {}, "This workflow is of type EXPRESS, which keeps no list of what failed."),
    h(
      "p",
      {},
      h("code", {}, "tinypics verify --fix"),
      " makes whatever is missing; ",
      h("a", { href: "#/" }, "Pictures"),
      " and ",
      h("a", { href: "#/health" }, "Health"),
      " show what the log says.",
    ),
  );
}

function section({ error, advice, items }, reload) {
  const again = h(
    "button",
    {
      type: "button",
      class: advice.retry ? "primary" : "",
      onclick: async () => {
        again.disabled = true;
        try {
          const started = await post("/api/failures/retry", { names: items.map((item) => item.name) });
          announce(`Started ${plural(Object.keys(started).length, "execution")} again`);
        } catch (problem) {
          announce(reason(problem));
        }
        again.disabled = false;
        await reload(); // also after an error, because some may have been started
      },
    },
    icon("again"),
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
        h("time", { title: exactly(item.started) }, moment(item.started)),
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
          `Show the other ${count(items.length - SHOWN)}`,
        )
      : null;
  return h(
    "section",
    { class: "card failure", "aria-label": error },
    h(
      "div",
      { class: "bar" },
      h("h2", {}, icon("bad"), error, h("span", { class: "number" }, count(items.length))),
      again,
    ),
    h("p", {}, prose(advice.happened), " ", prose(advice.do)),
    advice.retry ? null : h("p", { class: "quiet small" }, "Trying again without a change fails again."),
    list,
    rest,
  );
}
