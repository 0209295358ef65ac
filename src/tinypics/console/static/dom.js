// Elements made in code. Text is never parsed as HTML: this module has no function for it, and the page's
// Content-Security-Policy (require-trusted-types-for) forbids it elsewhere.

import { fullTime, timeOfDay } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element: `h("p.quiet.small", { title }, ...children)`. The attributes may be left out. Those that are
 * functions are listeners (`onclick`); `false` and null set nothing.
 */
export function h(name, ...rest) {
  const [tag, ...classes] = name.split(".");
  return fill(document.createElement(tag), classes, rest);
}

/** An SVG element, with the same arguments. */
export function s(name, ...rest) {
  const [tag, ...classes] = name.split(".");
  return fill(document.createElementNS(SVG, tag), classes, rest);
}

function fill(element, classes, rest) {
  const given = rest[0] && Object.getPrototypeOf(rest[0]) === Object.prototype;
  const [attributes, children] = given ? [rest[0], rest.slice(1)] : [{}, rest];
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => (child ?? false) !== false));
  return element;
}

/** Makes `elements` the children of `parent`. Those that stay are not moved, so that focus and scroll position stay. */
export function setChildren(parent, elements) {
  const kept = new Set(elements);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  elements.forEach((element, index) => {
    const present = parent.children[index];
    if (present !== element) parent.insertBefore(element, present ?? null);
  });
}

/** The root element of one of the page's own SVG files. The browser parses it as a file, not as text of this page. */
export function svgFile(path) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", path);
    request.responseType = "document";
    request.onload = () => {
      const root = request.status === 200 && request.responseXML?.documentElement;
      if (root) resolve(document.adoptNode(root));
      else reject(new Error(`${path} cannot be read: HTTP ${request.status}`));
    };
    request.onerror = () => reject(new TypeError(`${path} cannot be read`));
    request.send();
  });
}

/** Text in which `backticks` mark code. */
export function withCode(text) {
  return text.split("`").map((part, index) => (index % 2 ? h("code", part) : part));
}

const ICONS = {
  good: "M4 8.5l2.8 2.8L12 5.5",
  bad: "M5 5l6 6M11 5l-6 6",
  busy: "M8 3a5 5 0 1 1-5 5",
  skip: "M4 5l3.5 3L4 11M9 5v6",
  gone: "M4.5 8h7",
  wait: "M8 4.5V8l2.5 1.5",
  retry: "M12.5 6.5A5 5 0 1 0 13 9M12.5 3v3.5H9",
  copy: "M6 6h6.5v6.5H6zM3.5 10V3.5H10",
  up: "M8 12V4.5M4.8 7.5L8 4.2l3.2 3.3",
  left: "M9.5 4L5.5 8l4 4",
};

/** A line icon of 16 pixels. It is hidden from screen readers, because there is always a text beside it. */
export function icon(name) {
  const path = s("path", {
    d: ICONS[name],
    fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.8,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  });
  return s(
    "svg",
    { class: `icon icon-${name}`, viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
    path,
  );
}

/** Links to choose one of `options`, each a value and its label. */
export function segments(name, options, current, address) {
  const link = ([value, label]) =>
    h("a", { href: address(value), "aria-current": value === current ? "true" : null }, label);
  return h("nav.segments", { "aria-label": name }, options.map(link));
}

/** The text of a key, which may break behind a slash but not inside a name's extension. */
export function keyText(key) {
  return key.split(/(?<=\/)/).flatMap((part, index) => (index ? [h("wbr"), part] : [part]));
}

/** The way back. To the list that led here it is a step back, which keeps the list's place, filter and page. */
export function crumb(label, href) {
  const back = (event) => {
    if (history.state?.from?.split("?")[0] !== href || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    history.back();
  };
  return h("p.crumbs", h("a", { href, onclick: back }, icon("left"), label));
}

/** A button. `label`: a text, or several parts; `kind`: primary, quiet, link, or none. */
export function button(label, onclick, kind = "") {
  return h("button", { type: "button", class: kind || null, onclick }, label);
}

/** A button that opens `input`, a file input, with that hidden beside it. */
export function picker(label, kind, attributes, take) {
  const input = h("input", { type: "file", hidden: true, ...attributes });
  input.addEventListener("change", () => {
    if (input.files.length) take([...input.files]);
    input.value = "";
  });
  return [button(label, () => input.click(), kind), input];
}

/** A section with a title. */
export function card(title, ...content) {
  return h("section.card", { "aria-label": title }, h("h2", title), content);
}

/** The head of a page about one picture. */
export function subject(key, facts, actions) {
  const words = h("div.words", h("h1.key", keyText(key || "(no key)")), h("p.facts", facts));
  return h("header.subject", words, h("div.actions", actions));
}

/** A time, with the full one as its tooltip. */
export function time(stamp, text = timeOfDay(stamp)) {
  return h("time", { datetime: new Date(stamp).toISOString(), title: fullTime(stamp) }, text);
}

/** A button that copies the result of `text()`, and confirms it. */
export function copyButton(text, label = "Copy", kind = "quiet") {
  const caption = h("span", label);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      announce("The browser does not let this page copy: select the text instead");
      return;
    }
    caption.textContent = "Copied";
    announce("Copied to the clipboard");
    setTimeout(() => {
      caption.textContent = label;
    }, 1500);
  };
  return button([icon("copy"), caption], copy, kind);
}

let toastTimer;

/** A message for screen readers only, about a visible change. */
export function announceQuietly(text) {
  document.getElementById("announcement").textContent = text;
}

/** A short message at the lower edge, also for screen readers. */
export function announce(text) {
  const toast = document.getElementById("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    toast.hidden = true;
  }, 4000);
}
