import { type Books, type Finding, groupBy } from "./books";

/** A sensor belongs to one partition: else nobody knows the order of what it said. */
export function* checkPlaces({ evidence }: Books): Iterable<Finding> {
  const places = [
    ...evidence.log.map(({ sensorId, partition }) => ({ sensorId, partition, what: "report" })),
    ...evidence.changes.map(({ sensorId, partition }) => ({ sensorId, partition, what: "change" })),
    ...evidence.acknowledged.map(({ sensorId, partition }) => ({ sensorId, partition, what: "acknowledgement" })),
  ];
  for (const [sensorId, found] of groupBy(places, (place) => place.sensorId)) {
    const [first, ...others] = new Map(found.map((place) => [place.partition, place])).values();
    for (const { what, partition } of others)
      yield { kind: "partition.mixed", sensorId, message: `it has a ${what} in partition ${partition}, and others in ${first?.partition}` };
  }
}
