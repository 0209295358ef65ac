// The original and the renditions of one picture: a strip, and the chosen one at its true size.

import { errorText, post, postForPicture } from "./api.js";
import { copyButton, h, keyText } from "./dom.js";
import { bytes } from "./format.js";

const SIDE = { width: 840, height: 640, fit: "inside", format: "jpeg" }; // of an original that browsers do not show

/** The pictures of one record, from /api/picture or /api/executions/…/pictures. */
export function recordFigures({ original, renditions, removed, manifest }, stack) {
  const all = [...renditions.map(renditionView), ...(original ? [originalView(original)] : [])];
  const stage = h("div.stage");
  const buttons = all.map((view) =>
    h("button", { type: "button", onclick: () => choose(view) },
      h("span.thumb", view.thumbnail()), h("span", h("strong", view.name), h("small", view.size))));
  const choose = (view) => {
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(all[index] === view)));
    stage.replaceChildren(view.frame(), h("div.facts-beside", view.facts(stack)));
  };
  choose(all[0]);
  const parts = [h("div.strip", { role: "group", "aria-label": "Show" }, buttons), stage];
  if (removed.length) parts.push(h("p.quiet.small", `Deleted with their source: ${removed.join(", ")}`));
  else if (!renditions.length) parts.push(h("p.quiet.small", "No rendition was made."));
  if (manifest) parts.push(markup(manifest));
  return parts;
}

/** The main action for a picture that was made. */
export function mainCopy({ renditions: [first], manifest }, stack) {
  if (manifest) return copyButton(() => manifest.picture, "Copy HTML", "primary");
  return first ? urlButton(first, stack, "primary") : null;
}

/** A field for the address of any other size, which is made when somebody asks for it. */
export function anotherSize({ original }, stack) {
  if (!stack.url_base || !original?.there) return null;
  const input = h("input", { id: "size", placeholder: "320x-webp", required: true, spellcheck: "false" });
  const answer = h("div.actions", { role: "status" });
  const show = ({ url }) => answer.replaceChildren(h("code", url), copyButton(() => url, "Copy URL"), openLink(url));
  const fail = (error) => answer.replaceChildren(h("span.warn", errorText(error)));
  const onsubmit = (event) => {
    event.preventDefault();
    post("/api/address", { key: original.key, rendition: input.value.trim() }).then(show, fail);
  };
  const label = h("label", { for: "size" }, "Another size");
  return h("form.another", { onsubmit }, label, input, h("button", "Show its address"), answer);
}

/** The form of Try it with the picture, and the settings of a rendition. */
export function tryAddress({ bucket, key }, rendition) {
  const size = rendition?.width ? { width: rendition.width, height: rendition.height } : {};
  return `#/try?${new URLSearchParams({ bucket, key, ...size })}`;
}

function urlButton(item, stack, kind) {
  const { url_base: base, address_prefix: prefix } = stack;
  const address = base && base + (item.path.startsWith(prefix) ? item.path.slice(prefix.length) : item.path);
  return copyButton(() => address || item.url, address ? "Copy URL" : "Copy URL (valid for an hour)", kind);
}

function markup({ picture, notes }) {
  return h(
    "div.snippet",
    h("h3", "HTML for a page"),
    copyButton(() => picture, "Copy HTML"),
    h("pre", { tabindex: 0 }, h("code", picture)),
    notes.map((note) => h("p.quiet.small", note)),
  );
}

function originalView(original) {
  const size = original.width ? `${original.width} × ${original.height}` : "";
  const convert = original.there && original.shown === false;
  const note = h("span.quiet");
  return {
    name: "Original",
    size: size || bytes(original.bytes),
    thumbnail: () => (original.there && !convert ? image(original.url, "", {}, "") : "…"),
    frame: () => {
      const frame = h("div.frame");
      if (convert) showAsJpeg(frame, original, note);
      else if (original.there) frame.append(image(original.url, "The original", original, "Browsers cannot show it."));
      else frame.append(h("p", "The source bucket has no object with this key."));
      return frame;
    },
    facts: () => [
      h("strong", "Original"),
      h("span", [size, original.label, bytes(original.bytes)].filter(Boolean).join(" · ")),
      original.width ? h("span.quiet", "Shown reduced to fit.") : null,
      note,
      original.overwritten ? h("span.warn", "It was overwritten after these renditions.") : null,
      h("code.quiet", keyText(original.key)),
      original.there ? h("p.actions", openLink(original.url)) : null,
    ],
  };
}

/** Formats that browsers do not support (HEIC, TIFF, JPEG 2000) are shown as a JPEG, made by the preview. */
async function showAsJpeg(frame, { bucket, key, label }, note) {
  note.textContent = `Browsers do not show ${label}. Converting it to JPEG`;
  try {
    const response = await postForPicture("/api/preview", { event: { bucket, key, ...SIDE } });
    const url = URL.createObjectURL(await response.blob());
    note.textContent = `Browsers do not show ${label}. This is a JPEG of it.`;
    frame.append(h("img", { src: url, alt: "The original, as a JPEG", onload: () => URL.revokeObjectURL(url) }));
  } catch (error) {
    note.textContent = `Browsers do not show ${label}. ${errorText(error)}`;
  }
}

function renditionView(item) {
  const size = item.width ? `${item.width} × ${item.height}` : "";
  const name = item.rendition?.split("=")[0] ?? (size ? `${item.width}x${item.height}` : "Object");
  const saved =
    (item.saved ?? null) === null ? "" : item.saved >= 0 ? `${item.saved} % smaller` : `${-item.saved} % larger`;
  const label = `Rendition ${size || item.key}`;
  return {
    name,
    size: size || bytes(item.bytes),
    thumbnail: () => image(item.url, "", {}, ""),
    frame: () =>
      h("div.frame.true", { tabindex: 0, role: "group", "aria-label": label },
        image(item.url, label, item, "This rendition no longer exists.")),
    facts: (stack) => [
      h("strong", item.rendition ?? name),
      h("span", [size, item.label, bytes(item.bytes)].filter(Boolean).join(" · ")),
      saved ? h("span.saved", saved) : null,
      item.on_demand ? h("span.quiet", "Made on demand. It is deleted with its source, and made again when asked for.") : null,
      item.dropped?.length ? h("span.warn", `Dropped: ${item.dropped.join(", ")}`) : null,
      h("code.quiet", keyText(item.key)),
      h("p.actions", urlButton(item, stack, ""), h("a.button", { href: item.download }, "Download"), openLink(item.url)),
    ],
  };
}

function openLink(href) {
  return h("a.button", { href, target: "_blank", rel: "noopener" }, "Open");
}

function image(url, alt, { width, height }, fallback) {
  const replace = (event) => event.target.replaceWith(fallback ? h("p", fallback) : "");
  return h("img", { src: url, alt, width, height, loading: "lazy", onerror: replace });
}
