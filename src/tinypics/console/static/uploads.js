// Uploads: files directly to the bucket, by presigned URLs, with progress and results.

import { get, poll, post, withQuery } from "./api.js";
import { announce, announceQuietly, button, h, setChildren } from "./dom.js";
import { dropZone, isPicture } from "./files.js";
import { count, plural, roughly } from "./format.js";
import { pill } from "./status.js";
import { Upload } from "./upload.js";

const MAX_PARALLEL = 3; // uploads that are sent at a time
const MAX_LOCAL = 8; // pictures in progress on a laptop, where each is a process: hundreds would overload it
const MAX_ROWS = 8; // a folder may have thousands: the bar counts the others
const MAX_FAILED = 200; // failed uploads to keep; Failures has all of them
const RATE_WINDOW = 20_000; // milliseconds
const MAX_EXECUTIONS = 1000; // to remember
const CLOCK_SKEW = 5000; // milliseconds
const MAX_FOLLOWED = 6; // uploads whose states are followed at a time; the others show only their end

export class Tray {
  constructor(stack) {
    this.stack = stack;
    this.listed = stack.listed && !stack.by_queue; // whether uploads have executions that can be listed
    this.queue = [];
    this.uploads = [];
    this.past = { made: 0, failed: 0 }; // ended uploads that are no longer kept
    this.ends = []; // the times of the newest ends, for the rate
    this.active = 0;
    this.executions = new Map(); // by name: the upload of each, null for others
    this.followed = 0;
    this.since = 0; // when polling for executions started; 0: it does not run
    this.summary = h("p.summary", { role: "status" });
    this.stopButton = button("Stop", () => this.stop(), "quiet");
    this.clearButton = button("Clear", () => this.clear(), "quiet");
    this.replaceButton = button("Replace all", () => this.resend(this.refused(true)), "quiet");
    this.retryButton = button("Retry all", () => this.resend(this.refused(false)), "quiet");
    this.progress = h("progress", { max: 1, value: 0, "aria-label": "All uploads" });
    const buttons = [this.replaceButton, this.retryButton, this.stopButton, this.clearButton];
    this.bar = h("div.totals", { hidden: true }, h("div.bar", this.summary, h("span.actions", buttons)), this.progress);
    this.list = h("ol.uploads");
    this.hidden = h("span");
    const causes = h("a", { href: "#/failures" }, "Causes and remedies");
    this.rest = h("p.quiet.small", { hidden: true }, this.hidden, causes);
    const bucket = h("code", `s3://${stack.source_bucket}/${stack.prefix}`);
    const hint = ["They go to ", bucket, " and become ", h("code", stack.renditions.join(", "))];
    const zone = dropZone(hint, (files) => this.add(files));
    this.element = h("section.tray", { "aria-label": "Upload" }, zone, this.bar, this.list, this.rest);
    addEventListener("beforeunload", (event) => {
      if (this.active) event.preventDefault();
    });
  }

  add(files) {
    if (!files.length) return;
    for (const { file, path } of files) {
      const upload = new Upload(this, file, this.stack.prefix + path);
      this.uploads.push(upload);
      if (isPicture(file, this.stack.extensions)) this.queue.push(upload);
      else upload.refuse("By its name this is no picture, so it was not uploaded.", { label: "Upload it anyway" });
    }
    announceQuietly(`${plural(files.length, "file")} to upload`);
    this.next();
  }

  /** Upload `file` in place of the object `key`. */
  replace(key, file) {
    const upload = Object.assign(new Upload(this, file, key), { replace: true });
    this.uploads.push(upload);
    this.resend([upload]);
  }

  /** Send the next ones, as far as there is room. */
  next() {
    while (this.active < MAX_PARALLEL && this.queue.length && this.hasRoom()) {
      this.active += 1;
      const sent = this.queue.shift().send();
      sent.finally(() => {
        this.active -= 1;
        this.next();
      });
    }
    this.render();
    if (this.pending) this.watch();
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
    Object.assign(this, { past: { made: 0, failed: 0 }, ends: [] });
    this.render();
  }

