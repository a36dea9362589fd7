// How lines are shown: their times, and whether long ones are wrapped. The browser keeps what was chosen.

import { announce, byId } from "./page.js";

const TIMES = /** @type {import("./time.js").TimeMode[]} */ (["off", "local", "utc", "elapsed"]);

/** @param {import("./log-view.js").LogView} view */
export function setUpChoices(view) {
  /** @param {import("./time.js").TimeMode} mode */
  const setTime = (mode) => {
    view.timeMode = mode;
    byId("rows").dataset.time = mode;
    byId("time").setAttribute("aria-label", `Times: ${mode}`);
    byId("time-mode").textContent = { off: "", utc: "UTC", local: "loc", elapsed: "+" }[mode];
    view.restyle();
  };
  /** @param {boolean} wraps */
  const setWrap = (wraps) => {
    view.wraps = wraps;
    byId("wrap").setAttribute("aria-pressed", String(wraps));
  };
  const cycleTime = () => {
    setTime(TIMES[(TIMES.indexOf(view.timeMode) + 1) % TIMES.length]);
    localStorage.setItem("everyline.time", view.timeMode);
    announce(`Times: ${view.timeMode}`);
  };
  const toggleWrap = () => {
    setWrap(!view.wraps);
    localStorage.setItem("everyline.wrap", String(view.wraps));
    announce(view.wraps ? "Long lines are wrapped" : "Long lines are not wrapped");
  };
  setTime(TIMES.find((mode) => mode === localStorage.getItem("everyline.time")) ?? "off");
  setWrap(localStorage.getItem("everyline.wrap") === "true");
  byId("time").addEventListener("click", cycleTime);
  byId("wrap").addEventListener("click", toggleWrap);
  return { cycleTime, toggleWrap };
}
