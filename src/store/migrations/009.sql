-- Do the parts of a body beside its SDP go on to the other side?
ALTER TABLE trunk ADD COLUMN parts TEXT NOT NULL DEFAULT 'drop';
-- Does media that is neither audio nor video go past us, between legs in clear?
ALTER TABLE trunk ADD COLUMN other_media TEXT NOT NULL DEFAULT 'refuse';
-- What a trunk speaks for digits.
ALTER TABLE trunk ADD COLUMN dtmf TEXT NOT NULL DEFAULT 'pass';
-- Is ICE spoken on the media of a trunk?
ALTER TABLE trunk ADD COLUMN ice TEXT NOT NULL DEFAULT 'no';
