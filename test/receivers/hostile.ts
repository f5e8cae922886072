import { createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";

export interface HostileReceiver extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Requests whose head arrived, as text. */
  readonly requests: string[];
  /** Connections that are open. */
  open(): number;
  /** Bytes of answers that it was able to send. */
  sent(): number;
}

/** What it does with a connection once the first bytes of a request are there. `every` runs something until the connection is closed. */
type Behaviour = (socket: Socket, every: (ms: number, act: () => void) => void) => void;

const OK = "HTTP/1.1 200 OK\r\n";
const FLOOD = Buffer.alloc(64 * 1024, "x");
const BOMB_BYTES = 50 * 1024 * 1024;

export const HOSTILE = {
  /** Takes the request and says nothing. */
  hang: () => {},
  /** A head, then a byte of body now and then, for ever. */
  trickle: (socket, every) => {
    socket.write(`${OK}\r\n`);
    every(20, () => socket.write("x"));
  },
  /** A head that never ends. */
  trickleHead: (socket, every) => {
    socket.write(OK);
    every(20, () => socket.write("x-more: 1\r\n"));
  },
  /** A body without end, as fast as it is read. */
  flood: (socket) => {
    const pour = () => {
      while (!socket.destroyed && socket.write(FLOOD));
    };
    socket.on("drain", pour);
    socket.write(`${OK}\r\n`);
    pour();
  },
  /** 48 KiB that unpack to 50 MiB. */
  gzipBomb: (socket) => {
    const bomb = gzipSync(Buffer.alloc(BOMB_BYTES));
    socket.write(`${OK}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`);
    socket.end(bomb);
  },
  /** A head that promises a body, half of it, and a reset. */
  resetMidBody: (socket) => {
    socket.write(`${OK}content-length: 1000\r\n\r\nhalf`, () => setTimeout(() => socket.resetAndDestroy(), 10));
  },
  /** Closes without a word. */
  closeAtOnce: (socket) => socket.end(),
  /** Something else than HTTP. */
  garbage: (socket) => socket.end("220 mail.example ESMTP\r\n\r\n"),
  /** Sends everybody back to itself. */
  redirectLoop: (socket) => {
    socket.end(`HTTP/1.1 307 Temporary Redirect\r\nlocation: /again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
  },
} satisfies Record<string, Behaviour>;

/** An endpoint on loopback that behaves as no endpoint should. */
export async function openHostile(behaviour: keyof typeof HOSTILE): Promise<HostileReceiver> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let sent = 0;
  const act: Behaviour = HOSTILE[behaviour];
  const server = createServer((socket) => {
    sockets.add(socket);
    const timers: Timer[] = [];
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      sent += socket.bytesWritten;
      for (const timer of timers) clearInterval(timer);
    });
    socket.once("data", (head) => {
      requests.push(head.toString());
      act(socket, (ms, run) => timers.push(setInterval(run, ms)));
    });
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", () => listening.resolve());
  await listening.promise;
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    requests,
    open: () => sockets.size,
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}
