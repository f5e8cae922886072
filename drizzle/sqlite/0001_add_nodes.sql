CREATE TABLE `nodes` (
	`id` text PRIMARY KEY NOT NULL,
	`roles` text NOT NULL,
	`alive_until` integer NOT NULL
);
