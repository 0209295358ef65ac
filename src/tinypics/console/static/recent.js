// The newest pictures, from the function's log, for stacks without a list of executions.

import { get, poll } from "./api.js";
import { h, icon } from "./dom.js";
import { duration, fullTime, timeOfDay } from "./format.js";
import { note, thumbnail } from "./row.js";
import { pill } from "./status.js";

/** The section of the newest pictures, which reports them to `tray`. `why`: the reason that there is no list. */
export function recentPictures({ stack, signal, tray, why }) {
  const list = h("ol", { class: "plain-rows" });
  const foot = h("p", { class: "empty", role: "status" }, "Reading the log");
  let before = "";
  poll(
    async () => {
      const pictures = await get("/api/recent", signal);
      for (const picture of pictures) tray.matchLogLine(picture);
      const text = pictures.map(({ at, key, status }) => `${at} ${status} ${key}`).join("\n");
      if (text === before && before) return false;
      before = text;
      list.replaceChildren(...pictures.map(pictureRow));
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
    { "aria-labelledby": "recent" },
    h("h2", { id: "recent" }, "Newest pictures"),
    h(
      "p",
      { class: "quiet small" },
      `This stack keeps no list of executions for uploads, because ${why}. These rows are from the function's log.`,
    ),
    h("div", { class: "card flush" }, list, foot),
  );
}

function pictureRow(picture) {
  const bad = picture.status !== "SUCCESS";
  return h(
    "li",
    {},
    h(
      "div",
      { class: "row" },
      h("span", { class: `thumb ${bad ? "bad" : ""}` }, bad ? icon("bad") : thumbnail(picture)),
      h(
        "span",
        { class: "what" },
        h("span", { class: "key" }, picture.key),
        h("span", { class: "note" }, note(picture)),
      ),
      pill(picture.status, picture),
      h("time", { title: fullTime(picture.at) }, timeOfDay(picture.at)),
      h("span", { class: "took" }, duration(picture.ms)),
    ),
  );
}
