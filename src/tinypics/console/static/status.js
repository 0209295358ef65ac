// The state of an execution, by icon, text and colour.

import { h, icon } from "./dom.js";

const STATES = {
  RUNNING: ["busy", "Running", "busy"],
  SUCCEEDED: ["good", "Succeeded", "good"],
  FAILED: ["bad", "Failed", "bad"],
  TIMED_OUT: ["bad", "Timed out", "bad"],
  ABORTED: ["bad", "Aborted", "bad"],
  SUCCESS: ["good", "Made", "good"],
  RETRY: ["again", "Retried", "busy"],
  SKIPPED: ["skip", "Up to date", "calm"],
  REMOVED: ["gone", "Removed", "calm"],
};

/** The pill of an execution. With `about`, a success without new outputs is shown as such. */
export function pill(status, about) {
  const result = { skipped: "SKIPPED", removed: "REMOVED" }[about?.result];
  const [mark, word, kind] = STATES[result ?? status] ?? ["wait", status, "calm"];
  return h("span", { class: `pill ${kind}` }, icon(mark), word);
}

export const ENDED_BADLY = new Set(["FAILED", "TIMED_OUT", "ABORTED"]);
