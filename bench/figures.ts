/** What a bench found. Figures are numbers under their fixed names; settings say what they hold for. */
export interface Result {
  readonly bench: string;
  /** One sentence that puts the ratio first. */
  readonly headline: string;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly figures: Readonly<Record<string, number>>;
  /** What a reader must know to believe the figures, for example that the load generator was the bottleneck. */
  readonly notes: readonly string[];
}

/** For people; with `json` the last line is one JSON object. */
export function printFigures({ bench, headline, settings, figures, notes }: Result, json: boolean): void {
  const rows = Object.entries(figures).map(([name, value]) => `  ${name.padEnd(24)} ${shortened(value)}`);
  const set = Object.entries(settings).map(([name, value]) => `  ${name.padEnd(24)} ${value}`);
  console.log([`\n${bench}: ${headline}`, ...rows, "settings", ...set, ...notes.map((note) => `note: ${note}`)].join("\n"));
  if (json) console.log(JSON.stringify({ bench, settings, figures }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The value below which `share` of the sorted values lie. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function shortened(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : String(Math.round(value * 100) / 100);
}
