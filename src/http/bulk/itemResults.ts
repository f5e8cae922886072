import type { FieldError } from "../../domain/fault";
import type { ItemRefusal } from "./itemRefusals";

/** What is said of refused items in one answer: beyond it, why one was refused is left out. */
const REFUSAL_BYTES_MAX = 4 * 1024 * 1024;
/** A pointer names a field as it was sent, however long that is. */
const ERRORS_PER_ITEM_MAX = 5;
const ERROR_CHARS_MAX = 256;
const FIRST_ITEMS = 256;
/** The notes of items that were not accepted are counted from here. */
const REFUSED = 0x8000_0000;

/** What became of all items, as it is told to another thread. */
export interface PackedResults {
  readonly accepted: number;
  readonly statuses: Uint16Array<ArrayBuffer>;
  readonly notes: Uint32Array<ArrayBuffer>;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly texts: readonly string[];
}

/**
 * What became of each item, in a few bytes: many senders read nothing before they have sent everything, so all of it is kept until they
 * have. Texts that repeat are kept once.
 */
export class ItemResults {
  accepted = 0;
  /** Items that were counted so far; each of them is accepted or refused in the end. */
  #count = 0;
  #statuses = new Uint16Array(FIRST_ITEMS);
  #notes = new Uint32Array(FIRST_ITEMS);
  #numbers = new Float64Array(FIRST_ITEMS);
  #texts: string[] = [];
  readonly #places = new Map<string, number>();
  #refusalBytes = 0;

  get count(): number {
    return this.#count;
  }

  get refused(): number {
    return this.#count - this.accepted;
  }

  /** So many more items; gives the index of the first. */
  add(items: number): number {
    const first = this.#count;
    this.#count += items;
    if (this.#count > this.#statuses.length) this.#grow(Math.max(this.#count, 2 * this.#statuses.length));
    return first;
  }

  /** `fields` are members of its result, as JSON, with `#` where the number stands. */
  accept(index: number, status: number, { number, fields }: { readonly number: number; readonly fields: string }): void {
    this.accepted += 1;
    this.#statuses[index] = status;
    this.#notes[index] = this.#placeOf(fields);
    this.#numbers[index] = number;
  }

  refuse(index: number, { status, detail, errors = [] }: ItemRefusal): void {
    this.#statuses[index] = status;
    this.#notes[index] = REFUSED + this.#placeOf(this.#told(JSON.stringify({ errors: shortened(errors), detail })));
  }

  packed(): PackedResults {
    const [statuses, notes, numbers] = [this.#statuses, this.#notes, this.#numbers].map((each) => each.slice(0, this.#count)) as [
      Uint16Array<ArrayBuffer>,
      Uint32Array<ArrayBuffer>,
      Float64Array<ArrayBuffer>,
    ];
    return { accepted: this.accepted, statuses, notes, numbers, texts: this.#texts };
  }

  /** Takes over what was found out elsewhere of as many items as were counted here. */
  adopt({ accepted, statuses, notes, numbers, texts }: PackedResults): void {
    this.accepted = accepted;
    [this.#statuses, this.#notes, this.#numbers] = [statuses, notes, numbers];
    this.#texts = [...texts];
  }

  isRefused(index: number): boolean {
    return (this.#notes[index] as number) >= REFUSED;
  }

  /** An item's result as JSON. */
  textOf(index: number): string {
    const note = this.#notes[index] as number;
    const fields = this.#texts[note >= REFUSED ? note - REFUSED : note] as string;
    const members = note >= REFUSED ? fields : fields.replace("#", String(this.#numbers[index]));
    return `{"index":${index},"status":${this.#statuses[index]},${members}}`;
  }

  #told(refusal: string): string {
    const members = refusal.slice(1, -1);
    if (this.#places.has(members)) return members;
    this.#refusalBytes += Buffer.byteLength(members);
    return this.#refusalBytes <= REFUSAL_BYTES_MAX ? members : LEFT_OUT;
  }

  #placeOf(text: string): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    this.#places.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  #grow(items: number): void {
    const [statuses, notes, numbers] = [new Uint16Array(items), new Uint32Array(items), new Float64Array(items)];
    statuses.set(this.#statuses);
    notes.set(this.#notes);
    numbers.set(this.#numbers);
    [this.#statuses, this.#notes, this.#numbers] = [statuses, notes, numbers];
  }
}

const LEFT_OUT = JSON.stringify({
  errors: [],
  detail: "Refused; the reason is left out, because the answer says so much about other items already.",
}).slice(1, -1);

function shortened(errors: readonly FieldError[]): FieldError[] {
  return errors.slice(0, ERRORS_PER_ITEM_MAX).map(({ pointer, message }) => ({ pointer: short(pointer), message: short(message) }));
}

function short(text: string): string {
  return text.length <= ERROR_CHARS_MAX ? text : `${text.slice(0, ERROR_CHARS_MAX).toWellFormed()}…`;
}
