import { isFault, Fault } from "../domain/fault";
import { type NatsLink, openNats } from "../jetstream/connection";
import { shownUrl } from "../addresses";

/** A broker that is not there should be said soon; one that goes away later is waited for. */
const CONNECT_MS = 2000;

/** A connection for one command. Throws `Fault` (unavailable) when no server answers. */
export async function openNatsLink(urls: readonly string[], name: string): Promise<NatsLink> {
  try {
    return await openNats({ urls, name, waitMs: CONNECT_MS });
  } catch (error) {
    if (!isFault(error, "unavailable")) throw error;
    const where = urls.map(shownUrl).join(", ");
    throw new Fault("unavailable", `no NATS answers at ${where}; start Tocsin (tocsin up), or set NATS_URL`, { cause: error });
  }
}
