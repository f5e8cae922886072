-- By hand: COLLATE "C". What is there already is grouped by the service, in slices.
CREATE TABLE "search_groups" (
	"number" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "search_groups_number_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"pass" integer NOT NULL,
	"first_id" text COLLATE "C" NOT NULL,
	"last_id" text COLLATE "C" NOT NULL,
	"members" text[] COLLATE "C" NOT NULL,
	"trigrams" integer[] NOT NULL
);
--> statement-breakpoint
CREATE TABLE "search_progress" (
	"id" integer PRIMARY KEY NOT NULL,
	"pass" integer NOT NULL,
	"reached" text COLLATE "C",
	"complete" boolean NOT NULL,
	"passed" integer NOT NULL,
	"added" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "search_waiting" (
	"sensor_id" text COLLATE "C" NOT NULL
);
--> statement-breakpoint
DROP INDEX "states_by_status";--> statement-breakpoint
DROP INDEX "states_by_severity";--> statement-breakpoint
CREATE INDEX "search_groups_by_pass" ON "search_groups" USING btree ("pass");--> statement-breakpoint
CREATE INDEX "search_groups_by_trigram" ON "search_groups" USING gin ("trigrams") WITH (fastupdate=false);--> statement-breakpoint
CREATE INDEX "search_waiting_by_sensor" ON "search_waiting" USING btree ("sensor_id");--> statement-breakpoint
CREATE INDEX "states_by_status" ON "states" USING btree ("status","sensor_id","severity","availability");--> statement-breakpoint
CREATE INDEX "states_by_severity" ON "states" USING btree ("severity","sensor_id","status","availability");
