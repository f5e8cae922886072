CREATE TABLE `operational_events` (
	`number` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`fact` text NOT NULL,
	`kind` text NOT NULL,
	`webhook_id` text NOT NULL,
	`data` text NOT NULL,
	`recorded_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `operational_events_by_fact` ON `operational_events` (`fact`);--> statement-breakpoint
CREATE INDEX `operational_events_by_time` ON `operational_events` (`recorded_at`);--> statement-breakpoint
CREATE TABLE `replays` (
	`id` text PRIMARY KEY NOT NULL,
	`webhook_id` text NOT NULL,
	`since` integer NOT NULL,
	`until` integer NOT NULL,
	`which` text NOT NULL,
	`rate_per_second` integer NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`replayed` integer DEFAULT 0 NOT NULL,
	`reached_at` integer NOT NULL,
	`after_ordinal` integer NOT NULL,
	`last_ordinal` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `replays_by_webhook` ON `replays` (`webhook_id`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `replays_running` ON `replays` (`webhook_id`) WHERE state = 'running';--> statement-breakpoint
PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_webhooks` (
	`id` text PRIMARY KEY NOT NULL,
	`url` text NOT NULL,
	`filter` text NOT NULL,
	`state` text NOT NULL,
	`state_reason` text,
	`description` text NOT NULL,
	`concurrency` integer NOT NULL,
	`settings` text NOT NULL,
	`credentials` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`last_success_at` integer,
	`failing_since` integer,
	`held_until` integer,
	`told_failing_since` integer
);
--> statement-breakpoint
-- What was there is as it was; its secrets are sealed at the next start (src/vault.ts).
INSERT INTO `__new_webhooks`("id", "url", "filter", "state", "state_reason", "description", "concurrency", "version", "created_at", "updated_at", "last_success_at", "failing_since", "settings", "credentials")
SELECT "id", "url", "filter", "state", "state_reason", "description", "concurrency", "version", "created_at", "updated_at", "last_success_at", "failing_since", '{"ratePerSecond":null,"ordering":"sensor","mode":"every","minIntervalSeconds":0,"batch":null,"format":"standard","retrySchedule":null,"timeoutSeconds":15,"events":["change"]}', 'plain:' || "secrets" FROM `webhooks`;--> statement-breakpoint
DROP TABLE `webhooks`;--> statement-breakpoint
ALTER TABLE `__new_webhooks` RENAME TO `webhooks`;--> statement-breakpoint
CREATE INDEX `webhooks_that_ask` ON `webhooks` (`id`) WHERE json_extract(settings, '$.events') <> '["change"]';--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
ALTER TABLE `attempts` ADD `response` text;--> statement-breakpoint
ALTER TABLE `webhook_versions` ADD `terms` text DEFAULT '{"changes":true,"begins":"lane","minIntervalMs":0}' NOT NULL;--> statement-breakpoint
ALTER TABLE `deliveries` ADD `min_interval_ms` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `deliveries_spaced` ON `deliveries` (`webhook_id`,`sensor_id`,`ended_at`) WHERE min_interval_ms > 0 and state = 'delivered';
