// Pictures: upload some, and follow their results.

import { h, segments } from "./dom.js";
import { ExecutionList } from "./list.js";
import { recentPictures } from "./recent.js";
import { Tray } from "./uploads.js";

const STATUSES = [
  ["", "All"],
  ["RUNNING", "Running"],
  ["SUCCEEDED", "Succeeded"],
  ["FAILED", "Failed"],
];

let tray; // one while the page is open: uploads continue while another view is shown

export async function show(main, { query, stack, signal }) {
  document.title = "Pictures · Tinypics";
  tray ??= new Tray(stack);
  main.append(h("h1", { class: "visually-hidden" }, "Pictures"), tray.element);
  if (!tray.listed) {
    const why = stack.listed ? "its uploads go through a queue" : "its workflow is of type EXPRESS";
    main.append(recentPictures({ stack, signal, tray, why }));
  }
  if (!stack.listed) return;
  const status = query.get("status") ?? "";
  const next = query.get("next");
  const none = status
    ? "No executions with this status."
    : tray.listed
      ? "No executions yet. Drop a picture above: its execution appears here, with its thumbnail."
      : "No execution was started directly. “Try it” starts the workflow for one picture.";
  const list = new ExecutionList({ status, next, stack, signal, none });
  const section = executions(tray.listed ? "Executions" : "Executions started directly", status, list);
  main.append(section);
  if (next) {
    await list.refresh();
    section.scrollIntoView();
  }
  list.start();
}

function executions(title, status, list) {
  const filter = segments("Status", STATUSES, status, (value) => (value ? `#/?status=${value}` : "#/"));
  return h(
    "section",
    { class: "executions", "aria-labelledby": "list" },
    h("div", { class: "bar" }, h("h2", { id: "list" }, title), filter),
    list.element,
  );
}
