import { type Static, Type } from "@sinclair/typebox";
import { CHANGE_KINDS } from "../../domain/change";
import { type Credentials, publicKeys } from "../../domain/credentials";
import { STATUS_PATTERN } from "../../domain/report";
import { LABEL_KEY_PATTERN, LABEL_VALUE_CHARS_MAX, LABELS_MAX } from "../../domain/sensor";
import {
  CONCURRENCY_MAX,
  DIRECTIONS,
  FILTER_BYTES_MAX,
  FILTER_ITEMS_MAX,
  WEBHOOK_STATES,
  type Webhook as WebhookFacts,
} from "../../domain/webhook";
import { nullable, oneOf, SensorId, TEXT_PATTERN, Time, timeOf, TimeOrNull, timeOrNull } from "../fields";
import { type CredentialsView, createdCredentials, patchedCredentials, shownCredentials } from "./webhookCredentials";
import { givenSettings, settingsView, shownSettings } from "./webhookSettings";

const URL_CHARS_MAX = 2048;
const DESCRIPTION_CHARS_MAX = 1024;

/** A list that names nothing would let nothing through: leave the field out instead. */
const Listed = { minItems: 1, maxItems: FILTER_ITEMS_MAX };

const LabelValue = Type.String({ maxLength: LABEL_VALUE_CHARS_MAX, pattern: TEXT_PATTERN });
const LabelSelectors = Type.Record(
  Type.String({ pattern: LABEL_KEY_PATTERN }),
  Type.Union([LabelValue, Type.Array(LabelValue, Listed), Type.Null()]),
  {
    maxProperties: LABELS_MAX,
    additionalProperties: false,
    description: "For each label: its value, a list of values of which it has one, or null where the sensor must not have it.",
    examples: [{ site: ["north", "south"], retired: null }],
  },
);
const Statuses = Type.Array(Type.String({ pattern: STATUS_PATTERN }), Listed);

const Filter = Type.Object(
  {
    sensorIds: Type.Optional(Type.Array(SensorId, Listed)),
    labels: Type.Optional(LabelSelectors),
    kinds: Type.Optional(
      Type.Array(oneOf(CHANGE_KINDS), { ...Listed, description: "What changed: the status (or its severity), or the availability." }),
    ),
    from: Type.Optional({ ...Statuses, description: "The status before; a sensor's first change has none." }),
    to: Type.Optional({ ...Statuses, description: "The status after." }),
    minSeverity: Type.Optional(
      oneOf(["ok", "warning", "critical"], {
        description: "The severity before or after the change is at least this; `unknown` always passes.",
      }),
    ),
    direction: Type.Optional(
      oneOf(DIRECTIONS, {
        description: "The severity went up or down; before the first report it counts as `ok`, and `unknown` always passes.",
      }),
    ),
    initial: Type.Optional(Type.Boolean({ description: "Whether a sensor's first report is sent even if it is `ok`." })),
  },
  {
    $id: "Filter",
    additionalProperties: false,
    description: `All its fields must hold; left out, every change is told but a first report that is \`ok\`. At most ${FILTER_BYTES_MAX} bytes of JSON.`,
    examples: [{ minSeverity: "warning" }],
  },
);

const Url = Type.String({
  minLength: 1,
  maxLength: URL_CHARS_MAX,
  pattern: TEXT_PATTERN,
  description: "http or https, to a public address.",
  examples: ["https://example.com/hooks/tocsin"],
});
const Description = Type.String({ maxLength: DESCRIPTION_CHARS_MAX, pattern: TEXT_PATTERN });
const Concurrency = Type.Integer({ minimum: 1, maximum: CONCURRENCY_MAX, description: "The most attempts that run at once." });

export const WebhookCreation = Type.Object(
  {
    url: Url,
    filter: Type.Optional(Filter),
    description: Type.Optional(Description),
    concurrency: Type.Optional(Concurrency),
    ...givenSettings,
    ...createdCredentials,
  },
  {
    $id: "WebhookCreation",
    additionalProperties: false,
    examples: [
      { url: "https://example.com/hooks/tocsin", filter: { minSeverity: "warning", labels: { site: "north" } } },
      {
        url: "https://example.com/hooks/tocsin",
        format: "cloudevents",
        batch: { maxItems: 100, maxWaitMs: 500 },
        ratePerSecond: 20,
        auth: { type: "bearer", token: "made-up-token" },
      },
    ],
  },
);
export type WebhookCreation = Static<typeof WebhookCreation>;

