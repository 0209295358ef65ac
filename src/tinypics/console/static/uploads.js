// Uploads: files directly to the bucket, by presigned URLs, with progress and results.

import { announce, h, icon, tell } from "./dom.js";
import { dropped, visible } from "./files.js";
import { count, plural } from "./format.js";
import { pill } from "./status.js";
import { Upload } from "./upload.js";

const AT_ONCE = 3;
const AHEAD = 8; // uploads in progress at a time on a laptop, where each is a process: hundreds would overload it
const SHOWN = 40; // of a folder of thousands; the bar counts all, and of those that ended no more are kept
const KNOWN = 1000; // executions to remember
const CLOCKS = 5000; // milliseconds of clock skew
const FOLLOWED = 6; // uploads whose states are followed at a time; the others show only their end

export class Tray {
  constructor(stack) {
    this.stack = stack;
    this.queue = [];
    this.uploads = [];
    this.past = 0; // the number that ended before those
    this.active = 0;
    this.executions = new Map(); // by name: the upload of each, null for others
    this.followed = 0;
    this.settled = () => {}; // called when no upload is waiting any more
    this.summary = h("p", { class: "summary", role: "status" });
    const button = (word, onclick) => h("button", { type: "button", class: "quiet", onclick }, word);
    this.stopper = button("Stop", () => this.stop());
    this.clearer = button("Clear", () => this.clear());
    this.replacer = button("Replace all", () => this.again(this.refused(true)));
    this.repeater = button("Try all again", () => this.again(this.refused(false)));
    const actions = h("span", { class: "actions" }, this.replacer, this.repeater, this.stopper, this.clearer);
    this.bar = h("div", { class: "bar", hidden: true }, this.summary, actions);
    this.list = h("ol", { class: "uploads" });
    this.element = h("section", { class: "tray", "aria-label": "Upload" }, this.zone(), this.bar, this.list);
    addEventListener("paste", (event) => {
      if (this.element.isConnected) this.pasted(event);
    });
    addEventListener("beforeunload", (event) => {
      if (this.active) event.preventDefault();
    });
  }

  zone() {
    const files = h("input", {
      type: "file",
      multiple: true,
      hidden: true,
      id: "files",
      accept: "image/*,.heic,.heif,.avif,.jp2",
      onchange: () => this.take(files),
    });
    const folder = h("input", {
      type: "file",
      webkitdirectory: true,
      hidden: true,
      id: "folder",
      onchange: () => this.take(folder),
    });
    const choose = (input, word) => h("button", { type: "button", class: "link", onclick: () => input.click() }, word);
    const zone = h(
      "div",
      { class: "zone" },
      h("span", { class: "zone-icon" }, icon("up")),
      h("p", { class: "zone-title" }, "Drop pictures here"),
      h(
        "p",
        { class: "zone-hint" },
        "or paste one, or ",
        choose(files, "choose files"),
        files,
        ", or ",
        choose(folder, "a folder"),
        folder,
      ),
      h(
        "p",
        { class: "zone-place" },
        "They go to ",
        h("code", {}, `s3://${this.stack.source_bucket}/${this.stack.prefix}`),
        " and become ",
        h("code", {}, this.stack.renditions.join(", ")),
      ),
    );
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
      const { found, unread } = await dropped(event.dataTransfer);
      if (unread.length) announce(`${plural(unread.length, "file")} cannot be read: ${unread[0]}`);
      this.add(found);
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
    this.add(
      files.map((file, index) => ({
        file,
        path: file.name === "image.png" ? `pasted-${stamp}${index ? `-${index}` : ""}.png` : file.name,
      })),
    );
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
    while (this.active < AT_ONCE && this.queue.length && this.room()) {
      this.active += 1;
      this.queue
        .shift()
        .send()
        .finally(() => {
          this.active -= 1;
          this.next();
        });
    }
    this.render();
  }

  /** The uploads whose key is taken, or those that failed to send. */
  refused(taken) {
    return this.uploads.filter((upload) => upload.state === "refused" && upload.replace === taken);
  }