  render() {
    const { made = [], failed = [], waiting = [] } = Object.groupBy(this.uploads, ({ fate }) => fate);
    const old = [...made.slice(0, -MAX_ROWS), ...failed.filter(({ state }) => state === "ended").slice(0, -MAX_FAILED)];
    this.forget(old);
    const ended = { made: this.past.made + made.length, failed: this.past.failed + failed.length };
    this.showTotals({ ...ended, waiting: waiting.length });
    this.stopButton.hidden = !this.uploads.some(({ state }) => ["queued", "sending"].includes(state));
    this.clearButton.hidden = !(made.length + failed.length);
    this.replaceButton.hidden = this.refused(true).length < 2; // a single one has its own button
    this.retryButton.hidden = this.refused(false).length < 2;
    // Failures come first, because they need the user. Of many uploads, the list of pictures has those that were made.
    const many = ended.made + ended.failed + waiting.length > MAX_ROWS;
    const all = [...failed, ...waiting, ...(many ? [] : made.toReversed())].map((upload) => upload.element);
    const rows = all.filter(Boolean).slice(0, MAX_ROWS); // those in the queue have none
    setChildren(this.list, rows);
    this.rest.hidden = !ended.failed;
    this.hidden.textContent = failed.length > rows.length ? `${count(failed.length - rows.length)} more failed. ` : "";
  }

  /** Hide the rows of made uploads among the pictures, if these show them, too. `sources`: the keys of their sources. */
  fold(sources) {
    const listed = this.uploads.filter(({ fate, key, element }) => fate === "made" && element && sources.has(key));
    for (const { element } of listed) element.classList.add("listed");
  }

  showTotals({ made, failed, waiting }) {
    const total = made + failed + waiting;
    this.bar.hidden = !total;
    this.element.classList.toggle("used", total > 0);
    this.progress.max = total || 1;
    this.progress.value = made + failed;
    this.progress.hidden = total === 1;
    const parts = [`${count(made)} made`, `${count(failed)} failed`, `${count(waiting)} waiting`];
    const text = [parts.join(" · "), ...this.pace(waiting)].join(", ");
    if (this.summary.textContent !== text) this.summary.textContent = text;
    this.summary.classList.toggle("bad", failed > 0);
  }

  /** The rate of the last seconds, and the time left at that rate. */
  pace(waiting) {
    const now = Date.now();
    this.ends = this.ends.filter((at) => now - at < RATE_WINDOW);
    const rate = this.ends.length > 1 ? (1000 * (this.ends.length - 1)) / (now - this.ends[0] || 1) : 0;
    if (!waiting || !rate) return [];
    return [`${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second`, `${roughly(waiting / rate)} left`];
  }

  /** Drop uploads that ended long ago, and only count them. */
  forget(old) {
    const gone = new Set(old);
    this.uploads = this.uploads.filter((upload) => !gone.has(upload));
    for (const upload of old) this.past[upload.fate] += 1;
  }

  /** Whether some uploads have not ended. */
  get pending() {
    return this.uploads.some((upload) => ["queued", "sending", "waiting", "running"].includes(upload.state));
  }

  /** Poll for the results of uploads until none is pending, whichever view is shown. */
  watch() {
    if (this.since) return;
    this.since = Date.now() - CLOCK_SKEW;
    const done = new AbortController();
    const refresh = async () => {
      const changed = await (this.listed ? this.matchNewest() : this.matchLog());
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
      const page = await get(withQuery("/api/executions", { next }));
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

  /** Match the lines of the log, in stacks without executions of uploads. */
  async matchLog() {
    const lines = await get("/api/recent");
    const waiting = this.uploads.filter((upload) => upload.state === "waiting");
    for (const upload of waiting) {
      const isAbout = ({ key, at, status }) => key === upload.key && at >= upload.at - CLOCK_SKEW && status !== "RETRY";
      const line = lines.find(isAbout);
      if (line) upload.showResult(line, [pill(line.status, line)]);
    }
    return false;
  }

  /** Whether one more may be followed. When that ends, `followed` is one less. */
  follow() {
    if (this.followed >= MAX_FOLLOWED) return false;
    this.followed += 1;
    return true;
  }
}
