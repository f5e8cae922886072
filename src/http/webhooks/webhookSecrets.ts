/** The keys that a webhook is signed with: a new one in place of the old, and the public halves for whoever verifies. */
import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import {
  type Credentials,
  KEY_KINDS,
  OVERLAP_DEFAULT_MS,
  OVERLAP_MAX_MS,
  publicKeys,
  rotate,
  type SigningKey,
  withoutKey,
} from "../../domain/credentials";
import { Fault } from "../../domain/fault";
import { checkedSecret, newKey } from "../../signingKeys";
import type { WebhookStore } from "../../store/store";
import type { Vault } from "../../vault";
import { oneOf, OwnId, OwnParams } from "../fields";
import { IdempotencyKey } from "../gate/idempotency";
import { operation } from "../document/operation";
import { invalid } from "../problems";
import { ETAG_HEADER, etagOf, IfMatch } from "../versions";
import { keysView, ShownKeys } from "./webhookCredentials";
import { editWebhook } from "./webhookEdits";
import { NewSecret, newSecretsView } from "./webhookModel";

const SECRET_CHARS_MAX = 256;
/** How long a receiver may go on with the public keys that it has; a key that was replaced signs for longer, unless asked otherwise. */
const PUBLIC_KEYS_MAX_AGE_SECONDS = 300;

const RotationHeaders = Type.Composite([IfMatch, IdempotencyKey]);

const Rotation = Type.Object(
  {
    overlapSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: OVERLAP_MAX_MS / 1000,
        default: OVERLAP_DEFAULT_MS / 1000,
        description: "How long the keys before go on signing beside the new one.",
      }),
    ),
    kind: Type.Optional(oneOf(KEY_KINDS, { description: "Default `v1`. Keys of the other kind stay as they are." })),
    secret: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: SECRET_CHARS_MAX,
        description: "One of your own: `whsec_` and the base64 of 24 to 64 bytes.",
      }),
    ),
  },
  { $id: "Rotation", additionalProperties: false, examples: [{}, { overlapSeconds: 3600 }] },
);

const KeyParams = Type.Object({ id: OwnId, keyId: OwnId });

const Rotated = Type.Object({ ...NewSecret, keys: ShownKeys }, { $id: "Rotated" });

const PublicKeys = Type.Object(
  {
    keys: Type.Array(
      Type.Object({
        kty: Type.Literal("OKP"),
        crv: Type.Literal("Ed25519"),
        x: Type.String(),
        kid: Type.String(),
        use: Type.Literal("sig"),
        alg: Type.Literal("EdDSA"),
        whpk: Type.String({ description: "The same key as Standard Webhooks writes it." }),
      }),
    ),
  },
  { $id: "PublicKeys", description: "A JSON Web Key Set (RFC 7517, RFC 8037), newest first." },
);

export interface WebhookSecretsOptions {
  readonly store: WebhookStore;
  readonly vault: Vault;
  /** Wakes whoever plans and sends. */
  readonly changed: () => void;
}

export function webhookSecrets({ store, vault, changed }: WebhookSecretsOptions) {
  return new Elysia({ name: "webhookSecrets" })
    .post(
      "/v1/webhooks/:id/rotate-secret",
      async ({ params: { id }, body, headers, set }) => {
        const key = rotatedKey(body, Date.now());
        let rotated: Credentials | undefined;
        const { webhook } = await editWebhook(store, { id, ifMatch: headers["if-match"] }, async (before) => {
          const overlapMs = (body.overlapSeconds ?? OVERLAP_DEFAULT_MS / 1000) * 1000;
          rotated = rotate(vault.openCredentials(id, before.credentials), { key, overlapMs, now: key.createdAt });
          return { credentials: vault.sealCredentials(id, rotated) };
        });
        changed();
        set.headers["etag"] = etagOf(webhook.version);
        return { ...newSecretsView({ keys: [key] }), keys: keysView(rotated as Credentials, Date.now()) };
      },
      { params: OwnParams, headers: RotationHeaders, body: Rotation, ...ROTATE },
    )
    .delete(
      "/v1/webhooks/:id/keys/:keyId",
      async ({ params: { id, keyId }, headers }) => {
        await editWebhook(store, { id, ifMatch: headers["if-match"] }, async (before) => {
          const left = withoutKey(vault.openCredentials(id, before.credentials), keyId, Date.now());
          return { credentials: vault.sealCredentials(id, left) };
        });
        changed();
        return new Response(null, { status: 204 });
      },
      { params: KeyParams, headers: IfMatch, ...END_KEY },
    )
    .get(
      "/.well-known/webhook-keys/:id",
      async ({ params: { id }, set }) => {
        const webhook = await store.getWebhook(id);
        const found = webhook === null ? [] : publicKeys(vault.openCredentials(id, webhook.credentials), Date.now());
        // Whoever asks without a token is not told which webhooks there are.
        if (found.length === 0) throw new Fault("notFound", "This webhook has no public keys, or does not exist.");
        set.headers["cache-control"] = `public, max-age=${PUBLIC_KEYS_MAX_AGE_SECONDS}`;
        return { keys: found.map(({ jwk, whpk }) => ({ ...jwk, whpk })) };
      },
      { params: OwnParams, ...PUBLIC_KEYS },
    );
}

/** Throws a 422 for a secret that is none, without a word of it. */
function rotatedKey({ kind = "v1", secret }: Static<typeof Rotation>, now: number): SigningKey {
  const key = newKey(kind, now);
  if (secret === undefined) return key;
  const checked = checkedSecret(kind, secret);
  if (checked !== null) return { ...key, secret: checked };
  const form = kind === "v1" ? "whsec_ and the standard base64 of 24 to 64 bytes" : "whsk_ and the standard base64 of 32 or 64 bytes";
  throw invalid("The secret cannot be used.", [{ pointer: "/secret", message: `must be ${form}` }]);
}

const ROTATE = operation({
  id: "rotateSecret",
  tag: "Webhooks",
  summary: "Sign with a new key",
  description: "The previous keys go on signing for the overlap, so that receivers can switch over. `secret` is shown only in this answer.",
  scope: "webhooks:write",
  takesBody: true,
  answers: { 200: { description: "The new key signs from now on.", schema: Rotated, headers: ETAG_HEADER } },
  problems: [404, 409, 412],
});
const END_KEY = operation({
  id: "endKey",
  tag: "Webhooks",
  summary: "End a key at once",
  description: "It signs nothing more. The last one that signs stays: rotate first.",
  scope: "webhooks:write",
  answers: { 204: { description: "It is gone." } },
  problems: [404, 409, 412],
});
const PUBLIC_KEYS = operation({
  id: "getWebhookKeys",
  tag: "Webhooks",
  summary: "The public keys that verify a webhook's `v1a` signatures",
  scope: null,
  answers: {
    200: { description: "Those that sign now.", schema: PublicKeys, headers: { "cache-control": "How long they may be kept." } },
  },
  problems: [404, 422, 429, 503],
});
