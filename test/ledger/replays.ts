import type { Books, Finding } from "./books";

/** A replay comes to its end, and all that it was asked for came again, or was left out for a newer one where only the latest is wanted. */
export function* checkReplays({ evidence, deliveries, arrivals }: Books): Iterable<Finding> {
  for (const { id, state, replayed, askedAt, due } of evidence.replays) {
    if (state !== "done") yield { kind: "replay.unfinished", sensorId: null, message: `${id} ended as ${state}` };
    if (replayed < due.length)
      yield { kind: "replay.missed", sensorId: null, message: `${id} made ${replayed} deliveries due, of ${due.length} at least` };
    for (const deliveryId of due) {
      const isBack = (arrivals.get(deliveryId) ?? []).some(({ at }) => at >= askedAt);
      const delivery = deliveries.get(deliveryId);
      if (isBack || delivery?.state === "coalesced") continue;
      yield { kind: "replay.missed", sensorId: delivery?.sensorId ?? null, message: `${deliveryId} did not come again after ${id}` };
    }
  }
}
