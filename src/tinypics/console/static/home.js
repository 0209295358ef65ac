// Home: upload pictures, and see those that are there. The workflow's executions are its second tab.

import { withQuery } from "./api.js";
import { h, segments } from "./dom.js";
import { PictureGrid } from "./library.js";
import { ExecutionList } from "./list.js";
import { recentPictures } from "./recent.js";
import { Tray } from "./uploads.js";

const TABS = Object.entries({ "#/": "Pictures", "#/executions": "Executions" });
const STATUSES = Object.entries({ "": "All", RUNNING: "Running", SUCCEEDED: "Succeeded", FAILED: "Failed" });

let tray; // one while the page is open: uploads continue while another view is shown

/** The page's uploads. */
export function trayOf(stack) {
  tray ??= new Tray(stack);
  return tray;
}

export async function show(main, { argument, query, stack, signal }) {
  document.title = `${argument ? "Executions" : "Pictures"} · Tinypics`;
  const tabs = segments("Show", TABS, argument ? "#/executions" : "#/", (value) => value);
  const bar = h("div.bar", tabs);
  main.append(
    h("h1.visually-hidden", "Pictures"),
    stack.problem ? h("p.banner", { role: "alert" }, stack.problem) : "",
    trayOf(stack).element,
    bar,
  );
  if (argument) return showExecutions(main, bar, { query, stack, signal });
  const grid = new PictureGrid({ query, stack, signal, tray });
  bar.append(grid.bar);
  main.append(grid.element);
  await grid.start();
}

async function showExecutions(main, bar, { query, stack, signal }) {
  if (!tray.listed) {
    const why = stack.listed ? "its uploads go through a queue" : "its workflow is of type EXPRESS";
    main.append(recentPictures({ stack, signal, why }));
  }
  if (!stack.listed) return;
  const status = query.get("status") ?? "";
  const empty = tray.listed
    ? "No executions yet, or none that the stack still has. Drop a picture above: its execution appears here."
    : "No execution was started directly. “Try it” starts the workflow for one picture.";
  const none = status ? "No executions with this status." : empty;
  const list = new ExecutionList({ status, next: query.get("next"), stack, signal, none });
  bar.append(segments("Status", STATUSES, status, (value) => withQuery("#/executions", { status: value })));
  const title = tray.listed ? h("h2.visually-hidden", "Executions") : h("h2", "Started directly");
  main.append(h("section.executions", { "aria-label": title.textContent }, title, list.element));
  await list.start();
}
