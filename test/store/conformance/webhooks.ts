import { expect } from "bun:test";
import { SETTINGS_DEFAULT, WEBHOOKS_MAX } from "../../../src/domain/webhook";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, Planner, refused, threeOwed } from "./planner";
import { addWebhook, allPages, FAR, FIRST_PAGE } from "./samples";
import { turnsDuring } from "../../turns";

export const webhookPromises: readonly Promises[] = [
  promises("a webhook", {
    "is registered with what it was given, active from the start": async (store, opened) => {
      const given = {
        id: "wh_1",
        url: "https://receiver.example/ü?x=1",
        filter: { sensorIds: ["a"], labels: { site: "north" }, kinds: ["status"], to: ["open"], minSeverity: "warning", initial: true },
        description: "Bereitschaft \u{1F514}",
        concurrency: 7,
        settings: { ...SETTINGS_DEFAULT, ratePerSecond: 2.5, batch: { maxItems: 3, maxWaitMs: 7 }, retrySchedule: [1, 2] },
        credentials: "sealed",
      } as const;
      const created = await store.createWebhook(given);
      expect(created).toMatchObject({
        ...given,
        state: "active",
        stateReason: null,
        version: 1,
        lastSuccessAt: null,
        failingSince: null,
      });
      expect(created.updatedAt).toBe(created.createdAt);
      const reopened = await opened.reopen();
      expect(await reopened.getWebhook("wh_1")).toEqual(created);
      expect(await reopened.webhookById("wh_1")).toEqual(created);
      expect(await reopened.webhooksById(["wh_0", "wh_1", "wh_1"])).toEqual([created]);
      expect(await reopened.getWebhook("wh_2")).toBeNull();
    },

    "is there once, and its id is not given again": async (store) => {
      await addWebhook(store, "w");
      await expect(addWebhook(store, "w")).rejects.toMatchObject({ kind: "conflict" });
      await store.deleteWebhook("w", null);
      await expect(addWebhook(store, "w")).rejects.toMatchObject({ kind: "conflict" });
      expect((await store.listWebhooks(FIRST_PAGE)).items).toEqual([]);
    },

    "keeps what an edit does not name": async (store) => {
      const created = await addWebhook(store, "w", { filter: { to: ["open"] }, description: "first" });
      const edited = await store.updateWebhook("w", { description: "" }, 1);
      expect(edited).toEqual({ ...created, description: "", version: 2, updatedAt: edited.updatedAt });
      const again = await store.updateWebhook("w", { url: "https://other.example/", filter: {}, concurrency: 1 }, null);
      expect(again).toEqual({
        ...edited,
        url: "https://other.example/",
        filter: {},
        concurrency: 1,
        version: 3,
        updatedAt: again.updatedAt,
      });
      expect(await store.getWebhook("w")).toEqual(again);
    },

    "is edited and deleted only at the version that was named, and not at all when it is not there": async (store) => {
      await addWebhook(store, "w");
      await store.updateWebhook("w", { concurrency: 2 }, 1);
      await expect(store.updateWebhook("w", { concurrency: 3 }, 1)).rejects.toMatchObject({ kind: "preconditionFailed" });
      await expect(store.deleteWebhook("w", 1)).rejects.toMatchObject({ kind: "preconditionFailed" });
      expect(await store.getWebhook("w")).toMatchObject({ concurrency: 2, version: 2 });
      await store.deleteWebhook("w", 2);
      for (const version of [null, 2]) {
        await expect(store.updateWebhook("w", {}, version)).rejects.toMatchObject({ kind: "notFound" });
        await expect(store.deleteWebhook("w", version)).rejects.toMatchObject({ kind: "notFound" });
      }
    },

    "carries the reason of its state as long as it is in it": async (store) => {
      await addWebhook(store, "w");
      expect(await store.updateWebhook("w", { state: "disabled", stateReason: "410 Gone" }, null)).toMatchObject({
        state: "disabled",
        stateReason: "410 Gone",
      });
      expect(await store.updateWebhook("w", { concurrency: 2 }, null)).toMatchObject({ state: "disabled", stateReason: "410 Gone" });
      expect(await store.updateWebhook("w", { state: "active" }, null)).toMatchObject({ state: "active", stateReason: null });
      expect(await store.updateWebhook("w", { state: "paused", stateReason: "by hand" }, null)).toMatchObject({ stateReason: "by hand" });
      expect(await store.updateWebhook("w", { stateReason: null }, null)).toMatchObject({ state: "paused", stateReason: null });
    },

    "has all its waiting heads due at once when its address is another, or it is active again; no other edit moves them": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "a", "b", "c"]), ["w", "x"]);
      const waiting = async (id: string) => (await planner.heads(id)).filter(({ nextAttemptAt }) => nextAttemptAt > Date.now());
      const refuse = async () => {
        for (const id of ["w", "x"]) for (const sensor of ["a", "b"]) await planner.settle(refused(await planner.head(id, sensor), FAR));
      };
      const { url } = await store.updateWebhook("w", {}, null);
      for (const moving of [{ url: `${url}/elsewhere` }, { state: "active" }, { state: "active" }] as const) {
        await refuse();
        for (const edit of [{ url: (await store.getWebhook("w"))?.url, filter: {}, concurrency: 3 }, { description: "told" }]) {
          await store.updateWebhook("w", edit, null);
        }
        if (moving.state !== undefined) await store.updateWebhook("w", { state: "paused" }, null);
        expect(await waiting("x")).toHaveLength(2);
        await store.updateWebhook("w", moving, null);
        expect(await waiting("w")).toEqual([]);
        expect((await planner.heads("w")).map(({ number }) => number).toSorted((a, b) => a - b)).toEqual([1, 3, 4]);
        expect(await waiting("x")).toHaveLength(2);
      }
    },

    "is another endpoint then, and what was known of the one before holds no longer": async (store) => {
      await addWebhook(store, "w");
      const { planner } = await threeOwed(store);
      const fail = async (at: number) => {
        await planner.settle(refused(await planner.head("w", "a"), FAR, { at, heldUntil: FAR }));
        expect(await store.getWebhook("w")).toMatchObject({ failingSince: at, heldUntil: FAR });
      };
      await fail(7);
      for (const edit of [{ description: "told" }, { state: "active" }, { concurrency: 3 }, { credentials: "other" }] as const) {
        expect(await store.updateWebhook("w", edit, null)).toMatchObject({ failingSince: 7, heldUntil: FAR });
      }
      await store.updateWebhook("w", { state: "paused" }, null);
      expect(await store.getWebhook("w")).toMatchObject({ failingSince: 7, heldUntil: FAR });
      expect(await store.updateWebhook("w", { state: "active" }, null)).toMatchObject({ failingSince: null, heldUntil: null });
      await planner.settle(delivered(await planner.head("w", "b"), 9));
      await fail(10);
      expect(await store.updateWebhook("w", { url: "https://elsewhere.example/" }, null)).toMatchObject({
        failingSince: null,
        heldUntil: null,
        lastSuccessAt: 9,
      });
    },

    "has what waits in every partition due": async (store) => {
      await store.fixPartitionCount(2, 2);
      await addWebhook(store, "w");
      const planners = [];
      for (const [partition, sensorId] of ["a", "b"].entries()) {
        const owner = await Owner.of(store, partition);
        const planner = await Planner.of(store, partition);
        await planner.owe(await owner.change([sensorId]), ["w"]);
        await planner.settle(refused(await planner.head("w", sensorId), FAR));
        planners.push(planner);
      }
      await store.updateWebhook("w", { url: "https://elsewhere.example/" }, null);
      for (const planner of planners) expect((await planner.heads("w")).map((head) => head.nextAttemptAt <= Date.now())).toEqual([true]);
    },

    "leaves its deliveries readable when it is deleted": async (store) => {
      await addWebhook(store, "w");
      const { ids } = await threeOwed(store);
      await store.deleteWebhook("w", null);
      expect(await store.getDelivery(ids[0])).toMatchObject({ webhookId: "w", state: "pending" });
      expect((await store.listDeliveries({ webhookId: "w" }, FIRST_PAGE)).items).toHaveLength(3);
      expect(await store.nextDue(0)).toMatchObject([{ webhookId: "w" }]);
    },
  }),

  promises("the terms that changes are planned by", {
    "are those of the webhook's settings at the time": async (store) => {
      await addWebhook(store, "w");
      const owner = await Owner.of(store);
      await owner.change(["a"]);
      const settings = { ...SETTINGS_DEFAULT, events: ["webhook.failing"], mode: "latest", minIntervalSeconds: 3 } as const;
      await store.updateWebhook("w", { settings }, null);
      await owner.change(["a"]);
      await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, batch: { maxItems: 5, maxWaitMs: 10 } } }, null);
      const { version, versions } = await store.webhookSet();
      expect(versions.map(({ terms, after }) => [terms, after["0"]])).toEqual([
        [{ changes: true, begins: "lane", minIntervalMs: 0 }, undefined],
        [{ changes: false, begins: "lane", minIntervalMs: 3000 }, 1],
        [{ changes: true, begins: "batch", minIntervalMs: 0 }, 2],
      ]);
      // What planning need not know of makes no version.
      await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, batch: { maxItems: 9, maxWaitMs: 10 }, timeoutSeconds: 1 } }, null);
      expect(await store.webhookSet()).toMatchObject({ version, versions: { length: 3 } });
      expect(await store.webhookVersions("w")).toEqual([...versions]);
    },

    "are read only as far as they are not known, and with others' turns between where they are large": async (store) => {
      const values = (webhook: number) => Array.from({ length: 1000 }, (_, index) => `${webhook}-${index}`.padEnd(200, "x"));
      for (let webhook = 0; webhook < 8; webhook += 1)
        await addWebhook(store, `w${webhook}`, { filter: { labels: { site: values(webhook) } } });
      let known = await store.webhookSet();
      expect(await turnsDuring(async () => (known = await store.webhookSet()))).toBeGreaterThan(3);
      expect(known.versions.map(({ filter }) => filter.labels?.["site"]?.[0]?.slice(0, 3))).toEqual(
        [0, 1, 2, 3, 4, 5, 6, 7].map((each) => `${each}-0`),
      );
      await store.updateWebhook("w3", { state: "paused" }, null);
      await addWebhook(store, "w9");
      await store.deleteWebhook("w0", null);
      const set = await store.webhookSet(known);
      expect(set).toEqual(await store.webhookSet());
      expect(set.versions.filter((version) => !known.versions.includes(version)).map(({ webhookId }) => webhookId)).toEqual(["w3", "w9"]);
    },

    "are told to whoever asks, of one that is gone, too, and however far planning is": async (store, opened) => {
      await addWebhook(store, "w");
      await addWebhook(store, "x");
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "a"]), ["w"]);
      await store.updateWebhook("w", { filter: { to: ["open"] } }, null);
      await store.deleteWebhook("w", null);
      await planner.owe(await owner.change(["a"]), []);
      await store.prune({ reports: 0, changes: 0, deliveries: 0, deadLetters: 0 }, 100);
      const reopened = await opened.reopen();
      expect((await reopened.webhookVersions("w")).map(({ version, deleted, after }) => [version, deleted, after["0"]])).toEqual([
        [1, false, undefined],
        [2, false, 2],
        [3, true, 2],
      ]);
      expect(await reopened.webhookVersions("nobody")).toEqual([]);
    },
  }),

  promises("the credentials of webhooks", {
    "are replaced one by one, unless they are others by now, and that is no edit": async (store) => {
      const before = await addWebhook(store, "w", { credentials: "old" });
      await addWebhook(store, "x", { credentials: "other" });
      expect((await store.listCredentials()).toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
        { id: "w", credentials: "old" },
        { id: "x", credentials: "other" },
      ]);
      const { version } = await store.webhookSet();
      expect(await store.replaceCredentials("w", "old", "new")).toBe(true);
      expect(await store.replaceCredentials("w", "old", "newer")).toBe(false);
      expect(await store.replaceCredentials("nothing", "old", "new")).toBe(false);
      expect(await store.getWebhook("w")).toEqual({ ...before, credentials: "new" });
      expect(await store.getWebhook("x")).toMatchObject({ credentials: "other" });
      expect((await store.webhookSet()).version).toBe(version);
    },
  }),

  promises("the list of webhooks", {
    "goes by id, page by page, while others come and go": async (store) => {
      const ids = ["B", "a", "a_1", "b", "c"];
      for (const id of ids) await addWebhook(store, id);
      expect((await store.listWebhooks(FIRST_PAGE)).items.map(({ id }) => id)).toEqual(ids);
      let others = 0;
      const between = async () => {
        others += 1;
        await addWebhook(store, `A${others}`);
        if (others === 1) await store.deleteWebhook("B", null);
      };
      const paged = await allPages((page) => store.listWebhooks(page), 1, between);
      expect(paged.map(({ id }) => id).filter((id) => ids.includes(id))).toEqual(ids);
    },

    "ends a page early where filters grow too large, without losing one": async (store) => {
      const long = { sensorIds: Array.from({ length: 1000 }, (_, index) => String(index).padStart(1000, "s")) };
      const ids = Array.from({ length: 45 }, (_, index) => `w${index + 10}`);
      for (const [index, id] of ids.entries()) await addWebhook(store, id, index % 9 === 4 || index > 37 ? { filter: long } : {});
      let largest = 0;
      const paged = await allPages(async (page) => {
        const found = await store.listWebhooks(page);
        largest = Math.max(largest, found.items.filter(({ filter }) => filter.sensorIds !== undefined).length);
        return found;
      }, 1000);
      expect(paged.map(({ id }) => id)).toEqual(ids);
      expect(largest).toBe(4);
    },
  }),

  promises("webhooks", {
    "are no more than may be": async (store, opened) => {
      await opened.addWebhooks(WEBHOOKS_MAX - 1);
      await addWebhook(store, "last");
      await expect(addWebhook(store, "more")).rejects.toMatchObject({ kind: "conflict" });
      await store.deleteWebhook("last", null);
      expect(await addWebhook(store, "more")).toMatchObject({ id: "more" });
    },
  }),
];
