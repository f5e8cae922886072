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
    const { text, advice } = refusalOf(urls, error.cause);
    throw new Fault("unavailable", `${text}; ${advice}`, { cause: error.cause });
  }
}

/** What stands in the way of a connection, and what to do about it: nobody is there, or somebody who wants to know who we are. */
export function refusalOf(urls: readonly string[], cause: unknown): { text: string; advice: string } {
  const where = urls.map(shownUrl).join(", ");
  const reason = cause instanceof Error ? ` (${cause.message})` : "";
  return /auth/i.test(reason)
    ? {
        text: `NATS at ${where} refuses to let us in${reason}`,
        advice: "set NATS_URL with its user and password: nats://user:password@host:4222",
      }
    : { text: `no NATS answers at ${where}${reason}`, advice: "start Tocsin (tocsin up), or set NATS_URL to a server that runs" };
}
