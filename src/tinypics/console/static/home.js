// Pictures: drop some, and watch what becomes of them.

import { get } from "./api.js";
import { h } from "./dom.js";
import { ExecutionList } from "./list.js";
import { Tray } from "./uploads.js";

const FILTERS = [["", "All"], ["RUNNING", "Running"], ["SUCCEEDED", "Succeeded"], ["FAILED", "Failed"]];

let tray; // one for as long as the page is open: uploads go on while another view is looked at

export async function show(main, { query, stack, signal }) {
  document.title = "Pictures · Tinypics";
  const status = query.get("status") ?? "";
  const workflow = await get("/api/workflow", signal);
  const told = workflow.type !== "EXPRESS" && !stack.by_queue;
  tray ??= new Tray(stack, told);
  const filter = h("nav", { class: "segments", "aria-label": "Which executions" }, FILTERS.map(([value, word]) =>
    h("a", { href: value ? `#/?status=${value}` : "#/", "aria-current": value === status ? "true" : null }, word)));
  main.append(
    h("h1", { class: "unseen" }, "Pictures"),
    tray.element,
    h("section", { "aria-labelledby": "list" },
      h("div", { class: "bar" }, h("h2", { id: "list" }, "Executions"), workflow.type === "EXPRESS" ? null : filter),
      workflow.type === "EXPRESS" ? express() : null),
  );
  if (workflow.type === "EXPRESS") return;
  const list = new ExecutionList({ status, stack, signal, watchers: [tray] });
  main.lastChild.append(list.element);
  list.start();
}

function express() {
  return h("p", { class: "empty" },
    "This workflow is of type EXPRESS, which keeps no list of executions. ",
    h("a", { href: "#/health" }, "Health"), " counts what the log says; ", h("code", {}, "tinypics logs --follow"), " shows each picture.");
}
