// Uploads: files straight to the bucket, by presigned addresses, with progress; and what became of each.

import { h, icon, tell } from "./dom.js";
import { dropped, visible } from "./files.js";
import { count, plural } from "./format.js";
import { pill } from "./status.js";
import { Upload } from "./upload.js";

const AT_ONCE = 3;
const SHOWN = 40; // of a folder of thousands; the bar counts all
const CLOCKS = 5000; // milliseconds that clocks may differ
const FOLLOWED = 6; // uploads whose states are watched at a time; of the others the end is enough

export class Tray {
  constructor(stack) {
    this.stack = stack;
    this.queue = [];
    this.uploads = [];
    this.active = 0;
    this.executions = new Map(); // by name: the upload that each is about, null for others
    this.followed = 0;
    this.summary = h("p", { class: "summary", role: "status" });
    this.list = h("ol", { class: "uploads" });
    this.element = h("section", { class: "tray", "aria-label": "Upload" }, this.zone(), this.summary, this.list);
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
    while (this.active < AT_ONCE && this.queue.length) {
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

  render() {
    const by = (state) => this.uploads.filter((upload) => upload.state === state).length;
    const total = this.uploads.length;
    const sent = total - by("queued") - by("sending") - by("refused");
    this.summary.textContent =
      total > 1
        ? `${count(sent)} of ${plural(total, "file")} uploaded${by("refused") ? `, ${count(by("refused"))} not` : ""}`
        : "";
    const active = this.uploads.filter((upload) => upload.state !== "queued");
    const rows = active
      .slice(-SHOWN)
      .reverse()
      .map((upload) => upload.element);
    const same =
      rows.length === this.list.children.length && rows.every((row, index) => this.list.children[index] === row);
    if (!same) this.list.replaceChildren(...rows);
  }

  /** Whether executions that are new matter, even those that nobody looks at. */
  get waiting() {
    return this.uploads.some((upload) => ["sending", "waiting", "running"].includes(upload.state));
  }

  /** Told of each execution whose picture is known, again when it has ended. */
  seen(item, about) {
    if (!this.executions.has(item.name)) {
      const isAbout = (each) => each.at && each.key === about.key && item.started >= each.at - CLOCKS;
      const upload = this.uploads.find(isAbout) ?? null;
      this.executions.set(item.name, upload);
      upload?.found(item.name);
    }
    const upload = this.executions.get(item.name);
    if (upload?.state === "running" && !upload.followed && about.status !== "RUNNING") {
      upload.answered(about, [pill(about.status, about)]);
    }
  }

  /** Whether one more may be followed; `unfollow` gives its place back. */
  follow() {
    if (this.followed >= FOLLOWED) return false;
    this.followed += 1;
    return true;
  }

  unfollow() {
    this.followed -= 1;
  }

  /** Told of each line of the log, in stacks without executions. */
  logged(row) {
    const upload = this.uploads.find(
      (each) => each.state === "waiting" && each.key === row.key && row.at >= each.at - CLOCKS,
    );
    if (upload && row.status !== "RETRY") upload.answered(row, [pill(row.status, row)]);
  }
}
