import { Fault } from "../domain/fault";

/** Of one node. */
export const STREAMS_MAX = 2000;
/** Of one caller on one node: nobody takes the room of all others. */
export const STREAMS_PER_CALLER_MAX = 500;

export interface RoomLimits {
  readonly streams: number;
  readonly perCaller: number;
}

/** How many streams are open, or are being opened: in all, and of each caller. */
export class Room {
  readonly #byCaller = new Map<string, number>();
  #taken = 0;

  constructor(private readonly limits: RoomLimits) {}

  get isEmpty(): boolean {
    return this.#taken === 0;
  }

  /** Gives how to give it back, which may be called again and again. Throws `Fault` (exhausted, unavailable) when there is none. */
  take(caller: string): () => void {
    const { streams, perCaller } = this.limits;
    const own = this.#byCaller.get(caller) ?? 0;
    if (own >= perCaller)
      throw new Fault("exhausted", `You already have ${perCaller} live streams open on this node, the maximum for one caller.`);
    if (this.#taken >= streams)
      throw new Fault("unavailable", `This node already has ${streams} live streams open, its maximum; try again later.`);
    this.#byCaller.set(caller, own + 1);
    this.#taken += 1;
    let isTaken = true;
    return () => {
      if (isTaken) this.#giveBack(caller);
      isTaken = false;
    };
  }

  #giveBack(caller: string): void {
    this.#taken -= 1;
    const left = (this.#byCaller.get(caller) ?? 1) - 1;
    if (left === 0) this.#byCaller.delete(caller);
    else this.#byCaller.set(caller, left);
  }
}
