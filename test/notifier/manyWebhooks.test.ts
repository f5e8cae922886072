import { expect, test } from "bun:test";
import type { Store } from "../../src/store/store";
import { openReceiver } from "../receivers/receiver";
import { Scene } from "./scene";
import { until } from "../until";

const WEBHOOKS = 500;
const TEST_MS = 60_000;

/** The store, and how often each of its verbs was asked. */
function counted(store: Store): { store: Store; calls: Map<string, number> } {
  const calls = new Map<string, number>();
  const counting = new Proxy(store, {
    get(target, name: keyof Store) {
      const verb = target[name];
      if (typeof verb !== "function") return verb;
      return (...args: unknown[]) => {
        calls.set(name, (calls.get(name) ?? 0) + 1);
        return (verb as (...given: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  return { store: counting, calls };
}

test(
  "what many webhooks wait with costs no reading while it waits, and webhooks are read together",
  async () => {
    await using scene = await Scene.open();
    const answer = Promise.withResolvers<void>();
    await using receiver = openReceiver(() => ({ status: 204, after: answer.promise }));
    // None of the attempts that are held may end meanwhile, however slow the machine.
    const settings = { timeoutSeconds: 60 };
    for (let count = 0; count < WEBHOOKS; count += 1) await scene.addWebhook(receiver.url, { settings });
    const { store, calls } = counted(scene.store);
    await scene.start({ store });
    // Whoever begins reads what was due before.
    await until(() => (calls.get("nextDue") ?? 0) > 0, "it does not look");
    await scene.change(["a"]);
    await until(() => receiver.arrivals.length > 100, "nothing arrived");
    const looks = calls.get("nextDue") ?? 0;
    await until(() => (calls.get("nextDue") ?? 0) >= looks + 2, "it does not look");
    answer.resolve();
    await scene.settled();
    expect(receiver.arrivals.length).toBe(WEBHOOKS);
    expect(calls.get("dueHeads") ?? 0).toBeLessThan(WEBHOOKS / 10);
    expect(calls.get("webhooksById") ?? 0).toBeLessThan(WEBHOOKS / 2);
  },
  TEST_MS,
);
