/** Texts that order as what they stand for does, byte by byte, here and within Redis. */
import type { Sensor } from "../domain/sensor";
import type { LogPlace } from "../store/store";

const FIRST_DIGITS = 10;
const SECOND_DIGITS = 16;
export const ORDER_CHARS = FIRST_DIGITS + SECOND_DIGITS;

/** Of a state: how far the log was taken in. */
export function placeText({ generation, cursor }: LogPlace): string {
  return text(generation, cursor);
}

/** Of what the registry keeps. */
export function versionText({ life, version }: Pick<Sensor, "life" | "version">): string {
  return text(life, version);
}

export function isBehind(one: string, other: string): boolean {
  return one < other;
}

function text(first: number, second: number): string {
  return String(first).padStart(FIRST_DIGITS, "0") + String(second).padStart(SECOND_DIGITS, "0");
}
