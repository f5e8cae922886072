import { expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { openProxy } from "../../chaos/proxy";
import { freePorts } from "../servers/freePorts";

const QUIET_MS = 150;

/** Answers every piece with the same bytes; `await using` ends it. */
async function openEcho(): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What came back so far, and whether the connection still stands. */
class Client implements Disposable {
  heard = "";
  readonly closed: Promise<void>;
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1" });
    this.#socket.on("error", () => {});
    this.#socket.on("data", (bytes) => {
      this.heard += bytes.toString();
    });
    this.closed = new Promise((resolve) => this.#socket.once("close", () => resolve()));
  }

  say(text: string): void {
    this.#socket.write(text);
  }

  async hears(text: string): Promise<void> {
    while (!this.heard.endsWith(text)) await Bun.sleep(2);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

test("an open link passes bytes both ways, much of it too", async () => {
  await using echo = await openEcho();
  await using proxy = await openProxy(echo.port);
  using client = new Client(proxy.port);
  client.say(`${"x".repeat(5_000_000)}end`);
  await client.hears("end");
  expect(client.heard).toHaveLength(5_000_003);
});

test("a cut link ends what is connected and takes nobody, until it is open again", async () => {
  await using echo = await openEcho();
  await using proxy = await openProxy(echo.port);
  using before = new Client(proxy.port);
  before.say("one");
  await before.hears("one");
  proxy.set("cut");
  await before.closed;
  using during = new Client(proxy.port);
  await during.closed;
  expect(during.heard).toBe("");
  proxy.set("open");
  using after = new Client(proxy.port);
  after.say("two");
  await after.hears("two");
});

test("a held link takes everything and passes nothing; opened, what was said arrives late", async () => {
  await using echo = await openEcho();
  await using proxy = await openProxy(echo.port);
  using old = new Client(proxy.port);
  old.say("one");
  await old.hears("one");
  proxy.set("held");
  using young = new Client(proxy.port);
  old.say("two");
  young.say("three");
  await Bun.sleep(QUIET_MS);
  expect([old.heard, young.heard]).toEqual(["one", ""]);
  proxy.set("open");
  await Promise.all([old.hears("onetwo"), young.hears("three")]);
});

test("a server that is away ends the connection, and is reached again when it is back", async () => {
  const [port] = await freePorts(1);
  await using proxy = await openProxy(port);
  using client = new Client(proxy.port);
  await client.closed;
  expect(client.heard).toBe("");
});
