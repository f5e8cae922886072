CREATE TABLE "audit" (
	"number" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_number_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" bigint NOT NULL,
	"actor_kind" text COLLATE "C" NOT NULL,
	"actor_id" text COLLATE "C" NOT NULL,
	"actor_name" text COLLATE "C" NOT NULL,
	"operation" text COLLATE "C" NOT NULL,
	"target" text COLLATE "C",
	"request_id" text COLLATE "C" NOT NULL,
	"address" text COLLATE "C",
	"status" integer,
	"detail" json NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency" (
	"actor_id" text COLLATE "C" NOT NULL,
	"key" text COLLATE "C" NOT NULL,
	"fingerprint" text COLLATE "C" NOT NULL,
	"begun_at" bigint NOT NULL,
	"ended_at" bigint,
	"status" integer,
	"answer" text COLLATE "C",
	CONSTRAINT "idempotency_actor_id_key_pk" PRIMARY KEY("actor_id","key")
);
--> statement-breakpoint
CREATE TABLE "statuses" (
	"status" text COLLATE "C" PRIMARY KEY NOT NULL,
	"severity" text COLLATE "C" NOT NULL,
	"description" text COLLATE "C" NOT NULL,
	"version" integer NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "shared_secrets" (
	"name" text COLLATE "C" PRIMARY KEY NOT NULL,
	"value" text COLLATE "C" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "reach" json;--> statement-breakpoint
ALTER TABLE "sensors" ADD COLUMN "erase_before" bigint;--> statement-breakpoint
CREATE INDEX "audit_by_time" ON "audit" USING btree ("at");--> statement-breakpoint
CREATE INDEX "audit_by_target" ON "audit" USING btree ("target","number");--> statement-breakpoint
CREATE INDEX "audit_by_actor" ON "audit" USING btree ("actor_id","number");--> statement-breakpoint
CREATE INDEX "idempotency_by_begin" ON "idempotency" USING btree ("begun_at");--> statement-breakpoint
CREATE INDEX "sensors_erasing" ON "sensors" USING btree ("id") WHERE erase_before is not null;--> statement-breakpoint
INSERT INTO "meta" ("name", "value")
SELECT 'changes_pruned.' || p.partition, coalesce((SELECT min(c.number) - 1 FROM changes c WHERE c.partition = p.partition), p.change_number)
FROM partitions p WHERE p.role = 'ingest';