// Keeps the key while one page of a tab goes and the next one comes: in memory, and for seconds. (A service worker, for it
// alone outlives a page. It answers nothing that is requested.)

/** How long a page may take to come, and the page before it to hand the key over, in milliseconds. */
const KEPT = 15_000;
const AWAITED = 400;

/** @type {string | null} */
let key = null;
/** Those that asked before it came.
 * @type {((key: string | null) => void)[]} */
let asking = [];

addEventListener("message", (event) => {
  const { data, ports } = event;
  const stay = (/** @type {Promise<unknown>} */ until) => /** @type {any} */ (event).waitUntil(until);
  if (data.type === "forget") {
    key = null;
  } else if (data.type === "keep") {
    const kept = (key = data.key);
    for (const answer of asking.splice(0)) answer(key);
    stay(wait(KEPT).then(() => { if (key === kept) key = null; }));
  } else if (data.type === "ask") {
    const answer = new Promise((resolve) => {
      if (key) resolve(key);
      else asking.push(resolve);
      setTimeout(() => resolve(key), AWAITED);
    });
    stay(answer.then((key) => ports[0].postMessage(key)));
  }
});

const wait = (/** @type {number} */ time) => new Promise((resolve) => setTimeout(resolve, time));
