/** RFC 3339 with a time zone; seconds may carry a fraction. No leap second: no clock of ours could tell it from the next one. */
export const TIME_PATTERN =
  "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])[Tt]([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)$";
/** What is said of anything else, whether its form is wrong or no calendar has it. */
export const NOT_A_TIME = "must be an RFC 3339 time with a time zone, such as 2026-11-23T10:00:00Z";

const TIME_MIN = Date.parse("0000-01-01T00:00:00.000Z");
const TIME_MAX = Date.parse("9999-12-31T23:59:59.999Z");

/**
 * Epoch milliseconds of a text that fits {@link TIME_PATTERN}; NaN for a day that no calendar has (30 February), and for what RFC 3339
 * could not write in UTC.
 */
export function parseTime(text: string): number {
  const day = text.slice(0, 10);
  if (Number(text.slice(8, 10)) > 28 && new Date(day).toISOString().slice(0, 10) !== day) return Number.NaN;
  const time = Date.parse(text);
  return time >= TIME_MIN && time <= TIME_MAX ? time : Number.NaN;
}
