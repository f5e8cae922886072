CREATE TABLE `audit` (
	`number` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`actor_kind` text NOT NULL,
	`actor_id` text NOT NULL,
	`actor_name` text NOT NULL,
	`operation` text NOT NULL,
	`target` text,
	`request_id` text NOT NULL,
	`address` text,
	`status` integer,
	`detail` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_by_time` ON `audit` (`at`);--> statement-breakpoint
CREATE INDEX `audit_by_target` ON `audit` (`target`,`number`);--> statement-breakpoint
CREATE INDEX `audit_by_actor` ON `audit` (`actor_id`,`number`);--> statement-breakpoint
CREATE TABLE `idempotency` (
	`actor_id` text NOT NULL,
	`key` text NOT NULL,
	`fingerprint` text NOT NULL,
	`begun_at` integer NOT NULL,
	`ended_at` integer,
	`status` integer,
	`answer` text,
	PRIMARY KEY(`actor_id`, `key`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_by_begin` ON `idempotency` (`begun_at`);--> statement-breakpoint
CREATE TABLE `statuses` (
	`status` text PRIMARY KEY NOT NULL,
	`severity` text NOT NULL,
	`description` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `shared_secrets` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
ALTER TABLE `tokens` ADD `reach` text;--> statement-breakpoint
ALTER TABLE `sensors` ADD `erase_before` integer;--> statement-breakpoint
CREATE INDEX `sensors_erasing` ON `sensors` (`id`) WHERE erase_before is not null;--> statement-breakpoint
INSERT INTO `meta` (`name`, `value`)
SELECT 'changes_pruned.' || p.partition, coalesce((SELECT min(c.number) - 1 FROM changes c WHERE c.partition = p.partition), p.change_number)
FROM partitions p WHERE p.role = 'ingest';