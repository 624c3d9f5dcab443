-- personal: no; found by: -; kept: for minutes
-- Companies that appeared in a CRM a moment ago, which its search may not show yet: those of which a hook told, and
-- those that Mittler made.
CREATE TABLE newcomer (
    connection BLOB NOT NULL,
    remote_type TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (connection, remote_type, remote_id)
) WITHOUT ROWID;
