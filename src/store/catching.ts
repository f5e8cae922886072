/** A port over a driver's methods, whether they answer at once or later: what they throw rejects, as what `asFault` makes of it. */
export function catching<Port extends object>(methods: object, asFault: (error: unknown) => unknown): Port {
  const calls = Object.entries(methods as Record<string, (...args: unknown[]) => unknown>).map(([name, method]) => {
    const call = async (...args: unknown[]): Promise<unknown> => {
      try {
        return await method(...args);
      } catch (error) {
        throw asFault(error);
      }
    };
    return [name, call] as const;
  });
  return Object.fromEntries(calls) as Port;
}
