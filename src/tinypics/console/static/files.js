// The drop zone: files and folders that are dropped, chosen or pasted.

import { announce, button, h, icon, picker } from "./dom.js";
import { plural } from "./format.js";

/** The drop zone with `hint` below. Calls `add` with the files, each with its path. */
export function dropZone(hint, add) {
  const withPaths = (files) => files.map((file) => ({ file, path: file.webkitRelativePath || file.name }));
  const take = (files) => add(withPaths(files).filter(isOwn));
  const pictures = { id: "files", multiple: true, accept: "image/*,.heic,.heif,.avif,.jp2" };
  const [choose, files] = picker("choose files", "link", pictures, take);
  const folder = picker("a folder", "link", { id: "folder", webkitdirectory: true }, take);
  const zone = h(
    "div.zone",
    h("span.zone-icon", icon("up")),
    h("p.zone-title.with-pointer", "Drop pictures here"),
    h("p.zone-hint.with-pointer", "or paste one, or ", choose, ", or ", folder),
    button("Choose photos", () => files.click(), "primary with-touch"),
    files,
    h("p.zone-place", hint),
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
  return { found: found.filter(isOwn), unread };
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
function isOwn({ file }) {
  return !file.name.startsWith(".") && file.name !== "Thumbs.db";
}

/** Whether the browser takes the file for a picture, or its name has one of the `extensions` of pictures. */
export function isPicture({ name, type }, extensions) {
  return type.startsWith("image/") || !name.includes(".") || extensions.includes(name.split(".").at(-1).toLowerCase());
}
