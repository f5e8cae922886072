import { createSensorPublisher } from "../jetstream/publishReports";
import type { PublishAck } from "../jetstream/ports";
import { openNatsLink } from "./natsLink";

/** Publishes reports as any sensor does, to `sensors.<id>.status`, and waits for JetStream's acknowledgement. */
export interface Reports extends AsyncDisposable {
  /** Rejects with a `Fault` (unavailable) when none came. */
  publish(sensorId: string, payload: Uint8Array): Promise<PublishAck>;
}

/** Throws `Fault` (unavailable) when no server answers. */
export async function openReports({ urls, name }: { urls: readonly string[]; name: string }): Promise<Reports> {
  const link = await openNatsLink(urls, name);
  const publisher = createSensorPublisher(link);
  return {
    publish: (sensorId, payload) => publisher.publish(sensorId, payload),
    [Symbol.asyncDispose]: () => link.close(),
  };
}
