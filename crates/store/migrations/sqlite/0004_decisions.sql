-- personal: yes; found by: record; kept: until forgotten
-- What a person decided of two records: that they are one, or that they are two. Neither is asked
-- again, and a merge can be told from what it moved.
CREATE TABLE decision (
    id BLOB PRIMARY KEY,
    -- same: other becomes record; different
    verdict TEXT NOT NULL,
    review BLOB NOT NULL,
    record BLOB NOT NULL,
    other BLOB NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    -- Subjects that moved, by the record that they came from.
    moved TEXT NOT NULL
);
CREATE INDEX decision_by_record ON decision (record);
CREATE INDEX decision_by_other ON decision (other);

-- What was merged into a record is found from there.
CREATE INDEX record_merged ON record (merged_into) WHERE merged_into IS NOT NULL;
