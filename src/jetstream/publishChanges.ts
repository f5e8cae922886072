import { isOutOfStep, unavailable } from "./faults";
import type { NatsLink } from "./connection";
import type { ChangePublisher, OutgoingChange } from "./ports";
import { changeMessageId, changesStream, changeSubject, numberOfMessageId, type PartitionPlace } from "./subjects";

const MESSAGE_ID = "Nats-Msg-Id";

/** How the stream ends: at this sequence, with this change (null when the last message is gone or none of ours). */
interface Tail {
  readonly sequence: number;
  readonly number: number | null;
}

/**
 * Appends in order: each change names the message that must stand before it, so that neither a leader's failure, a repetition nor a
 * former owner puts one in twice or out of its place. Where the stream ends is asked at the beginning and after every refusal.
 */
export function createChangePublisher(link: NatsLink, place: PartitionPlace): ChangePublisher {
  const stream = changesStream(place);
  let tail: Tail | null = null;

  return {
    async publish(changes, after) {
      const last = changes.at(-1);
      if (last === undefined) return after;
      try {
        tail ??= await link.answered(() => readTail(link, place, changes));
        // It has lost its end: what followed is published again.
        if (tail.number !== null && tail.number < after) return tail.number;
        const reached = tail.number ?? after;
        if (reached >= last.number) {
          // What comes next is compared anew.
          tail = null;
          return last.number;
        }
        tail = await append(link, place, { changes: changes.filter(({ number }) => number > reached), tail });
        return last.number;
      } catch (error) {
        tail = null;
        throw unavailable(isOutOfStep(error) ? `${stream} ends elsewhere than believed` : `changes could not be added to ${stream}`, error);
      }
    },
  };
}

/** Where the stream ends. What it holds under our numbers must be what we would publish, or it is the rest of another database's. */
async function readTail(link: NatsLink, place: PartitionPlace, changes: readonly OutgoingChange[]): Promise<Tail> {
  const { state } = await link.api.streams.info(changesStream(place));
  const { number } = await storedAt(link, place, state.last_seq);
  const ours = changes.findLast((change) => number !== null && change.number <= number);
  if (number === null || ours === undefined) return { sequence: state.last_seq, number };
  // As many messages before the end as there are numbers between, or fewer where numbers are missing.
  let sequence = state.last_seq - (number - ours.number);
  let stored = await storedAt(link, place, sequence);
  while (stored.number !== null && stored.number < ours.number) {
    sequence += 1;
    stored = await storedAt(link, place, sequence);
  }
  return { sequence: state.last_seq, number: stored.number === ours.number && stored.body === ours.body ? number : null };
}

async function storedAt(
  { api }: NatsLink,
  place: PartitionPlace,
  sequence: number,
): Promise<{ number: number | null; body: string | null }> {
  const message = sequence < 1 ? null : await api.streams.getMessage(changesStream(place), { seq: sequence });
  const number = numberOfMessageId(place.partition, message?.header.get(MESSAGE_ID) ?? "");
  return { number, body: message?.string() ?? null };
}

/** All at once, in order: the first one follows a sequence, because a broker that was restarted no longer knows the last message's id. */
async function append(
  link: NatsLink,
  place: PartitionPlace,
  { changes, tail }: { changes: readonly OutgoingChange[]; tail: Tail },
): Promise<Tail> {
  const publish = ({ number, sensorId, body }: OutgoingChange, index: number) => {
    const before = changes[index - 1];
    return link.publisher.publish(changeSubject(place, sensorId), body, {
      msgID: changeMessageId(place.partition, number),
      expect: before === undefined ? { lastSequence: tail.sequence } : { lastMsgID: changeMessageId(place.partition, before.number) },
    });
  };
  const settled = await link.answered(() => Promise.allSettled(changes.map(publish)));
  const refused = settled.find((ack) => ack.status === "rejected");
  if (refused !== undefined) throw refused.reason;
  const last = settled.at(-1) as PromiseFulfilledResult<{ seq: number }>;
  const sequence = tail.sequence + changes.length;
  // The broker may take one for a repeat, and leave it out, that has only the same number.
  if (last.value.seq !== sequence) throw new Error(`message ${last.value.seq} stands for one that should be ${sequence}`);
  return { sequence, number: (changes.at(-1) as OutgoingChange).number };
}
