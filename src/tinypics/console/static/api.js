// Requests to the console's server, and polling with back-off.

export class Refused extends Error {
  constructor(status, error, message) {
    super(message);
    this.status = status;
    this.error = error;
  }
}

export async function get(path, signal) {
  return answered(await fetch(path, { signal }));
}

export async function post(path, body, signal) {
  return answered(await sent(path, body, signal));
}

/** A POST whose answer is a picture: the response itself. Errors are JSON, with any status. */
export async function postForPicture(path, body, signal) {
  const response = await sent(path, body, signal);
  if (response.ok && response.headers.get("Content-Type") !== "application/json") return response;
  const { error, message } = await answered(response);
  throw new Refused(response.status, error, message);
}

function sent(path, body, signal) {
  return fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

async function answered(response) {
  if (response.ok) return response.json();
  const text = await response.text();
  let found = { error: `HTTP ${response.status}`, message: text };
  try {
    found = JSON.parse(text);
  } catch {
    /* not JSON: keep the plain text */
  }
  throw new Refused(response.status, found.error, found.message);
}

/**
 * Calls `look` until `signal` is aborted: soon again if it returned true (there was news), else with growing pauses.
 * Pauses while the page is hidden; shows a message if the server does not answer.
 */
export async function poll(look, signal, { fast = 500, slow = 5000 } = {}) {
  let pause = fast;
  while (!signal.aborted) {
    try {
      const news = document.hidden ? false : await look();
      trouble("");
      pause = news ? fast : Math.min(slow, pause * 1.4);
    } catch (error) {
      if (signal.aborted) return;
      trouble(reason(error));
      pause = slow;
    }
    await pausing(pause, signal);
  }
}

/** The message of an error for the user. */
export function reason(error) {
  if (error instanceof Refused) return error.status === 403 ? error.message : `${error.error}: ${error.message}`;
  return error instanceof TypeError
    ? "The console does not answer. If it was stopped, start it again and open the address that it prints then."
    : String(error.message);
}

export function trouble(text) {
  const place = document.getElementById("trouble");
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
}

function pausing(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      document.removeEventListener("visibilitychange", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    document.addEventListener("visibilitychange", done);
  });
}
