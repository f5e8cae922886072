CREATE TABLE "operational_events" (
	"number" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "operational_events_number_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"fact" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"webhook_id" text COLLATE "C" NOT NULL,
	"data" text COLLATE "C" NOT NULL,
	"recorded_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "replays" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"webhook_id" text COLLATE "C" NOT NULL,
	"since" bigint NOT NULL,
	"until" bigint NOT NULL,
	"which" text COLLATE "C" NOT NULL,
	"rate_per_second" integer NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"reason" text COLLATE "C",
	"replayed" bigint DEFAULT 0 NOT NULL,
	"reached_at" bigint NOT NULL,
	"after_ordinal" bigint NOT NULL,
	"last_ordinal" bigint NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "response" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "webhook_versions" ADD COLUMN "terms" json DEFAULT '{"changes":true,"begins":"lane","minIntervalMs":0}' NOT NULL;--> statement-breakpoint
ALTER TABLE "webhook_versions" ALTER COLUMN "terms" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "settings" json DEFAULT '{"ratePerSecond":null,"ordering":"sensor","mode":"every","minIntervalSeconds":0,"batch":null,"format":"standard","retrySchedule":null,"timeoutSeconds":15,"events":["change"]}' NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" ALTER COLUMN "settings" DROP DEFAULT;--> statement-breakpoint
-- What was there is as it was; its secrets are sealed at the next start (src/vault.ts).
ALTER TABLE "webhooks" ADD COLUMN "credentials" text COLLATE "C";--> statement-breakpoint
UPDATE "webhooks" SET "credentials" = 'plain:' || "secrets"::text;--> statement-breakpoint
ALTER TABLE "webhooks" ALTER COLUMN "credentials" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "webhooks" DROP COLUMN "secrets";--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "held_until" bigint;--> statement-breakpoint
ALTER TABLE "webhooks" ADD COLUMN "told_failing_since" bigint;--> statement-breakpoint
CREATE UNIQUE INDEX "operational_events_by_fact" ON "operational_events" USING btree ("fact");--> statement-breakpoint
CREATE INDEX "operational_events_by_time" ON "operational_events" USING btree ("recorded_at");--> statement-breakpoint
CREATE INDEX "webhooks_that_ask" ON "webhooks" USING btree ("id") WHERE settings #>> '{events}' <> '["change"]';--> statement-breakpoint
CREATE INDEX "replays_by_webhook" ON "replays" USING btree ("webhook_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "replays_running" ON "replays" USING btree ("webhook_id") WHERE state = 'running';--> statement-breakpoint
ALTER TABLE "deliveries" ADD COLUMN "min_interval_ms" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "deliveries_spaced" ON "deliveries" USING btree ("webhook_id","sensor_id","ended_at") WHERE min_interval_ms > 0 and state = 'delivered';
