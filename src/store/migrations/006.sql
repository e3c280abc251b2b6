-- What Contact towards a trunk names.
ALTER TABLE trunk ADD COLUMN contact TEXT NOT NULL DEFAULT 'address';
