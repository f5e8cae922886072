import { connect, type Socket } from "node:net";

/** Somebody who asks, and reads on only when told to. */
export class SlowReader implements Disposable {
  #text = "";
  readonly #ended = Promise.withResolvers<"whole" | "cut">();

  private constructor(private readonly socket: Socket) {
    socket.on("data", (data: Buffer) => {
      this.#text += data.toString("latin1");
    });
    // A chunked answer ends by a chunk of nothing.
    socket.on("close", () => this.#ended.resolve(this.#text.endsWith("\r\n0\r\n\r\n") ? "whole" : "cut"));
    socket.on("error", () => {});
  }

  /** Takes nothing after the beginning of the answer until {@link readOn}. */
  static async open(url: string, path: string, token: string): Promise<SlowReader> {
    const { hostname, port, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    const reader = new SlowReader(socket);
    const begun = new Promise<void>((resolve) => socket.once("data", () => resolve()));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`);
    await begun;
    socket.pause();
    return reader;
  }

  get status(): number {
    return Number(this.#text.split(" ")[1]);
  }

  /** As it came, head and chunks. */
  get text(): string {
    return this.#text;
  }

  /** Resolves at the end with how it ended. */
  readOn(): Promise<"whole" | "cut"> {
    this.socket.resume();
    return this.#ended.promise;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
