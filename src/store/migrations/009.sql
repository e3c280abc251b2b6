-- Do the parts of a body beside its SDP go on to the other side?
ALTER TABLE trunk ADD COLUMN parts TEXT NOT NULL DEFAULT 'drop';
