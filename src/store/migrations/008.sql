-- What becomes of a trunk's redirection (3xx) of a call.
ALTER TABLE trunk ADD COLUMN redirect TEXT NOT NULL DEFAULT 'refuse';
-- Is video relayed?
ALTER TABLE trunk ADD COLUMN video TEXT NOT NULL DEFAULT 'refuse';
-- Is one-way audio mended: is a leg that is not heard asked anew for its address and key?
ALTER TABLE trunk ADD COLUMN repair INTEGER NOT NULL DEFAULT 0;
-- How SRTP keys are agreed with a trunk.
ALTER TABLE trunk ADD COLUMN keying TEXT NOT NULL DEFAULT 'sdes';
