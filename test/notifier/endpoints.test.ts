import { expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import type { Webhook } from "../../src/domain/webhook";
import { createEndpoints } from "../../src/notifier/endpoints";
import { until } from "../until";
import { Scene } from "./scene";

/** Endpoints over a real store, with the ids of each reading. */
async function counted(scene: Scene) {
  const readings: (readonly string[])[] = [];
  let away = false;
  const webhooksById: typeof scene.store.webhooksById = async (ids) => {
    readings.push(ids);
    if (away) throw new Fault("unavailable", "the store is away");
    return scene.store.webhooksById(ids);
  };
  return { endpoints: createEndpoints({ webhooksById }), readings, setAway: (value: boolean) => (away = value) };
}

test("all who ask at once are answered by one reading, also for webhooks that are not there", async () => {
  await using scene = await Scene.open();
  const hooks: Webhook[] = [];
  for (let count = 0; count < 5; count += 1) hooks.push(await scene.addWebhook("http://127.0.0.1:1/"));
  const { endpoints, readings } = await counted(scene);
  const ids = [...hooks.map(({ id }) => id), "gone", hooks[0]?.id as string];
  const found = await Promise.all(ids.map((id) => endpoints.get(id)));
  expect(found).toEqual([...hooks, null, hooks[0] ?? null]);
  expect(readings.map((each) => each.length)).toEqual([6]);
  for (const { id } of hooks) expect(endpoints.known(id)?.id).toBe(id);
  expect(endpoints.known("gone")).toBeNull();
  expect(readings).toHaveLength(1);
});

test("what is known goes on while it is read anew, and an edit by another node is seen", async () => {
  await using scene = await Scene.open();
  const { id } = await scene.addWebhook("http://127.0.0.1:1/");
  const { endpoints } = await counted(scene);
  await endpoints.get(id);
  await scene.store.updateWebhook(id, { description: "edited" }, null);
  await until(() => {
    const known = endpoints.known(id);
    if (known === undefined) throw new Error("it was forgotten meanwhile");
    return known?.description === "edited";
  }, "the edit is not seen");
});

test("what was read before an edit here is not taken for what holds after it", async () => {
  await using scene = await Scene.open();
  const { id } = await scene.addWebhook("http://127.0.0.1:1/");
  const { endpoints } = await counted(scene);
  const asked = endpoints.get(id);
  await scene.store.updateWebhook(id, { description: "edited" }, null);
  endpoints.forget();
  expect((await asked)?.description).toBe("edited");
});

test("whoever asks while the store is away is told, and asks again with success", async () => {
  await using scene = await Scene.open();
  const { id } = await scene.addWebhook("http://127.0.0.1:1/");
  const { endpoints, setAway } = await counted(scene);
  setAway(true);
  await expect(endpoints.get(id)).rejects.toMatchObject({ kind: "unavailable" });
  setAway(false);
  expect((await endpoints.get(id))?.id).toBe(id);
});
