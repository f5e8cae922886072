/** The walk along the dead letters that takes out those of erased sensors: which sensor one is of stands in its subject, by which none is found. */
import { FROM_THE_OLDEST, type LetterPlace, sensorOfSubject } from "./deadLetterRows";

/** So many erased sensors are looked for on one walk. */
export const SWEPT_TOGETHER_MAX = 500;

/** A sensor of which goes what was recorded before a time. */
export interface Erasing {
  readonly id: string;
  readonly before: number;
}

/** A dead letter as far as the walk looks at it. */
export interface LetterLook {
  readonly id: string;
  readonly subject: string;
  readonly recordedAt: number;
  readonly place: LetterPlace;
}

/**
 * A walk goes from the oldest to the newest, a slice at a time, for several sensors at once. What comes meanwhile is recorded later than
 * what is to go of them. It is remembered by the process alone: another one walks again.
 */
export class LetterSweep {
  #sought = new Map<string, number>();
  #swept = new Map<string, number>();
  #place: LetterPlace | null = null;

  /** Whether no dead letter of it is left. */
  isSwept({ id, before }: Erasing): boolean {
    return this.#swept.get(id) === before;
  }

  /** Where the next slice begins, behind what was looked at; a walk begins where none is under way. */
  placeFor(sought: () => readonly Erasing[]): LetterPlace {
    if (this.#place === null) {
      this.#sought = new Map(sought().map(({ id, before }) => [id, before]));
      this.#place = FROM_THE_OLDEST;
    }
    return this.#place;
  }

  /** Which of a slice are to go. */
  toGo(looked: readonly LetterLook[]): string[] {
    const goes = ({ subject, recordedAt }: LetterLook) => recordedAt < (this.#sought.get(sensorOfSubject(subject)) ?? 0);
    return looked.filter(goes).map(({ id }) => id);
  }

  /** Goes on behind a slice of at most `limit`, of which those that were to go are gone. A shorter one is the last. */
  passed(looked: readonly LetterLook[], limit: number): void {
    this.#place = looked.at(-1)?.place ?? this.#place;
    if (looked.length >= limit) return;
    this.#swept = this.#sought;
    this.#place = null;
  }
}
