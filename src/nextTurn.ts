/** Lets everything else that is ready run first: work that never waits for anything would otherwise hold the process in a loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
