// The newest pictures, from the function's log, for stacks without a list of executions.

import { get, poll } from "./api.js";
import { h } from "./dom.js";
import { row } from "./row.js";

/** The section of the newest results. `why`: the reason that there is no list. */
export function recentPictures({ stack, signal, why }) {
  const list = h("ol.plain-rows");
  const foot = h("p.empty", { role: "status" }, "Reading the log");
  let before = "";
  poll(
    async () => {
      const pictures = await get("/api/recent", signal);
      const text = pictures.map(({ at, key, status }) => `${at} ${status} ${key}`).join("\n");
      if (text === before && before) return false;
      before = text;
      list.replaceChildren(...pictures.map((picture) => h("li", row(picture, picture.at, picture.ms, picture))));
      foot.className = pictures.length ? "foot" : "empty";
      foot.textContent = pictures.length
        ? "The newest pictures in the function's log."
        : "No pictures in the last six hours. Drop one above: it appears here, with its thumbnail.";
      return true;
    },
    signal,
    stack.local ? { fast: 500, slow: 2000 } : { fast: 3000, slow: 15_000 },
  );
  return h(
    "section",
    { "aria-label": "Newest results" },
    h("h2", "Newest results"),
    h(
      "p.quiet.small",
      `This stack keeps no list of executions for uploads, because ${why}. These rows are from the function's log.`,
    ),
    h("div.card.flush", list, foot),
  );
}
