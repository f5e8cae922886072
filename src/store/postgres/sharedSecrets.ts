import { eq } from "drizzle-orm";
import type { SharedSecretStore } from "../store";
import type { Connection } from "./connection";
import { sharedSecrets } from "./schema/ownership";

export function openSharedSecrets({ db }: Connection): SharedSecretStore {
  return {
    async sharedSecret(name, candidate) {
      await db.insert(sharedSecrets).values({ name, value: candidate }).onConflictDoNothing();
      // A statement of its own: it sees what whoever came first has committed.
      const [kept] = await db.select().from(sharedSecrets).where(eq(sharedSecrets.name, name));
      return kept?.value as string;
    },
  };
}
