// Outputs as real programs write them to a terminal.

const E = "\x1b";
const range = (count) => Array.from({ length: count }, (_, i) => i);
const spinner = [..."⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"];

/** docker compose up, and a build by BuildKit: a frame goes up over the frame before it, and writes each line anew. */
function compose() {
  let text = "";
  const services = ["db", "cache", "api", "worker", "web"];
  for (const tick of range(80)) {
    const done = services.filter((_, i) => tick >= 20 + i * 12).length;
    text += `${E}[?25l${tick > 0 ? `${E}[${services.length + 1}A` : ""}${E}[0G`;
    text += `${E}[1m${E}[34m[+] Running ${done}/${services.length}${E}[0m${E}[K\n`;
    services.forEach((name, i) => {
      const isDone = tick >= 20 + i * 12;
      const mark = isDone ? `${E}[32m✔${E}[0m` : `${E}[33m${spinner[tick % 10]}${E}[0m`;
      text += ` ${mark} Container app-${name}-1  ${isDone ? `${E}[32mStarted${E}[0m` : "Starting"}${" ".repeat(30)}${E}[34m${(tick / 10).toFixed(1)}s ${E}[0m\n`;
    });
    text += `${E}[?25h`;
  }
  return text + services.map((name) => `${name}-1  | ready\n`).join("");
}

function buildkit() {
  let text = "";
  let before = 0;
  for (const tick of range(120)) {
    const steps = Math.min(9, 1 + Math.floor(tick / 12));
    const lines = [`[+] Building ${(tick / 10).toFixed(1)}s (${steps - 1}/9)${" ".repeat(20)}docker:default`];
    for (const step of range(steps)) {
      const isDone = step < steps - 1;
      const line = ` => [${step + 1}/9] RUN apt-get install package-${step}${" ".repeat(10)}${((tick - step * 12) / 10).toFixed(1)}s`;
      lines.push(isDone ? `${E}[34m${line}${E}[0m` : line);
      // The last lines of a step's own output, below it, until it is done.
      if (!isDone) for (const n of range(Math.min(6, tick % 12))) lines.push(` => => # Unpacking library ${tick + n} ...`);
    }
    text += `${E}[?25l${before ? `${E}[${before}A` : ""}${E}[0G`;
    text += lines.map((line) => `${line}${E}[K\n`).join("");
    // A frame that is lower than the one before clears what is below.
    for (let i = lines.length; i < before; i++) text += `${E}[2K\n`;
    if (before > lines.length) text += `${E}[${before - lines.length}A`;
    before = lines.length;
    text += `${E}[?25h`;
  }
  return text;
}

/** buildah, podman pull: progress bars by mpb, which go up as many lines as there are bars and erase what is below. */
function buildah() {
  let text = "Trying to pull docker.io/library/debian:stable...\nGetting image source signatures\n";
  const layers = ["a2abf6c4d29d", "0b7e1b6a8f3c", "9f2d6c1c77aa"];
  for (const tick of range(40)) {
    if (tick > 0) text += `${E}[${layers.length}A${E}[J`;
    text += layers.map((layer, i) => {
      const share = Math.min(30, tick * (i + 1));
      return share === 30 ? `Copying blob ${layer} done  |\n`
        : `Copying blob ${layer} [${"=".repeat(share)}>${"-".repeat(30 - share)}] ${share}.0MiB / 30.0MiB\n`;
    }).join("");
  }
  return `${text}Copying config 61db05f1b7 done  \nWriting manifest to image destination\n`;
}

/** pip: rich's bar, on one line, with hidden cursor. */
function pip() {
  let text = "Collecting torch\n  Downloading torch-2.4.0-cp311-manylinux1_x86_64.whl (797.2 MB)\n";
  for (const tick of range(60)) {
    text += `\r${E}[2K     ${E}[38;5;197m${"━".repeat(Math.floor(tick / 2))}${E}[0m${E}[38;5;237m╺${"━".repeat(29 - Math.floor(tick / 2))}${E}[0m ${E}[32m${tick * 13}.0/797.2 MB${E}[0m ${E}[31m12.3 MB/s${E}[0m eta ${E}[36m0:00:${String(59 - tick).padStart(2, "0")}${E}[0m${E}[?25l`;
  }
  return `${text}\r${E}[2K     ${E}[38;5;70m${"━".repeat(30)}${E}[0m 797.2/797.2 MB\n${E}[?25hInstalling collected packages: torch\n${E}[33m  WARNING: x${E}[0m\nSuccessfully installed torch-2.4.0\n`;
}

/** apt: a bar in the last row, below a scrolling region. */
function apt() {
  let text = `\n${E}7${E}[0;49r${E}8${E}[1A`;
  const bar = (share) => `${E}7${E}[50;0f${E}[42m${E}[30mProgress: [${String(share).padStart(3)}%]${E}[49m${E}[39m [${"#".repeat(share / 2)}${".".repeat(50 - share / 2)}] ${E}8`;
  for (const n of range(100)) text += `${bar(n)}Unpacking package-${n} (1.${n}-1) ...\r\n`;
  return `${text}${E}7${E}[0;50r${E}8${E}[1A${E}[J\nProcessing triggers for man-db ...\n`;
}

/** npm: a spinner that is erased before each line. */
const npm = () => range(50).map((n) => `${E}[1G${E}[0K${spinner[n % 10]}${n % 10 === 9 ? `${E}[1G${E}[0Knpm ${E}[33mwarn${E}[39m deprecated package@${n}\n` : ""}`).join("")
  + `${E}[1G${E}[0K\nadded 812 packages in 9s\n`;

/** cargo: lines above a bar that is erased and written again. */
const cargo = () => range(60).map((n) => `\r${E}[K${E}[0m${E}[0m${E}[1m${E}[32m   Compiling${E}[0m crate-${n} v0.${n}.0\n${E}[0m${E}[0m${E}[1m${E}[36m    Building${E}[0m [${"=".repeat(Math.floor(n / 3))}> ] ${n}/60: crate-${n + 1}\r`).join("")
  + `${E}[K${E}[0m${E}[0m${E}[1m${E}[32m    Finished${E}[0m dev [unoptimized] target(s)\n`;

/** pytest-xdist by pytest-sugar or rich: rows for workers below what is finished. */
function xdist() {
  let text = "";
  for (const n of range(90)) {
    text += n > 0 ? `${E}[4A\r${E}[J` : "";
    if (n % 3 === 0) text += ` ${E}[36mtests/test_${n}.py${E}[0m ${E}[32m✓✓✓✓${E}[0m${" ".repeat(10)}${n}% ████\n`;
    text += range(4).map((worker) => `gw${worker} [${n + worker}] test_case[漢字-${n}] ${spinner[n % 10]}\n`).join("");
  }
  return `${text}${E}[4A${E}[J\n${E}[32m90 passed${E}[0m in 3.21s\n`;
}

/** Playwright's list reporter: a line is begun, and gone back to once its test ends, wherever it is by then. */
function playwright() {
  let text = "\nRunning 40 tests using 4 workers\n\n";
  const open = [];
  let rows = 0;
  for (const n of range(40)) {
    open.push([n, rows++]);
    text += `     ${n + 1} [chromium] › spec-${n}.ts:3:5 › opens the page\n`;
    if (open.length === 4) {
      const [test, row] = open.splice(n % 3, 1)[0];
      text += `${E}[${rows - row}A${E}[2K${E}[G  ${E}[32m✓${E}[39m  ${test + 1} [chromium] › spec-${test}.ts:3:5 › opens the page ${E}[2m(${n}ms)${E}[22m${E}[${rows - row}E`;
    }
  }
  return `${text}\n  40 passed (5s)\n`;
}

/** gradle: a status area below the lines, which is moved down for each of them. */
function gradle() {
  let text = "";
  for (const n of range(40)) {
    if (n > 0) text += `${E}[3A`;
    if (n % 2 === 0) text += `${E}[3L> Task :module${n}:compileJava${E}[K\n${E}[2M`;
    text += `${E}[1m<${"=".repeat(Math.floor(n / 4))}${"-".repeat(10 - Math.floor(n / 4))}> ${n * 2}% EXECUTING [${n}s]${E}[m${E}[K\n> :module${n}:compileJava${E}[K\n> IDLE${E}[K\n`;
  }
  return `${text}${E}[3A${E}[JBUILD SUCCESSFUL in 40s\n`;
}

const terraform = () => range(5).map((n) => `${E}[0m${E}[1maws_instance.web[${n}]: Still creating... [${n}0s elapsed]${E}[0m${E}[0m\n`).join("");

/** watch, top: the alternate screen, drawn anew from its corner. */
const watch = () => `before\n${E}[?1049h${range(5).map((n) => `${E}[H${E}[2JEvery 2.0s: date\n\n${n} ${"row\n".repeat(60)}`).join("")}${E}[?1049lafter\n`;

const clear = () => range(4).map((n) => `${E}[2J${E}[H[${n}] File change detected.\n\nFound ${n} errors.\n`).join("");

/** Tables and boxes of characters of all widths. */
const widths = () => ["名前\t値\tok", "naïve\te\u0301\tx", "🙂\t👍🏽\t👨‍👩‍👧", "한글\tab\t|", "ｆｕｌｌ\tﾊﾝｶｸ\t|", "ไทย\tกำ\t|", "עברית\tx\t|", "a\u200bb\u00adc\t|"]
  .map((line) => `${line}\n`).join("") + `${E}[4A\r12${E}[4B\n${E}(0lqqk${E}(B\n`;

export const progress = { compose, buildkit, buildah, pip, apt, npm, cargo, xdist, playwright, gradle, terraform, watch, clear, widths };
