import { createServer, type Socket } from "node:net";
import { type Behaviour, HOSTILE } from "./behaviours";

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

export interface HostileOptions {
  /** Acts as soon as somebody connects, without having read anything. */
  readonly atOnce?: boolean;
}

/** An endpoint on loopback that behaves as no endpoint should. */
export async function openHostile(behaviour: keyof typeof HOSTILE | Behaviour, options: HostileOptions = {}): Promise<HostileReceiver> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let sent = 0;
  const act: Behaviour = typeof behaviour === "string" ? HOSTILE[behaviour] : behaviour;
  const server = createServer((socket) => {
    sockets.add(socket);
    const timers: Timer[] = [];
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      sent += socket.bytesWritten;
      for (const timer of timers) clearInterval(timer);
    });
    const begin = () => act(socket, (ms, run) => timers.push(setInterval(run, ms)));
    if (options.atOnce === true) begin();
    socket.once("data", (head) => {
      requests.push(head.toString());
      if (options.atOnce !== true) begin();
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
