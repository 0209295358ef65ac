// One picture: its renditions, its address and its executions.

import { get, post } from "./api.js";
import { card, crumb, h, subject, time } from "./dom.js";
import { bytes, plural } from "./format.js";
import { anotherSize, mainCopy, recordFigures, tryAddress } from "./pictures.js";
import { executionRow } from "./row.js";

export async function show(main, { argument: key, stack, signal }) {
  document.title = `${key} · Tinypics`;
  const found = await get(`/api/picture?${new URLSearchParams({ key })}`, signal);
  const size = found.renditions.reduce((sum, item) => sum + item.bytes, 0);
  const facts = [plural(found.renditions.length, "rendition"), bytes(size)].join(", ");
  const actions = [wrongLink(found), mainCopy(found, stack)];
  main.append(
    crumb("All pictures", "#/"),
    subject(key, [h("span", facts), time(found.at), h("span", stack.output_bucket)], actions),
    card("Renditions", recordFigures(found, stack), anotherSize(found, stack)),
  );
  if (stack.listed && found.original) executions(main, found.original, signal).catch(() => {}); // an extra
}

/** The way to other settings, for a thumbnail that is there but not as it should be. */
function wrongLink({ original, renditions: [first] }) {
  if (!original?.there) return null;
  return h("a.button", { href: tryAddress(original, first) }, "Looks wrong? Try other settings");
}

/** Those of the newest hundred that are about the picture: Step Functions cannot be asked by key. */
async function executions(main, original, signal) {
  const { items, next } = await get("/api/executions", signal);
  const found = await post("/api/subjects", { names: items.map((item) => item.name) }, signal);
  const own = items.filter(({ name }) => found[name]?.key === original.key && found[name].bucket === original.bucket);
  if (signal.aborted) return;
  const listed = (item) => h("li", executionRow(item, found[item.name]));
  const none = next ? "None among the newest hundred." : "None: the stack keeps no execution of it any more.";
  main.append(
    h(
      "section.executions",
      { "aria-labelledby": "own" },
      h("h2", { id: "own" }, "Executions of this picture"),
      h("div.card.flush", h("ol", own.map(listed)), own.length ? null : h("p.empty", none)),
    ),
  );
}
