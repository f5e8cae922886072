import { eq } from "drizzle-orm";
import type { SharedSecretStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { sharedSecrets } from "./schema/ownership";

export function openSharedSecrets({ db, write }: Connection): Direct<SharedSecretStore> {
  return {
    sharedSecret: (name, candidate) =>
      write(() => {
        db.insert(sharedSecrets).values({ name, value: candidate }).onConflictDoNothing().run();
        return db.select().from(sharedSecrets).where(eq(sharedSecrets.name, name)).get()?.value as string;
      }),
  };
}
