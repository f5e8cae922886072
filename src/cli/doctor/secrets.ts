import type { Config, Secrets } from "../../config";
import { isFault } from "../../domain/fault";
import { KEY_FILE } from "../../vault/keyFile";
import { heldKeys, lackingKeys, refuseWithoutKey, type SealedRows } from "../../vault/unlock";
import { fail, type Finding, ok } from "./findings";

const SUBJECT = "webhooks' secrets";

/** Whether a node with this configuration can open what the database keeps sealed. */
export async function examineSecrets(config: Config, secrets: Secrets, rows: Pick<SealedRows, "listCredentials">): Promise<Finding[]> {
  try {
    refuseWithoutKey(config, secrets);
    const keys = heldKeys({ config, secrets, folder: config.dataDir });
    const lacking = await lackingKeys(rows, keys);
    if (lacking.length > 0) {
      const advice =
        keys.length > 0
          ? "add it to SECRETS_KEY, after the first"
          : `put ${KEY_FILE} back into the data folder, or set SECRETS_KEY to that key`;
      return [fail(SUBJECT, `some are sealed with key ${lacking.join(", ")}, which is not at hand`, advice)];
    }
    // The first start makes one, or this node has nothing to do with them.
    return keys[0] === undefined ? [] : [ok(SUBJECT, `sealed with key ${keys[0].id}`)];
  } catch (error) {
    if (!isFault(error)) throw error;
    return [fail(SUBJECT, error.message, "no node that makes or sends webhooks starts like this")];
  }
}
