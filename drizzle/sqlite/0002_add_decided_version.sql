ALTER TABLE `partitions` ADD `decided_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- By hand: whoever owned a partition before this knew of every edit.
UPDATE `partitions` SET `decided_version` = `registry_version`;