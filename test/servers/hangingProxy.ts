import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";

/** A way to a server on which everything can come to a stop without a word, as when a machine or a network is gone. */
export interface HangingProxy extends AsyncDisposable {
  readonly port: number;
  /** Nothing passes any more, new connections are taken and hear nothing. */
  hang(): void;
  /** All passes again that was held up. */
  goOn(): void;
}

/** Forwards loopback connections to `port`. */
export async function startHangingProxy(port: number): Promise<HangingProxy> {
  const sockets = new Set<Socket>();
  let hanging = false;
  const server = createServer({ pauseOnConnect: true }, (inward) => {
    const outward = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [inward, outward],
      [outward, inward],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk) => void to.write(chunk));
      from.on("end", () => void to.end());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on("error", () => {
        // `close` follows.
      });
      if (hanging) from.pause();
      else from.resume();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    hang() {
      hanging = true;
      for (const socket of sockets) socket.pause();
    },
    goOn() {
      hanging = false;
      for (const socket of sockets) socket.resume();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
