-- Written by drizzle-kit; by hand: WITHOUT ROWID, for tables whose rows are found by their primary key alone.
CREATE TABLE `tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`hash` text NOT NULL,
	`scopes` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`last_used_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_by_hash` ON `tokens` (`hash`);--> statement-breakpoint
CREATE TABLE `sensor_labels` (
	`label_key` text NOT NULL,
	`label_value` text NOT NULL,
	`sensor_id` text NOT NULL,
	PRIMARY KEY(`label_key`, `label_value`, `sensor_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `sensors` (
	`id` text PRIMARY KEY NOT NULL,
	`partition` integer NOT NULL,
	`name` text NOT NULL,
	`labels` text NOT NULL,
	`metadata` text NOT NULL,
	`heartbeat_interval_seconds` integer,
	`heartbeat_grace_seconds` integer,
	`version` integer NOT NULL,
	`life` integer NOT NULL,
	`registry_version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	`search_text` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `sensors_by_registry_version` ON `sensors` (`partition`,`registry_version`);--> statement-breakpoint
CREATE INDEX `sensors_with_heartbeat` ON `sensors` (`partition`) WHERE heartbeat_interval_seconds is not null and deleted_at is null;--> statement-breakpoint
CREATE INDEX `sensors_deleted` ON `sensors` (`id`) WHERE deleted_at is not null;--> statement-breakpoint
CREATE TABLE `states` (
	`sensor_id` text PRIMARY KEY NOT NULL,
	`partition` integer NOT NULL,
	`status` text,
	`severity` text,
	`availability` text NOT NULL,
	`since` integer,
	`last_reported_at` integer,
	`last_received_at` integer,
	`at_max` integer,
	`revision` integer NOT NULL,
	`check_at` integer,
	`life` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `states_by_check` ON `states` (`partition`,`check_at`) WHERE check_at is not null;--> statement-breakpoint
CREATE INDEX `states_by_status` ON `states` (`status`,`sensor_id`);--> statement-breakpoint
CREATE INDEX `states_by_severity` ON `states` (`severity`,`sensor_id`);--> statement-breakpoint
CREATE INDEX `states_by_availability` ON `states` (`availability`,`sensor_id`);--> statement-breakpoint
CREATE TABLE `meta` (
	`name` text PRIMARY KEY NOT NULL,
	`value` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `partitions` (
	`role` text NOT NULL,
	`partition` integer NOT NULL,
	`epoch` integer DEFAULT 0 NOT NULL,
	`owner` text,
	`lease_until` integer DEFAULT 0 NOT NULL,
	`generation` integer DEFAULT 1 NOT NULL,
	`cursor` integer DEFAULT 0 NOT NULL,
	`cursor_time_ns` text,
	`received_at` integer DEFAULT 0 NOT NULL,
	`dark_ended_at` integer DEFAULT 0 NOT NULL,
	`change_number` integer DEFAULT 0 NOT NULL,
	`published` integer DEFAULT 0 NOT NULL,
	`registry_version` integer DEFAULT 0 NOT NULL,
	`recorded_at` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`role`, `partition`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `probes` (
	`id` integer PRIMARY KEY NOT NULL,
	`filler` blob NOT NULL
);
--> statement-breakpoint
CREATE TABLE `changes` (
	`partition` integer NOT NULL,
	`number` integer NOT NULL,
	`sensor_id` text NOT NULL,
	`revision` integer NOT NULL,
	`kind` text NOT NULL,
	`occurred_at` integer NOT NULL,
	`recorded_at` integer NOT NULL,
	`data` text NOT NULL,
	PRIMARY KEY(`partition`, `number`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `changes_by_sensor` ON `changes` (`sensor_id`,`revision`);--> statement-breakpoint
CREATE INDEX `changes_by_time` ON `changes` (`partition`,`recorded_at`);--> statement-breakpoint
CREATE TABLE `dead_letters` (
	`id` text PRIMARY KEY NOT NULL,
	`stream` text NOT NULL,
	`sequence` integer NOT NULL,
	`subject` text NOT NULL,
	`received_at` integer NOT NULL,
	`recorded_at` integer NOT NULL,
	`reason` text NOT NULL,
	`payload` blob NOT NULL
);
--> statement-breakpoint
CREATE INDEX `dead_letters_by_time` ON `dead_letters` (`received_at`,`stream`,`sequence`);--> statement-breakpoint
CREATE TABLE `incidents` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`partition` integer NOT NULL,
	`detail` text NOT NULL,
	`recorded_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `reports` (
	`partition` integer NOT NULL,
	`generation` integer NOT NULL,
	`sequence` integer NOT NULL,
	`sensor_id` text NOT NULL,
	`report_id` text,
	`status` text NOT NULL,
	`severity` text,
	`value` real,
	`message` text,
	`attributes` text,
	`at` integer,
	`received_at` integer NOT NULL,
	`recorded_at` integer NOT NULL,
	`disposition` text NOT NULL,
	`change_number` integer,
	`stream` text NOT NULL,
	PRIMARY KEY(`partition`, `generation`, `sequence`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `stray_cursors` (
	`stream` text PRIMARY KEY NOT NULL,
	`sequence` integer NOT NULL,
	`time_ns` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `attempts` (
	`delivery_id` text NOT NULL,
	`number` integer NOT NULL,
	`at` integer NOT NULL,
	`duration_ms` integer NOT NULL,
	`status_code` integer,
	`error` text,
	PRIMARY KEY(`delivery_id`, `number`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `deliveries` (
	`ordinal` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`webhook_id` text NOT NULL,
	`partition` integer NOT NULL,
	`number` integer NOT NULL,
	`sensor_id` text NOT NULL,
	`revision` integer NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`planned_at` integer NOT NULL,
	`owed_since` integer NOT NULL,
	`next_attempt_at` integer,
	`lane_failures` integer DEFAULT 0 NOT NULL,
	`rejections` integer DEFAULT 0 NOT NULL,
	`ended_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `deliveries_by_id` ON `deliveries` (`id`);--> statement-breakpoint
CREATE INDEX `deliveries_due` ON `deliveries` (`partition`,`webhook_id`,`next_attempt_at`) WHERE next_attempt_at is not null;--> statement-breakpoint
CREATE INDEX `deliveries_expiring` ON `deliveries` (`partition`,`owed_since`) WHERE next_attempt_at is not null;--> statement-breakpoint
CREATE INDEX `deliveries_in_lane` ON `deliveries` (`webhook_id`,`sensor_id`,`number`) WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX `deliveries_by_webhook` ON `deliveries` (`webhook_id`,`state`);--> statement-breakpoint
CREATE INDEX `deliveries_by_sensor` ON `deliveries` (`sensor_id`);--> statement-breakpoint
CREATE INDEX `deliveries_by_state` ON `deliveries` (`state`);--> statement-breakpoint
CREATE TABLE `webhook_versions` (
	`webhook_id` text NOT NULL,
	`version` integer NOT NULL,
	`filter` text NOT NULL,
	`state` text NOT NULL,
	`deleted` integer NOT NULL,
	`after` text NOT NULL,
	`passed` integer DEFAULT false NOT NULL,
	PRIMARY KEY(`webhook_id`, `version`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `webhook_versions_that_matter` ON `webhook_versions` (`webhook_id`,`version`) WHERE passed = 0;--> statement-breakpoint
CREATE TABLE `webhooks` (
	`id` text PRIMARY KEY NOT NULL,
	`url` text NOT NULL,
	`filter` text NOT NULL,
	`state` text NOT NULL,
	`state_reason` text,
	`description` text NOT NULL,
	`concurrency` integer NOT NULL,
	`secrets` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`last_success_at` integer,
	`failing_since` integer
);
