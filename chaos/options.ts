import { parseArgs } from "node:util";

export interface ChaosOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Three nats-servers that keep every stream together, instead of one. */
  readonly cluster: boolean;
  readonly nodes: number;
  readonly partitions: number;
}

export const USAGE = `Usage: npm run chaos -- [--rounds N] [--seed S] [--cluster] [--nodes N] [--partitions P] [--json] [--keep FILE]
       npm run chaos -- --judge FILE

Starts a real service (3 nodes, Postgres, nats-server), drives sensors over NATS, MQTT and HTTP, receives webhooks of every kind, and in
each round kills, stops or cuts off something of it, or makes an endpoint fail, or both. Then it waits until nothing is owed any more, and
checks what was promised against what the database, the streams and the receivers hold. Exit code 1 when a promise was broken.

  --rounds N       how often something is done to it (default 10)
  --seed S         which things: the same seed gives the same plan (default: by the clock, and printed)
  --cluster        three nats-servers with every stream on all of them, instead of one
  --nodes N        nodes of the service (default 3)
  --partitions P   P (default 4)
  --json           the last line is one JSON object
  --keep FILE      writes everything that was checked there
  --judge FILE     runs nothing, and checks what was kept once more

Example: npm run chaos -- --rounds 50 --seed 1 --json`;

export interface Chosen {
  readonly options: ChaosOptions;
  readonly json: boolean;
  readonly keep: string | null;
  readonly judged: string | null;
}

/** Throws an `Error` that says which flag is wrong. Null asks for the usage. */
export function readOptions(args: readonly string[]): Chosen | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      cluster: { type: "boolean", default: false },
      nodes: { type: "string", default: "3" },
      partitions: { type: "string", default: "4" },
      json: { type: "boolean", default: false },
      keep: { type: "string" },
      judge: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const options = {
    rounds: wholeNumber("rounds", values.rounds, 0),
    seed: wholeNumber("seed", values.seed, 0),
    cluster: values.cluster,
    nodes: wholeNumber("nodes", values.nodes, 1),
    partitions: wholeNumber("partitions", values.partitions, 1),
  };
  return { options, json: values.json, keep: values.keep ?? null, judged: values.judge ?? null };
}

function wholeNumber(name: string, text: string, min: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min) return value;
  throw new Error(`--${name} ${text}: is not a whole number from ${min} on`);
}
