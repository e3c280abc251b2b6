-- Routes; gateways in groups; overflow of a customer's trunk to another of its trunks.
CREATE TABLE route (
	id         TEXT PRIMARY KEY,
	account    TEXT NOT NULL DEFAULT '',
	classes    INTEGER NOT NULL DEFAULT 0,
	prefix     TEXT NOT NULL DEFAULT '',
	week       TEXT NOT NULL DEFAULT '',
	targets    TEXT NOT NULL,
	weight     INTEGER NOT NULL DEFAULT 10,
	enabled    INTEGER NOT NULL DEFAULT 1,
	changed_us BIGINT NOT NULL
);
ALTER TABLE trunk ADD COLUMN gateway_group TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN overflow TEXT NOT NULL DEFAULT '';
