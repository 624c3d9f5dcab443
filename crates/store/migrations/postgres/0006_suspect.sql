-- A link is suspect (its state) since then: its record was not found where it was, which a change of sharing does
-- as well as a deletion. Nothing is written to it, and it is looked for again a day later.
ALTER TABLE link ADD COLUMN suspect_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX link_suspect ON link (connection, suspect_at) WHERE state = 'suspect';
