import { expect } from "bun:test";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { failed, Planner, refused } from "./planner";
import { addWebhook, FIRST_PAGE } from "./samples";

export const oddTextPromises: readonly Promises[] = [
  promises("what an endpoint said", {
    "is kept, and its delivery settled, whatever it said": async (store) => {
      await addWebhook(store, "w");
      const [owner, planner] = [await Owner.of(store), await Planner.of(store)];
      await planner.owe(await owner.change(["a"]), ["w"]);
      const odd = ["nul \u0000 in it", "half \ud83d", "\udc00 half", '{"a",NULL}\\', "x".repeat(100_000), "NULL", "", "\u{1f6a8}"];
      for (const text of odd) {
        const head = await planner.head("w", "a");
        const { attempt, verdict } = refused(head, 1);
        await planner.settle({ delivery: head, attempt: { ...attempt, error: text, response: text } as never, verdict });
      }
      const record = await store.getDelivery((await planner.head("w", "a")).id);
      expect(record?.attempts).toHaveLength(odd.length);
      for (const [index, { error, response }] of (record?.attempts ?? []).entries()) {
        expect(response).toBe(error);
        // Not every database's text can hold U+0000.
        expect(response?.replaceAll("\0", "\ufffd")).toBe(odd[index]?.replaceAll("\0", "\ufffd").toWellFormed() as string);
      }
      const reason = "why\u0000 \ud83d not";
      await planner.settle(failed(await planner.head("w", "a"), reason));
      expect((await store.listDeliveries({ states: ["failed"] }, FIRST_PAGE)).items).toHaveLength(1);
    },
  }),
];
