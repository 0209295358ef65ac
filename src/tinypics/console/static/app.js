// The page's frame: routing to views, and the facts of the stack.

import { ApiError, errorText, get, showBanner } from "./api.js";
import { button, h, icon } from "./dom.js";
import * as execution from "./execution.js";
import * as failures from "./failures.js";
import * as health from "./health.js";
import * as home from "./home.js";
import * as picture from "./picture.js";
import * as tryIt from "./try.js";

const main = document.getElementById("main");
const ROUTES = [
  [/^\/executions\/(.+)$/, execution, "/"],
  [/^\/pictures\/(.+)$/, picture, "/"],
  [/^\/try$/, tryIt, "/try"],
  [/^\/failures$/, failures, "/failures"],
  [/^\/health$/, health, "/health"],
  [/^\/(executions)?$/, home, "/"],
];

let current = new AbortController(); // aborted when another view is shown
let stack, here, shown; // the stack; the hash and the history entry that are shown
const scrolled = new Map(); // by history entry: the scroll position to return to
history.scrollRestoration = "manual"; // views are filled after the browser would have restored it

async function show() {
  current.abort();
  current = new AbortController();
  shown = null;
  const { signal } = current;
  if (!history.state) history.replaceState({ entry: crypto.randomUUID(), from: here }, "");
  here = location.hash || "#/";
  const [path, query = ""] = here.slice(1).split("?");
  const [pattern, view, section] = ROUTES.find(([each]) => each.test(path)) ?? [/^/, missing, ""];
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
    if (signal.aborted) return;
    shown = history.state.entry;
    scrollTo(0, scrolled.get(shown) ?? 0);
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(error instanceof URIError ? noPage() : errorView(error));
  }
}

/** The view of an address that names no page, or is not encoded as UTF-8. */
const noPage = () => errorView(new ApiError(404, "No such page", `the console has no page ${here}`));
const missing = { show: (main) => main.append(noPage()) };

/** The replacement of a view that cannot be shown. Another try would not find what is missing. */
function errorView(error) {
  const retry = button([icon("retry"), "Retry"], show);
  return h(
    "div.empty",
    { role: "alert" },
    h("p", errorText(error)),
    h("p.actions", error.status === 404 ? null : retry, h("a.button", { href: "#/" }, "All pictures")),
  );
}

function showStack() {
  const element = document.getElementById("stack");
  element.replaceChildren(h("span", stack.local ? "On this computer" : `AWS, ${stack.region}`));
  element.title = `Pictures go to ${stack.source_bucket}, thumbnails to ${stack.output_bucket}`;
}

// The cookie has the token now: remove it from the address, so that it is in no history and no shared link.
if (new URLSearchParams(location.search).has("token")) history.replaceState(history.state, "", `/${location.hash}`);

addEventListener("hashchange", () => {
  if (location.hash === "#main") return; // the skip link
  show().then(() => main.focus({ preventScroll: true }));
});
addEventListener("scroll", () => {
  if (history.state?.entry === shown) scrolled.set(shown, scrollY);
});
// A file that is dropped outside of the drop zone must not replace the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
show();
