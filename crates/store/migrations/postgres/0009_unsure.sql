-- Until when nothing is made in a CRM of a person of whom nobody has said who they are; 0 for all others.
ALTER TABLE record ADD COLUMN unsure_until bigint NOT NULL DEFAULT 0;
CREATE INDEX record_unsure ON record (unsure_until) WHERE unsure_until > 0;
