// Files of a drop, those in folders as well.

/** Files of a drop, those in folders as well: each with its path. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found = [];
  while (entries.length) {
    const entry = entries.shift();
    if (entry.isFile)
      found.push({
        file: await new Promise((good, bad) => entry.file(good, bad)),
        path: entry.fullPath.replace(/^\//, ""),
      });
    else entries.push(...(await children(entry.createReader())));
  }
  return found.filter(visible);
}

/** Not what systems leave in folders: .DS_Store, Thumbs.db. */
export function visible({ file }) {
  return !file.name.startsWith(".") && file.name !== "Thumbs.db";
}

async function children(reader) {
  const found = [];
  for (;;) {
    const some = await new Promise((good, bad) => reader.readEntries(good, bad)); // a hundred at a time
    if (!some.length) return found;
    found.push(...some);
  }
}
