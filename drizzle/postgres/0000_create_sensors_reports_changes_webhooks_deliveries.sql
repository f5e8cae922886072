-- By hand: COLLATE "C" (ids are ordered by their bytes), PARTITION BY (reports are kept by days, each a table that days.ts makes),
-- fillfactor (the clocks of a state move with every report: beside its old row there is room for the new one, and no index is touched).
CREATE TABLE "tokens" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"hash" text COLLATE "C" NOT NULL,
	"scopes" json NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint,
	"last_used_at" bigint
);
--> statement-breakpoint
CREATE TABLE "sensor_labels" (
	"label_key" text COLLATE "C" NOT NULL,
	"label_value" text COLLATE "C" NOT NULL,
	"sensor_id" text COLLATE "C" NOT NULL,
	CONSTRAINT "sensor_labels_label_key_label_value_sensor_id_pk" PRIMARY KEY("label_key","label_value","sensor_id")
);
--> statement-breakpoint
CREATE TABLE "sensors" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"partition" integer NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"labels" json NOT NULL,
	"metadata" json NOT NULL,
	"heartbeat_interval_seconds" integer,
	"heartbeat_grace_seconds" integer,
	"version" integer NOT NULL,
	"life" integer NOT NULL,
	"registry_version" bigint NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"deleted_at" bigint,
	"search_text" text COLLATE "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "states" (
	"sensor_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"partition" integer NOT NULL,
	"status" text COLLATE "C",
	"severity" text COLLATE "C",
	"availability" text COLLATE "C" NOT NULL,
	"since" bigint,
	"last_reported_at" bigint,
	"last_received_at" bigint,
	"at_max" bigint,
	"revision" bigint NOT NULL,
	"check_at" bigint,
	"life" integer NOT NULL
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE TABLE "meta" (
	"name" text COLLATE "C" PRIMARY KEY NOT NULL,
	"value" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "nodes" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"roles" json NOT NULL,
	"alive_until" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "partitions" (
	"role" text COLLATE "C" NOT NULL,
	"partition" integer NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	"owner" text COLLATE "C",
	"lease_until" bigint DEFAULT 0 NOT NULL,
	"generation" integer DEFAULT 1 NOT NULL,
	"cursor" bigint DEFAULT 0 NOT NULL,
	"cursor_time_ns" text COLLATE "C",
	"received_at" bigint DEFAULT 0 NOT NULL,
	"dark_ended_at" bigint DEFAULT 0 NOT NULL,
	"change_number" bigint DEFAULT 0 NOT NULL,
	"published" bigint DEFAULT 0 NOT NULL,
	"registry_version" bigint DEFAULT 0 NOT NULL,
	"decided_version" bigint DEFAULT 0 NOT NULL,
	"recorded_at" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "partitions_role_partition_pk" PRIMARY KEY("role","partition")
);
--> statement-breakpoint
CREATE TABLE "probes" (
	"id" integer PRIMARY KEY NOT NULL,
	"filler" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "changes" (
	"partition" integer NOT NULL,
	"number" bigint NOT NULL,
	"sensor_id" text COLLATE "C" NOT NULL,
	"revision" bigint NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"occurred_at" bigint NOT NULL,
	"recorded_at" bigint NOT NULL,
	"data" text COLLATE "C" NOT NULL,
	CONSTRAINT "changes_partition_number_pk" PRIMARY KEY("partition","number")
);
--> statement-breakpoint
CREATE TABLE "dead_letters" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"stream" text COLLATE "C" NOT NULL,
	"sequence" bigint NOT NULL,
	"subject" text COLLATE "C" NOT NULL,
	"received_at" bigint NOT NULL,
	"recorded_at" bigint NOT NULL,
	"reason" text COLLATE "C" NOT NULL,
	"payload" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "incidents" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"partition" integer NOT NULL,
	"detail" json NOT NULL,
	"recorded_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reports" (
	"partition" integer NOT NULL,
	"generation" integer NOT NULL,
	"sequence" bigint NOT NULL,
	"sensor_id" text COLLATE "C" NOT NULL,
	"report_id" text COLLATE "C",
	"status" text COLLATE "C" NOT NULL,
	"severity" text COLLATE "C",
	"value" double precision,
	"message" text COLLATE "C",
	"attributes" json,
	"at" bigint,
	"received_at" bigint NOT NULL,
	"recorded_at" bigint NOT NULL,
	"disposition" text COLLATE "C" NOT NULL,
	"change_number" bigint,
	"stream" text COLLATE "C" NOT NULL,
	CONSTRAINT "reports_partition_generation_sequence_recorded_at_pk" PRIMARY KEY("partition","generation","sequence","recorded_at")
) PARTITION BY RANGE ("recorded_at");
--> statement-breakpoint
CREATE TABLE "stray_cursors" (
	"stream" text COLLATE "C" PRIMARY KEY NOT NULL,
	"sequence" bigint NOT NULL,
	"time_ns" text COLLATE "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "attempts" (
	"delivery_id" text COLLATE "C" NOT NULL,
	"number" integer NOT NULL,
	"at" bigint NOT NULL,
	"duration_ms" bigint NOT NULL,
	"status_code" integer,
	"error" text COLLATE "C",
	CONSTRAINT "attempts_delivery_id_number_pk" PRIMARY KEY("delivery_id","number")
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"ordinal" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "deliveries_ordinal_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"id" text COLLATE "C" NOT NULL,
	"webhook_id" text COLLATE "C" NOT NULL,
	"partition" integer NOT NULL,
	"number" bigint NOT NULL,
	"sensor_id" text COLLATE "C" NOT NULL,
	"revision" bigint NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"reason" text COLLATE "C",
	"planned_at" bigint NOT NULL,
	"owed_since" bigint NOT NULL,
	"next_attempt_at" bigint,
	"lane_failures" integer DEFAULT 0 NOT NULL,
	"rejections" integer DEFAULT 0 NOT NULL,
	"ended_at" bigint
);
--> statement-breakpoint
CREATE TABLE "webhook_versions" (
	"webhook_id" text COLLATE "C" NOT NULL,
	"version" integer NOT NULL,
	"filter" json NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"deleted" boolean NOT NULL,
	"after" json NOT NULL,
	"passed" boolean DEFAULT false NOT NULL,
	CONSTRAINT "webhook_versions_webhook_id_version_pk" PRIMARY KEY("webhook_id","version")
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"url" text COLLATE "C" NOT NULL,
	"filter" json NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"state_reason" text COLLATE "C",
	"description" text COLLATE "C" NOT NULL,
	"concurrency" integer NOT NULL,
	"secrets" json NOT NULL,
	"version" integer NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"last_success_at" bigint,
	"failing_since" bigint
);
--> statement-breakpoint
CREATE UNIQUE INDEX "tokens_by_hash" ON "tokens" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "sensors_by_registry_version" ON "sensors" USING btree ("partition","registry_version");--> statement-breakpoint
CREATE INDEX "sensors_with_heartbeat" ON "sensors" USING btree ("partition") WHERE heartbeat_interval_seconds is not null and deleted_at is null;--> statement-breakpoint
CREATE INDEX "sensors_deleted" ON "sensors" USING btree ("id") WHERE deleted_at is not null;--> statement-breakpoint
CREATE INDEX "states_by_check" ON "states" USING btree ("partition","check_at") WHERE check_at is not null;--> statement-breakpoint
CREATE INDEX "states_by_status" ON "states" USING btree ("status","sensor_id");--> statement-breakpoint
CREATE INDEX "states_by_severity" ON "states" USING btree ("severity","sensor_id");--> statement-breakpoint
CREATE INDEX "states_by_availability" ON "states" USING btree ("availability","sensor_id");--> statement-breakpoint
CREATE UNIQUE INDEX "changes_by_sensor" ON "changes" USING btree ("sensor_id","revision");--> statement-breakpoint
CREATE INDEX "changes_by_time" ON "changes" USING btree ("partition","recorded_at","number");--> statement-breakpoint
CREATE INDEX "dead_letters_by_time" ON "dead_letters" USING btree ("received_at","stream","sequence");--> statement-breakpoint
CREATE INDEX "reports_by_sensor" ON "reports" USING btree ("sensor_id","received_at","partition","generation","sequence");--> statement-breakpoint
CREATE INDEX "reports_by_report_id" ON "reports" USING btree ("report_id","sensor_id","received_at") WHERE report_id is not null and disposition <> 'duplicate';--> statement-breakpoint
CREATE UNIQUE INDEX "deliveries_by_id" ON "deliveries" USING btree ("id");--> statement-breakpoint
CREATE INDEX "deliveries_due" ON "deliveries" USING btree ("partition","webhook_id","next_attempt_at","ordinal") WHERE next_attempt_at is not null;--> statement-breakpoint
CREATE INDEX "deliveries_expiring" ON "deliveries" USING btree ("partition","owed_since","ordinal") WHERE next_attempt_at is not null;--> statement-breakpoint
CREATE INDEX "deliveries_in_lane" ON "deliveries" USING btree ("webhook_id","partition","sensor_id","number") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "deliveries_by_webhook" ON "deliveries" USING btree ("webhook_id","state","ordinal");--> statement-breakpoint
CREATE INDEX "deliveries_by_sensor" ON "deliveries" USING btree ("sensor_id","ordinal");--> statement-breakpoint
CREATE INDEX "deliveries_by_state" ON "deliveries" USING btree ("state","ordinal");--> statement-breakpoint
CREATE INDEX "webhook_versions_that_matter" ON "webhook_versions" USING btree ("webhook_id","version") WHERE not passed;