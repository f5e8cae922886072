import { Fault } from "../domain/fault";
import { Shares } from "../domain/shares";

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
  readonly #shares: Shares;

  constructor(private readonly limits: RoomLimits) {
    this.#shares = new Shares({ all: limits.streams, each: limits.perCaller });
  }

  get isEmpty(): boolean {
    return this.#shares.isEmpty;
  }

  /** Gives how to give it back, which may be called again and again. Throws `Fault` (exhausted, unavailable) when there is none. */
  take(caller: string): () => void {
    const { streams, perCaller } = this.limits;
    const taken = this.#shares.take(caller);
    if (taken === "each")
      throw new Fault("exhausted", `You already have ${perCaller} live streams open on this node, the maximum for one caller.`);
    if (taken === "all")
      throw new Fault("unavailable", `This node already has ${streams} live streams open, its maximum; try again later.`);
    return taken;
  }
}
