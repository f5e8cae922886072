import { connect } from "@nats-io/transport-node";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitUntilReady } from "../../src/jetstream/embedded/ready";
import { until } from "../until";
import { freePorts } from "./freePorts";
import { testNatsBinary } from "./natsServer";

const READY_MS = 30_000;

/** A broker as somebody has it who never heard of us: JetStream and MQTT, and nothing of ours in its configuration. */
export interface PlainNats extends AsyncDisposable {
  readonly url: string;
  /** Starts it again with these lines in its configuration, instead of those that it was given before. `login`: whom they let in. */
  configure(lines: string, login?: Login): Promise<void>;
}

export interface Login {
  readonly user: string;
  readonly pass: string;
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
  const start = async (login?: Login) => {
    const child = Bun.spawn([binary, "-c", conf], { stdio: ["ignore", "ignore", "ignore"] });
    const given = new AbortController();
    void child.exited.then((code) => given.abort(new Error(`nats-server ended with ${code}`)));
    const timer = setTimeout(() => given.abort(new Error(`nats-server does not answer after ${READY_MS} ms`)), READY_MS);
    const ready =
      login === undefined ? waitUntilReady({ host: "127.0.0.1", port, mqttPort }, given.signal) : until(() => letsIn(port, login));
    await ready.finally(() => clearTimeout(timer));
    return child;
  };
  let child = await start();
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    async configure(lines, login) {
      await end();
      write(lines);
      child = await start(login);
    },
    async [Symbol.asyncDispose]() {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function letsIn(port: number, login: Login): Promise<boolean> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, reconnect: false, ...login }).catch(() => null);
  await connection?.close();
  return connection !== null;
}
