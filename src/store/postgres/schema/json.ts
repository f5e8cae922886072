/** A JSON object, kept as its text. */
export type Json = Readonly<Record<string, unknown>>;
