-- Mittler's tables. Each says whether it holds personal data, how a person is found in it and how
-- long its rows stay; a test holds the list against the database. Times are microseconds since
-- 1970, UTC.

-- personal: no; found by: -; kept: for good
-- What the installation is: schema facts and its own id.
CREATE TABLE setting (
    name text PRIMARY KEY,
    value text NOT NULL
);

-- personal: yes; found by: label; kept: 400 days after its last signal
-- One import, backfill, schedule slot or replay. A list may be named after whom it is about:
-- forgetting a person takes such labels away.
CREATE TABLE run (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    label text NOT NULL,
    -- Fair, source, column layout, time zone: what is needed to read its signals again.
    params json NOT NULL,
    -- receiving, reading, done
    state text NOT NULL,
    created_at bigint NOT NULL,
    finished_at bigint
);
CREATE INDEX run_by_time ON run (created_at);

-- personal: yes; found by: record, or statement.signal; kept: content 14 days, row 400 days
-- One input as it came. The row outlives its content so that a repetition is recognised.
CREATE TABLE signal (
    id uuid PRIMARY KEY,
    run uuid NOT NULL,
    -- lead_row, lead, mail
    kind text NOT NULL,
    line bigint NOT NULL,
    -- HMAC over source and content.
    dedup uuid NOT NULL UNIQUE,
    received_at bigint NOT NULL,
    -- new, done, refused, parked
    state text NOT NULL,
    code text,
    field text,
    reason text,
    remarks json NOT NULL,
    content bytea,
    record uuid
);
CREATE INDEX signal_by_run ON signal (run, state);
CREATE INDEX signal_by_record ON signal (record) WHERE record IS NOT NULL;
CREATE INDEX signal_by_time ON signal (received_at);
-- What retention looks for, so that it reads no more than it ends.
CREATE INDEX signal_unread ON signal (received_at) WHERE state = 'new';
CREATE INDEX signal_with_content ON signal (received_at) WHERE content IS NOT NULL;

-- personal: no; found by: -; kept: until done; dead ones 30 days
-- Work to do later. Carries ids only.
CREATE TABLE job (
    id uuid PRIMARY KEY,
    -- Jobs of one topic can stand for each other: push:<connection>:<lane>.
    topic text NOT NULL,
    task json NOT NULL,
    lane bigint NOT NULL,
    due_at bigint NOT NULL,
    -- Until when a message of it counts as being on its way.
    sent_until bigint NOT NULL,
    -- Until when a worker has it.
    taken_until bigint NOT NULL,
    -- Raised with each taking: the fence for its end.
    attempt bigint NOT NULL,
    -- Takings that ended in a panic or an error.
    failures bigint NOT NULL,
    -- Takings whose worker was lost: a deployment is no fault of the job in hand.
    lost bigint NOT NULL,
    dead_at bigint,
    code text,
    created_at bigint NOT NULL
);
CREATE INDEX job_due ON job (lane, due_at, id) WHERE dead_at IS NULL;
CREATE INDEX job_by_topic ON job (topic);
CREATE INDEX job_dead ON job (dead_at) WHERE dead_at IS NOT NULL;

