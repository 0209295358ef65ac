// Pictures: drop some, and watch what becomes of them.

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

let tray; // one for as long as the page is open: uploads go on while another view is looked at
let watched; // and somebody looks what becomes of them

export async function show(main, { query, stack, signal }) {
  document.title = "Pictures · Tinypics";
  const status = query.get("status") ?? "";
  const told = stack.listed && !stack.by_queue; // whether uploads have executions, and those a list
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

/** Until the tray knows what became of all, or this view is shown again: a list that nobody sees. */
function watch(stack) {
  if (!tray.waiting) return;
  watched = new AbortController();
  tray.settled = () => watched.abort();
  new ExecutionList({ status: "", stack, signal: watched.signal, watchers: [tray] }).start();
}
