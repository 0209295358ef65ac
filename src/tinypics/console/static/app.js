// The page's frame: routing to views, and the facts of the stack.

import { get, reason, trouble } from "./api.js";
import { h, icon } from "./dom.js";
import * as execution from "./execution.js";
import * as failures from "./failures.js";
import * as health from "./health.js";
import * as home from "./home.js";
import * as trial from "./trial.js";

const main = document.getElementById("main");
const ROUTES = [
  [/^\/executions\/(.+)$/, execution, "/"],
  [/^\/try$/, trial, "/try"],
  [/^\/failures$/, failures, "/failures"],
  [/^\/health$/, health, "/health"],
  [/^\/$/, home, "/"],
];

let leaving = new AbortController();
let stack;

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [path, query = ""] = (location.hash.slice(1) || "/").split("?");
  const [pattern, view, section] = ROUTES.find(([each]) => each.test(path)) ?? ROUTES.at(-1);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${section}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.replaceChildren();
  trouble("");
  try {
    stack ??= await get("/api/stack");
    if (signal.aborted) return;
    introduce();
    const argument = pattern.exec(path)?.[1];
    await view.show(main, {
      argument: argument && decodeURIComponent(argument),
      query: new URLSearchParams(query),
      stack,
      signal,
    });
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(lost(error));
  }
}

/** The replacement of a view that cannot be shown. */
function lost(error) {
  return h(
    "div",
    { class: "empty", role: "alert" },
    h("p", {}, reason(error)),
    h(
      "p",
      { class: "actions" },
      h("button", { type: "button", onclick: show }, icon("again"), "Try again"),
      h("a", { class: "button", href: "#/" }, "All pictures"),
    ),
  );
}

function introduce() {
  const where = document.getElementById("where");
  where.replaceChildren(h("span", {}, stack.local ? "On this computer" : `AWS, ${stack.region}`));
  where.title = `Pictures go to ${stack.source_bucket}, thumbnails to ${stack.output_bucket}`;
}

// The cookie has the token now: remove it from the address, so that it is in no history and no shared link.
if (new URLSearchParams(location.search).has("token")) history.replaceState(null, "", `/${location.hash}`);

let moved = false;
addEventListener("hashchange", () => {
  if (location.hash === "#main") return; // the skip link
  moved = true;
  scrollTo(0, 0);
  show().then(() => {
    if (moved) main.focus({ preventScroll: true });
  });
});
// A file that is dropped outside of the drop zone must not replace the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
show();
