/** Reports by the thousand in one request, a line each, over a few connections. */
import { childSettings } from "../child";
import { quantile } from "../figures";
import { reportText, saidAt, SENT_LATER } from "../fleet";

export interface BulkSettings {
  readonly port: number;
  readonly token: string;
  readonly connections: number;
  readonly items: number;
  readonly sensors: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface BulkAnswer {
  /** Reports that the broker acknowledged. */
  readonly perSecond: number;
  readonly requestP50Ms: number;
  readonly refused: number;
  readonly cpuShare: number;
}

const settings = childSettings<BulkSettings>();
const BODIES = 20;
const TURN_DIGITS = "{turn}".length;
const DEADLINE_MS = 60_000;

let made = 0;

function body(): string {
  const lines = Array.from({ length: settings.items }, () => {
    made += 1;
    const sensor = `sensor-${made % settings.sensors}`;
    const report = reportText({ status: made % 20 === 0 ? "overheated" : "ok", value: 20.5, at: SENT_LATER, id: `m-{turn}-${made}` });
    return `{"sensorId":"${sensor}",${report.slice(1)}`;
  });
  return `${lines.join("\n")}\n`;
}

// Made beforehand: the generator should cost little. No report comes twice.
const bodies = Array.from({ length: BODIES }, body);
const url = `http://127.0.0.1:${settings.port}/v1/reports`;
const headers = { authorization: `Bearer ${settings.token}`, "content-type": "application/x-ndjson", prefer: "return=minimal" };
const times: number[] = [];
let accepted = 0;
let refused = 0;
let counting = false;
let over = false;
let next = 0;

async function post(): Promise<void> {
  while (!over) {
    next += 1;
    const startedAt = performance.now();
    const counted = counting;
    const answer = await fetch(url, {
      method: "POST",
      headers,
      body: saidAt((bodies[next % BODIES] as string).replaceAll("{turn}", String(next).padStart(TURN_DIGITS, "0")), Date.now()),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const last = (await answer.text()).trim().split("\n").at(-1) ?? "";
    if (answer.status !== 202) throw new Error(`${answer.status}: ${last}`);
    const { accepted: taken, refused: left } = JSON.parse(last) as { accepted: number; refused: number };
    // Of the requests at both ends one counts.
    if (!counted) continue;
    times.push(performance.now() - startedAt);
    accepted += taken;
    refused += left;
  }
}

const posting = Promise.all(Array.from({ length: settings.connections }, post));
await Bun.sleep(settings.warmUpSeconds * 1000);
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
counting = true;
await Bun.sleep(settings.seconds * 1000);
over = true;
await posting;
const seconds = (performance.now() - startedAt) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
times.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    perSecond: accepted / seconds,
    requestP50Ms: quantile(times, 0.5),
    refused,
    cpuShare: (user + system) / 1e6 / seconds,
  } satisfies BulkAnswer),
);
process.exit(0);
