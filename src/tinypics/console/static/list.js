// Executions, newest first: up to 10,000 of them, of which only those on the screen are elements.

import { get, poll, post } from "./api.js";
import { h, icon } from "./dom.js";
import { bytes, count, duration, exactly, moment } from "./format.js";
import { ENDED_BADLY, pill } from "./status.js";

const ROW = 68; // pixels, as style.css says
const SPARE = 8; // rows above and below the screen
const MOST = 10_000;
const NEAR = 30; // rows before the end at which older ones are fetched
const ASKED = 60; // names in one question
const RUNNING = 10; // that are asked for by name in each round

export class ExecutionList {
  constructor({ status, stack, signal, watchers }) {
    Object.assign(this, { status, stack, signal, watchers });
    this.items = [];
    this.byName = new Map();
    this.about = new Map();
    this.rows = new Map();
    this.older = undefined; // undefined: nothing fetched yet; null: there are no older ones
    this.fetching = false;
    this.asking = false;
    this.list = h("ol", { class: "executions" });
    this.foot = h("p", { class: "foot", role: "status" }, "Loading");
    this.element = h("div", { class: "card flush" }, this.list, this.foot);
    for (const kind of ["scroll", "resize"]) addEventListener(kind, () => this.schedule(), { signal, passive: true });
  }

  start() {
    poll(() => this.look(), this.signal, this.stack.local ? { fast: 400, slow: 2000 } : { fast: 2000, slow: 15_000 });
  }

  /** The newest page, and those before it until a known one is met. True if anything changed. */
  async look() {
    const fresh = [];
    let page = await this.page();
    let changed = this.older === undefined;
    if (changed) this.older = page.next ?? null;
    for (let turn = 0; turn < MOST / 100; turn += 1) {
      const known = page.items.filter((item) => this.byName.has(item.name));
      fresh.push(...page.items.filter((item) => !this.byName.has(item.name)));
      for (const item of known) changed = this.update(item) || changed;
      if (known.length || !page.next || !this.items.length) break;
      page = await this.page(page.next);
    }
    if (fresh.length) this.prepend(fresh);
    changed = (await this.refresh(page.items)) || changed || fresh.length > 0;
    if (this.watchers.some((watcher) => watcher.waiting)) {
      await this.ask(this.status ? (await this.page(null, "")).items : [...fresh, ...page.items].slice(0, ASKED));
    }
    if (changed) this.render();
    return changed;
  }

  page(next, status = this.status) {
    const query = new URLSearchParams(Object.entries({ status, next }).filter(([, value]) => value));
    return get(`/api/executions?${query}`, this.signal);
  }

  update(item) {
    const known = this.byName.get(item.name);
    if (known.status === item.status) return false;
    Object.assign(known, item);
    if (this.status && item.status !== this.status) { // it is no longer what was asked for
      this.items = this.items.filter((other) => other !== known);
      this.byName.delete(item.name);
    }
    this.about.delete(item.name);
    this.rows.get(item.name)?.remove();
    this.rows.delete(item.name);
    return true;
  }

  /** Those that run, or whose end the filtered list does not tell: by name. */
  async refresh(listed) {
    const names = new Set(listed.map((item) => item.name));
    const running = this.items.filter((item) => item.status === "RUNNING" && !names.has(item.name)).slice(0, RUNNING);
    let changed = false;
    for (const item of running) {
      const { visits, input, output, ...found } = await get(`/api/executions/${encodeURIComponent(item.name)}`, this.signal);
      changed = this.update(found) || changed;
    }
    return changed;
  }

  prepend(fresh) {
    const above = Math.max(0, -this.list.getBoundingClientRect().top);
    this.items = [...fresh, ...this.items].slice(0, MOST);
    for (const item of fresh) this.byName.set(item.name, item);
    if (above > ROW) scrollBy(0, fresh.length * ROW); // what is being read stays where it is
  }

