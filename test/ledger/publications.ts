import { type Books, type Finding, groupBy, placeKey } from "./books";
import type { PublishedChange } from "./evidence";
import { changeContent, standardBody } from "./messages";

/** CHANGES holds every change of its day once, in the order of the numbers, with the body and the subject that it should have. */
export function* checkPublications(books: Books): Iterable<Finding> {
  const seen = new Set<string>();
  for (const [, published] of groupBy(
    books.evidence.published,
    ({ partition }) => partition,
    (one, other) => one.sequence - other.sequence,
  )) {
    yield* checkStream(books, published, seen);
  }
  for (const { partition, number, sensorId, recordedAt } of books.evidence.changes) {
    if (recordedAt < books.evidence.publishedSince || seen.has(placeKey(partition, number))) continue;
    yield { kind: "publication.missing", sensorId, message: `change ${number} of partition ${partition} is not in CHANGES` };
  }
}

function* checkStream(books: Books, published: readonly PublishedChange[], seen: Set<string>): Iterable<Finding> {
  let highest = 0;
  for (const { partition, sequence, subject, msgId, body } of published) {
    const entry = books.byNumber.get(msgId);
    const where = `sequence ${sequence} of CHANGES ${partition} (${msgId})`;
    if (entry === undefined || entry.partition !== partition) {
      yield {
        kind: "publication.unfounded",
        sensorId: subject.split(".").at(-1) ?? null,
        message: `${where} is no change that was recorded`,
      };
      continue;
    }
    const { sensorId, number } = entry;
    if (seen.has(msgId)) yield { kind: "publication.doubled", sensorId, message: `${where} is there twice` };
    else if (number < highest) yield { kind: "publication.disordered", sensorId, message: `${where} comes after number ${highest}` };
    seen.add(msgId);
    highest = Math.max(highest, number);
    if (!/^changes\.\d+\.\d+\.[^.]+$/.test(subject) || !subject.endsWith(`.${partition}.${sensorId}`)) {
      yield { kind: "publication.wrong", sensorId, message: `${where} went to ${subject}` };
    }
    const expected = standardBody(changeContent(entry));
    if (body !== expected) yield { kind: "publication.wrong", sensorId, message: `${where} says ${body} and should say ${expected}` };
  }
}
