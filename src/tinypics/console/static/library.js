// The pictures of the output bucket: newest first, by day, with a search by key.

import { get, poll, withQuery } from "./api.js";
import { h, time } from "./dom.js";
import { bytes, count, dayOf, plural, timeOnly } from "./format.js";

const RENEWAL = 45 * 60_000; // milliseconds until a thumbnail's URL is renewed: less than its hour of validity
const DEBOUNCE = 250; // milliseconds without another letter

export class PictureGrid {
  constructor({ query, stack, signal, tray }) {
    const place = { find: query.get("find") ?? "", after: query.get("after") ?? "", start: query.get("start") ?? "" };
    Object.assign(this, { stack, signal, tray, place, shown: "", renewed: Date.now() });
    this.tiles = new Map(); // by key and time: elements that stay keep their images
    const search = h("input", {
      type: "search",
      "aria-label": "Search by key",
      placeholder: "Search by key",
      value: place.find,
      oninput: (event) => this.search(event.target.value.trim()),
    });
    this.days = h("div.days");
    this.foot = h("div.empty", { role: "status" }, "Reading the bucket");
    this.bar = h("div.search", search);
    this.element = h("div.library", this.bar, this.days, this.foot);
  }

  async start() {
    await this.refresh();
    const pauses = this.stack.local ? { fast: 1000, slow: 4000 } : { fast: 15_000, slow: 60_000 };
    poll(() => this.refresh(), this.signal, pauses);
  }

  search(find) {
    this.place = { find, after: "", start: "" };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.signal.aborted) return;
      history.replaceState(history.state, "", withQuery("#/", this.place));
      this.refresh().catch(() => {}); // the next poll reports what is wrong
    }, DEBOUNCE);
  }

  /** Request the page again. True if anything changed. */
  async refresh() {
    const asked = this.place;
    const page = await get(withQuery("/api/pictures", asked), this.signal);
    if (asked !== this.place) return true; // another letter was typed meanwhile
    if (Date.now() - this.renewed > RENEWAL) {
      this.tiles.clear();
      Object.assign(this, { shown: "", renewed: Date.now() });
    }
    this.tray.fold(new Set(page.items.map(({ source }) => source)));
    const text = JSON.stringify([page.total, page.next, page.after, page.items.map(identity)]);
    if (text === this.shown) return false;
    this.shown = text;
    const focused = document.activeElement;
    this.days.replaceChildren(...this.sections(page.items));
    if (this.days.contains(focused)) focused.focus({ preventScroll: true });
    this.foot.className = page.total ? "foot" : "empty";
    this.foot.replaceChildren(...foot(page, this.place));
    return true;
  }

  sections(items) {
    const tiles = new Map(items.map((item) => [identity(item), this.tiles.get(identity(item)) ?? tile(item)]));
    this.tiles = tiles;
    return Object.entries(Object.groupBy(items, (item) => dayOf(item.at))).map(([day, found]) =>
      h(
        "section",
        h("h2", day),
        h(
          "ol.tiles",
          found.map((item) => tiles.get(identity(item))),
        ),
      ),
    );
  }
}

function identity({ key, at, bytes: size }) {
  return `${at} ${size} ${key}`;
}

function tile(item) {
  const picture = item.thumbnail
    ? h("img", { src: item.thumbnail, alt: "", loading: "lazy", onerror: (event) => event.target.remove() })
    : null;
  const [first] = item.sizes;
  const name = item.key.lastIndexOf("/") + 1; // a long key loses a part of its folder first
  const made = item.number > 1 ? plural(item.number, "size") : first ? `${first.width} × ${first.height}` : "1 object";
  return h(
    "li",
    h(
      "a.tile",
      { href: `#/pictures/${encodeURIComponent(item.key)}`, title: item.key },
      h("span.tile-picture", picture),
      h("span.key", h("span", item.key.slice(0, name)), h("span", item.key.slice(name))),
      h("span.note", h("span", `${made}, ${bytes(item.bytes)}`), time(item.at, timeOnly(item.at))),
    ),
  );
}

/** How many are shown, of how many, and the way to the others. */
function foot({ items, total, start, next, whole, after, most }, place) {
  const link = (label, more) => h("a.button", { href: withQuery("#/", { ...place, ...more }) }, label);
  const shown =
    start || next ? `${count(start + 1)} to ${count(start + items.length)} of ${count(total)} pictures` : "";
  const texts = [total ? shown || plural(total, "picture") : none(place.find)];
  if (!whole)
    texts.push(
      `S3 lists by key, not by time: these are the newest of ${count(most)} objects at most, from the ${place.after ? "next" : "first"} keys on. Search finds keys by how they start.`,
    );
  return [
    ...texts.map((text) => h("p", text)),
    start ? link("Newest", { start: "" }) : "",
    next ? link("Older", { start: next }) : "",
    after ? link(`Next ${count(most)} objects`, { start: "", after }) : "",
  ];
}

function none(find) {
  return find
    ? `No picture's key contains “${find}”. A failed one has no thumbnail: see Failures.`
    : "No thumbnails yet. Drop a picture above: it appears here.";
}
