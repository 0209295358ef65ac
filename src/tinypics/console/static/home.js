// Pictures: upload some, and follow their results.

import { h } from "./dom.js";
import { ExecutionList } from "./list.js";
import { recent } from "./recent.js";
import { Tray } from "./uploads.js";

const FILTERS = [
  ["", "All"],
  ["RUNNING", "Running"],
  ["SUCCEEDED", "Succeeded"],
  ["FAILED", "Failed"],
];

let tray; // one while the page is open: uploads continue while another view is shown
let watched; // aborts polling

export async function show(main, { query, stack, signal }) {
  document.title = "Pictures · Tinypics";
  const status = query.get("status") ?? "";
  const told = stack.listed && !stack.by_queue; // whether uploads have executions that can be listed
  tray ??= new Tray(stack);
  watched?.abort();
  main.append(h("h1", { class: "unseen" }, "Pictures"), tray.element);
  if (!told)
    main.append(
      recent({
        stack,
        signal,
        tray,
        why: stack.listed ? "its uploads go through a queue" : "its workflow is of type EXPRESS",
      }),
    );
  if (!stack.listed) return;
  const filter = h(
    "nav",
    { class: "segments", "aria-label": "Which executions" },
    FILTERS.map(([value, word]) =>
      h("a", { href: value ? `#/?status=${value}` : "#/", "aria-current": value === status ? "true" : null }, word),
    ),
  );
  const list = new ExecutionList({ status, stack, signal, watchers: told ? [tray] : [] });
  if (told) signal.addEventListener("abort", () => watch(stack), { once: true });
  main.append(
    h(
      "section",
      { "aria-labelledby": "list" },
      h(
        "div",
        { class: "bar" },
        h("h2", { id: "list" }, told ? "Executions" : "Executions that were started directly"),
        filter,
      ),
      list.element,
    ),
  );
  list.start();
}

/** Polls a hidden list until the tray has all results, or this view is shown again. */
function watch(stack) {
  if (!tray.waiting) return;
  watched = new AbortController();
  tray.settled = () => watched.abort();
  new ExecutionList({ status: "", stack, signal: watched.signal, watchers: [tray] }).start();
}
