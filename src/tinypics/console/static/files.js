// The drop zone: files and folders that are dropped, chosen or pasted.

import { announce, h, icon } from "./dom.js";
import { plural } from "./format.js";

/** The drop zone with `hint` below. Calls `add` with the files, each with its path. */
export function dropZone(hint, add) {
  const picker = (more) => {
    const input = h("input", {
      type: "file",
      hidden: true,
      onchange: () => {
        const paths = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
        add(paths.filter(isPicture));
        input.value = "";
      },
      ...more,
    });
    return input;
  };
  const files = picker({ id: "files", multiple: true, accept: "image/*,.heic,.heif,.avif,.jp2" });
  const folder = picker({ id: "folder", webkitdirectory: true });
  const choose = (input, label) => h("button", { type: "button", class: "link", onclick: () => input.click() }, label);
  const zone = h(
    "div",
    { class: "zone" },
    h("span", { class: "zone-icon" }, icon("up")),
    h("p", { class: "zone-title" }, "Drop pictures here"),
    h(
      "p",
      { class: "zone-hint" },
      "or paste one, or ",
      choose(files, "choose files"),
      files,
      ", or ",
      choose(folder, "a folder"),
      folder,
    ),
    h("p", { class: "zone-place" }, hint),
  );
  let depth = 0; // of nested elements that the pointer has entered
  const move = (event, step) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    depth = Math.max(0, depth + step);
    zone.classList.toggle("over", depth > 0);
  };
  zone.addEventListener("dragenter", (event) => move(event, 1));
  zone.addEventListener("dragleave", (event) => move(event, -1));
  zone.addEventListener("drop", async (event) => {
    depth = 0;
    zone.classList.remove("over");
    const { found, unread } = await droppedFiles(event.dataTransfer);
    if (unread.length) announce(`${plural(unread.length, "file")} cannot be read: ${unread[0]}`);
    add(found);
  });
  addEventListener("paste", (event) => {
    if (zone.isConnected) add(pastedFiles(event.clipboardData));
  });
  return zone;
}

/** `found`: the files of a drop, including those in folders, with their paths; `unread`: paths that cannot be read. */
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return { found: [...transfer.files].map((file) => ({ file, path: file.name })), unread: [] };
  const found = [];
  const unread = [];
  while (entries.length) {
    const entry = entries.shift();
    const path = entry.fullPath.replace(/^\//, "");
    try {
      if (entry.isFile) found.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path });
      else entries.push(...(await readFolder(entry.createReader())));
    } catch {
      unread.push(path);
    }
  }
  return { found: found.filter(isPicture), unread };
}

async function readFolder(reader) {
  const found = [];
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // up to a hundred
    if (!batch.length) return found;
    found.push(...batch);
  }
}

/** Screenshots are all named image.png: these get the time as their name. */
function pastedFiles(clipboard) {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  return [...clipboard.files].map((file, index) => ({
    file,
    path: file.name === "image.png" ? `pasted-${stamp}${index ? `-${index}` : ""}.png` : file.name,
  }));
}

/** Excludes files that operating systems leave in folders: .DS_Store, Thumbs.db. */
function isPicture({ file }) {
  return !file.name.startsWith(".") && file.name !== "Thumbs.db";
}