export const WebhookPatch = Type.Object(
  {
    url: Type.Optional(Url),
    filter: Type.Optional(nullable(Filter)),
    description: Type.Optional(nullable(Description)),
    concurrency: Type.Optional(nullable(Concurrency)),
    ...givenSettings,
    ...patchedCredentials,
    state: Type.Optional(oneOf(WEBHOOK_STATES, { description: "`paused` holds deliveries back; `disabled` ends what is owed." })),
  },
  {
    $id: "WebhookPatch",
    additionalProperties: false,
    description: "Fields that are left out stay as they are; null sets the default. A filter is replaced as a whole, headers one by one.",
    examples: [{ state: "paused" }, { ratePerSecond: 5, headers: { "x-api-key": "made-up-key", "x-old": null } }],
  },
);
export type WebhookPatch = Static<typeof WebhookPatch>;

const fields = {
  id: Type.String(),
  url: Type.String(),
  filter: Filter,
  state: oneOf(WEBHOOK_STATES),
  stateReason: nullable(Type.String()),
  description: Type.String(),
  concurrency: Type.Integer(),
  ...shownSettings,
  ...shownCredentials,
  createdAt: Time,
  updatedAt: Time,
  lastSuccessAt: TimeOrNull,
  failingSince: TimeOrNull,
  heldUntil: Type.Union([Time, Type.Null()], {
    description: "Nothing is sent before this time, because the endpoint asked for it with `Retry-After`; null otherwise.",
  }),
  version: Type.Integer({ description: "Counts edits; the `ETag`." }),
};
export const Webhook = Type.Object(fields, { $id: "Webhook" });
export type Webhook = Static<typeof Webhook>;

export const NewSecret = {
  secret: Type.Optional(
    Type.String({ description: "`whsec_` and the base64 of its bytes, to verify `v1` signatures with. Shown only here." }),
  ),
  publicKey: Type.Optional(Type.String({ description: "`whpk_` and the base64 of 32 bytes, to verify `v1a` signatures with." })),
};
export const NewWebhook = Type.Object({ ...fields, ...NewSecret }, { $id: "NewWebhook" });

/** What is shown once, of the keys that were just made. */
export function newSecretsView({ keys }: Pick<Credentials, "keys">, now = Date.now()): { secret?: string; publicKey?: string } {
  const secret = keys.find(({ kind }) => kind === "v1")?.secret;
  const publicKey = publicKeys({ keys }, now)[0]?.whpk;
  return { ...(secret === undefined ? {} : { secret }), ...(publicKey === undefined ? {} : { publicKey }) };
}

export const TestAttempt = Type.Object(
  {
    at: Time,
    durationMs: Type.Number(),
    statusCode: nullable(Type.Integer()),
    error: nullable(Type.String(), { description: "Why it failed; null when it did not." }),
    response: nullable(Type.String(), { description: "The beginning of the response body." }),
  },
  { $id: "Attempt" },
);

export function webhookView(webhook: WebhookFacts, credentials: CredentialsView, now = Date.now()): Webhook {
  const { id, url, filter, state, stateReason, description, concurrency, version } = webhook;
  return {
    id,
    url,
    // The domain's is read-only.
    filter: filter as Webhook["filter"],
    state,
    stateReason,
    description,
    concurrency,
    ...settingsView(webhook.settings),
    ...credentials,
    createdAt: timeOf(webhook.createdAt),
    updatedAt: timeOf(webhook.updatedAt),
    lastSuccessAt: timeOrNull(webhook.lastSuccessAt),
    failingSince: timeOrNull(webhook.failingSince),
    heldUntil: timeOrNull(webhook.heldUntil !== null && webhook.heldUntil > now ? webhook.heldUntil : null),
    version,
  };
}
