// The API key. It is held in this page's memory, goes nowhere but into requests' headers, and is gone when the browser's last
// tab of this server is: new tabs ask the open ones for it, and a page that is left hands it to the one that comes next in
// its tab. See docs/decisions/0010.

const NAME = "everyline.key";
/** Beside the pages, wherever a proxy has put them: this file is /assets/VERSION/session.js. */
const SCOPE = new URL("../worker/", import.meta.url).pathname;
/** How long other tabs, and the worker, may take to answer, in milliseconds. */
const TABS = 80;
const WORKER = 3_000;
const channel = new BroadcastChannel(NAME);

/** @type {string | null} */
let held = null;
/** @type {ServiceWorkerRegistration | undefined} */
let keeper;
/** @type {Promise<void> | undefined} */
let settingUp;
/** Over plain HTTP, but from the same machine, a browser has no workers; a private window may refuse them. */
let hasKeeper = "serviceWorker" in navigator;

/** @returns {string | null} */
export const key = () => held;

/** @param {string} value */
export function signIn(value) {
  held = value;
}

/** Forgets the key here, in the other tabs, and where the next page would look for it. */
export function signOut() {
  forget();
  channel.postMessage({ type: "forget" });
  keeper?.active?.postMessage({ type: "forget" });
}

/** Forgets a key that isn't valid. */
export function forget() {
  held = null;
}

/** Takes the key from the page that was in this tab before, or from another tab, if there is one. */
export async function takeOver() {
  held ??= sessionStorage.getItem(NAME);
  sessionStorage.removeItem(NAME);
  held ??= await new Promise((resolve) => {
    let waiting = 2;
    const take = (/** @type {string | null} */ key) => (key || --waiting === 0) && resolve(key);
    keyOfAnotherTab().then(take);
    keyOfKeeper().then(take, () => take(null));
  });
}

/** Has a worker at hand that keeps the key while one page goes and the next one comes. A browser takes a while to set one up, so
 * what is to be seen first comes before it. */
export const setUpKeeper = () => (settingUp ??= register());

async function register() {
  try {
    keeper ??= await navigator.serviceWorker?.register(`${SCOPE}key-keeper.js`);
  } catch {
    hasKeeper = false;
  }
}

/** @returns {Promise<string | null>} */
function keyOfAnotherTab() {
  return new Promise((resolve) => {
    setTimeout(() => resolve(null), TABS);
    channel.addEventListener("message", ({ data }) => data.type === "key" && resolve(data.key));
    channel.postMessage({ type: "ask" });
  });
}

/** @returns {Promise<string | null>} */
async function keyOfKeeper() {
  keeper = await navigator.serviceWorker?.getRegistration(SCOPE);
  if (!keeper?.active) return null;
  const { port1, port2 } = new MessageChannel();
  keeper.active.postMessage({ type: "ask" }, [port2]);
  return new Promise((resolve) => {
    setTimeout(() => resolve(null), WORKER);
    port1.onmessage = ({ data }) => resolve(data);
  });
}

addEventListener("pagehide", () => {
  if (held === null) return;
  const worker = keeper?.active ?? keeper?.waiting ?? keeper?.installing;
  if (worker) worker.postMessage({ type: "keep", key: held });
  else if (!hasKeeper) sessionStorage.setItem(NAME, held);
});
addEventListener("pageshow", () => sessionStorage.removeItem(NAME));

channel.addEventListener("message", ({ data }) => {
  if (data.type === "ask" && held) channel.postMessage({ type: "key", key: held });
  if (data.type === "forget") {
    forget();
    location.reload();
  }
});
