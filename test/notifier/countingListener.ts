import { once } from "node:events";
import { createServer, type Socket } from "node:net";

export interface CountingListener extends AsyncDisposable {
  readonly port: number;
  /** Of each connection that was ever made, the bytes that came first. */
  readonly connections: Buffer[];
}

export interface ListenOptions {
  readonly hostname?: string;
  /** 0: any that is free. */
  readonly port?: number;
  /** Said once something has come; then the connection is closed. */
  readonly says?: string;
}

/** Something on loopback that counts who connects. */
export async function openCountingListener(options: ListenOptions = {}): Promise<CountingListener> {
  const { hostname = "127.0.0.1", port = 0, says = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n" } = options;
  const connections: Buffer[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const index = connections.push(Buffer.alloc(0)) - 1;
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
    socket.once("data", (bytes: Buffer) => {
      connections[index] = bytes;
      socket.end(says);
    });
  });
  server.listen(port, hostname);
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    connections,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
