import { jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNats } from "@nats-io/transport-node";
import { connect as connectTcp } from "node:net";
import { addressOf } from "../../addresses";

const TRY_MS = 2_000;
const BETWEEN_TRIES_MS = 20;

export interface Listeners {
  /** Address to dial. */
  readonly host: string;
  readonly port: number;
  readonly mqttPort: number;
}

/** Resolves once JetStream answers a request and the MQTT port accepts; rejects only when `signal` aborts, with its reason. */
export async function waitUntilReady(listeners: Listeners, signal: AbortSignal): Promise<void> {
  while (!(await answersJetStream(listeners)) || !(await accepts(listeners.host, listeners.mqttPort))) {
    signal.throwIfAborted();
    await Bun.sleep(BETWEEN_TRIES_MS);
  }
}

async function answersJetStream({ host, port }: Listeners): Promise<boolean> {
  if (!(await accepts(host, port))) return false;
  try {
    const connection = await connectNats({ servers: addressOf(host, port), reconnect: false, timeout: TRY_MS });
    try {
      // Asks for the account's JetStream information, which is answered only once the store has been read.
      await jetstreamManager(connection, { timeout: TRY_MS });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port, timeout: TRY_MS });
    const answer = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => answer(true));
    socket.once("timeout", () => answer(false));
    socket.once("error", () => answer(false));
  });
}
