-- Failures and lost workers are counted apart: a deployment is no fault of the job in hand.
ALTER TABLE job ADD COLUMN lost bigint NOT NULL DEFAULT 0;

-- What retention looks for, so that it reads no more than it ends.
CREATE INDEX signal_unread ON signal (received_at) WHERE state = 'new';
CREATE INDEX signal_with_content ON signal (received_at) WHERE content IS NOT NULL AND state <> 'new';
CREATE INDEX intent_with_values ON intent (begun_at) WHERE settled_at IS NOT NULL AND (fields <> '{}'::jsonb OR before <> '{}'::jsonb);
CREATE INDEX review_answered ON review (answered_at) WHERE answered_at IS NOT NULL;
CREATE INDEX job_dead ON job (dead_at) WHERE dead_at IS NOT NULL;
CREATE INDEX idempotency_by_time ON idempotency (created_at);
