import { createServer, type Server, type Socket } from "node:net";
import { freePorts } from "../test/servers/freePorts";

/** What ails an endpoint. */
export type Ailment =
  /** Takes the request and says nothing. */
  | { readonly kind: "hang" }
  /** Nobody listens. */
  | { readonly kind: "refuse" }
  /** `retryAfter` in seconds. */
  | { readonly kind: "fail"; readonly status: 500 | 503; readonly retryAfter: number | null }
  /** Within the time that it has, but only just. */
  | { readonly kind: "slow" }
  /** Takes the request, and says so when nobody waits any more. */
  | { readonly kind: "late" }
  /** Breaks off in the middle of an answer. */
  | { readonly kind: "reset" }
  /** An answer without end. */
  | { readonly kind: "flood" }
  /** Says that the message itself is wrong. */
  | { readonly kind: "reject" };

export interface Answer {
  readonly status: number;
  readonly delayMs: number;
}

/** `answered`: the status of the answer that it is given; 0 when it is given none, or not all of one. */
export type OnRequest = (request: { headers: Record<string, string>; body: string }, answered: number) => void;

export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  /** From now on; null for none. Resolves once it is so for whoever connects. */
  ail(ailment: Ailment | null): Promise<void>;
}

export interface EndpointOptions {
  /** What it says while nothing ails it. */
  readonly answer: () => Answer;
  readonly onRequest: OnRequest;
  /** How long it is waited for. */
  readonly timeoutMs: number;
}

const SLOW_SHARE = 0.6;
const LATE_MS = 400;
const REJECTED = 422;
const FLOOD = Buffer.alloc(64 * 1024, "x");

/** An endpoint on loopback, on one port from first to last, that can be made ill in every way that there is. */
export async function openEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const endpoint = new AilingEndpoint(options);
  // While it refuses, nobody else shall get its port.
  await endpoint.listen((await freePorts(1))[0]);
  return endpoint;
}

class AilingEndpoint implements Endpoint {
  #server: Server | null = null;
  #port = 0;
  #ailment: Ailment | null = null;
  readonly #sockets = new Set<Socket>();

  constructor(private readonly options: EndpointOptions) {}

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  async ail(ailment: Ailment | null): Promise<void> {
    this.#ailment = ailment;
    if (ailment?.kind === "refuse") await this.#close();
    else if (this.#server === null) await this.listen(this.#port);
  }

  async listen(port: number): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    const listening = Promise.withResolvers<void>();
    server.once("error", (error) => listening.reject(error));
    server.listen(port, "127.0.0.1", () => listening.resolve());
    await listening.promise;
    this.#server = server;
    this.#port = (server.address() as { port: number }).port;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }

  async #close(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    for (const socket of this.#sockets) socket.destroy();
    await closed.promise;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    let held = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      for (let request = readRequest(held); request !== null; request = readRequest(held)) {
        held = held.subarray(request.bytes);
        this.#take(socket, request);
      }
    });
  }

  #take(socket: Socket, request: Request): void {
    const ailment = this.#ailment;
    const { status, delayMs, headers, act } = this.#actionFor(ailment);
    this.options.onRequest(request, status);
    if (act !== undefined) return act(socket);
    const lines = Object.entries({ ...headers, "content-length": "0" }).map(([name, value]) => `${name}: ${value}\r\n`);
    const answer = () => void (socket.destroyed || socket.write(`HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n`));
    if (delayMs === 0) answer();
    else setTimeout(answer, delayMs);
  }

  #actionFor(ailment: Ailment | null): Action {
    const { timeoutMs } = this.options;
    switch (ailment?.kind) {
      case undefined:
      case "refuse":
        return this.options.answer();
      case "hang":
        return { status: 0, delayMs: 0, act: () => {} };
      case "fail": {
        const { status, retryAfter } = ailment;
        return { status, delayMs: 0, headers: retryAfter === null ? {} : { "retry-after": String(retryAfter) } };
      }
      case "slow":
        return { status: 200, delayMs: timeoutMs * SLOW_SHARE };
      case "late":
        return { status: 200, delayMs: timeoutMs + LATE_MS };
      case "reset":
        return { status: 0, delayMs: 0, act: breakOff };
      case "flood":
        return { status: 200, delayMs: 0, act: flood };
      case "reject":
        return { status: REJECTED, delayMs: 0 };
    }
  }
}

interface Action extends Answer {
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of an answer. */
  readonly act?: (socket: Socket) => void;
}

function breakOff(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"taken":', () => socket.resetAndDestroy());
}

function flood(socket: Socket): void {
  socket.write("HTTP/1.1 200 OK\r\n\r\n");
  const pour = () => {
    while (!socket.destroyed && socket.write(FLOOD));
  };
  socket.on("drain", pour);
  pour();
}

interface Request {
  readonly headers: Record<string, string>;
  readonly body: string;
  /** How long it is as a whole. */
  readonly bytes: number;
}

/** The first request in the bytes that came over a connection; null while it is not complete. */
function readRequest(held: Buffer): Request | null {
  const headEnds = held.indexOf("\r\n\r\n");
  if (headEnds < 0) return null;
  const [, ...lines] = held.subarray(0, headEnds).toString("latin1").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const bodyBegins = headEnds + 4;
  const bytes = bodyBegins + Number(headers["content-length"] ?? 0);
  return held.length < bytes ? null : { headers, body: held.subarray(bodyBegins, bytes).toString(), bytes };
}
