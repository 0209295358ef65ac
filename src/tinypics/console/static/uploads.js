// Uploads: files straight to the bucket, by presigned addresses, with progress; and what became of each.

import { get, poll, post, reason } from "./api.js";
import { h, icon, tell } from "./dom.js";
import { bytes, count, plural } from "./format.js";
import { ENDED_BADLY, pill } from "./status.js";

const AT_ONCE = 3;
const SHOWN = 40; // of a folder of thousands; the bar counts all
const CLOCKS = 5000; // milliseconds that clocks may differ
const PATIENCE = 60_000; // until it is said that no execution has come

export class Tray {
  constructor(stack) {
    this.stack = stack;
    this.queue = [];
    this.uploads = [];
    this.active = 0;
    this.met = new Set(); // names of executions that were told of
    this.summary = h("p", { class: "summary", role: "status" });
    this.list = h("ol", { class: "uploads" });
    this.element = h("section", { class: "tray", "aria-label": "Upload" }, this.zone(), this.summary, this.list);
    addEventListener("paste", (event) => { if (this.element.isConnected) this.pasted(event); });
    addEventListener("beforeunload", (event) => { if (this.active) event.preventDefault(); });
  }

  zone() {
    const files = h("input", { type: "file", multiple: true, hidden: true, id: "files", accept: "image/*,.heic,.heif,.avif,.jp2", onchange: () => this.take(files) });
    const folder = h("input", { type: "file", webkitdirectory: true, hidden: true, id: "folder", onchange: () => this.take(folder) });
    const choose = (input, word) => h("button", { type: "button", class: "link", onclick: () => input.click() }, word);
    const zone = h("div", { class: "zone" },
      h("span", { class: "zone-icon" }, icon("up")),
      h("p", { class: "zone-title" }, "Drop pictures here"),
      h("p", { class: "zone-hint" }, "or paste one, or ", choose(files, "choose files"), files, ", or ", choose(folder, "a folder"), folder),
      h("p", { class: "zone-place" }, "They go to ", h("code", {}, `s3://${this.stack.source_bucket}/${this.stack.prefix}`), " and become ", h("code", {}, this.stack.renditions.join(", "))));
    let depth = 0;
    const over = (event, step) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      depth = Math.max(0, depth + step);
      zone.classList.toggle("over", depth > 0);
    };
    zone.addEventListener("dragenter", (event) => over(event, 1));
    zone.addEventListener("dragleave", (event) => over(event, -1));
    zone.addEventListener("drop", async (event) => {
      depth = 0;
      zone.classList.remove("over");
      this.add(await dropped(event.dataTransfer));
    });
    return zone;
  }

  take(input) {
    this.add([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(visible));
    input.value = "";
  }

  pasted(event) {
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    const files = [...event.clipboardData.files];
    this.add(files.map((file, index) => ({ file, path: file.name === "image.png" ? `pasted-${stamp}${index ? `-${index}` : ""}.png` : file.name })));
  }

  add(found) {
    if (!found.length) return;
    for (const { file, path } of found) {
      const upload = new Upload(this, file, this.stack.prefix + path);
      this.uploads.push(upload);
      this.queue.push(upload);
    }
    tell(`${plural(found.length, "file")} to upload`);
    this.next();
  }

  next() {
    while (this.active < AT_ONCE && this.queue.length) {
      this.active += 1;
      this.queue.shift().send().finally(() => { this.active -= 1; this.next(); });
    }
    this.render();
  }

  render() {
    const by = (state) => this.uploads.filter((upload) => upload.state === state).length;
    const total = this.uploads.length;
    const sent = total - by("queued") - by("sending") - by("refused");
    this.summary.textContent = total > 1 ? `${count(sent)} of ${plural(total, "file")} uploaded${by("refused") ? `, ${count(by("refused"))} not` : ""}` : "";
    const active = this.uploads.filter((upload) => upload.state !== "queued");
    const rows = active.slice(-SHOWN).reverse().map((upload) => upload.element);
    const same = rows.length === this.list.children.length && rows.every((row, index) => this.list.children[index] === row);
    if (!same) this.list.replaceChildren(...rows);
  }

  /** Whether executions that are new matter, even those that nobody looks at. */
  get waiting() {
    return this.uploads.some((upload) => upload.state === "waiting" || upload.state === "sending");
  }

  /** Told of each execution whose picture is known. */
  seen(item, about) {
    if (this.met.has(item.name)) return;
    this.met.add(item.name);
    const upload = this.uploads.find((each) => each.at && each.key === about.key && item.started >= each.at - CLOCKS);
    upload?.found(item.name);
  }

  /** Told of each line of the log, in stacks without executions. */
  logged(row) {
    const upload = this.uploads.find((each) => each.state === "waiting" && each.key === row.key && row.at >= each.at - CLOCKS);
    if (upload && row.status !== "RETRY") upload.answered(row, [pill(row.status, row)]);
  }
}

class Upload {
  constructor(tray, file, key) {
    Object.assign(this, { tray, file, key, state: "queued", replace: false, at: 0, name: null });
    this.bar = h("progress", { max: 100, value: 0, "aria-label": `Upload of ${key}` });
    this.note = h("p", { class: "note" }, "Waiting");
    this.thumb = h("span", { class: "thumb" }, icon("up"));
    this.actions = h("span", { class: "actions" });
    this.element = h("li", {}, this.thumb, h("div", { class: "what" }, h("p", { class: "key" }, key), this.note, this.bar), this.actions);
  }

