// Requests to the console's server, and polling with back-off.

export class ApiError extends Error {
  constructor(status, error, message) {
    super(message);
    this.status = status;
    this.error = error;
  }
}

/** A path or a hash, with those `fields` that have a value as its query. */
export function withQuery(path, fields) {
  const text = String(new URLSearchParams(Object.entries(fields).filter(([, value]) => value)));
  return text ? `${path}?${text}` : path;
}

export async function get(path, signal) {
  return readJson(await fetch(path, { signal }));
}

export async function post(path, body, signal) {
  return readJson(await send(path, body, signal));
}

/** A POST whose answer is a picture: the response itself. Errors are JSON, with any status. */
export async function postForPicture(path, body, signal) {
  const response = await send(path, body, signal);
  if (response.ok && response.headers.get("Content-Type") !== "application/json") return response;
  const { error, message } = await readJson(response);
  throw new ApiError(response.status, error, message);
}

function send(path, body, signal) {
  return fetch(path, { method: "POST", body: body instanceof Blob ? body : JSON.stringify(body), signal });
}

async function readJson(response) {
  if (response.ok) return response.json();
  const text = await response.text();
  let found = { error: `HTTP ${response.status}`, message: text };
  try {
    found = JSON.parse(text);
  } catch {
    /* not JSON: keep the plain text */
  }
  throw new ApiError(response.status, found.error, found.message);
}

/**
 * Calls `refresh` until `signal` is aborted: soon again if it returned true (something changed), else with growing
 * pauses. Does not call it while the page is hidden; shows a message if the server does not answer.
 */
export async function poll(refresh, signal, { fast = 500, slow = 5000 } = {}) {
  let pause = fast;
  while (!signal.aborted) {
    try {
      const changed = document.hidden ? false : await refresh();
      showBanner("");
      pause = changed ? fast : Math.min(slow, pause * 1.4);
    } catch (error) {
      if (signal.aborted) return;
      showBanner(errorText(error));
      pause = slow;
    }
    await sleep(pause, signal);
  }
}

/** The message of an error for the user. */
export function errorText(error) {
  if (error instanceof ApiError) return error.status === 403 ? error.message : `${error.error}: ${error.message}`;
  return error instanceof TypeError
    ? "The console does not answer. If it was stopped, restart it and open the address that it prints."
    : String(error.message);
}

/** A message above the view; hidden if it is empty. */
export function showBanner(text) {
  const banner = document.getElementById("banner");
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = !text;
}

/** Resolves after `ms` milliseconds, and early if `signal` is aborted or the page is shown or hidden. */
function sleep(ms, signal) {
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