  /** Whether the stack has room for one more: AWS has, and so has a queue. */
  room() {
    const busy = (upload) => ["sending", "waiting", "running"].includes(upload.state) && !upload.silent;
    return !this.stack.local || this.stack.by_queue || this.uploads.filter(busy).length < AHEAD;
  }

  again(uploads) {
    for (const upload of uploads) Object.assign(upload, { state: "queued", name: null });
    this.queue.push(...uploads);
    this.next();
  }

  /** Cancel all that are not uploaded yet. */
  stop() {
    const left = new Set(this.queue.splice(0));
    this.uploads = this.uploads.filter((upload) => !left.has(upload));
    for (const upload of this.uploads) if (upload.state === "sending") upload.stop();
    if (left.size) announce(`${plural(left.size, "file")} will not be uploaded`);
    this.render();
  }

  /** Hide ended and refused uploads. */
  clear() {
    this.uploads = this.uploads.filter((upload) => !["ended", "refused"].includes(upload.state));
    this.past = 0;
    this.render();
  }

  render() {
    const by = Object.groupBy(this.uploads, (upload) => upload.state);
    const number = (...states) => states.reduce((sum, state) => sum + (by[state]?.length ?? 0), 0);
    const total = this.past + this.uploads.length;
    const sent = total - number("queued", "sending", "refused");
    const refused = number("refused");
    this.summary.textContent = total
      ? `${count(sent)} of ${plural(total, "file")} uploaded${refused ? `, ${count(refused)} not` : ""}`
      : "";
    this.bar.hidden = !total;
    this.stopper.hidden = !number("queued", "sending");
    this.clearer.hidden = !number("ended", "refused");
    this.replacer.hidden = this.refused(true).length < 2; // a single one has its own button
    this.repeater.hidden = this.refused(false).length < 2;
    this.element.classList.toggle("used", total > 0);
    this.retire((by.ended ?? []).slice(0, -SHOWN));
    const others = this.uploads.filter((upload) => !["queued", "refused"].includes(upload.state)).reverse();
    const rows = [...(by.refused ?? []), ...others].slice(0, SHOWN).map((upload) => upload.element);
    const same =
      rows.length === this.list.children.length && rows.every((row, index) => this.list.children[index] === row);
    if (!same) this.list.replaceChildren(...rows);
    if (!this.waiting) this.settled();
  }

  /** Drop uploads that ended long ago, and only count them. */
  retire(old) {
    if (!old.length) return;
    const gone = new Set(old);
    this.uploads = this.uploads.filter((upload) => !gone.has(upload));
    this.past += gone.size;
  }

  /** Whether new executions are needed, even if no list is shown. */
  get waiting() {
    return this.uploads.some((upload) => ["queued", "sending", "waiting", "running"].includes(upload.state));
  }

  /** Called for each execution whose picture is known, and again when it has ended. */
  seen(item, about) {
    if (!this.executions.has(item.name)) {
      const isAbout = (each) =>
        each.name === item.name || (each.at && each.key === about.key && item.started >= each.at - CLOCKS);
      const upload = this.uploads.find(isAbout) ?? null;
      this.executions.set(item.name, upload);
      if (this.executions.size > KNOWN) this.executions.delete(this.executions.keys().next().value);
      upload?.found(item.name);
    }
    const upload = this.executions.get(item.name);
    if (upload?.state === "running" && !upload.followed && about.status !== "RUNNING") {
      upload.answered(about, [pill(about.status, about)]);
    }
  }

  /** Whether one more may be followed; `unfollow` releases its place. */
  follow() {
    if (this.followed >= FOLLOWED) return false;
    this.followed += 1;
    return true;
  }

  unfollow() {
    this.followed -= 1;
  }

  /** Called for each log line, in stacks without executions. */
  logged(row) {
    const upload = this.uploads.find(
      (each) => each.state === "waiting" && each.key === row.key && row.at >= each.at - CLOCKS,
    );
    if (upload && row.status !== "RETRY") upload.answered(row, [pill(row.status, row)]);
  }
}
