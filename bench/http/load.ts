/** Requests over connections that stay, each with one request under way: by hand, so that the generator costs little beside what it measures. */
import { childSettings } from "../child";
import { quantile } from "../figures";
import { saidAt } from "../fleet";

export interface LoadSettings {
  readonly port: number;
  readonly connections: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Whole requests, head and body; taken in turns. `{sensor}` in them is a number below `sensors`, `{turn}` one that never comes twice. */
  readonly requests: readonly string[];
  readonly sensors: number;
  readonly status: number;
}

export interface LoadAnswer {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers with another status than the one that was wanted. */
  readonly wrong: number;
  /** Of this process, in the time that counts: near 1 it was the bottleneck. */
  readonly cpuShare: number;
}

const settings = childSettings<LoadSettings>();
const TURN_DIGITS = "{turn}".length;
const HEAD_END = "\r\n\r\n";

let turn = 0;
let counting = false;
let over = false;
let wrong = 0;
const times: number[] = [];

interface Asker {
  sentAt: number;
  text: string;
}

function nextRequest(): string {
  turn += 1;
  const request = settings.requests[turn % settings.requests.length] as string;
  const named = request.replace("{sensor}", String(turn % settings.sensors)).replace("{turn}", String(turn).padStart(TURN_DIGITS, "0"));
  return saidAt(named, Date.now());
}

/** How long the answer at the beginning of a text is, or null when it is not whole. */
function answerLength(text: string): number | null {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd === -1) return null;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, headEnd))?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${text.slice(0, headEnd)}`);
  const whole = headEnd + HEAD_END.length + Number(length);
  return text.length >= whole ? whole : null;
}

function ask(socket: Bun.Socket<Asker>): void {
  if (over) return void socket.end();
  socket.data.sentAt = performance.now();
  const request = nextRequest();
  if (socket.write(request) !== Buffer.byteLength(request)) throw new Error("a request did not fit the socket's buffer");
}

function take(socket: Bun.Socket<Asker>, chunk: Buffer): void {
  // Latin-1, so that characters are bytes.
  socket.data.text += chunk.toString("latin1");
  const length = answerLength(socket.data.text);
  if (length === null) return;
  if (counting) {
    times.push(performance.now() - socket.data.sentAt);
    if (!socket.data.text.startsWith(`HTTP/1.1 ${settings.status}`)) {
      wrong += 1;
      if (wrong === 1) console.error(socket.data.text.slice(0, 1000));
    }
  }
  socket.data.text = socket.data.text.slice(length);
  ask(socket);
}

const sockets = await Promise.all(
  Array.from({ length: settings.connections }, () =>
    Bun.connect<Asker>({
      hostname: "127.0.0.1",
      port: settings.port,
      data: { sentAt: 0, text: "" },
      socket: {
        data: take,
        close() {
          if (!over) throw new Error("the server closed a connection");
        },
      },
    }),
  ),
);
for (const socket of sockets) ask(socket);
await Bun.sleep(settings.warmUpSeconds * 1000);
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
counting = true;
await Bun.sleep(settings.seconds * 1000);
counting = false;
over = true;
const seconds = (performance.now() - startedAt) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
times.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    perSecond: times.length / seconds,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    wrong,
    cpuShare: (user + system) / 1e6 / seconds,
  } satisfies LoadAnswer),
);
process.exit(0);
