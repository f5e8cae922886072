/** Endpoints on loopback that count what they are sent. They verify nothing: what a receiver does is not what is measured. */
export class Receivers {
  readonly #ports: readonly number[];
  #servers: Bun.Server<undefined>[];
  readonly #ids = new Set<string>();
  #requests = 0;
  #hanging = 0;
  #healed = Promise.withResolvers<void>();

  constructor(
    count: number,
    /** Told of every request that is answered at once. */
    private readonly onBody: (body: string) => void = () => {},
  ) {
    this.#servers = Array.from({ length: count }, (_, index) => this.#serve(index, 0));
    this.#ports = this.#servers.map(({ port }) => port as number);
  }

  get urls(): string[] {
    return this.#ports.map((port) => `http://127.0.0.1:${port}/`);
  }

  /** Requests, and the different deliveries among them. */
  counts(): { requests: number; deliveries: number } {
    return { requests: this.#requests, deliveries: this.#ids.size };
  }

  /** The first ones take a connection and the whole request, and never answer. */
  hang(count: number): void {
    this.#hanging = count;
  }

  /** All answer again, what has hung so far, too. */
  heal(): void {
    this.#hanging = 0;
    this.#healed.resolve();
    this.#healed = Promise.withResolvers();
  }

  /** Connections are refused until `up`. */
  async down(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop(true)));
  }

  up(): void {
    this.#servers = this.#ports.map((port, index) => this.#serve(index, port));
  }

  #serve(index: number, port: number): Bun.Server<undefined> {
    return Bun.serve({
      hostname: "127.0.0.1",
      port,
      // A request that hangs is not ended by us.
      idleTimeout: 0,
      fetch: async (request) => {
        const body = await request.text();
        this.#requests += 1;
        if (index < this.#hanging) await this.#healed.promise;
        else this.onBody(body);
        this.#ids.add(request.headers.get("webhook-id") ?? "");
        return new Response(null, { status: 204 });
      },
    });
  }
}
