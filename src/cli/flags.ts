/** How the text of a flag becomes a value; what it cannot be is said by commander, with the flag's name. */
import { InvalidArgumentError } from "commander";
import { isSensorId } from "../domain/sensor";

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

export function wholeNumber({ min, max }: Bounds): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
    return value;
  };
}

export function decimal({ min, max }: Bounds): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d*\.?\d+$/.test(text) || value < min || value > max) throw new InvalidArgumentError(`It is a number from ${min} to ${max}.`);
    return value;
  };
}

export function sensorId(text: string): string {
  if (!isSensorId(text)) throw new InvalidArgumentError("It is not a sensor's id (letters, digits, _ : -, at most 128).");
  return text;
}

/** For a flag that may repeat. */
export function collect<Item>(parse: (text: string) => Item): (text: string, before: readonly Item[] | undefined) => Item[] {
  return (text, before = []) => [...before, parse(text)];
}

/** `a,b` or the flag again: both add up. */
export function commaList(text: string, before: readonly string[] = []): string[] {
  const items = text.split(",").map((item) => item.trim());
  if (items.includes("")) throw new InvalidArgumentError("It is a list such as a,b.");
  return [...before, ...items];
}

export function label(text: string): readonly [string, string] {
  const split = text.indexOf(":");
  if (split < 1) throw new InvalidArgumentError("It is written key:value, for example site:north.");
  return [text.slice(0, split), text.slice(split + 1)];
}
