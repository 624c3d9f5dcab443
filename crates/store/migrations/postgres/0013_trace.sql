-- Where the caller who brought an input stood in a trace of its own (the header traceparent): ids only.
ALTER TABLE signal ADD COLUMN trace text;
