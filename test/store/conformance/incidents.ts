import { expect } from "bun:test";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { allPages } from "./samples";

export const incidentPromises: readonly Promises[] = [
  promises("incidents", {
    "are listed newest first, page by page, with what is known of them": async (store) => {
      const owner = await Owner.of(store, 1);
      for (let number = 1; number <= 3; number += 1) {
        const detail = { number, nested: { at: null, list: ["ü"] } };
        await owner.commit({ incidents: ["stream.recreated", "stream.gap"].map((kind) => ({ kind, partition: 1, detail })) });
      }
      const wanted = [3, 3, 2, 2, 1, 1].map((number, index) => ({
        kind: index % 2 === 0 ? "stream.gap" : "stream.recreated",
        partition: 1,
        detail: { number, nested: { at: null, list: ["ü"] } },
      }));
      expect(await store.getIncident("nothing")).toBeNull();
      for (const limit of [1, 4, 6]) {
        const items = await allPages((page) => store.listIncidents(page), limit);
        expect(items).toMatchObject(wanted);
        expect(new Set(items.map(({ id }) => id)).size).toBe(6);
        for (const item of items) expect(await store.getIncident(item.id)).toEqual(item);
        for (const { recordedAt } of items) expect(Math.abs(recordedAt - Date.now())).toBeLessThan(60_000);
      }
    },
  }),
];
