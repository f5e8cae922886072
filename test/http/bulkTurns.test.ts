import { expect, test } from "bun:test";
import { BulkDesk } from "../../src/http/bulk/bulk";
import { StreamedBody } from "../../src/http/gate/streamedBody";

const ITEM_BYTES = 200 * 1024;
const ITEMS = 100;
const MIB = 1024 * 1024;

/** How many bytes of items were taken in between two turns of everybody else, and in how many such turns. */
async function takenInTurns(type: string, body: string): Promise<{ most: number; turns: number; accepted: number }> {
  const taken = new Map<number, number>();
  let turn = 0;
  let over = false;
  const others = () => {
    turn += 1;
    if (!over) setImmediate(others);
  };
  others();
  const request = new Request("http://localhost/", { method: "PUT", body, headers: { "content-type": type } });
  const answer = await new BulkDesk().serve({
    holder: "a",
    body: new StreamedBody(request, 2 * body.length),
    itemBytesMax: ITEM_BYTES + 100,
    minimal: true,
    status: 200,
    charge: async () => {},
    stillLetIn: async () => true,
    intake: (results) => ({
      atOnce: 256,
      async take(items, first) {
        for (const [place, item] of items.entries()) {
          taken.set(turn, (taken.get(turn) ?? 0) + (item?.length ?? 0));
          results.accept(first + place, 200, { number: 1, fields: '"version":#' });
        }
      },
      settled: () => Promise.resolve(),
    }),
  });
  over = true;
  const { accepted } = (await answer.json()) as { accepted: number };
  return { most: Math.max(...taken.values()), turns: taken.size, accepted };
}

const item = JSON.stringify("x".repeat(ITEM_BYTES));

test.each([
  ["lines", "application/x-ndjson", `${item}\n`.repeat(ITEMS)],
  ["an array", "application/json", `[${Array(ITEMS).fill(item).join(",")}]`],
])("large items in %s, however many came at once, are taken in few at a time, with others' turns between", async (_name, type, body) => {
  const { most, turns, accepted } = await takenInTurns(type, body);
  expect(accepted).toBe(ITEMS);
  expect(most).toBeLessThan(2 * MIB);
  expect(turns).toBeGreaterThan(10);
});