-- personal: yes; found by: id (kind person), or person; kept: until forgotten
-- What is held to be true about one thing; derived from its statements.
CREATE TABLE record (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    version bigint NOT NULL,
    fields json NOT NULL,
    -- Whom a participation, activity or association is about.
    person uuid,
    merged_into uuid,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE INDEX record_by_person ON record (person) WHERE person IS NOT NULL;
-- What was merged into a record is found from there.
CREATE INDEX record_merged ON record (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX record_by_kind ON record (kind, updated_at) WHERE merged_into IS NULL;

-- personal: yes; found by: record; kept: until forgotten
-- All that one signal says about one subject. Merging moves subjects.
CREATE TABLE statement (
    subject uuid NOT NULL,
    signal uuid NOT NULL,
    record uuid NOT NULL,
    source_kind text NOT NULL,
    source_name text NOT NULL,
    observed_at bigint NOT NULL,
    version_at bigint NOT NULL,
    version_read bigint NOT NULL,
    said json NOT NULL,
    PRIMARY KEY (subject, signal)
);
CREATE INDEX statement_by_record ON statement (record);

-- personal: yes; found by: record; kept: until forgotten
-- Strong keys: who has one is the record. The value is a hash of type, scope and value.
CREATE TABLE record_key (
    key uuid PRIMARY KEY,
    key_type text NOT NULL,
    record uuid NOT NULL
);
CREATE INDEX record_key_by_record ON record_key (record);

-- personal: yes; found by: record; kept: until forgotten
-- Weak keys: equal ones propose, and several records may share one.
CREATE TABLE weak_key (
    key uuid NOT NULL,
    record uuid NOT NULL,
    key_type text NOT NULL,
    PRIMARY KEY (key, record)
);
CREATE INDEX weak_key_by_record ON weak_key (record);

-- personal: no; found by: -; kept: for good
-- One account in one CRM. Settings hold no secrets.
CREATE TABLE connection (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    crm text NOT NULL,
    settings json NOT NULL,
    mapping text NOT NULL,
    -- off, dry_run, create_only, update_only, fill_empty, full
    mode text NOT NULL,
    -- ready, reauthorise, waiting, misconfigured
    state text NOT NULL,
    code text,
    reason text,
    paused_until bigint NOT NULL,
    updated_at bigint NOT NULL,
    -- In which the days of the account begin: until then a daily limit lasts.
    time_zone text,
    -- Which process pushes it, until when: the others tell that one what there is.
    pushed_by uuid,
    pushed_until bigint NOT NULL DEFAULT 0
);

-- personal: no; found by: -; kept: with its connection
-- Credentials and tokens, sealed with the key beside the configuration.
CREATE TABLE secret (
    connection uuid NOT NULL,
    name text NOT NULL,
    sealed bytea NOT NULL,
    version bigint NOT NULL,
    expires_at bigint NOT NULL,
    -- Who refreshes holds this until then.
    refresh_until bigint NOT NULL,
    PRIMARY KEY (connection, name)
);

-- personal: yes; found by: record; kept: until forgotten
-- A record's counterpart in one CRM, with what sync knows of it.
CREATE TABLE link (
    id uuid PRIMARY KEY,
    connection uuid NOT NULL,
    record uuid NOT NULL,
    kind text NOT NULL,
    stage bigint NOT NULL,
    lane bigint NOT NULL,
    -- primary, duplicate
    role text NOT NULL,
    remote_type text NOT NULL,
    remote_id text,
    -- Links that must exist in the CRM before this one can be written.
    need_a uuid,
    need_b uuid,
    sent json NOT NULL,
    seen json NOT NULL,
    -- When the last write ended; reads begun earlier are no evidence.
    written_at bigint NOT NULL,
    held json NOT NULL,
    wanted bigint NOT NULL,
    done bigint NOT NULL,
    -- Raised with each receipt: what was read before it is no ground for another.
    epoch bigint NOT NULL,
    next_at bigint NOT NULL,
    attempt bigint NOT NULL,
    -- open, refused, gone
    state text NOT NULL,
    code text,
    reason text,
    created_at bigint NOT NULL
)
-- Room for a new version of a row on its own page, as leases and receipts change each several times.
WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
CREATE UNIQUE INDEX link_remote ON link (connection, remote_type, remote_id) WHERE remote_id IS NOT NULL;
-- By age: what was wanted together lies together.
CREATE INDEX link_due ON link (connection, lane, stage, created_at, id) WHERE wanted > done;
CREATE INDEX link_refused ON link (connection, stage) WHERE state = 'refused';
CREATE INDEX link_by_record ON link (record);
-- Who waits for a link that was refused: found from that link, once it is there.
CREATE INDEX link_needs_a ON link (need_a) WHERE code = 'need_refused';
CREATE INDEX link_needs_b ON link (need_b) WHERE code = 'need_refused';

-- personal: yes; found by: links; kept: while the call lasts
-- A call that is under way, with what it is about to write to each link, committed before it. Whatever is
-- left of it when its time is over becomes open intents.
CREATE TABLE lease (
    id uuid PRIMARY KEY,
    connection uuid NOT NULL,
    until bigint NOT NULL,
    links json NOT NULL,
    writes json NOT NULL
)
-- Few rows that come and go all the time.
WITH (autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE lease ALTER COLUMN links SET STORAGE EXTERNAL, ALTER COLUMN writes SET STORAGE EXTERNAL;
CREATE VIEW leased AS
    SELECT lease.id AS lease, lease.connection, lease.until, CAST(one AS uuid) AS link FROM lease, json_array_elements_text(lease.links) AS one;

-- personal: yes; found by: link; kept: values 90 days, the entry 400 days
-- What was written to a link, and how it ended. Without an end: it was perhaps written, and the CRM
-- has to be looked at before anything else is.
CREATE TABLE intent (
    id uuid PRIMARY KEY,
    link uuid NOT NULL,
    connection uuid NOT NULL,
    -- create, update, archive
    operation text NOT NULL,
    remote_type text NOT NULL,
    fields json NOT NULL,
    before json NOT NULL,
    begun_at bigint NOT NULL,
    settled_at bigint,
    -- created, updated, refused, unknown, lost, busy, gone, review
    outcome text,
    code text,
    -- 1: the values have outlived their time.
    emptied bigint NOT NULL DEFAULT 0
);
CREATE INDEX intent_by_link ON intent (link);
-- Whatever the planner thinks of the table: of these there are few. (SQLite does as it is told.)
CREATE INDEX intent_open ON intent (link) WHERE settled_at IS NULL;
CREATE INDEX intent_by_time ON intent (begun_at);
CREATE INDEX intent_with_values ON intent (begun_at) WHERE emptied = 0;

-- personal: yes; found by: record; kept: 400 days after its answer
-- A question for a person.
CREATE TABLE review (
    id uuid PRIMARY KEY,
    -- same_person, same_organisation, remote_duplicate, deleted_there, owner_unknown, objection_untold
    question text NOT NULL,
    record uuid NOT NULL,
    connection uuid,
    candidates json NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    asked_at bigint NOT NULL,
    answered_at bigint,
    answer json NOT NULL
);
CREATE INDEX review_open ON review (asked_at) WHERE state = 'open';
CREATE INDEX review_by_record ON review (record);
CREATE INDEX review_answered ON review (answered_at) WHERE answered_at IS NOT NULL;

-- personal: no; found by: -; kept: with its connection
-- Calls left to an account, shared by all processes (a leaky bucket by its arrival time).
CREATE TABLE budget (
    connection uuid NOT NULL,
    bucket text NOT NULL,
    calls bigint NOT NULL,
    window_micros bigint NOT NULL,
    arrival bigint NOT NULL,
    blocked_until bigint NOT NULL,
    PRIMARY KEY (connection, bucket)
);

-- personal: no; found by: -; kept: with its connection
-- Where a pull stopped.
CREATE TABLE pull_cursor (
    connection uuid NOT NULL,
    remote_type text NOT NULL,
    at bigint NOT NULL,
    id text NOT NULL,
    pulled_at bigint NOT NULL,
    PRIMARY KEY (connection, remote_type)
);

-- personal: no; found by: -; kept: 30 days
-- One row per slot of a schedule that was started: the second process finds it taken.
CREATE TABLE slot (
    schedule text NOT NULL,
    slot_at bigint NOT NULL,
    started_at bigint NOT NULL,
    PRIMARY KEY (schedule, slot_at)
);

-- personal: no; found by: -; kept: for good; only a keyed HMAC, the key lies outside the database
-- Who must not come back.
CREATE TABLE suppression (
    hmac uuid PRIMARY KEY,
    -- email, phone
    kind text NOT NULL,
    added_at bigint NOT NULL
);

-- personal: no; found by: -; kept: until revoked, then 400 days
-- Keys of callers, by their hash.
CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    label text NOT NULL,
    hash text NOT NULL UNIQUE,
    scopes json NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint
);

-- personal: no; found by: -; kept: 30 days
-- Answers to calls with an Idempotency-Key, by hashes of key and body. Answers hold ids only.
CREATE TABLE idempotency (
    key uuid PRIMARY KEY,
    fingerprint uuid NOT NULL,
    status bigint NOT NULL,
    answer json NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);

-- personal: no; found by: -; kept: until it ends
-- One-time links and browser sessions, by their hash. Operators are random ids.
CREATE TABLE session (
    hash text PRIMARY KEY,
    -- link, session
    kind text NOT NULL,
    operator uuid NOT NULL,
    ends_at bigint NOT NULL
);

-- personal: no; found by: -; kept: 10 years; ids, codes and a salted commitment
-- What people and rules did that is no write to a CRM. Each entry carries the hash of the one
-- before it.
CREATE TABLE audit (
    seq bigint PRIMARY KEY,
    at bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    commitment text NOT NULL,
    hash text NOT NULL
);

-- personal: yes; found by: record; kept: until forgotten
-- What the commitments of audit entries stand for, with their salts.
CREATE TABLE audit_content (
    seq bigint PRIMARY KEY,
    record uuid,
    salt text NOT NULL,
    content json NOT NULL
);

-- personal: yes; found by: record; kept: until forgotten
-- What a person decided of two records: that they are one, or that they are two. Neither is asked
-- again, and a merge can be told from what it moved.
CREATE TABLE decision (
    id uuid PRIMARY KEY,
    -- same: other becomes record; different
    verdict text NOT NULL,
    review uuid NOT NULL,
    record uuid NOT NULL,
    other uuid NOT NULL,
    decided_by text NOT NULL,
    decided_at bigint NOT NULL,
    -- Subjects that moved, by the record that they came from.
    moved json NOT NULL
);
CREATE INDEX decision_by_record ON decision (record);
CREATE INDEX decision_by_other ON decision (other);

-- personal: no; found by: -; kept: until its account is connected, 30 days at most
-- Events of a CRM's account that nobody has connected. Ids of an account that is not ours lead to
-- nobody here.
CREATE TABLE parked_hook (
    id uuid PRIMARY KEY,
    crm text NOT NULL,
    account text NOT NULL,
    remote_type text NOT NULL,
    remote_id text NOT NULL,
    event text NOT NULL,
    event_at bigint NOT NULL,
    parked_at bigint NOT NULL,
    code text NOT NULL
);
CREATE INDEX parked_hook_by_time ON parked_hook (parked_at);

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
