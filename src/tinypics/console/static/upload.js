// One upload: its bytes, then its execution.

import { errorText, get, poll, post } from "./api.js";
import { announceQuietly, button, h, icon } from "./dom.js";
import { bytes } from "./format.js";
import { describe } from "./row.js";
import { FAILED_STATUSES, pill, stateName } from "./status.js";

const MAX_PREVIEW = 2e7; // bytes of a file that the browser shows before it is uploaded
const MAX_WAIT = 60_000; // milliseconds until the page says that there is no execution
const NO_EXECUTION =
  "Uploaded, but nothing has processed it yet. Does something else start this stack (Trigger)? tinypics logs may show why.";

/** `state`: queued, sending, refused, waiting (for its execution), running, ended. It has no elements while queued. */
export class Upload {
  constructor(tray, file, key) {
    Object.assign(this, { tray, file, key, state: "queued", replace: false, at: 0, name: null, followed: false });
    this.bad = false; // ended with an error
    this.silent = false; // waiting for longer than that
    this.element = null;
  }

  /** Made, failed, or waiting. */
  get fate() {
    if (this.state === "refused") return "failed";
    return this.state === "ended" ? (this.bad ? "failed" : "made") : "waiting";
  }

  build() {
    this.bar = h("progress", { max: 100, value: 0, "aria-label": `Upload of ${this.key}` });
    this.note = h("p.note");
    this.thumb = h("span.thumb", icon("up"));
    if (this.file.type.startsWith("image/") && this.file.size < MAX_PREVIEW) this.showFile();
    this.actions = h("span.actions");
    this.element = h("li", this.thumb, h("div.what", h("p.key", this.key), this.note, this.bar), this.actions);
  }

  /** The file itself as a thumbnail, if the browser can show it. */
  showFile() {
    const src = URL.createObjectURL(this.file);
    const show = () => this.state !== "ended" && this.thumb.replaceChildren(shown); // else the thumbnail is there
    const shown = h("img", { src, alt: "", onload: show });
    const revoke = () => URL.revokeObjectURL(src);
    for (const kind of ["load", "error"]) shown.addEventListener(kind, revoke, { once: true });
  }

  async send() {
    if (!this.element) this.build();
    this.setState("sending", "Uploading");
    this.actions.replaceChildren();
    this.bar.hidden = false;
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    try {
      const asked = { key: this.key, type: this.file.type, replace: this.replace };
      const target = await post("/api/uploads", asked, signal);
      if (target.taken) return this.finishSending({ status: 412, there: target.url });
      this.at = Date.now();
      this.finishSending(await put(target, this.file, (share) => this.showProgress(share), signal));
    } catch (error) {
      const reason = error instanceof Unreachable ? this.unreachableText() : errorText(error);
      this.refuse(signal.aborted ? "Stopped." : reason);
    }
  }

  stop() {
    this.stopping.abort();
  }

  /** The likely reason of a network error, for which browsers give none. */
  unreachableText() {
    return this.tray.stack.local
      ? "The bucket could not be reached. Is tinypics up still running?"
      : `The bucket could not be reached, or does not allow uploads from here: deploy with ConsoleOrigin=${location.origin}.`;
  }

  showProgress(share) {
    this.bar.value = share * 100;
    this.note.textContent = `Uploading, ${Math.round(share * 100)} % of ${bytes(this.file.size)}`;
  }

  finishSending({ status, code, there }) {
    if (status === 412) {
      this.replace = true; // for the next attempt
      return this.refuse("There is a picture with this key already.", { label: "Replace it", there });
    }
    if (status >= 300) return this.refuse(`S3 refused the upload: ${code ?? `HTTP ${status}`}.`);
    this.bar.hidden = true;
    if (this.name) return this.follow(this.name);
    this.setState("waiting", "Uploaded. Waiting for its execution");
    setTimeout(() => {
      if (this.state !== "waiting") return;
      this.note.textContent = NO_EXECUTION;
      this.silent = true;
      this.tray.next();
    }, MAX_WAIT);
  }

