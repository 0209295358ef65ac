// One upload: its bytes, then its execution.

import { get, poll, post, reason } from "./api.js";
import { h, icon, tell } from "./dom.js";
import { bytes } from "./format.js";
import { story } from "./row.js";
import { ENDED_BADLY, pill } from "./status.js";

const PATIENCE = 60_000; // milliseconds without news until the page says so
const SILENCE =
  "Uploaded, but nothing has been heard of it. Is this stack started by something else (Trigger)? tinypics logs may say.";

/** `state`: queued, sending, refused, waiting (for its execution), running, ended. It has no elements while queued. */
export class Upload {
  constructor(tray, file, key) {
    Object.assign(this, { tray, file, key, state: "queued", replace: false, at: 0, name: null, followed: false });
    this.silent = false; // uploaded, and without news for long
    this.element = null;
  }

  build() {
    this.bar = h("progress", { max: 100, value: 0, "aria-label": `Upload of ${this.key}` });
    this.note = h("p", { class: "note" });
    this.thumb = h("span", { class: "thumb" }, icon("up"));
    this.actions = h("span", { class: "actions" });
    this.element = h(
      "li",
      {},
      this.thumb,
      h("div", { class: "what" }, h("p", { class: "key" }, this.key), this.note, this.bar),
      this.actions,
    );
  }

  async send() {
    if (!this.element) this.build();
    this.become("sending", "Uploading");
    this.actions.replaceChildren();
    this.bar.hidden = false;
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    try {
      const asked = { key: this.key, type: this.file.type, replace: this.replace };
      const place = await post("/api/uploads", asked, signal);
      if (place.taken) return this.sent({ status: 412 });
      this.at = Date.now();
      this.sent(await put(place, this.file, (share) => this.progress(share), signal));
    } catch (error) {
      this.refuse(signal.aborted ? "Stopped." : error instanceof Unreachable ? this.unreachable() : reason(error));
    }
  }

  stop() {
    this.stopping.abort();
  }

  /** Browsers give no reason of a network error. */
  unreachable() {
    return this.tray.stack.local
      ? "The bucket could not be reached. Is tinypics up still running?"
      : `The bucket could not be reached, or does not allow uploads from here: deploy with ConsoleOrigin=${location.origin}.`;
  }

  progress(share) {
    this.bar.value = share * 100;
    this.note.textContent = `Uploading, ${Math.round(share * 100)} % of ${bytes(this.file.size)}`;
  }

  sent({ status, code }) {
    if (status === 412) {
      this.replace = true; // set when it is sent again
      return this.refuse("There is a picture with this key already.", "Replace it");
    }
    if (status >= 300) return this.refuse(`The bucket refused it: ${code ?? `HTTP ${status}`}.`);
    this.bar.hidden = true;
    if (this.name) return this.follow(this.name);
    this.become("waiting", "Uploaded. Waiting for its turn");
    setTimeout(() => {
      if (this.state !== "waiting") return;
      this.note.textContent = SILENCE;
      this.silent = true;
      this.tray.next();
    }, PATIENCE);
  }

  refuse(why, label = "Try again") {
    this.bar.hidden = true;
    this.become("refused", why);
    const again = () => this.tray.again([this]);
    this.actions.replaceChildren(h("button", { type: "button", onclick: again }, label));
  }

  become(state, text) {
    this.state = state;
    this.element.className = state;
    this.note.textContent = text;
    this.tray.render();
  }

  /** Called when its execution is known, which may be before the response to the upload. */
  found(name) {
    this.at = 0; // stop polling for it
    this.name = name;
    if (this.state === "waiting") this.follow(name);
  }

  /** Follow the execution: its states, if not too many are followed, and its thumbnail. */
  follow(name) {
    this.become("running", "Working");
    const details = h("a", { class: "button quiet", href: `#/executions/${encodeURIComponent(name)}` }, "Details");
    this.actions.replaceChildren(details);
    this.followed = this.tray.follow();
    if (!this.followed) return; // the list will show the end
    const done = new AbortController();
    const look = async () => {
      const found = await get(`/api/executions/${encodeURIComponent(name)}`).catch(forgotten);
      this.note.replaceChildren(trail(found));
      if (found.status === "RUNNING") return true;
      await this.ended(found);
      done.abort();
      return true;
    };
    poll(look, done.signal, { fast: 250, slow: 1000 }).finally(() => this.tray.unfollow());
  }

  async ended(found) {
    const about = ENDED_BADLY.has(found.status)
      ? found
      : (await post("/api/subjects", { names: [found.name] }))[found.name];
    this.answered(about ?? found, [trail(found)]);
  }

  /** Show the final result: `sign`, and the error of `answer` or the thumbnail. */
  answered(answer, sign) {
    this.become("ended", "");
    this.tray.next(); // start the next one, if there is room
    this.note.replaceChildren(...sign);
    if (answer.error) {
      this.thumb.replaceChildren(icon("bad"));
      this.element.classList.add("bad");
      tell(`${this.key}: failed, ${answer.error}`);
      this.note.append(h("span", { class: "why" }, h("strong", {}, answer.error), ` ${answer.message}`));
      return;
    }
    this.note.append(h("span", { class: "story" }, story(answer)));
    if (answer.thumbnail) this.thumb.replaceChildren(h("img", { src: answer.thumbnail, alt: "" }));
    tell(`${this.key}: the thumbnail is there`);
  }
}

/** The result of an execution that the stack has forgotten, so that polling ends. */
function forgotten(error) {
  if (error.status !== 404) throw error;
  return { status: "ABORTED", error: error.error, message: error.message, visits: [] };
}

/** The states of an execution, highlighted as it visits them. */
function trail(found) {
  return h(
    "span",
    { class: "trail" },
    pill(found.status, found),
    found.visits.map((visit) =>
      h("span", { class: `step ${visit.ms === null ? "busy" : visit.failed ? "bad" : "done"}` }, visit.state),
    ),
  );
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