  async more() {
    if (this.fetching || !this.older || this.items.length >= MOST) return;
    this.fetching = true;
    try {
      const page = await this.page(this.older);
      const fresh = page.items.filter((item) => !this.byName.has(item.name));
      this.items.push(...fresh.slice(0, MOST - this.items.length));
      for (const item of fresh) this.byName.set(item.name, item);
      this.older = page.next ?? null;
    } catch { /* the next scroll asks again */ } finally {
      this.fetching = false;
    }
    if (!this.signal.aborted) this.render();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.render(); });
  }

  render() {
    if (this.signal.aborted) return;
    this.list.style.height = `${this.items.length * ROW}px`;
    const top = this.list.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(-top / ROW) - SPARE);
    const last = Math.min(this.items.length, Math.ceil((innerHeight - top) / ROW) + SPARE);
    const wanted = new Map(this.items.slice(first, last).map((item, index) => [item.name, first + index]));
    for (const [name, row] of this.rows) {
      if (!wanted.has(name) && !row.contains(document.activeElement)) { row.remove(); this.rows.delete(name); }
    }
    for (const [name, index] of wanted) this.place(name, index);
    this.say();
    this.wonder([...wanted.keys()]);
    if (last >= this.items.length - NEAR) this.more();
  }

  place(name, index) {
    let row = this.rows.get(name);
    if (!row) {
      row = this.row(this.byName.get(name));
      this.rows.set(name, row);
    }
    row.style.transform = `translateY(${index * ROW}px)`;
    row.setAttribute("aria-posinset", index + 1);
    row.setAttribute("aria-setsize", this.older ? -1 : this.items.length);
    const after = this.list.children[this.list.children.length - 1];
    if (row.parentNode !== this.list) {
      const next = [...this.list.children].find((other) => Number(other.getAttribute("aria-posinset")) > index + 1);
      if (next) next.before(row); else if (after !== row) this.list.append(row);
    }
  }

  row(item) {
    const about = this.about.get(item.name);
    const bad = ENDED_BADLY.has(item.status);
    const picture = about?.thumbnail
      ? thumbnail(about)
      : bad ? icon("bad") : item.status === "RUNNING" ? icon("busy") : null;
    const took = item.ended ? duration(item.ended - item.started) : "";
    return h("li", {}, h("a", { class: "row", href: `#/executions/${encodeURIComponent(item.name)}` },
      h("span", { class: `thumb ${bad ? "bad" : ""}` }, picture),
      h("span", { class: "what" },
        h("span", { class: "key" }, about ? about.key || "(no key)" : "\u2007"),
        h("span", { class: "note" }, about?.error ? [h("strong", {}, about.error), ` ${about.message}`] : about ? story(about) : "\u2007")),
      pill(item.status, about),
      h("time", { datetime: new Date(item.started).toISOString(), title: exactly(item.started) }, moment(item.started)),
      h("span", { class: "took" }, took)));
  }

  say() {
    const total = this.items.length;
    if (!total) {
      this.foot.className = "empty";
      this.foot.textContent = this.older === undefined ? "Loading" : this.status
        ? "None at the moment. “All” shows the others."
        : this.watchers.length ? "Nothing has run yet. Drop a picture above: its execution appears here, with its thumbnail."
          : "Nothing was started directly. “Try it” starts the workflow for one picture.";
      return;
    }
    this.foot.className = "foot";
    this.foot.textContent = total >= MOST ? `The newest ${count(MOST)} are listed.`
      : this.older ? `${count(total)} listed; scroll for older ones.` : `${count(total)} in all.`;
  }

  /** Ask what the rows on the screen are about, once they stay there. */
  wonder(names) {
    clearTimeout(this.wondering);
    const unknown = names.filter((name) => !this.about.has(name)).map((name) => this.byName.get(name));
    if (unknown.length) this.wondering = setTimeout(() => this.ask(unknown).catch(() => {}), 60);
  }

  async ask(items) {
    const unknown = items.filter((item) => !this.about.has(item.name)).slice(0, ASKED);
    if (!unknown.length) return;
    const found = await post("/api/subjects", { names: unknown.map((item) => item.name) }, this.signal);
    for (const item of unknown) {
      const { name } = item;
      const about = found[name];
      if (!about) continue;
      // What is still running is asked again when it has ended.
      if (about.status === item.status) this.about.set(name, about);
      for (const watcher of this.watchers) watcher.seen(item, about);
      this.rows.get(name)?.remove();
      this.rows.delete(name);
    }
    this.render();
  }
}

/** The smallest rendition; nothing where it is gone by now. */
export function thumbnail(about) {
  return about.thumbnail ? h("img", { src: about.thumbnail, alt: "", loading: "lazy", onerror: (event) => event.target.remove() }) : null;
}

/** What was made of what: 4032 × 3024 JPEG, 4.2 MB → 128 × 128, 3.3 kB. */
export function story({ bucket, result, source, made }) {
  if (result === "removed") return `${bucket}: the source is gone, its renditions too`;
  if (!source || !made.length) return bucket;
  const size = ({ width, height }) => `${width} × ${height}`;
  const outputs = made.length > 2 ? `${made.length} renditions` : made.map((item) => `${size(item)}, ${bytes(item.bytes)}`).join(" and ");
  return `${size(source)} ${source.format.toUpperCase()}, ${bytes(source.bytes)} → ${outputs}`;
}
