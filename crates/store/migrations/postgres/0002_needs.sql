-- Who waits for a link that was refused: found from that link, once it is there.
CREATE INDEX link_needs_a ON link (need_a) WHERE code = 'need_refused';
CREATE INDEX link_needs_b ON link (need_b) WHERE code = 'need_refused';
