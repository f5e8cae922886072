import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { partitionOf } from "../../src/domain/sensor";
import { type NatsLink, openNats } from "../../src/jetstream/connection";
import { keepTopology } from "../../src/jetstream/keepTopology";
import type { ReportReader, StreamMessage } from "../../src/jetstream/ports";
import { createSensorPublisher } from "../../src/jetstream/publishReports";
import { openReader } from "../../src/jetstream/reader";
import { ensureTopology, wantedStreams } from "../../src/jetstream/topology";

import { type NatsCluster, startNatsCluster } from "../servers/natsCluster";
import { again, cursorAt, payloads, take } from "./linked";

const PARTITIONS = 2;
const encoder = new TextEncoder();

let cluster: NatsCluster;
let link: NatsLink;
beforeAll(async () => {
  cluster = await startNatsCluster({ partitions: PARTITIONS });
  link = await openNats({ urls: cluster.urls, name: "test" });
});
afterAll(async () => {
  await link.close();
  await cluster[Symbol.asyncDispose]();
});

describe("in a cluster of three servers", () => {
  test("ten nodes that start at once all come up, and every stream is kept on all three servers, by nobody's choice", async () => {
    const options = { partitions: PARTITIONS, replicas: null, patient: true, say: () => {}, failed: () => {} };
    const nodes = await Promise.all(Array.from({ length: 10 }, () => openNats({ urls: cluster.urls, name: "test" })));
    await Promise.all(nodes.map((node) => keepTopology(node, options)));
    await Promise.all(nodes.map((node) => node.close()));
    for (const { name } of wantedStreams(PARTITIONS, 3)) {
      const { config, cluster: placed } = await again(() => link.api.streams.info(name));
      // While nobody leads, all of them stand among the others.
      const servers = new Set([placed?.leader ?? "", ...(placed?.replicas ?? []).map((replica) => replica.name)]);
      servers.delete("");
      expect([name, config.num_replicas, servers.size]).toEqual([name, 3, 3]);
    }
  });

  test("whoever chooses a number of copies gets it, and a later choice holds for what is there", async () => {
    const copies = async () => (await again(() => link.api.streams.info("STRAYS"))).config.num_replicas;
    await again(() => ensureTopology(link, PARTITIONS, 1));
    expect(await copies()).toBe(1);
    await again(() => ensureTopology(link, PARTITIONS));
    expect(await copies()).toBe(3);
  });

  test("kill -9 of the server that leads a partition loses nothing acknowledged, and publishing and reading go on", async () => {
    const stream = `REPORTS_${PARTITIONS}_0`;
    const publisher = createSensorPublisher(link);
    const before = (await again(() => link.api.streams.info(stream))).state.last_seq;
    const acknowledged: { sequence: number; said: string }[] = [];
    const say = async (said: string) => {
      const ack = await publisher.publish(sensorOf(0), encoder.encode(said));
      expect(ack.stream).toBe(stream);
      acknowledged.push({ sequence: ack.sequence, said });
    };
    for (let round = 0; round < 50; round += 1) await again(() => say(`before-${round}`));
    const [first] = await again(async () => {
      const reader = await openReader(link, stream, { cursor: 0, cursorTimeNs: null });
      return takeAndStop(reader, 1);
    });
    const dead = await again(() => leaderOf(stream));
    const dying = cluster.kill(dead);
    for (let round = 0; round < 50; round += 1) await again(() => say(`after-${round}`));
    await dying;

    const read = await again(async () => {
      const anew = await openReader(link, stream, cursorAt(first));
      expect(anew.start).toEqual({ kind: "continued" });
      // What was tried again may stand twice: it was never acknowledged the first time.
      const { state } = await link.api.streams.info(stream);
      const messages = await takeAndStop(anew, state.last_seq - 1);
      expect(messages.length).toBeGreaterThanOrEqual(before + acknowledged.length - 1);
      return messages;
    });
    const bySequence = new Map(read.map((message) => [message.sequence, payloads([message])[0]]));
    for (const { sequence, said } of acknowledged.slice(1)) expect([sequence, bySequence.get(sequence)]).toEqual([sequence, said]);
    await cluster.start(dead);
  });
});

async function takeAndStop(reader: Pick<ReportReader, "next" | "stop">, count: number): Promise<StreamMessage[]> {
  try {
    return await take(reader, count);
  } finally {
    await reader.stop();
  }
}

/** An id of this partition. */
function sensorOf(partition: number): string {
  for (let number = 0; ; number += 1) if (partitionOf(`sensor-${number}`, PARTITIONS) === partition) return `sensor-${number}`;
}

async function leaderOf(stream: string): Promise<number> {
  const { cluster: placed } = await link.api.streams.info(stream);
  return Number(/^server-(\d)$/.exec(placed?.leader ?? "")?.[1]);
}
