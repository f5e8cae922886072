import { isStreamMissing } from "./faults";

/** Does something with a stream. When there is none such, all that are missing are made anew, and whoever asked tries again by itself. */
export type Mend = <Answer>(act: () => Promise<Answer>) => Promise<Answer>;

/**
 * A stream that somebody deletes takes no connection with it, so that nothing but a question to it shows that it is gone. `ensure` makes
 * what is missing; many may find that out at once, and one of them has it done.
 */
export function createMend(ensure: () => Promise<void>): Mend {
  let running: Promise<void> | null = null;
  return async (act) => {
    try {
      return await act();
    } catch (error) {
      if (!isStreamMissing(error)) throw error;
      running ??= ensure().finally(() => {
        running = null;
      });
      await running;
      throw error;
    }
  };
}
