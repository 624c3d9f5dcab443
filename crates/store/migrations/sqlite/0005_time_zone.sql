-- In which the days of the account begin: until then a daily limit lasts.
ALTER TABLE connection ADD COLUMN time_zone TEXT;
