-- When a person last asked that the connection be tried at once: what processes noted before holds nothing up.
ALTER TABLE connection ADD COLUMN retried_at INTEGER NOT NULL DEFAULT 0;

-- personal: no; found by: -; kept: with its connection
-- What became of one connection's webhooks, counted.
CREATE TABLE hook_count (
    connection BLOB PRIMARY KEY,
    taken INTEGER NOT NULL,
    last_taken_at INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    last_refused_at INTEGER NOT NULL,
    -- Why the last one was refused: signature, stale, account, form.
    cause TEXT
);
