-- When a person last asked that the connection be tried at once: what processes noted before holds nothing up.
ALTER TABLE connection ADD COLUMN retried_at BIGINT NOT NULL DEFAULT 0;

-- personal: no; found by: -; kept: with its connection
-- What became of one connection's webhooks, counted.
CREATE TABLE hook_count (
    connection UUID PRIMARY KEY,
    taken BIGINT NOT NULL,
    last_taken_at BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    last_refused_at BIGINT NOT NULL,
    -- Why the last one was refused: signature, stale, account, form.
    cause TEXT
);
