-- Is video relayed?
ALTER TABLE trunk ADD COLUMN video TEXT NOT NULL DEFAULT 'refuse';
