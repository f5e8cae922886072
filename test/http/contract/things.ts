/** What answers told of: ids, cursors and tags, to be used by the calls that follow. */

/** The newest of a kind are kept. */
const KEPT_MAX = 40;

export interface Known {
  readonly id: string;
  /** The id that stands before it in a path. */
  readonly parent: string | null;
}

export class Things {
  readonly #byKind = new Map<string, Known[]>();

  /** `spared`: ids that nobody is to call. */
  constructor(private readonly spared: ReadonlySet<string> = new Set()) {}

  add(kind: string, id: string, parent: string | null = null): void {
    if (this.spared.has(id)) return;
    const known = (this.#byKind.get(kind) ?? []).filter((each) => each.id !== id);
    this.#byKind.set(kind, [...known, { id, parent }].slice(-KEPT_MAX));
  }

  /** The newer, the likelier. */
  pick(kind: string, choice: number): Known | null {
    const known = this.#byKind.get(kind) ?? [];
    return known.at(-1 - (choice % Math.max(1, known.length))) ?? null;
  }

  /** Of an answer's body. `path` is the template's, `at` the one that was asked. */
  learn(body: unknown, { path, at }: { path: string; at: string }): void {
    const noun = path.split("/").findLast((segment) => segment !== "" && !segment.startsWith("{")) ?? "";
    const parent = path.includes("{") ? (at.split("/")[path.split("/").findIndex((segment) => segment.startsWith("{"))] ?? null) : null;
    this.#learn(body, noun, parent);
  }

  #learn(value: unknown, noun: string, parent: string | null): void {
    if (Array.isArray(value)) return value.forEach((item) => this.#learn(item, noun, parent));
    if (typeof value !== "object" || value === null) return;
    const { id } = value as { id?: unknown };
    if (typeof id === "string") this.add(noun, id, parent);
    for (const [name, member] of Object.entries(value)) {
      const kind = /^(\w+)Id$/.exec(name)?.[1];
      if (kind !== undefined && typeof member === "string") this.add(`${kind}s`, member);
      if (typeof member === "object") this.#learn(member, name === "items" ? noun : name, typeof id === "string" ? id : parent);
    }
  }
}
