-- After which statuses of a trunk the next target is tried, or not.
ALTER TABLE trunk ADD COLUMN hunt TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN stop TEXT NOT NULL DEFAULT '';
