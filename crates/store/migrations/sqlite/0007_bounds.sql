-- personal: yes; found by: record; kept: until lifted or forgotten
-- People of whom nobody is to be told for now (Art. 18 GDPR).
CREATE TABLE restriction (
    record BLOB PRIMARY KEY,
    restricted_by TEXT NOT NULL,
    restricted_at INTEGER NOT NULL
);

-- personal: yes; found by: record; kept: until forgotten
-- For what people came in who are known for nothing else; empty: also for nothing in particular.
CREATE TABLE purpose (
    record BLOB NOT NULL,
    purpose TEXT NOT NULL,
    PRIMARY KEY (record, purpose)
);

-- personal: no; found by: -; kept: with its connection
-- Links of companies and fairs that somebody in a pilot needs.
CREATE TABLE pilot_member (
    link BLOB PRIMARY KEY
);
