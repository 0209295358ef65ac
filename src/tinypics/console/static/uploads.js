// Uploads: files directly to the bucket, by presigned URLs, with progress and results.

import { get, poll, post } from "./api.js";
import { announce, announceQuietly, h, setChildren } from "./dom.js";
import { dropZone } from "./files.js";
import { count, plural } from "./format.js";
import { pill } from "./status.js";
import { Upload } from "./upload.js";

const MAX_PARALLEL = 3; // uploads that are sent at a time
const MAX_LOCAL = 8; // pictures in progress on a laptop, where each is a process: hundreds would overload it
const MAX_ROWS = 40; // and ended uploads to keep: a folder may have thousands, which the bar counts
const MAX_EXECUTIONS = 1000; // to remember
const CLOCK_SKEW = 5000; // milliseconds
const MAX_FOLLOWED = 6; // uploads whose states are followed at a time; the others show only their end

export class Tray {
  constructor(stack) {
    this.stack = stack;
    this.listed = stack.listed && !stack.by_queue; // whether uploads have executions that can be listed
    this.queue = [];
    this.uploads = [];
    this.past = 0; // the number of ended uploads that are no longer kept
    this.active = 0;
    this.executions = new Map(); // by name: the upload of each, null for others
    this.followed = 0;
    this.since = 0; // when polling for executions started; 0: it does not run
    this.summary = h("p", { class: "summary", role: "status" });
    const button = (label, onclick) => h("button", { type: "button", class: "quiet", onclick }, label);
    this.stopButton = button("Stop", () => this.stop());
    this.clearButton = button("Clear", () => this.clear());
    this.replaceButton = button("Replace all", () => this.resend(this.refused(true)));
    this.retryButton = button("Retry all", () => this.resend(this.refused(false)));
    const buttons = [this.replaceButton, this.retryButton, this.stopButton, this.clearButton];
    this.bar = h("div", { class: "bar", hidden: true }, this.summary, h("span", { class: "actions" }, buttons));
    this.list = h("ol", { class: "uploads" });
    const bucket = h("code", {}, `s3://${stack.source_bucket}/${stack.prefix}`);
    const hint = ["They go to ", bucket, " and become ", h("code", {}, stack.renditions.join(", "))];
    const zone = dropZone(hint, (files) => this.add(files));
    this.element = h("section", { class: "tray", "aria-label": "Upload" }, zone, this.bar, this.list);
    addEventListener("beforeunload", (event) => {
      if (this.active) event.preventDefault();
    });
  }

  add(files) {
    if (!files.length) return;
    for (const { file, path } of files) {
      const upload = new Upload(this, file, this.stack.prefix + path);
      this.uploads.push(upload);
      this.queue.push(upload);
    }
    announceQuietly(`${plural(files.length, "file")} to upload`);
    this.next();
  }

  /** Send the next ones, as far as there is room. */
  next() {
    while (this.active < MAX_PARALLEL && this.queue.length && this.hasRoom()) {
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
    if (this.pending && this.listed) this.watch();
  }

  /** The uploads whose key is taken, or those that failed to send. */
  refused(taken) {
    return this.uploads.filter((upload) => upload.state === "refused" && upload.replace === taken);
  }

  /** Whether one more picture may be in progress: AWS has room for any number, and so has a queue. */
  hasRoom() {
    const busy = (upload) => ["sending", "waiting", "running"].includes(upload.state) && !upload.silent;
    return !this.stack.local || this.stack.by_queue || this.uploads.filter(busy).length < MAX_LOCAL;
  }

  resend(uploads) {
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
    this.stopButton.hidden = !number("queued", "sending");
    this.clearButton.hidden = !number("ended", "refused");
    this.replaceButton.hidden = this.refused(true).length < 2; // a single one has its own button
    this.retryButton.hidden = this.refused(false).length < 2;
    this.element.classList.toggle("used", total > 0);
    this.forget((by.ended ?? []).slice(0, -MAX_ROWS));
    const others = this.uploads.filter((upload) => !["queued", "refused"].includes(upload.state)).reverse();
    const rows = [...(by.refused ?? []), ...others].slice(0, MAX_ROWS);
    setChildren(
      this.list,
      rows.map((upload) => upload.element),
    );
  }

  /** Drop uploads that ended long ago, and only count them. */
  forget(old) {
    if (!old.length) return;
    const gone = new Set(old);
    this.uploads = this.uploads.filter((upload) => !gone.has(upload));
    this.past += gone.size;
  }

  /** Whether some uploads have not ended. */
  get pending() {
    return this.uploads.some((upload) => ["queued", "sending", "waiting", "running"].includes(upload.state));
  }

  /** Poll for the executions of uploads until none is pending, whichever view is shown. */
  watch() {
    if (this.since) return;
    this.since = Date.now() - CLOCK_SKEW;
    const done = new AbortController();
    const refresh = async () => {
      const changed = await this.matchNewest();
      if (this.pending) return changed;
      this.since = 0;
      done.abort();
      return true;
    };
    poll(refresh, done.signal, this.stack.local ? { fast: 400, slow: 2000 } : { fast: 2000, slow: 15_000 });
  }

  /** Match the newest executions with uploads: page by page, back to a known one. True if there were new ones. */
  async matchNewest() {
    const isOld = (item) => this.executions.has(item.name) || item.started < this.since;
    let changed = false;
    let next = "";
    do {
      const page = await get(`/api/executions${next && `?${new URLSearchParams({ next })}`}`);
      next = page.items.some(isOld) ? null : page.next;
      const items = page.items.filter((item) => this.isUnmatched(item));
      const found = items.length ? await post("/api/subjects", { names: items.map((item) => item.name) }) : {};
      for (const item of items) if (found[item.name]) this.match(item, found[item.name]);
      changed ||= items.length > 0;
    } while (next);
    return changed;
  }

  /** Whether an execution is new, or has ended without being followed. */
  isUnmatched({ name, status, started }) {
    if (!this.executions.has(name)) return started >= this.since;
    const upload = this.executions.get(name);
    return upload?.state === "running" && !upload.followed && status !== "RUNNING";
  }

  match(item, about) {
    if (!this.executions.has(item.name)) {
      const isAbout = (each) =>
        each.name === item.name || (each.at && each.key === about.key && item.started >= each.at - CLOCK_SKEW);
      const upload = this.uploads.find(isAbout) ?? null;
      this.executions.set(item.name, upload);
      if (this.executions.size > MAX_EXECUTIONS) this.executions.delete(this.executions.keys().next().value);
      upload?.setExecution(item.name);
    }
    const upload = this.executions.get(item.name);
    if (upload?.state === "running" && !upload.followed && about.status !== "RUNNING") {
      upload.showResult(about, [pill(about.status, about)]);
    }
  }

  /** Match a line of the log, in stacks without a list of executions. */
  matchLogLine(line) {
    const upload = this.uploads.find(
      (each) => each.state === "waiting" && each.key === line.key && line.at >= each.at - CLOCK_SKEW,
    );
    if (upload && line.status !== "RETRY") upload.showResult(line, [pill(line.status, line)]);
  }

  /** Whether one more may be followed; `unfollow` releases its place. */
  follow() {
    if (this.followed >= MAX_FOLLOWED) return false;
    this.followed += 1;
    return true;
  }

  unfollow() {
    this.followed -= 1;
  }
}
