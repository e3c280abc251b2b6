-- Accounts, trunks, numbers. Text ids, BIGINT microseconds, no SQLite specials: PostgreSQL reads
-- the same. store_version has one row; a writer raises it in the transaction of its change.
CREATE TABLE store_version (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	version BIGINT NOT NULL,
	changed_us BIGINT NOT NULL
);
INSERT INTO store_version (one, version, changed_us) VALUES (1, 0, 0);

CREATE TABLE account (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	parent TEXT NOT NULL,
	enabled INTEGER NOT NULL,
	classes INTEGER NOT NULL,
	tls_srtp TEXT NOT NULL,
	max_calls INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	changed_us BIGINT NOT NULL
);

CREATE TABLE trunk (
	id TEXT PRIMARY KEY,
	account TEXT REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED,
	position INTEGER NOT NULL,
	enabled INTEGER NOT NULL,
	direction TEXT NOT NULL,
	host TEXT NOT NULL,
	port INTEGER NOT NULL,
	transport TEXT NOT NULL,
	security TEXT NOT NULL,
	zone TEXT NOT NULL,
	media TEXT NOT NULL,
	caller TEXT NOT NULL,
	strip TEXT NOT NULL,
	add_digits TEXT NOT NULL,
	ssrc TEXT NOT NULL,
	learn INTEGER NOT NULL,
	max_calls INTEGER NOT NULL,
	priority INTEGER NOT NULL,
	weight INTEGER NOT NULL,
	names TEXT NOT NULL,
	sources TEXT NOT NULL,
	changed_us BIGINT NOT NULL
);
CREATE INDEX trunk_account ON trunk (account);

CREATE TABLE number (
	pattern TEXT PRIMARY KEY,
	trunk TEXT NOT NULL REFERENCES trunk (id) DEFERRABLE INITIALLY DEFERRED,
	changed_us BIGINT NOT NULL
);
CREATE INDEX number_trunk ON number (trunk);
