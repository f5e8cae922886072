const NONE: readonly string[] = [];

/** A path with names for some of its segments, as `/v1/sensors/:id`. */
export class PathTemplate {
  /** Null where a parameter stands. */
  readonly #texts: readonly (string | null)[];
  /** By the segment that they stand for. */
  readonly #params: readonly { readonly name: string; readonly place: number }[];

  constructor(template: string) {
    const segments = template.split("/");
    this.#texts = segments.map((segment) => (isParam(segment) ? null : segment));
    this.#params = segments.flatMap((segment, place) => (isParam(segment) ? [{ name: segment.slice(1), place }] : []));
  }

  get segments(): number {
    return this.#texts.length;
  }

  get params(): readonly string[] {
    return this.#params.map(({ name }) => name);
  }

  fits(path: readonly string[]): boolean {
    const texts = this.#texts;
    if (path.length !== texts.length) return false;
    for (let place = 0; place < texts.length; place += 1) {
      const text = texts[place];
      if (text !== null && text !== path[place]) return false;
    }
    return true;
  }

  /** Whether some path fits both. */
  overlaps(other: PathTemplate): boolean {
    const others = other.#texts;
    const same = (text: string | null, place: number) => text === null || others[place] === null || text === others[place];
    return this.#texts.length === others.length && this.#texts.every(same);
  }

  /** The parameters of a path that fits, of which none is broken. */
  paramsOf(path: readonly string[]): Record<string, string> {
    const params: Record<string, string> = {};
    for (const { name, place } of this.#params) {
      const text = path[place] as string;
      params[name] = text.includes("%") ? decodeURIComponent(text) : text;
    }
    return params;
  }

  /** The names of parameters that are empty or not percent-encoded text, in a path that fits. */
  brokenParams(path: readonly string[]): readonly string[] {
    let broken: string[] | null = null;
    for (const { name, place } of this.#params) if (!isText(path[place] as string)) (broken ??= []).push(name);
    return broken ?? NONE;
  }
}

function isParam(segment: string): boolean {
  return segment.startsWith(":");
}

/** Whether a parameter says something. */
function isText(segment: string): boolean {
  if (segment === "") return false;
  if (!segment.includes("%")) return true;
  try {
    decodeURIComponent(segment);
    return true;
  } catch {
    return false;
  }
}
