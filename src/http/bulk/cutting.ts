/** Cuts a body that holds many items into them as it arrives: the lines of NDJSON, or the elements of a JSON array. */

/** An item's bytes, or null for one that was longer than an item may be: it was not kept. */
export type Cut = Uint8Array | null;

export interface Cutter {
  /** Takes the next bytes of the body; what it was given before must have been cut up. They are the cutter's from then on. */
  feed(chunk: Uint8Array): void;
  /** Adds items to `cuts` until there are `limit` of them, or no more in what it was fed. */
  cut(cuts: Cut[], limit: number): void;
  /** The body is over: adds what is left. */
  end(cuts: Cut[]): void;
  /** Why no item can be told from the next one any more; null while they can. */
  readonly fault: string | null;
}

const [NEWLINE, RETURN, QUOTE, BACKSLASH, COMMA] = Buffer.from('\n\r"\\,') as unknown as number[];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from("[]{}") as unknown as number[];
const FIRST_BYTES = 1024;
const NOTHING: Uint8Array = new Uint8Array();

/** The beginning of an item whose end has not come yet: at most so many bytes, whatever the pieces that it comes in. */
class Beginning {
  #kept: Uint8Array = NOTHING;
  #length = 0;
  #tooLong = false;

  constructor(private readonly bytesMax: number) {}

  get isEmpty(): boolean {
    return this.#length === 0 && !this.#tooLong;
  }

  add(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.bytesMax) this.#tooLong = true;
    if (this.#tooLong) return;
    if (length > this.#kept.length) this.#grow(length);
    this.#kept.set(piece, this.#length);
    this.#length = length;
  }

  /** The item that ends with this piece. */
  with(piece: Uint8Array): Cut {
    if (this.isEmpty) return piece.length > this.bytesMax ? null : piece;
    this.add(piece);
    const item = this.#tooLong ? null : this.#kept.slice(0, this.#length);
    this.#length = 0;
    this.#tooLong = false;
    return item;
  }

  #grow(length: number): void {
    const larger = new Uint8Array(Math.min(this.bytesMax, Math.max(FIRST_BYTES, 2 * length)));
    larger.set(this.#kept.subarray(0, this.#length));
    this.#kept = larger;
  }
}

/** An empty line is none. */
export class LineCutter implements Cutter {
  readonly fault = null;
  readonly #beginning: Beginning;
  #chunk = NOTHING;
  #at = 0;

  constructor(bytesMax: number) {
    this.#beginning = new Beginning(bytesMax);
  }

  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  cut(cuts: Cut[], limit: number): void {
    while (cuts.length < limit) {
      if (this.#beginning.isEmpty) this.#passBlanks();
      if (this.#at === this.#chunk.length) return;
      const end = this.#chunk.indexOf(NEWLINE as number, this.#at);
      if (end === -1) {
        this.#beginning.add(this.#chunk.subarray(this.#at));
        this.#at = this.#chunk.length;
        return;
      }
      add(cuts, this.#beginning.with(this.#chunk.subarray(this.#at, end)));
      this.#at = end + 1;
    }
  }

  end(cuts: Cut[]): void {
    add(cuts, this.#beginning.with(NOTHING));
  }

  /** Byte by byte, and not line by line: a body may be nothing but empty lines. */
  #passBlanks(): void {
    while (this.#at < this.#chunk.length && isSpace(this.#chunk[this.#at] as number)) this.#at += 1;
  }
}

function add(cuts: Cut[], line: Cut): void {
  if (line === null) cuts.push(null);
  else if (!isBlank(line)) cuts.push(line.at(-1) === RETURN ? line.subarray(0, -1) : line);
}

export class ArrayCutter implements Cutter {
  readonly #beginning: Beginning;
  #chunk = NOTHING;
  #at = 0;
  #place: "before" | "within" | "after" = "before";
  /** Levels of arrays and objects within the element. */
  #depth = 0;
  #quoted = false;
  #escaped = false;
  /** A comma has come, so an element must follow. */
  #owed = false;
  #fault: string | null = null;

  constructor(bytesMax: number) {
    this.#beginning = new Beginning(bytesMax);
  }

  get fault(): string | null {
    return this.#fault;
  }

  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  cut(cuts: Cut[], limit: number): void {
    if (this.#place === "before") this.#open();
    if (this.#place === "within") this.#elements(cuts, limit);
    if (this.#place === "after" && cuts.length < limit) this.#tail();
  }

  end(): void {
    if (this.#place !== "after") this.#fault ??= this.#place === "before" ? "it is empty" : "it ended within the array";
  }

  #open(): void {
    while (this.#at < this.#chunk.length && isSpace(this.#chunk[this.#at] as number)) this.#at += 1;
    if (this.#at === this.#chunk.length) return;
    if (this.#chunk[this.#at] === OPEN_ARRAY) this.#place = "within";
    else this.#break("it does not begin with [");
    this.#at += 1;
  }

  #elements(cuts: Cut[], limit: number): void {
    const chunk = this.#chunk;
    let from = this.#at;
    for (let index = from; index < chunk.length; index += 1) {
      const byte = chunk[index] as number;
      if (this.#quoted) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#quoted = false;
      } else if (byte === QUOTE) this.#quoted = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#depth += 1;
      else if (this.#depth > 0) this.#depth -= byte === CLOSE_OBJECT || byte === CLOSE_ARRAY ? 1 : 0;
      else if (byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
        this.#element(cuts, chunk.subarray(from, index), byte);
        from = index + 1;
        this.#at = from;
        if (this.#place !== "within" || cuts.length === limit) return;
      }
    }
    this.#beginning.add(chunk.subarray(from));
    this.#at = chunk.length;
  }

  #element(cuts: Cut[], piece: Uint8Array, ending: number): void {
    const element = this.#beginning.with(piece);
    const isLast = ending === CLOSE_ARRAY;
    if (ending === CLOSE_OBJECT) this.#break("it closes an object that was not opened");
    else if (!isLast || this.#owed || element === null || !isBlank(element)) cuts.push(element);
    this.#owed = !isLast;
    if (isLast) this.#place = "after";
  }

  #tail(): void {
    while (this.#at < this.#chunk.length && isSpace(this.#chunk[this.#at] as number)) this.#at += 1;
    if (this.#at < this.#chunk.length) this.#break("something follows the array");
  }

  #break(fault: string): void {
    this.#fault = fault;
    this.#place = "after";
    this.#chunk = NOTHING;
  }
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (!isSpace(byte)) return false;
  return true;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === NEWLINE || byte === RETURN || byte === 0x09;
}
