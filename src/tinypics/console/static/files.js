// The files of a drop, including those in folders.

/** `found`: the files of a drop, including those in folders, with their paths; `unread`: paths that cannot be read. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return { found: [...transfer.files].map((file) => ({ file, path: file.name })), unread: [] };
  const found = [];
  const unread = [];
  while (entries.length) {
    const entry = entries.shift();
    const path = entry.fullPath.replace(/^\//, "");
    try {
      if (entry.isFile) found.push({ file: await new Promise((good, bad) => entry.file(good, bad)), path });
      else entries.push(...(await children(entry.createReader())));
    } catch {
      unread.push(path);
    }
  }
  return { found: found.filter(visible), unread };
}

/** Excludes files that systems leave in folders: .DS_Store, Thumbs.db. */
export function visible({ file }) {
  return !file.name.startsWith(".") && file.name !== "Thumbs.db";
}

async function children(reader) {
  const found = [];
  for (;;) {
    const some = await new Promise((good, bad) => reader.readEntries(good, bad)); // in batches of a hundred
    if (!some.length) return found;
    found.push(...some);
  }
}
