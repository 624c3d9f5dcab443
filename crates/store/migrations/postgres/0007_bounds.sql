-- personal: yes; found by: record; kept: until lifted or forgotten
-- People of whom nobody is to be told for now (Art. 18 GDPR).
CREATE TABLE restriction (
    record uuid PRIMARY KEY,
    restricted_by text NOT NULL,
    restricted_at bigint NOT NULL
);

-- personal: yes; found by: record; kept: until forgotten
-- For what people came in who are known for nothing else; empty: also for nothing in particular.
CREATE TABLE purpose (
    record uuid NOT NULL,
    purpose text NOT NULL,
    PRIMARY KEY (record, purpose)
);

-- personal: no; found by: -; kept: with its connection
-- Links of companies and fairs that somebody in a pilot needs.
CREATE TABLE pilot_member (
    link uuid PRIMARY KEY
);
