-- What Contact towards a trunk names.
ALTER TABLE trunk ADD COLUMN contact TEXT NOT NULL DEFAULT 'address';
-- OPTIONS to a trunk: how often, within which time, what counts as a failure, thresholds.
ALTER TABLE trunk ADD COLUMN poll_every_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trunk ADD COLUMN poll_answer_s INTEGER NOT NULL DEFAULT 4;
ALTER TABLE trunk ADD COLUMN poll_down INTEGER NOT NULL DEFAULT 2;
ALTER TABLE trunk ADD COLUMN poll_up INTEGER NOT NULL DEFAULT 2;
ALTER TABLE trunk ADD COLUMN poll_slow_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trunk ADD COLUMN poll_failed TEXT NOT NULL DEFAULT '';
-- How SRTP is offered where a trunk prefers it.
ALTER TABLE trunk ADD COLUMN prefer TEXT NOT NULL DEFAULT 'osrtp';
-- The codecs that a trunk takes, in order; '' = all.
ALTER TABLE trunk ADD COLUMN codecs TEXT NOT NULL DEFAULT '';
-- The name of the credentials with which its digest challenges are answered.
ALTER TABLE trunk ADD COLUMN auth TEXT NOT NULL DEFAULT '';
-- Which requests inside a dialog go on to the other leg of a call.
ALTER TABLE trunk ADD COLUMN indialog TEXT NOT NULL DEFAULT 'dtmf';
-- May T.38 go in clear over a trunk whose voice is encrypted?
ALTER TABLE trunk ADD COLUMN t38_clear INTEGER NOT NULL DEFAULT 0;
-- Rules for its headers and numbers; verstat.
ALTER TABLE trunk ADD COLUMN headers_in TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN headers_out TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN rewrite_in TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN rewrite_out TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN verstat TEXT NOT NULL DEFAULT 'strip';
-- A provider's profile, and the fields that it set.
ALTER TABLE trunk ADD COLUMN interop TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN interop_sets TEXT NOT NULL DEFAULT '';
-- What we register at a trunk, where, and for how long.
ALTER TABLE trunk ADD COLUMN login_aor TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN login_registrar TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN login_expires_s INTEGER NOT NULL DEFAULT 3600;
-- How requests above 1,300 bytes go to a trunk with transport udp.
ALTER TABLE trunk ADD COLUMN large TEXT NOT NULL DEFAULT 'tcp';
-- What becomes of a REFER.
ALTER TABLE trunk ADD COLUMN refer TEXT NOT NULL DEFAULT 'refuse';
-- The payload type of telephone-event in our offers to a trunk; 0 = any.
ALTER TABLE trunk ADD COLUMN event_payload INTEGER NOT NULL DEFAULT 0;
