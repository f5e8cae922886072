import { createConnection, createServer, type Server, type Socket } from "node:net";

/**
 * `open`: bytes pass. `cut`: connections are reset, and new ones too. `held`: a black hole; everything is accepted and nothing passes until
 * it is open again, when it arrives late.
 */
export type LinkState = "open" | "cut" | "held";

/** A TCP connection's way to one server, which can be broken. */
export interface Proxy extends AsyncDisposable {
  /** On loopback. */
  readonly port: number;
  set(state: LinkState): void;
}

export async function openProxy(targetPort: number): Promise<Proxy> {
  const proxy = new ListeningProxy(targetPort);
  await proxy.listen();
  return proxy;
}

class ListeningProxy implements Proxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #state: LinkState = "open";

  constructor(private readonly targetPort: number) {
    this.#server = createServer({ pauseOnConnect: true }, (client) => this.#accept(client));
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
  }

  set(state: LinkState): void {
    this.#state = state;
    for (const pair of this.#pairs) pair.set(state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.set("cut");
    await closed;
  }

  #accept(client: Socket): void {
    const pair = new Pair(client, this.targetPort, () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
    pair.set(this.#state);
  }
}

/** A client's connection and, once bytes may pass, ours to the server. */
class Pair {
  #server: Socket | null = null;
  #held = false;
  #ended = false;

  constructor(
    private readonly client: Socket,
    private readonly targetPort: number,
    private readonly onEnd: () => void,
  ) {
    this.#watch(client);
  }

  set(state: LinkState): void {
    this.#held = state === "held";
    if (state === "cut") return this.#end();
    const server = state === "open" ? this.#dialled() : this.#server;
    for (const socket of [this.client, server]) {
      if (this.#held) socket?.pause();
      else socket?.resume();
    }
  }

  #dialled(): Socket {
    if (this.#server !== null) return this.#server;
    const server = createConnection({ port: this.targetPort, host: "127.0.0.1" });
    this.#server = server;
    this.#watch(server);
    this.#pass(this.client, server);
    this.#pass(server, this.client);
    return server;
  }

  #pass(from: Socket, to: Socket): void {
    from.on("data", (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on("drain", () => {
      if (!this.#held) from.resume();
    });
    from.on("end", () => to.end());
  }

  #watch(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on("error", () => this.#end());
    socket.on("close", () => this.#end());
  }

  /** What is on its way is lost, as when a machine goes. */
  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.client.resetAndDestroy();
    this.#server?.resetAndDestroy();
    this.onEnd();
  }
}
