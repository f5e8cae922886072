import { partitionOf } from "../domain/sensor";
import { publishAcknowledged } from "./acknowledged";
import type { NatsLink } from "./connection";
import { isStreamFull, unavailable } from "./faults";
import type { ReportPublisher } from "./ports";
import { type PartitionPlace, reportSubject, sensorSubject } from "./subjects";

/** Publishes straight to the partition's subject, by the hash that the broker's mapping computes, too. */
export function createReportPublisher(link: NatsLink, partitions: number): ReportPublisher {
  return publisherTo(link, (sensorId) => {
    const place: PartitionPlace = { partitions, partition: partitionOf(sensorId, partitions) };
    return reportSubject(place, sensorId);
  });
}

/** Publishes as any sensor does, and leaves the partition to the broker's mapping. */
export function createSensorPublisher(link: NatsLink): ReportPublisher {
  return publisherTo(link, sensorSubject);
}

function publisherTo(link: NatsLink, subjectOf: (sensorId: string) => string): ReportPublisher {
  const publish = publishAcknowledged(link);
  return {
    publish: (sensorId, payload) => publish(subjectOf(sensorId), payload).catch(refuse),
  };
}

function refuse(error: unknown): never {
  throw unavailable(isStreamFull(error) ? "the report was refused, its stream is full" : "the report is not known to be stored", error);
}
