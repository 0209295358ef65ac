// Executions, newest first: up to 10,000, of which only the visible ones have elements.

import { get, poll, post } from "./api.js";
import { h } from "./dom.js";
import { count } from "./format.js";
import { row } from "./row.js";

const ROW = 68; // pixels, as style.css says
const SPARE = 8; // rows above and below the screen
const MOST = 10_000;
const NEAR = 30; // rows before the end of the list at which older ones are fetched
const ASKED = 60; // names in one request
const RUNNING = 10; // requested by name in each poll
const FRESH = 45 * 60_000; // milliseconds until a thumbnail's URL is renewed: less than its hour of validity

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

  /** Fetch the newest page, and older ones until a known execution. True if anything changed. */
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
    if (this.status && item.status !== this.status) {
      // the filter has changed meanwhile
      this.items = this.items.filter((other) => other !== known);
      this.forget(item.name);
    } else {
      this.about.delete(item.name);
      this.drop(item.name);
    }
    return true;
  }

  /** The names of running executions, and of those whose end the filtered list does not show. */
  async refresh(listed) {
    const names = new Set(listed.map((item) => item.name));
    const running = this.items.filter((item) => item.status === "RUNNING" && !names.has(item.name)).slice(0, RUNNING);
    let changed = false;
    for (const item of running) {
      const { name, status, ended } = await get(`/api/executions/${encodeURIComponent(item.name)}`, this.signal);
      changed = this.update({ name, status, ended }) || changed;
    }
    return changed;
  }

  prepend(fresh) {
    const above = Math.max(0, -this.list.getBoundingClientRect().top);
    this.items = [...fresh, ...this.items];
    for (const item of fresh) this.byName.set(item.name, item);
    for (const item of this.items.splice(MOST)) this.forget(item.name);
    if (above > ROW) scrollBy(0, fresh.length * ROW); // keep the scroll position
  }

  forget(name) {
    this.byName.delete(name);
    this.about.delete(name);
    this.drop(name);
  }

  async more() {
    if (this.fetching || !this.older || this.items.length >= MOST) return;
    this.fetching = true;
    try {
      const page = await this.page(this.older);
      const fresh = page.items.filter((item) => !this.byName.has(item.name));
      for (const item of fresh.slice(0, MOST - this.items.length)) {
        this.items.push(item);
        this.byName.set(item.name, item);
      }
      this.older = page.next ?? null;
    } catch {
      /* the next scroll retries */
    } finally {
      this.fetching = false;
    }
    if (!this.signal.aborted) this.render();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.render();
    });
  }

  render() {
    if (this.signal.aborted) return;
    this.list.style.height = `${this.items.length * ROW}px`;
    const top = this.list.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(-top / ROW) - SPARE);
    const last = Math.min(this.items.length, Math.ceil((innerHeight - top) / ROW) + SPARE);
    const wanted = new Map(this.items.slice(first, last).map((item, index) => [item.name, first + index]));
    for (const [name, element] of this.rows) {
      if (!wanted.has(name) && !element.contains(document.activeElement)) {
        element.remove();
        this.rows.delete(name);
      }
    }
    for (const [name, index] of wanted) this.place(name, index);
    this.focused = null;
    this.say();
    this.wonder([...wanted.keys()]);
    if (last >= this.items.length - NEAR) this.more();
  }

  place(name, index) {
    let element = this.rows.get(name);
    if (!element) {
      element = row(this.byName.get(name), this.about.get(name));
      this.rows.set(name, element);
    }
    element.style.transform = `translateY(${index * ROW}px)`;
    element.setAttribute("aria-posinset", index + 1);
    element.setAttribute("aria-setsize", this.older ? -1 : this.items.length);
    if (element.parentNode !== this.list) {
      const place = (other) => Number(other.getAttribute("aria-posinset"));
      const next = [...this.list.children].find((other) => place(other) > index + 1);
      this.list.insertBefore(element, next ?? null);
    }
    if (this.focused === name) element.firstChild.focus({ preventScroll: true });
  }

  /** Drop the element of a row, so that it is made again; the new one keeps the focus. */
  drop(name) {
    const element = this.rows.get(name);
    if (!element) return;
    if (element.contains(document.activeElement)) this.focused = name;
    element.remove();
    this.rows.delete(name);
  }

  say() {
    const total = this.items.length;
    if (!total) {
      this.foot.className = "empty";
      this.foot.textContent =
        this.older === undefined
          ? "Loading"
          : this.status
            ? "None at the moment. “All” shows the others."
            : this.watchers.length
              ? "Nothing has run yet. Drop a picture above: its execution appears here, with its thumbnail."
              : "Nothing was started directly. “Try it” starts the workflow for one picture.";
      return;
    }
    this.foot.className = "foot";
    this.foot.textContent =
      total >= MOST
        ? `The newest ${count(MOST)} are listed.`
        : this.older
          ? `${count(total)} listed; scroll for older ones.`
          : `${count(total)} in all.`;
  }

  /** Request the summaries of the visible rows, once scrolling has stopped. */
  wonder(names) {
    clearTimeout(this.wondering);
    const unknown = names.filter((name) => !this.knows(name)).map((name) => this.byName.get(name));
    if (unknown.length) this.wondering = setTimeout(() => this.ask(unknown).catch(() => {}), 60);
  }

  knows(name) {
    return this.about.has(name) && Date.now() - this.about.get(name).asked < FRESH;
  }

  async ask(items) {
    const unknown = items.filter((item) => !this.knows(item.name)).slice(0, ASKED);
    if (!unknown.length) return;
    if (this.about.size > 2 * MOST) this.about.clear(); // of executions that are not in the list
    const found = await post("/api/subjects", { names: unknown.map((item) => item.name) }, this.signal);
    for (const item of unknown) {
      const { name } = item;
      const about = found[name];
      if (!about) continue;
      // Request running executions again when they have ended.
      if (about.status === item.status) this.about.set(name, { ...about, asked: Date.now() });
      for (const watcher of this.watchers) watcher.seen(item, about);
      this.drop(name);
    }
    this.render();
  }
}
