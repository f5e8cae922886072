import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";

/** A request as it came over one of the connections. */
export interface Kept {
  /** Counted from 1, as is the request's place on it. */
  readonly connection: number;
  readonly nth: number;
  readonly id: string;
  readonly host: string;
  /** The name that the connection was opened for, and the client's own by its certificate; null for none. */
  readonly serverName: string | null;
  readonly client: string | null;
}

export interface KeepingReceiver extends AsyncDisposable {
  readonly port: number;
  readonly requests: Kept[];
  /** Connections that are open, and all that ever were. */
  open(): number;
  connections(): number;
}

export interface KeepingOptions {
  /** Bytes of the answer, or what is done to the connection instead. A 204 unless told otherwise. */
  readonly answer?: (request: Kept) => string | ((socket: Socket) => void);
  /** The certificate and so on; plain HTTP without it. */
  readonly tls?: TlsOptions;
  readonly afterMs?: number;
}

const TAKEN = "HTTP/1.1 204 No Content\r\n\r\n";

/** An endpoint on loopback, at all of its addresses, that keeps connections open and tells which request came over which. */
export async function openKeeping({ answer = () => TAKEN, tls, afterMs = 0 }: KeepingOptions = {}): Promise<KeepingReceiver> {
  const sockets = new Set<Socket>();
  const requests: Kept[] = [];
  let connections = 0;
  const onSocket = (socket: Socket) => {
    sockets.add(socket);
    const connection = (connections += 1);
    let nth = 0;
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes) => {
      const request = readRequest(bytes.toString(), socket, { connection, nth: (nth += 1) });
      requests.push(request);
      const given = answer(request);
      const act = () => (typeof given === "string" ? void socket.write(given) : given(socket));
      if (afterMs === 0) act();
      else setTimeout(act, afterMs);
    });
  };
  const server = tls === undefined ? createServer(onSocket) : createTlsServer(tls, onSocket);
  server.on("tlsClientError", () => {});
  const listening = Promise.withResolvers<void>();
  server.listen(0, "0.0.0.0", () => listening.resolve());
  await listening.promise;
  return {
    port: (server.address() as { port: number }).port,
    requests,
    open: () => sockets.size,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

function readRequest(text: string, socket: Socket, place: Pick<Kept, "connection" | "nth">): Kept {
  const header = (name: string) => new RegExp(`^${name}: (.*)\r$`, "im").exec(text)?.[1] ?? "";
  const { servername, getPeerCertificate } = socket as Partial<TLSSocket>;
  const client = getPeerCertificate?.call(socket as TLSSocket).subject?.CN;
  return {
    ...place,
    id: header("webhook-id"),
    host: header("host"),
    serverName: typeof servername === "string" ? servername : null,
    client: typeof client === "string" ? client : null,
  };
}
