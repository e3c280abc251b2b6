-- Everything that the service says about accounts. The words of `services` got their right
-- meaning: origination is a call to the customer (bit 1, was bit 4), termination one from it.
ALTER TABLE account RENAME COLUMN classes TO services;
UPDATE account SET services =
	(services & ~5) | ((services & 1) << 2) | ((services & 4) >> 2);
ALTER TABLE account ADD COLUMN countries TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN need TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN questionnaire TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN override TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN max_length INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN international_minutes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN max_spend_micro BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN limit_status INTEGER NOT NULL DEFAULT 480;
ALTER TABLE account ADD COLUMN emergency_status INTEGER NOT NULL DEFAULT 500;
ALTER TABLE account ADD COLUMN emergency_target TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN caller TEXT NOT NULL DEFAULT 'refuse';
ALTER TABLE account ADD COLUMN tls_eku TEXT NOT NULL DEFAULT 'accept-server-auth';
ALTER TABLE account ADD COLUMN tls_wildcard INTEGER NOT NULL DEFAULT 1;
ALTER TABLE account ADD COLUMN tls_cn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN tls_revocation TEXT NOT NULL DEFAULT 'soft';
ALTER TABLE account ADD COLUMN tls_authorities TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN tls_ca TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN tls_intermediates TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN tls_profile TEXT NOT NULL DEFAULT '';

ALTER TABLE trunk ADD COLUMN identity TEXT NOT NULL DEFAULT 'certificate';
ALTER TABLE trunk ADD COLUMN client_certificate TEXT NOT NULL DEFAULT 'show';
ALTER TABLE trunk ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN reuse TEXT NOT NULL DEFAULT 'no';
ALTER TABLE trunk ADD COLUMN listener TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN emergency INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trunk ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trunk ADD COLUMN max_length INTEGER NOT NULL DEFAULT 0;
-- what comes without a certificate is known by its address
UPDATE trunk SET identity = 'address' WHERE account IS NOT NULL AND transport <> 'tls';

CREATE TABLE rate (
	prefix TEXT PRIMARY KEY,
	price_micro BIGINT NOT NULL,
	increment_s INTEGER NOT NULL,
	changed_us BIGINT NOT NULL
);

-- What `postern ready` found, the last ones of each account. No reference: an account may be
-- looked at before it is applied.
CREATE TABLE report (
	account TEXT NOT NULL,
	at_us BIGINT NOT NULL,
	fqdn TEXT NOT NULL,
	passed INTEGER NOT NULL,
	issuer TEXT NOT NULL,
	names TEXT NOT NULL,
	json TEXT NOT NULL,
	PRIMARY KEY (account, at_us)
);
