-- When the read began that showed what a link has as seen: what somebody changed there since was changed
-- after it.
ALTER TABLE link ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