  async send() {
    this.become("sending", "Uploading");
    this.actions.replaceChildren();
    this.bar.hidden = false;
    try {
      const place = await post("/api/uploads", { key: this.key, type: this.file.type, replace: this.replace });
      if (place.taken) return this.sent(412);
      this.at = Date.now();
      const status = await put(place, this.file, (share) => this.progress(share));
      this.sent(status);
    } catch (error) {
      this.refuse(error instanceof Unreachable ? error.message : reason(error));
    }
  }

  progress(share) {
    this.bar.value = share * 100;
    this.note.textContent = `Uploading, ${Math.round(share * 100)} % of ${bytes(this.file.size)}`;
  }

  sent(status) {
    if (status === 412) return this.refuse("There is a picture with this key already.", "Replace it", () => { this.replace = true; });
    if (status >= 300) return this.refuse(`The bucket refused it (HTTP ${status}).`);
    this.bar.hidden = true;
    if (this.name) return this.follow(this.name);
    this.become("waiting", "Uploaded. Waiting for its turn");
    setTimeout(() => {
      if (this.state === "waiting") this.note.textContent = "Uploaded, but nothing has been heard of it. Is this stack started by something else (Trigger)? tinypics logs may say.";
    }, PATIENCE);
  }

  refuse(why, label = "Try again", before = () => {}) {
    this.bar.hidden = true;
    this.become("refused", why);
    this.actions.replaceChildren(h("button", { type: "button", onclick: () => { before(); this.name = null; this.tray.queue.push(this); this.state = "queued"; this.tray.next(); } }, label));
  }

  become(state, text) {
    this.state = state;
    this.element.className = state;
    this.note.textContent = text;
    this.tray.render();
  }

  /** Its execution is known; it may be faster than the answer to the upload. */
  found(name) {
    this.at = 0; // it has what it looked for
    this.name = name;
    if (this.state === "waiting") this.follow(name);
  }

  /** The execution of this upload: its states as they pass, and its thumbnail. */
  follow(name) {
    this.become("running", "Working");
    this.actions.replaceChildren(h("a", { class: "button quiet", href: `#/executions/${encodeURIComponent(name)}` }, "Details"));
    const done = new AbortController();
    poll(async () => {
      const found = await get(`/api/executions/${encodeURIComponent(name)}`, done.signal);
      this.note.replaceChildren(trail(found));
      if (found.status === "RUNNING") return true;
      done.abort();
      await this.ended(found);
      return true;
    }, done.signal, { fast: 250, slow: 1000 });
  }

  async ended(found) {
    const about = ENDED_BADLY.has(found.status) ? found : (await post("/api/subjects", { names: [found.name] }))[found.name];
    this.answered(about ?? found, [trail(found)]);
  }

  /** The last word about it, said by `sign`: what `answer` says of an error, or its thumbnail. */
  answered(answer, sign) {
    this.become("ended", "");
    this.note.replaceChildren(...sign);
    if (answer.error) {
      this.thumb.replaceChildren(icon("bad"));
      this.element.classList.add("bad");
      tell(`${this.key}: failed, ${answer.error}`);
      this.note.append(h("span", { class: "why" }, h("strong", {}, answer.error), ` ${answer.message}`));
      return;
    }
    if (answer.thumbnail) this.thumb.replaceChildren(h("img", { src: answer.thumbnail, alt: "" }));
    tell(`${this.key}: the thumbnail is there`);
  }
}

/** The states that an execution came through, lit as they pass. */
function trail(found) {
  return h("span", { class: "trail" }, pill(found.status, found), found.visits.map((visit) =>
    h("span", { class: `step ${visit.ms === null ? "busy" : visit.failed ? "bad" : "done"}` }, visit.state)));
}

class Unreachable extends Error {}

/** PUT with progress, which fetch does not tell. The HTTP status. */
function put({ url, headers }, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => { if (event.lengthComputable) progress(event.loaded / event.total); };
    request.onload = () => resolve(request.status);
    request.onerror = () => reject(new Unreachable(`The bucket could not be reached, or does not allow uploads from here: deploy with ConsoleOrigin=${location.origin}.`));
    request.send(file);
  });
}

/** Files of a drop, those in folders as well: each with its path. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found = [];
  while (entries.length) {
    const entry = entries.shift();
    if (entry.isFile) found.push({ file: await new Promise((good, bad) => entry.file(good, bad)), path: entry.fullPath.replace(/^\//, "") });
    else entries.push(...await children(entry.createReader()));
  }
  return found.filter(visible);
}

/** Not what systems leave in folders: .DS_Store, Thumbs.db. */
function visible({ file }) {
  return !file.name.startsWith(".") && file.name !== "Thumbs.db";
}

async function children(reader) {
  const found = [];
  for (;;) {
    const some = await new Promise((good, bad) => reader.readEntries(good, bad)); // a hundred at a time
    if (!some.length) return found;
    found.push(...some);
  }
}
