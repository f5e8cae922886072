import { expect, test } from "bun:test";
import { type SharedWebhooks, shareWebhooks } from "../../src/notifier/sharedWebhooks";
import type { WebhookSet } from "../../src/store/store";

/** A registry whose version a test moves; it counts how often it is read. */
class Registry {
  version = 1;
  reads = 0;
  failure: Error | null = null;
  readonly shared: SharedWebhooks = shareWebhooks({ webhookSet: () => this.#read() });

  async #read(): Promise<WebhookSet> {
    this.reads += 1;
    const { version, failure } = this;
    await Promise.resolve();
    if (failure !== null) throw failure;
    return { version, versions: [] };
  }
}

async function versionsRead(shared: SharedWebhooks, planners: number): Promise<number[]> {
  const read = await Promise.all(Array.from({ length: planners }, () => shared.read()));
  return read.map(({ version }) => version);
}

test("however many planners ask, the webhooks are read once after an edit was told of", async () => {
  const registry = new Registry();
  expect(await versionsRead(registry.shared, 3)).toEqual([1, 1, 1]);
  registry.version = 2;
  for (let planner = 0; planner < 3; planner += 1) registry.shared.forget(1);
  expect(await versionsRead(registry.shared, 3)).toEqual([2, 2, 2]);
  expect(registry.reads).toBe(2);
});

test("planners whose commits were refused read once more, and those that come later find what was read", async () => {
  const registry = new Registry();
  await versionsRead(registry.shared, 3);
  registry.version = 2;
  for (let planner = 0; planner < 3; planner += 1) {
    registry.shared.forget(1);
    expect(await versionsRead(registry.shared, 1)).toEqual([2]);
  }
  expect(registry.reads).toBe(2);
});

test("who asks after an edit is not given what was being read before it", async () => {
  const registry = new Registry();
  const early = registry.shared.read();
  registry.version = 2;
  registry.shared.forget(1);
  expect(await versionsRead(registry.shared, 1)).toEqual([2]);
  expect((await early).version).toBe(1);
});

test("a read that failed is made again", async () => {
  const registry = new Registry();
  registry.failure = new Error("the database is away");
  const why = await registry.shared.read().catch((error: unknown) => error);
  expect(why).toBe(registry.failure);
  registry.failure = null;
  expect(await versionsRead(registry.shared, 1)).toEqual([1]);
});
