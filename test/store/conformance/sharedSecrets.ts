import { expect } from "bun:test";
import { type Promises, promises } from "./harness";

export const sharedSecretPromises: readonly Promises[] = [
  promises("a secret that all nodes share", {
    "is what the first one brought, whoever asks afterwards or at once": async (store, opened) => {
      const given = await Promise.all(["one", "two", "three"].map((candidate) => store.sharedSecret("cache", candidate)));
      expect(new Set(given).size).toBe(1);
      expect(["one", "two", "three"]).toContain(given[0] as string);
      expect(await store.sharedSecret("another", "four")).toBe("four");
      expect(await (await opened.reopen()).sharedSecret("cache", "five")).toBe(given[0] as string);
    },
  }),
];
