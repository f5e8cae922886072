import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ENDING_DAMAGES } from "./endingDamages";
import type { Evidence } from "./evidence";
import { DELIVERY_DAMAGES } from "./deliveryDamages";
import { evidenceOf, histories } from "./histories";
import { describeViolations, findViolations } from "./ledger";
import { LOG_DAMAGES } from "./logDamages";
import { NODE_DAMAGES } from "./nodeDamages";
import { SENDER_DAMAGES } from "./senderDamages";

const TEST_MS = 60_000;

test(
  "a correct history has no violations",
  () => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(describeViolations(findViolations(evidenceOf(history)))).toBe("");
      }),
      { numRuns: 120 },
    );
  },
  TEST_MS,
);

describe("each kind of damage to a correct history is found, and named", () => {
  test.each([...LOG_DAMAGES, ...NODE_DAMAGES, ...DELIVERY_DAMAGES, ...SENDER_DAMAGES, ...ENDING_DAMAGES])(
    "$name: $kind",
    ({ kind, damage }) => {
      let damaged = 0;
      fc.assert(
        fc.property(histories, fc.nat(), (history, pick) => {
          const doctored = damage(evidenceOf(history), pick);
          if (doctored === null) return;
          damaged += 1;
          const found = findViolations(doctored);
          expect(found.map((violation) => violation.kind)).toContain(kind);
          expect(describeViolations(found)).toContain(kind);
        }),
        { numRuns: 40 },
      );
      expect(damaged).toBeGreaterThan(5);
    },
    TEST_MS,
  );
});

test("a violation brings the history of its sensor: what was acknowledged, kept, published, planned and received", () => {
  const evidence = fc
    .sample(histories, { seed: 7, numRuns: 20 })
    .map(evidenceOf)
    .find(({ deliveries }) => deliveries.length > 3) as Evidence;
  const [arrival] = evidence.arrivals;
  const [violation] = findViolations({
    ...evidence,
    arrivals: evidence.arrivals.filter(({ deliveryId }) => deliveryId !== arrival?.deliveryId),
  });
  expect(violation?.kind).toBe("delivery.unarrived");
  for (const word of ["log 1/", "change ", "published ", `delivery ${arrival?.deliveryId} of change`])
    expect(violation?.history).toContain(word);
});
