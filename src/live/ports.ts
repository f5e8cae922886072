import type { ChangeCursor } from "../domain/changeCursor";
import type { Lookout } from "../domain/lookout";

/** Who calls out that there may be changes. A hint: nothing depends on it. */
export interface ChangeHints {
  /** Gives how to stop it. */
  follow(onHint: () => void): () => void;
}

export interface WatchWish {
  /** Null begins at the present. */
  readonly from: ChangeCursor | null;
  readonly lookout: Lookout;
  /** Who watches: nobody takes all the room. */
  readonly caller: string;
  /** What the watcher was let in with: those with the same are asked after together. */
  readonly credential: string;
  /** Whether the credential would be let in now: at once, where that is known. Never throws or rejects. */
  readonly stillLetIn: () => boolean | Promise<boolean>;
}
