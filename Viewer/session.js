// The API key. It is held for this tab only, goes nowhere but into requests' headers, and is gone when the browser's
// last tab of this server is: new tabs ask the open ones for it. See docs/decisions/0010.

const NAME = "everyline.key";
const channel = new BroadcastChannel("everyline.key");

/** @returns {string | null} */
export const key = () => sessionStorage.getItem(NAME);

/** @param {string} value */
export function signIn(value) {
  sessionStorage.setItem(NAME, value);
}

/** Forgets the key here and in the other tabs. */
export function signOut() {
  forget();
  channel.postMessage({ type: "forget" });
}

/** Forgets a key that isn't valid. */
export function forget() {
  sessionStorage.removeItem(NAME);
}

/** The key of another tab, if one answers at once.
 * @returns {Promise<string | null>} */
export function keyOfAnotherTab() {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), 80);
    channel.addEventListener("message", ({ data }) => {
      if (data.type !== "key") return;
      clearTimeout(timer);
      resolve(data.key);
    });
    channel.postMessage({ type: "ask" });
  });
}

channel.addEventListener("message", ({ data }) => {
  const own = key();
  if (data.type === "ask" && own) channel.postMessage({ type: "key", key: own });
  if (data.type === "forget") {
    forget();
    location.reload();
  }
});
