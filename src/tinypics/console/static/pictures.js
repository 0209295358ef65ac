// The original and every rendition side by side, each rendition at its true size.

import { errorText, postForPicture } from "./api.js";
import { copyButton, h } from "./dom.js";
import { bytes } from "./format.js";

/** The pictures of one record of an execution, from /api/executions/…/pictures. */
export function recordFigures({ original, renditions, removed, manifest }) {
  const parts = [h("div", { class: "pictures" }, originalFigure(original), renditions.map(renditionFigure))];
  if (removed.length) parts.push(h("p", { class: "empty small" }, `Deleted with their source: ${removed.join(", ")}`));
  else if (!renditions.length) parts.push(h("p", { class: "empty small" }, "No rendition was made."));
  if (manifest)
    parts.push(
      h(
        "div",
        { class: "snippet" },
        h("h3", {}, "HTML for a page"),
        copyButton(() => manifest.picture, "Copy HTML"),
        h("pre", { tabindex: 0 }, h("code", {}, manifest.picture)),
      ),
    );
  return parts;
}

function originalFigure(original) {
  const frame = h("div", { class: "frame" });
  if (!original.there) frame.append(h("p", {}, "The bucket has no object with this key."));
  else if (original.shown === false) showAsJpeg(frame, original);
  else frame.append(image(original.url, "The original", original, "Browsers cannot show this file."));
  const size = original.width ? `${original.width} × ${original.height}` : "";
  return h(
    "figure",
    { class: "original" },
    frame,
    h(
      "figcaption",
      {},
      h("strong", {}, "Original"),
      h("span", {}, [size, original.label, bytes(original.bytes)].filter(Boolean).join(" · ")),
      original.width
        ? h(
            "span",
            { class: "quiet" },
            `Shown at ${Math.min(100, Math.round(100 * Math.min(360 / original.width, 320 / original.height)))} % of its size`,
          )
        : null,
      original.overwritten ? h("span", { class: "warn" }, "Overwritten since this execution.") : null,
    ),
  );
}

/** Formats that browsers do not support (HEIC, TIFF, JPEG 2000) are shown as a JPEG, made by the preview. */
async function showAsJpeg(frame, original) {
  const note = h("p", {}, `Browsers do not show ${original.label}. Converting it to JPEG`);
  frame.append(note);
  try {
    const event = {
      bucket: original.bucket,
      key: original.key,
      width: 840,
      height: 640,
      fit: "inside",
      format: "jpeg",
    };
    const response = await postForPicture("/api/preview", { event });
    const url = URL.createObjectURL(await response.blob());
    note.textContent = `Browsers do not show ${original.label}. This is a JPEG of it.`;
    frame.prepend(h("img", { src: url, alt: "The original, as a JPEG", onload: () => URL.revokeObjectURL(url) }));
  } catch (error) {
    note.textContent = `Browsers do not show ${original.label}. ${errorText(error)}`;
  }
}

function renditionFigure(item) {
  const frame = h(
    "div",
    { class: "frame true", tabindex: 0, role: "group", "aria-label": `Rendition ${item.width} × ${item.height}` },
    image(item.url, `Rendition ${item.width} × ${item.height}`, item, "This rendition no longer exists."),
  );
  const saved = item.saved === null ? "" : item.saved >= 0 ? `${item.saved} % smaller` : `${-item.saved} % larger`;
  return h(
    "figure",
    {},
    frame,
    h(
      "figcaption",
      {},
      h("strong", {}, item.rendition ?? `${item.width}x${item.height}`),
      h("span", {}, `${item.width} × ${item.height} · ${item.label}`),
      h("span", {}, bytes(item.bytes), saved ? [" · ", h("span", { class: "saved" }, saved)] : null),
      item.dropped?.length ? h("span", { class: "warn" }, `Dropped: ${item.dropped.join(", ")}`) : null,
      h("code", { class: "quiet" }, item.key),
    ),
  );
}

function image(url, alt, { width, height }, fallback) {
  return h("img", { src: url, alt, width, height, onerror: (event) => event.target.replaceWith(h("p", {}, fallback)) });
}
