// The page's frame: routing to views, and the facts of the stack.

import { errorText, get, showBanner } from "./api.js";
import { h, icon } from "./dom.js";
import * as execution from "./execution.js";
import * as failures from "./failures.js";
import * as health from "./health.js";
import * as home from "./home.js";
import * as tryIt from "./try.js";

const main = document.getElementById("main");
const ROUTES = [
  [/^\/executions\/(.+)$/, execution, "/"],
  [/^\/try$/, tryIt, "/try"],
  [/^\/failures$/, failures, "/failures"],
  [/^\/health$/, health, "/health"],
  [/^\/$/, home, "/"],
];

let current = new AbortController(); // aborted when another view is shown
let stack;

async function show() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const [path, query = ""] = (location.hash.slice(1) || "/").split("?");
  const [pattern, view, section] = ROUTES.find(([each]) => each.test(path)) ?? ROUTES.at(-1);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${section}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.replaceChildren();
  showBanner("");
  try {
    stack ??= await get("/api/stack");
    if (signal.aborted) return;
    showStack();
    const argument = pattern.exec(path)?.[1];
    await view.show(main, {
      argument: argument && decodeURIComponent(argument),
      query: new URLSearchParams(query),
      stack,
      signal,
    });
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(errorView(error));
  }
}

/** The replacement of a view that cannot be shown. */
function errorView(error) {
  return h(
    "div",
    { class: "empty", role: "alert" },
    h("p", {}, errorText(error)),
    h(
      "p",
      { class: "actions" },
      h("button", { type: "button", onclick: show }, icon("retry"), "Retry"),
      h("a", { class: "button", href: "#/" }, "All pictures"),
    ),
  );
}

function showStack() {
  const element = document.getElementById("stack");
  element.replaceChildren(h("span", {}, stack.local ? "On this computer" : `AWS, ${stack.region}`));
  element.title = `Pictures go to ${stack.source_bucket}, thumbnails to ${stack.output_bucket}`;
}

// The cookie has the token now: remove it from the address, so that it is in no history and no shared link.
if (new URLSearchParams(location.search).has("token")) history.replaceState(null, "", `/${location.hash}`);

addEventListener("hashchange", () => {
  if (location.hash === "#main") return; // the skip link
  scrollTo(0, 0);
  show().then(() => main.focus({ preventScroll: true }));
});
// A file that is dropped outside of the drop zone must not replace the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
show();
