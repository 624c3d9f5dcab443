-- Where a feed of changes stopped is a text that its connector understands; `followed` is up to when all changes were
-- told. What was kept goes on five minutes before what was read: that overlap was added by whoever pulled.
ALTER TABLE pull_cursor RENAME COLUMN remote_type TO feed;
ALTER TABLE pull_cursor RENAME COLUMN at TO followed;
ALTER TABLE pull_cursor ADD COLUMN cursor text NOT NULL DEFAULT '';
UPDATE pull_cursor SET cursor = CAST(followed - 300000000 AS TEXT) || ':';
ALTER TABLE pull_cursor DROP COLUMN id;

-- Longer pulls that were to go on: the next one finds the rest from the cursor.
DELETE FROM job WHERE CAST(task AS TEXT) LIKE '%pull_on%';
