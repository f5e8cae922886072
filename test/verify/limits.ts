/** Limits as docs/limits.md tells them, and as the code has them. */

export interface ToldLimit {
  readonly name: string;
  readonly file: string;
  readonly value: string;
}

/** The rows that name a constant. */
export function toldLimits(markdown: string): ToldLimit[] {
  return [...markdown.matchAll(/^\|[^|]*\| ([^|]*) \|[^|]*\| `([A-Z_0-9]+)` in `([^`]+)` \|$/gm)].map(
    ([, value = "", name = "", file = ""]) => ({
      name,
      file,
      value: value.trim(),
    }),
  );
}

/** In milliseconds or bytes; what is counted by itself counts one. */
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  characters: 1,
  bytes: 1,
  KiB: 1024,
  MiB: 1024 * 1024,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  days: 86_400_000,
};

/** `30 s` is 30,000, also of a constant that counts seconds. Throws for what nobody could read. */
export function toldValue({ value }: ToldLimit): number {
  const [, digits = "", unit = ""] = /^(\d[\d,]*)(?: (\w+))?$/.exec(value) ?? [];
  const each = UNITS[unit];
  if (digits === "" || each === undefined) throw new Error(`"${value}" is no value with a unit that is known`);
  return Number(digits.replaceAll(",", "")) * each;
}

export interface NamedConstant {
  readonly name: string;
  /** What stands to the right of it. */
  readonly expression: string;
}

/** The constants of a file that are written in capitals. */
export function constantsOf(source: string): NamedConstant[] {
  return [...source.matchAll(/^(?:export )?const ([A-Z][A-Z_0-9]*)(?:: \w+)? = ([^;]+);$/gm)].map(([, name = "", expression = ""]) => ({
    name,
    expression,
  }));
}

/** A product of numbers and of constants of the same file; times in milliseconds. NaN for anything else. */
export function constantValue(source: string, name: string): number {
  const expression = constantsOf(source).find((each) => each.name === name)?.expression ?? "";
  const factors = expression.split("*").map((factor) => {
    const word = factor.trim();
    return /^[\d_.]+$/.test(word) ? Number(word.replaceAll("_", "")) : /^[A-Z_0-9]+$/.test(word) ? constantValue(source, word) : Number.NaN;
  });
  return factors.reduce((product, factor) => product * factor, 1);
}

export function inMilliseconds(name: string, value: number): number {
  return /_SECONDS?(_|$)/.test(name) && !/_PER_SECOND/.test(name) ? value * 1000 : value;
}
