/** Fields that several nouns share. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { LABEL_KEY_PATTERN, LABEL_VALUE_CHARS_MAX, LABELS_MAX, SENSOR_ID_PATTERN } from "../domain/sensor";
import { NOT_A_TIME, parseTime, TIME_PATTERN } from "../domain/time";
import type { Page, PageRequest, TimeRange } from "../store/store";
import { invalid } from "./problems";

/** U+0000, a high half without its low one, or a low half behind anything but a high one. */
const NO_TEXT = "\\u0000|[\\ud800-\\udbff](?![\\udc00-\\udfff])|[^\\ud800-\\udbff][\\udc00-\\udfff]";
/**
 * A database's text cannot hold U+0000, and half of a surrogate pair is no text. Put as what must not be there: a group that repeats for each
 * character takes a fifth of a second for a MiB, in which nobody else is served.
 */
export const TEXT_PATTERN = `^(?!(?:[\\udc00-\\udfff]|[\\s\\S]*(?:${NO_TEXT})))`;

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;
const CURSOR_CHARS_MAX = 2048;

export const SensorId = Type.String({ pattern: SENSOR_ID_PATTERN, description: "Case-sensitive.", examples: ["boiler-7"] });
export const SensorParams = Type.Object({ id: SensorId });

/** An id that the service made. */
export const OwnId = Type.String({ pattern: "^[A-Za-z0-9_-]{1,200}$" });
export const OwnParams = Type.Object({ id: OwnId });

/** A time in an answer. */
export const Time = Type.String({ format: "date-time", description: "RFC 3339, UTC, milliseconds." });
export const TimeOrNull = Type.Union([Time, Type.Null()]);

/** A time as a caller may write it. */
export const GivenTime = Type.String({ pattern: TIME_PATTERN, description: "RFC 3339 with a time zone." });

export const Labels = Type.Record(
  Type.String({ pattern: LABEL_KEY_PATTERN }),
  Type.String({ maxLength: LABEL_VALUE_CHARS_MAX, pattern: TEXT_PATTERN }),
  {
    maxProperties: LABELS_MAX,
    additionalProperties: false,
    examples: [{ site: "north" }],
  },
);

export const PageFields = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT })),
  cursor: Type.Optional(
    Type.String({
      pattern: `^[A-Za-z0-9_-]{1,${CURSOR_CHARS_MAX}}$`,
      description: "The `nextCursor` of the page before; belongs to the same list.",
    }),
  ),
};
export const PageQuery = Type.Object(PageFields, { additionalProperties: false });

export const Order = Type.Union([Type.Literal("asc"), Type.Literal("desc")]);

export const RangeFields = {
  since: Type.Optional(Type.String({ pattern: TIME_PATTERN, description: "Inclusive; RFC 3339 with a time zone." })),
  until: Type.Optional(Type.String({ pattern: TIME_PATTERN, description: "Exclusive; RFC 3339 with a time zone." })),
};

export function pageOf({ limit, cursor }: Static<typeof PageQuery>): PageRequest {
  return { limit: limit ?? LIMIT_DEFAULT, cursor: cursor ?? null };
}

/** Throws a 422 for what no calendar has. */
export function rangeOf({ since, until }: { readonly since?: string | undefined; readonly until?: string | undefined }): TimeRange {
  return {
    ...(since === undefined ? {} : { since: instantOf(since, "/since") }),
    ...(until === undefined ? {} : { until: instantOf(until, "/until") }),
  };
}

/** Epoch milliseconds of a {@link GivenTime}; throws a 422 for what no calendar has. */
export function instantOf(text: string, pointer: string): number {
  const time = parseTime(text);
  if (Number.isNaN(time)) throw invalid("A time is not valid.", [{ pointer, message: NOT_A_TIME }]);
  return time;
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timeOf(ms);
}

/** The schema of a page. */
export function pageSchema<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(item),
    nextCursor: Type.Union([Type.String(), Type.Null()], { description: "What to ask the next page with; null at the end." }),
  });
}

export function pageView<Item, View>(
  { items, nextCursor }: Page<Item>,
  view: (item: Item) => View,
): { items: View[]; nextCursor: string | null } {
  return { items: items.map(view), nextCursor };
}

export function nullable<Schema extends TSchema>(schema: Schema, options: { description?: string } = {}) {
  return Type.Union([schema, Type.Null()], options);
}

export function oneOf<const Choices extends readonly string[]>(choices: Choices, options: { description?: string } = {}) {
  return Type.Union(
    choices.map((choice) => Type.Literal(choice as Choices[number])),
    options,
  );
}
