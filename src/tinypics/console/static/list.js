// A page of executions, newest first, with a link to the older ones.

import { get, poll, post, withQuery } from "./api.js";
import { h, setChildren } from "./dom.js";
import { executionRow } from "./row.js";

const PLACE = "#/executions";
const RENEWAL = 45 * 60_000; // milliseconds until a thumbnail's URL is renewed: less than its hour of validity

export class ExecutionList {
  /** `next`: the pagination token of an older page; null for the newest. `none`: the text of an empty list. */
  constructor({ status, next, stack, signal, none }) {
    Object.assign(this, { status, next, stack, signal, none });
    this.rows = new Map(); // by the execution's name: its item, its summary, when that was asked for, its element
    this.list = h("ol");
    this.note = h("p", { role: "status" }, "Loading");
    this.older = h("a.button", { hidden: true }, "Older");
    const newest = h("a.button", { href: withQuery(PLACE, { status }), hidden: !next }, "Newest");
    this.foot = h("div.foot", this.note, newest, this.older);
    this.element = h("div.card.flush", this.list, this.foot);
  }

  async start() {
    await this.refresh();
    const pauses = this.stack.local ? { fast: 400, slow: 2000 } : { fast: 2000, slow: 15_000 };
    poll(() => this.refresh(), this.signal, pauses);
  }

  /** Request the page again. True if anything changed. */
  async refresh() {
    const { status } = this;
    const { items, next } = await get(withQuery("/api/executions", { status, next: this.next }), this.signal);
    const changed = this.update(items);
    this.older.hidden = !next;
    if (next) this.older.href = withQuery(PLACE, { status, next }); // the same link, so that it keeps the focus
    this.describePage(items.length, Boolean(next));
    return (await this.summarize()) || changed;
  }

  update(items) {
    const rows = new Map();
    let changed = items.length !== this.rows.size;
    for (const item of items) {
      const row = this.rows.get(item.name) ?? { element: h("li") };
      rows.set(item.name, row);
      if (row.item?.status === item.status) continue;
      changed = true;
      row.item = item;
      row.asked = 0; // also of a row that has a summary: its execution has ended since
      fill(row);
    }
    this.rows = rows;
    setChildren(
      this.list,
      [...rows.values()].map((row) => row.element),
    );
    return changed;
  }

  /** Request the missing summaries. True if there were any. */
  async summarize() {
    const missing = [...this.rows.values()].filter((row) => Date.now() - row.asked > RENEWAL);
    if (!missing.length) return false;
    const found = await post("/api/subjects", { names: missing.map((row) => row.item.name) }, this.signal);
    for (const row of missing) {
      row.asked = Date.now();
      row.about = found[row.item.name] ?? row.about;
      fill(row);
    }
    return true;
  }

  describePage(number, more) {
    const older = more ? `${number} older ones` : `The oldest ${number}`;
    const newest = more ? `The newest ${number}` : `${number} in all`;
    const text = number ? (this.next ? older : newest) : this.none;
    if (this.note.textContent !== text) this.note.textContent = text;
    this.foot.className = number ? "foot" : "empty";
  }
}

/** Makes the content of a row, which keeps the focus. */
function fill({ element, item, about }) {
  const focused = element.contains(document.activeElement);
  element.replaceChildren(executionRow(item, about));
  if (focused) element.firstChild.focus({ preventScroll: true });
}
