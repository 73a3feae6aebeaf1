// Pictures and sounds that were dropped stay in this browser, so that "back" and "reload" find them.

const KEEP = 12;
const here = new Map();

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("mmindex", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("files", { keyPath: "id" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Keep a file; its name in the address. */
export async function keep(file) {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(6)), (b) => b.toString(16).padStart(2, "0")).join("");
  here.set(id, file);
  try {
    const files = (await opened()).transaction("files", "readwrite").objectStore("files");
    await done(files.put({ id, file, when: Date.now() }));
    const all = await done(files.getAll());
    const old = all.sort((a, b) => b.when - a.when).slice(KEEP);
    await Promise.all(old.map((one) => done(files.delete(one.id))));
  } catch {
    // a private window keeps none: the file lasts as long as the page
  }
  return id;
}

/** A file that was kept; null where this browser has it no more. */
export async function kept(id) {
  if (here.has(id)) return here.get(id);
  try {
    const files = (await opened()).transaction("files").objectStore("files");
    const found = await done(files.get(id));
    if (found) here.set(id, found.file);
    return found ? found.file : null;
  } catch {
    return null;
  }
}
