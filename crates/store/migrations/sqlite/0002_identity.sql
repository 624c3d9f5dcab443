-- Keys follow what a record says. The columns hold what their tables hold: they are found by record and kept
-- until forgotten, but for former keys, which propose for 400 days.

-- derived (from what the record says), asserted (an id that a source gave: badge, external id)
ALTER TABLE record_key ADD COLUMN basis TEXT NOT NULL DEFAULT 'derived';
UPDATE record_key SET basis = 'asserted' WHERE key_type IN ('badge', 'external');

-- derived, former (of a value that was replaced), contested (another record holds the strong key)
ALTER TABLE weak_key ADD COLUMN basis TEXT NOT NULL DEFAULT 'derived';
-- since when it is so; 0: from the beginning
ALTER TABLE weak_key ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
CREATE INDEX weak_key_former ON weak_key (since) WHERE basis = 'former';
