-- What of a list or mailbox became no input of its run: an earlier import had brought it, or it says exactly what
-- an earlier row of the same list says.
ALTER TABLE run ADD COLUMN known bigint NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN repeated bigint NOT NULL DEFAULT 0;
