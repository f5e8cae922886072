/** What a look at one thing came to. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly subject: string;
  /** `unseen`: it could not be looked at, and why. */
  readonly level: "ok" | "warn" | "fail" | "unseen";
  readonly text: string;
  /** What to do about it; null where there is nothing to do. */
  readonly advice: string | null;
}

export function ok(subject: string, text: string): Finding {
  return { subject, level: "ok", text, advice: null };
}

export function warn(subject: string, text: string, advice: string): Finding {
  return { subject, level: "warn", text, advice };
}

export function fail(subject: string, text: string, advice: string): Finding {
  return { subject, level: "fail", text, advice };
}

export function unseen(subject: string, text: string, advice: string | null = null): Finding {
  return { subject, level: "unseen", text, advice };
}

/** Numbers in a row as ranges: 0–3, 7. */
export function ranges(numbers: readonly number[]): string {
  const parts: [from: number, to: number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(", ");
}
