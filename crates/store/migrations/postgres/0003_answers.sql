-- What a person told to do with a link at its next write, once: make it in spite of a likely duplicate,
-- mean a certain remote record, remove it there. As personal as its link, found and kept with it. A link
-- that is left out of its CRM has the role and state `excluded`.
ALTER TABLE link ADD COLUMN command json;
-- When a person took the decision back; it stands no more, and stays as long as its record does. A verdict
-- may also be `left_out`: `record` is kept out of the connection `other`. What a merge moved says, beside
-- subjects, which keys and links moved and which statements were changed, so that it can be split again.
ALTER TABLE decision ADD COLUMN undone_at bigint;
-- 1: the CRM erased the record, as somebody had asked to be forgotten there.
ALTER TABLE parked_hook ADD COLUMN erased bigint NOT NULL DEFAULT 0;
