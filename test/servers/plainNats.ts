import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitUntilReady } from "../../src/jetstream/embedded/ready";
import { freePorts } from "./freePorts";
import { testNatsBinary } from "./natsServer";

const READY_MS = 30_000;

/** A broker as somebody has it who never heard of us: JetStream and MQTT, and nothing of ours in its configuration. */
export interface PlainNats extends AsyncDisposable {
  readonly url: string;
  /** Starts it again with these lines in its configuration, instead of those that it was given before. */
  configure(lines: string): Promise<void>;
}

export async function startPlainNats(): Promise<PlainNats> {
  const binary = await testNatsBinary();
  const folder = mkdtempSync(join(tmpdir(), "tocsin-plain-nats-"));
  const [port, mqttPort] = await freePorts(2);
  const conf = join(folder, "nats.conf");
  const own = [
    "host: 127.0.0.1",
    `port: ${port}`,
    "server_name: plain",
    `jetstream { store_dir: "${folder}" }`,
    `mqtt { host: 127.0.0.1, port: ${mqttPort} }`,
  ];
  const write = (lines: string) => writeFileSync(conf, [...own, lines, ""].join("\n"));
  write("");
  const start = async () => {
    const child = Bun.spawn([binary, "-c", conf], { stdio: ["ignore", "ignore", "ignore"] });
    const given = new AbortController();
    void child.exited.then((code) => given.abort(new Error(`nats-server ended with ${code}`)));
    const timer = setTimeout(() => given.abort(new Error(`nats-server does not answer after ${READY_MS} ms`)), READY_MS);
    await waitUntilReady({ host: "127.0.0.1", port, mqttPort }, given.signal).finally(() => clearTimeout(timer));
    return child;
  };
  let child = await start();
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    async configure(lines) {
      await end();
      write(lines);
      child = await start();
    },
    async [Symbol.asyncDispose]() {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
