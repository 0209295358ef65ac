// The newest pictures, from the function's log, for stacks without a list of executions.

import { get, poll } from "./api.js";
import { h, icon } from "./dom.js";
import { duration, exactly, moment } from "./format.js";
import { thumbnail, story } from "./row.js";
import { pill } from "./status.js";

export function recent({ stack, signal, tray, why }) {
  const list = h("ol", { class: "plain-rows" });
  const foot = h("p", { class: "empty", role: "status" }, "Reading the log");
  let before = "";
  poll(
    async () => {
      const found = await get("/api/recent", signal);
      for (const row of found) tray.logged(row);
      const text = found.map(({ at, key, status }) => `${at} ${status} ${key}`).join("\n");
      if (text === before && before) return false;
      before = text;
      list.replaceChildren(...found.map(line));
      foot.className = found.length ? "foot" : "empty";
      foot.textContent = found.length
        ? "The newest by the function's log."
        : "No picture in the last six hours. Drop one above: it appears here, with its thumbnail.";
      return true;
    },
    signal,
    stack.local ? { fast: 500, slow: 2000 } : { fast: 3000, slow: 15_000 },
  );
  return h(
    "section",
    { "aria-labelledby": "recent" },
    h("h2", { id: "recent" }, "Newest pictures"),
    h(
      "p",
      { class: "quiet small" },
      `This stack keeps no list of executions for uploads, because ${why}: these are lines of its log.`,
    ),
    h("div", { class: "card flush" }, list, foot),
  );
}

function line(row) {
  const bad = row.status !== "SUCCESS";
  return h(
    "li",
    {},
    h(
      "div",
      { class: "row" },
      h("span", { class: `thumb ${bad ? "bad" : ""}` }, bad ? icon("bad") : thumbnail(row)),
      h(
        "span",
        { class: "what" },
        h("span", { class: "key" }, row.key),
        h("span", { class: "note" }, row.error ? [h("strong", {}, row.error), ` ${row.message}`] : story(row)),
      ),
      pill(row.status, row),
      h("time", { title: exactly(row.at) }, moment(row.at)),
      h("span", { class: "took" }, duration(row.ms)),
    ),
  );
}
