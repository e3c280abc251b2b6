-- What gateways of a group share: statuses after which the next target is tried or not, capacity.
CREATE TABLE carrier_group (
	id         TEXT PRIMARY KEY,
	max_calls  INTEGER NOT NULL DEFAULT 0,
	attempts   INTEGER NOT NULL DEFAULT 0,
	hunt       TEXT NOT NULL DEFAULT '',
	stop       TEXT NOT NULL DEFAULT '',
	changed_us BIGINT NOT NULL
);
