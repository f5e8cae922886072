/** Reads the JUnit file that `bun test` writes. */

export interface Failure {
  readonly file: string;
  readonly line: number | null;
  readonly name: string;
  /** The first line of what was said. */
  readonly reason: string;
}

export interface Results {
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** Names of tests that did not run. */
  readonly skipped: readonly string[];
  /** The files in which a test ran. */
  readonly files: ReadonlySet<string>;
}

const CASE = /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;

/** An empty file (the runner died) gives no results at all. */
export function readJunit(xml: string): Results {
  let passed = 0;
  const failures: Failure[] = [];
  const skipped: string[] = [];
  const files = new Set<string>();
  for (const [, tag = "", inside = ""] of xml.matchAll(CASE)) {
    const file = attribute(tag, "file") ?? "";
    // The runner writes the innermost suite first.
    const suites = (attribute(tag, "classname") ?? "").split(" > ").reverse();
    const name = [...suites, attribute(tag, "name") ?? ""].filter((part) => part !== "").join(" > ");
    files.add(file);
    const failure = /<failure\b([^>]*)/.exec(inside);
    if (failure !== null) failures.push({ file, line: Number(attribute(tag, "line")) || null, name, reason: reasonOf(failure[1] ?? "") });
    else if (/<skipped\b/.test(inside)) skipped.push(`${file}: ${name}`);
    else passed += 1;
  }
  return { passed, failures, skipped, files };
}

function reasonOf(tag: string): string {
  return (attribute(tag, "message") ?? "").split("\n", 1)[0] ?? "";
}

function attribute(tag: string, name: string): string | null {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? null : unescaped(value);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescaped(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|(\w+));/g, (whole, code: string | undefined, entity: string) =>
    code === undefined ? (ENTITIES[entity] ?? whole) : String.fromCodePoint(Number(code)),
  );
}
