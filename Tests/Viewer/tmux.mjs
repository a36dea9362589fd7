// What tmux shows of an output: the oracle of the screen.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { render } from "#viewer/ansi.js";
import { PLAIN } from "#viewer/sgr.js";
import { Screen } from "#viewer/screen.js";

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0;

/** Gives what tmux shows of each output in so many rows and columns: the lines of `capture-pane -e`. */
export function captures(outputs, height = 50, width = 1000) {
  const directory = mkdtempSync(join(tmpdir(), "screen-"));
  const environment = { ...process.env, LC_ALL: "C.UTF-8", TMUX: "", TERM: "xterm-256color" };
  const tmux = (...words) =>
    execFileSync("tmux", ["-u", "-S", join(directory, "socket"), "-f", join(directory, "conf"), ...words], { env: environment, encoding: "utf8", maxBuffer: 1 << 28 });
  writeFileSync(join(directory, "conf"), "set -g history-limit 200000\nset -g remain-on-exit on\nset -g status off\nset -g allow-rename on\n");
  try {
    tmux("new-session", "-d", "-x", String(width), "-y", String(height), "sleep 1000");
    return outputs.map((output, i) => {
      const file = join(directory, String(i));
      // The title is set once all that is before it was taken.
      writeFileSync(file, `${output}\x1b]2;shown\x07`);
      const pane = tmux("new-window", "-d", "-P", "-F", "#{pane_id}", `cat ${file}; sleep 1000`).trim();
      for (const until = Date.now() + 20_000; tmux("display-message", "-p", "-t", pane, "#{pane_title}").trim() !== "shown"; ) {
        if (Date.now() > until) throw new Error("tmux didn't show the output in 20 s");
      }
      const capture = tmux("capture-pane", "-e", "-p", "-S", "-", "-E", "-", "-t", pane);
      tmux("kill-pane", "-t", pane);
      return capture.replace(/\n+$/, "").split("\n");
    });
  } finally {
    try { tmux("kill-server"); } catch { /* It ends with its last pane. */ }
    rmSync(directory, { recursive: true });
  }
}

/** What our screen shows of the same output, cut into events at its newlines. */
export function shown(output, height = 50, columns = Infinity) {
  const rows = [];
  const screen = new Screen((row) => rows.push(row), { columns, rows: height });
  const lines = output.split("\n");
  lines.forEach((message, i) => screen.take({ offset: i + 1, timestamp: i, message, partial: i === lines.length - 1 }));
  return withoutBlanks([...rows, ...screen.rows].map((row) => cells(row.rendered(10_000).runs)));
}

/** What a capture shows, in the same form. */
export function captured(lines) {
  let style = PLAIN;
  return withoutBlanks(lines.map((line) => {
    // It names the letters that draw lines as they were written.
    const rendered = render(line.replaceAll("\x0e", "\x1b(0").replaceAll("\x0f", "\x1b(B"), style);
    style = rendered.style;
    return cells(rendered.runs);
  }));
}

/** A row's characters that can be seen, each with where it is and its look: how blanks look is the terminal's own matter. */
export function cells(runs) {
  const text = runs.map((run) => run.text).join("").trimEnd();
  const looks = [];
  let at = 0;
  for (const { text, style: { fg, bg, flags } } of runs) {
    for (const character of text) {
      if (character !== " " && (fg !== null || bg !== null || flags)) looks.push(`${at}:${fg},${bg},${flags}`);
      at += character.length;
    }
  }
  return looks.length > 0 ? `${text}  {${looks.join(" ")}}` : text;
}

function withoutBlanks(rows) {
  while (rows.length > 0 && rows.at(-1) === "") rows.pop();
  return rows;
}
