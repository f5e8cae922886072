/** README's tour as data: which terminal runs what, and what a reader is told to see. */

export type Terminal = "start" | "listener" | "third";

export interface Step {
  readonly terminal: Terminal;
  /** Null where the page only shows what has come since. */
  readonly command: string | null;
  /** The lines that the page shows. */
  readonly shown: readonly string[];
}

const FENCE = /^```(console|text)(?: (\w+))?\n([\s\S]*?)^```$/gm;

/** The tour's blocks: `console` holds commands after `$ ` with what follows them, `text` what a terminal shows by itself. */
export function readTour(markdown: string): Step[] {
  return [...markdown.matchAll(FENCE)].flatMap(([, kind, name = "third", text = ""]): Step[] => {
    const terminal = name as Terminal;
    const lines = text.split("\n").filter((line) => line !== "");
    if (kind === "text") return [{ terminal, command: null, shown: lines }];
    const steps: { terminal: Terminal; command: string; shown: string[] }[] = [];
    for (const line of lines) {
      if (line.startsWith("$ ")) steps.push({ terminal, command: line.slice(2), shown: [] });
      else steps.at(-1)?.shown.push(line);
    }
    return steps;
  });
}

/** What differs from run to run and from machine to machine. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>"],
  [/\bwh_[a-z0-9]+/g, "<webhook>"],
  [/\btcs_[A-Za-z0-9_-]+/g, "<token>"],
  [/<webhook>_0_\d+/g, "<delivery>"],
  [/\bchg_0_\d+/g, "<change>"],
  [/\bdl_[A-Za-z0-9_]+/g, "<dead letter>"],
  [/"(sequence|durationMs|previousDurationMs)":\d+/g, '"$1":<number>'],
  // The machine's own readings, and how it feels about them.
  [/(laptop-\w+ +)(?:ok|warning|critical)( +)[\d.]+ .*/g, "$1<reading>"],
  [/(laptop-\w+ +\(new\) → )(?:ok|warning|critical)(.*?)value [\d.]+ .*?"( +<delivery>)/g, '$1<level>$2value <number>"$3'],
  [/(rate reached +)[\d.]+( reports\/s in )[\d.]+ s/g, "$1<rate>$2<seconds>"],
  [/(p50 |p99 )[\d.]+ ms/g, "$1<ms>"],
  [/^(\d)\/3 s .*$/g, "<progress>"],
  [/nats-server \d+\.\d+\.\d+ \(.*\)/g, "<nats-server>"],
];

/** The same text for what is the same but for times, ids and readings. */
export function steady(line: string): string {
  return VARYING.reduce((text, [pattern, word]) => text.replaceAll(pattern, word), line)
    .replace(/ +/g, " ")
    .trimEnd();
}