  /** `there`: the URL of the object whose key is taken. */
  refuse(reason, { label = "Retry", there } = {}) {
    if (!this.element) this.build();
    this.bar.hidden = true;
    this.setState("refused", reason);
    const parts = [button(label, () => this.tray.resend([this]))];
    if (this.replace) parts.unshift(button("Keep both", () => this.rename()));
    if (there) parts.unshift(h("a.button.quiet", { href: there, target: "_blank", rel: "noopener" }, "See it"));
    this.actions.replaceChildren(...parts);
  }

  /** Upload under another key: the time makes it free. */
  rename() {
    const [, path, extension] = /^(.*?)(\.[^./]*)?$/s.exec(this.key);
    this.key = `${path}-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}${extension ?? ""}`;
    this.replace = false;
    this.element.querySelector(".key").textContent = this.key;
    this.tray.resend([this]);
  }

  setState(state, text) {
    this.state = state;
    this.element.className = state;
    this.note.textContent = text;
    this.tray.render();
  }

  /** Called when its execution is known, which may be before the response to the upload. */
  setExecution(name) {
    this.at = 0; // another execution for the same key is not about this upload
    this.name = name;
    if (this.state === "waiting") this.follow(name);
  }

  /** Follow the execution: its states, if not too many are followed, and its thumbnail. */
  follow(name) {
    this.setState("running", "Running");
    const details = h("a.button.quiet", { href: `#/executions/${encodeURIComponent(name)}` }, "Details");
    this.actions.replaceChildren(details);
    this.followed = this.tray.follow();
    if (!this.followed) return; // the tray will show the end
    const done = new AbortController();
    const refresh = async () => {
      const execution = await get(`/api/executions/${encodeURIComponent(name)}`).catch(missingExecution);
      this.note.replaceChildren(stateTrail(execution));
      if (execution.status === "RUNNING") return true;
      await this.showEnd(execution);
      done.abort();
      return true;
    };
    poll(refresh, done.signal, { fast: 250, slow: 1000 }).finally(() => {
      this.tray.followed -= 1;
    });
  }

  async showEnd(execution) {
    const about = FAILED_STATUSES.has(execution.status)
      ? execution
      : (await post("/api/subjects", { names: [execution.name] }))[execution.name];
    this.showResult(about ?? execution, [stateTrail(execution)]);
  }

  /** Show the result: `status` (elements), and the error or the thumbnail of `about`. */
  showResult(about, status) {
    this.bad = Boolean(about.error);
    this.tray.ends.push(Date.now());
    this.setState("ended", "");
    this.tray.next(); // send the next one, if there is room
    this.note.replaceChildren(...status);
    if (about.error) {
      this.thumb.replaceChildren(icon("bad"));
      this.element.classList.add("bad");
      announceQuietly(`${this.key}: failed, ${about.error}`);
      this.note.append(h("span.why", h("strong", about.error), ` ${about.message}`));
      return;
    }
    this.note.append(h("span.description", describe(about)));
    if (about.thumbnail) this.thumb.replaceChildren(h("img", { src: about.thumbnail, alt: "" }));
    announceQuietly(`${this.key}: the thumbnail is there`);
  }
}

/** The result of an execution that the stack has forgotten, so that polling ends. */
function missingExecution(error) {
  if (error.status !== 404) throw error;
  return { status: "ABORTED", error: error.error, message: error.message, visits: [] };
}

/** The states of an execution, highlighted as it visits them. */
function stateTrail(execution) {
  const kind = ({ ms, failed }) => (ms === null ? "busy" : failed ? "bad" : "done");
  const steps = execution.visits.map((visit) => h(`span.step.${kind(visit)}`, stateName(visit.state)));
  return h("span.trail", pill(execution.status, execution), steps);
}

class Unreachable extends Error {}

/** PUT with progress, which fetch does not support. Returns the HTTP status and S3's error code. */
function put({ url, headers }, file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) progress(event.loaded / event.total);
    };
    request.onload = () =>
      resolve({ status: request.status, code: /<Code>(\w+)<\/Code>/.exec(request.responseText)?.[1] });
    request.onerror = () => reject(new Unreachable());
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
