-- personal: no; found by: -; kept: with its connection
-- How much of one kind changed in one type of a connection: within the hour since 1970, and in the hour before.
CREATE TABLE guard_count (
    connection BLOB NOT NULL,
    remote_type TEXT NOT NULL,
    -- deletions_in, changes_in, updates_out, clears_out, archives_out
    measure TEXT NOT NULL,
    hour INTEGER NOT NULL,
    n INTEGER NOT NULL,
    before INTEGER NOT NULL,
    -- Until when a person said that it may be as much as it is.
    passes_until INTEGER NOT NULL,
    PRIMARY KEY (connection, remote_type, measure)
);
