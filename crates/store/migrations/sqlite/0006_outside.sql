-- personal: yes; found by: label; kept: 400 days after its last signal
-- of: run
-- A list may be named after whom it is about: forgetting a person takes such labels away.

-- personal: no; found by: -; kept: until its account is connected, 30 days at most
-- Events of a CRM's account that nobody has connected. Ids of an account that is not ours lead to
-- nobody here.
CREATE TABLE parked_hook (
    id BLOB PRIMARY KEY,
    crm TEXT NOT NULL,
    account TEXT NOT NULL,
    remote_type TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    event TEXT NOT NULL,
    event_at INTEGER NOT NULL,
    parked_at INTEGER NOT NULL,
    code TEXT NOT NULL
);
CREATE INDEX parked_hook_by_time ON parked_hook (parked_at);
