-- By hand: WITHOUT ROWID, and the full-text index. What is there already is grouped by the service, in slices.
CREATE TABLE `search_groups` (
	`number` integer PRIMARY KEY NOT NULL,
	`pass` integer NOT NULL,
	`first_id` text NOT NULL,
	`last_id` text NOT NULL,
	`members` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `search_groups_by_pass` ON `search_groups` (`pass`);--> statement-breakpoint
CREATE TABLE `search_progress` (
	`id` integer PRIMARY KEY NOT NULL,
	`pass` integer NOT NULL,
	`reached` text,
	`complete` integer NOT NULL,
	`passed` integer NOT NULL,
	`added` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `search_waiting` (
	`sensor_id` text PRIMARY KEY NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
DROP INDEX `states_by_status`;--> statement-breakpoint
DROP INDEX `states_by_severity`;--> statement-breakpoint
CREATE INDEX `states_by_status` ON `states` (`status`,`sensor_id`,`severity`,`availability`);--> statement-breakpoint
CREATE INDEX `states_by_severity` ON `states` (`severity`,`sensor_id`,`status`,`availability`);--> statement-breakpoint
CREATE VIRTUAL TABLE `search_trigrams` USING fts5(`text`, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1');
