import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePorts } from "../servers/freePorts";
import { readRepoFile, repoFiles, repoRoot } from "../verify/repo";
import { readTour, type Step, steady } from "./script";
import { TourTerminal } from "./terminal";

const TOUR_MS = 480_000;
const NEW_LINES_MS = 60_000;

let folder: string;
beforeAll(() => {
  folder = join(mkdtempSync(join(tmpdir(), "tocsin-tour-")), "tocsin");
  for (const file of repoFiles()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(repoRoot, file), join(folder, file));
  }
});
afterAll(() => rmSync(dirname(folder), { recursive: true, force: true }));

/** The page's ports may be taken here: every place of the page that names one is read with another. */
async function movedPorts(): Promise<{ move: (text: string) => string; moveBack: (text: string) => string; env: Record<string, string> }> {
  const [http, nats, mqtt] = await freePorts(3);
  const [listener] = await freePorts(1);
  const moved: readonly (readonly [string, string])[] = [
    ["8080", `${http}`],
    ["4222", `${nats}`],
    ["1883", `${mqtt}`],
    ["9000", `${listener}`],
  ];
  const replaced = (text: string, [from, to]: readonly [string, string]) => text.replaceAll(new RegExp(`\\b${from}\\b`, "g"), to);
  return {
    move: (text) => moved.reduce(replaced, text),
    moveBack: (text) => moved.map(([from, to]) => [to, from] as const).reduce(replaced, text),
    env: { HTTP_PORT: `${http}`, NATS_PORT: `${nats}`, MQTT_PORT: `${mqtt}` },
  };
}

/** What a bare machine has: Node and npm, and no Bun of ours on the PATH. */
function bareEnvironment(): Record<string, string> {
  const names = ["HOME", "TMPDIR", "XDG_CACHE_HOME", "TOCSIN_TEST_RUN", "NATS_SERVER_BIN"];
  const path = (process.env["PATH"] ?? "").split(":").filter((entry) => !entry.includes("node_modules"));
  const kept = Object.entries(process.env).filter(([name]) => names.includes(name) || /^npm_config_/i.test(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), PATH: path.join(":") };
}

test(
  "README's tour, from a fresh copy on, line by line, shows what README shows",
  async () => {
    const { move, moveBack, env } = await movedPorts();
    const environment = { ...bareEnvironment(), ...env };
    await using stack = new AsyncDisposableStack();
    const terminals = new Map<string, { terminal: TourTerminal; read: number }>();
    const open = (name: string, command?: string) => {
      const opened = { terminal: stack.use(new TourTerminal(folder, environment, command)), read: 0 };
      terminals.set(name, opened);
      return opened;
    };
    const actual: string[] = [];
    for (const { terminal: name, command, shown } of readTour(readRepoFile("README.md"))) {
      const place = terminals.get(name) ?? open(name, name === "third" || command === null ? undefined : move(command));
      if (name === "third" && command !== null) await place.terminal.type(move(command));
      const lines = await newLines(place, name, shown.length);
      actual.push(...(command === null ? [] : [`$ ${command}`]), ...lines.map(moveBack));
      if (process.env["TOUR_RECORD"] !== undefined) console.log([`[${name}] $ ${command ?? ""}`, ...lines.map(moveBack)].join("\n"));
    }
    await terminals.get("listener")?.terminal.interrupt();
    expect(terminals.get("listener")?.terminal.lines.at(-1)).toMatch(/^webhook wh_\w+ is deleted$/);
    await terminals.get("start")?.terminal.interrupt();
    expect(terminals.get("start")?.terminal.lines.at(-1)).toBe("stopped");
    expect(inAnyOrder(actual)).toEqual(inAnyOrder(expectedLines(readTour(readRepoFile("README.md")))));
  },
  TOUR_MS,
);

function expectedLines(steps: readonly Step[]): string[] {
  return steps.flatMap(({ command, shown }) => [...(command === null ? [] : [`$ ${command}`]), ...shown]);
}

/** Sensors have no order among each other, a machine may lack a thermometer, and a busy one shows progress less often. */
function inAnyOrder(lines: readonly string[]): string[] {
  return lines
    .map(steady)
    .filter((line) => !line.includes("-temperature") && line !== "<progress>")
    .sort();
}

/** What the terminal shows beyond what was read before: as many lines as the page has, and whatever else has come by then. */
async function newLines(place: { terminal: TourTerminal; read: number }, name: string, count: number): Promise<string[]> {
  const last = name === "start" ? "Ctrl-C stops it." : null;
  const deadline = performance.now() + (name === "start" ? TOUR_MS : NEW_LINES_MS);
  const isComplete = (lines: readonly string[]) => (last === null ? lines.length - place.read >= count : lines.includes(last));
  await place.terminal.shows(() => isComplete(place.terminal.lines) || performance.now() > deadline, "its lines");
  const lines = place.terminal.lines.slice(place.read);
  place.read += lines.length;
  // Before it, npm and Bun say what they install.
  return name === "start" ? lines.slice(lines.findIndex((line) => line.startsWith("nats-server"))) : lines;
}
