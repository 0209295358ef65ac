// The status of an execution, as icon, text and colour.

import { h, icon } from "./dom.js";

const STATUSES = {
  RUNNING: ["busy", "Running", "busy"],
  SUCCEEDED: ["good", "Succeeded", "good"],
  FAILED: ["bad", "Failed", "bad"],
  TIMED_OUT: ["bad", "Timed out", "bad"],
  ABORTED: ["bad", "Aborted", "bad"],
  SUCCESS: ["good", "Made", "good"],
  RETRY: ["retry", "Retried", "busy"],
  SKIPPED: ["skip", "Up to date", "calm"],
  REMOVED: ["gone", "Removed", "calm"],
};

// In the workflow's own order. A deployed workflow may have other states, which keep their names.
const STATES = {
  ResizeImage: "Resize",
  CheckStatus: "Check the answer",
  NameFailure: "Retries used up",
  MarkExhausted: "Out of memory or time",
  Succeeded: "Succeeded",
  Failed: "Failed",
};

/** A state of the workflow in a user's words. */
export function stateName(state) {
  return STATES[state] ?? state;
}

/** The pill of an execution. With its summary `about`, a success without new outputs is shown as such. */
export function pill(status, about) {
  const result = { skipped: "SKIPPED", removed: "REMOVED" }[about?.result];
  const [name, text, kind] = STATUSES[result ?? status] ?? ["wait", status, "calm"];
  return h("span", { class: `pill ${kind}` }, icon(name), text);
}

export const FAILED_STATUSES = new Set(["FAILED", "TIMED_OUT", "ABORTED"]);
