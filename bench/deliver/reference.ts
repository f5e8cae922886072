/** Signs and posts the bodies of a log's changes, each to its endpoint, and keeps nothing of it. */
import { createHmac, randomBytes } from "node:crypto";
import { changeBody, type ChangeData } from "../../src/domain/change";
import { openStore } from "../../src/store/open";
import { childSettings } from "../child";
import type { PostAnswer, PostSettings } from "../deliver";

const READ_AT_ONCE_MAX = 5000;

interface Outgoing {
  readonly id: string;
  readonly url: string;
  readonly body: string;
}

const { store: config, partitions, urls, concurrency, warmUp } = childSettings<PostSettings>();
const outgoing = await read();
const key = randomBytes(32);
let next = 0;
let started: { readonly at: number; readonly cpu: NodeJS.CpuUsage } | null = null;

async function post({ id, url, body }: Outgoing): Promise<void> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
  const response = await fetch(url, { method: "POST", headers, body });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}

async function postNext(): Promise<void> {
  for (let one = outgoing[next]; one !== undefined; one = outgoing[next]) {
    next += 1;
    if (next > warmUp) started ??= { at: performance.now(), cpu: process.cpuUsage() };
    await post(one);
  }
}

await Promise.all(Array.from({ length: concurrency }, postNext));
if (started === null) throw new Error("nothing was timed");
const { at, cpu } = started as { at: number; cpu: NodeJS.CpuUsage };
const { user, system } = process.cpuUsage(cpu);
const timed = outgoing.length - warmUp;
const answer: PostAnswer = { perSecond: timed / ((performance.now() - at) / 1000), cpuMicros: (user + system) / timed };
console.log(JSON.stringify(answer));
process.exit(0);

/** As the node found them: partition by partition in turns. */
async function read(): Promise<Outgoing[]> {
  const store = await openStore(config);
  const byPartition: Outgoing[][] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const own: Outgoing[] = [];
    byPartition.push(own);
    for (let number = 0; ;) {
      const changes = await store.changesAfter(partition, number, READ_AT_ONCE_MAX);
      for (const change of changes) {
        const { changeId, sensor } = JSON.parse(change.data) as ChangeData;
        const url = urls[Number(sensor.labels["endpoint"])] as string;
        own.push({ id: changeId, url, body: changeBody(change.kind, change.occurredAt, change.data) });
        number = change.number;
      }
      if (changes.length < READ_AT_ONCE_MAX) break;
    }
  }
  await store.close();
  const longest = Math.max(...byPartition.map(({ length }) => length));
  return Array.from({ length: longest }, (_, place) => byPartition.flatMap((own) => own[place] ?? [])).flat();
}
