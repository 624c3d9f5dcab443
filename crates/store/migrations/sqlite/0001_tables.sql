-- Mittler's tables. Each says whether it holds personal data, how a person is found in it and how
-- long its rows stay; a test holds the list against the database. Times are microseconds since
-- 1970, UTC.

-- personal: no; found by: -; kept: for good
-- What the installation is: schema facts and its own id.
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- personal: yes; found by: label; kept: 400 days after its last signal
-- One import, backfill, schedule slot or replay. A list may be named after whom it is about:
-- forgetting a person takes such labels away.
CREATE TABLE run (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    -- Fair, source, column layout, time zone: what is needed to read its signals again.
    params TEXT NOT NULL,
    -- receiving, reading, done
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
);
CREATE INDEX run_by_time ON run (created_at);

-- personal: yes; found by: record, or statement.signal; kept: content 14 days, row 400 days
-- One input as it came. The row outlives its content so that a repetition is recognised.
CREATE TABLE signal (
    id BLOB PRIMARY KEY,
    run BLOB NOT NULL,
    -- lead_row, lead, mail
    kind TEXT NOT NULL,
    line INTEGER NOT NULL,
    -- HMAC over source and content.
    dedup BLOB NOT NULL UNIQUE,
    received_at INTEGER NOT NULL,
    -- new, done, refused, parked
    state TEXT NOT NULL,
    code TEXT,
    field TEXT,
    reason TEXT,
    remarks TEXT NOT NULL,
    content BLOB,
    record BLOB
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
    id BLOB PRIMARY KEY,
    -- Jobs of one topic can stand for each other: push:<connection>:<lane>.
    topic TEXT NOT NULL,
    task TEXT NOT NULL,
    lane INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    -- Until when a message of it counts as being on its way.
    sent_until INTEGER NOT NULL,
    -- Until when a worker has it.
    taken_until INTEGER NOT NULL,
    -- Raised with each taking: the fence for its end.
    attempt INTEGER NOT NULL,
    -- Takings that ended in a panic or an error.
    failures INTEGER NOT NULL,
    -- Takings whose worker was lost: a deployment is no fault of the job in hand.
    lost INTEGER NOT NULL,
    dead_at INTEGER,
    code TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX job_due ON job (lane, due_at, id) WHERE dead_at IS NULL;
CREATE INDEX job_by_topic ON job (topic);
CREATE INDEX job_dead ON job (dead_at) WHERE dead_at IS NOT NULL;

-- personal: yes; found by: id (kind person), or person; kept: until forgotten
-- What is held to be true about one thing; derived from its statements.
CREATE TABLE record (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    fields TEXT NOT NULL,
    -- Whom a participation, activity or association is about.
    person BLOB,
    merged_into BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX record_by_person ON record (person) WHERE person IS NOT NULL;
-- What was merged into a record is found from there.
CREATE INDEX record_merged ON record (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX record_by_kind ON record (kind, updated_at) WHERE merged_into IS NULL;

-- personal: yes; found by: record; kept: until forgotten
-- All that one signal says about one subject. Merging moves subjects.
CREATE TABLE statement (
    subject BLOB NOT NULL,
    signal BLOB NOT NULL,
    record BLOB NOT NULL,
    source_kind TEXT NOT NULL,
    source_name TEXT NOT NULL,
    observed_at INTEGER NOT NULL,
    version_at INTEGER NOT NULL,
    version_read INTEGER NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (subject, signal)
);
CREATE INDEX statement_by_record ON statement (record);

-- personal: yes; found by: record; kept: until forgotten
-- Strong keys: who has one is the record. The value is a hash of type, scope and value.
CREATE TABLE record_key (
    key BLOB PRIMARY KEY,
    key_type TEXT NOT NULL,
    record BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX record_key_by_record ON record_key (record);

-- personal: yes; found by: record; kept: until forgotten
-- Weak keys: equal ones propose, and several records may share one.
CREATE TABLE weak_key (
    key BLOB NOT NULL,
    record BLOB NOT NULL,
    key_type TEXT NOT NULL,
    PRIMARY KEY (key, record)
) WITHOUT ROWID;
CREATE INDEX weak_key_by_record ON weak_key (record);

-- personal: no; found by: -; kept: for good
-- One account in one CRM. Settings hold no secrets.
CREATE TABLE connection (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    crm TEXT NOT NULL,
    settings TEXT NOT NULL,
    mapping TEXT NOT NULL,
    -- off, dry_run, create_only, update_only, fill_empty, full
    mode TEXT NOT NULL,
    -- ready, reauthorise, waiting, misconfigured
    state TEXT NOT NULL,
    code TEXT,
    reason TEXT,
    paused_until INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- In which the days of the account begin: until then a daily limit lasts.
    time_zone TEXT,
    -- Which process pushes it, until when: the others tell that one what there is.
    pushed_by BLOB,
    pushed_until INTEGER NOT NULL DEFAULT 0
);

-- personal: no; found by: -; kept: with its connection
-- Credentials and tokens, sealed with the key beside the configuration.
CREATE TABLE secret (
    connection BLOB NOT NULL,
    name TEXT NOT NULL,
    sealed BLOB NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- Who refreshes holds this until then.
    refresh_until INTEGER NOT NULL,
    PRIMARY KEY (connection, name)
);

-- personal: yes; found by: record; kept: until forgotten
-- A record's counterpart in one CRM, with what sync knows of it.
CREATE TABLE link (
    id BLOB PRIMARY KEY,
    connection BLOB NOT NULL,
    record BLOB NOT NULL,
    kind TEXT NOT NULL,
    stage INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    -- primary, duplicate
    role TEXT NOT NULL,
    remote_type TEXT NOT NULL,
    remote_id TEXT,
    -- Links that must exist in the CRM before this one can be written.
    need_a BLOB,
    need_b BLOB,
    sent TEXT NOT NULL,
    seen TEXT NOT NULL,
    -- When the last write ended; reads begun earlier are no evidence.
    written_at INTEGER NOT NULL,
    held TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    done INTEGER NOT NULL,
    -- Raised with each receipt: what was read before it is no ground for another.
    epoch INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    -- open, refused, gone
    state TEXT NOT NULL,
    code TEXT,
    reason TEXT,
    created_at INTEGER NOT NULL
);
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
    id BLOB PRIMARY KEY,
    connection BLOB NOT NULL,
    until INTEGER NOT NULL,
    links TEXT NOT NULL,
    writes TEXT NOT NULL
);
CREATE VIEW leased AS
    SELECT lease.id AS lease, lease.connection, lease.until, unhex(one.value, '-') AS link FROM lease, json_each(lease.links) AS one;

-- personal: yes; found by: link; kept: values 90 days, the entry 400 days
-- What was written to a link, and how it ended. Without an end: it was perhaps written, and the CRM
-- has to be looked at before anything else is.
CREATE TABLE intent (
    id BLOB PRIMARY KEY,
    link BLOB NOT NULL,
    connection BLOB NOT NULL,
    -- create, update, archive
    operation TEXT NOT NULL,
    remote_type TEXT NOT NULL,
    fields TEXT NOT NULL,
    before TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    settled_at INTEGER,
    -- created, updated, refused, unknown, lost, busy, gone, review
    outcome TEXT,
    code TEXT,
    -- 1: the values have outlived their time.
    emptied INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX intent_by_link ON intent (link);
CREATE INDEX intent_open ON intent (link) WHERE settled_at IS NULL;
CREATE INDEX intent_by_time ON intent (begun_at);
-- Not by its end: what ends then stays where it is in every index.
CREATE INDEX intent_with_values ON intent (begun_at) WHERE emptied = 0;

-- personal: yes; found by: record; kept: 400 days after its answer
-- A question for a person.
CREATE TABLE review (
    id BLOB PRIMARY KEY,
    -- same_person, same_organisation, remote_duplicate, deleted_there, owner_unknown, objection_untold
    question TEXT NOT NULL,
    record BLOB NOT NULL,
    connection BLOB,
    candidates TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    answered_at INTEGER,
    answer TEXT NOT NULL
);
CREATE INDEX review_open ON review (asked_at) WHERE state = 'open';
CREATE INDEX review_by_record ON review (record);
CREATE INDEX review_answered ON review (answered_at) WHERE answered_at IS NOT NULL;

-- personal: no; found by: -; kept: with its connection
-- Calls left to an account, shared by all processes (a leaky bucket by its arrival time).
CREATE TABLE budget (
    connection BLOB NOT NULL,
    bucket TEXT NOT NULL,
    calls INTEGER NOT NULL,
    window_micros INTEGER NOT NULL,
    arrival INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL,
    PRIMARY KEY (connection, bucket)
);

-- personal: no; found by: -; kept: with its connection
-- Where a pull stopped.
CREATE TABLE pull_cursor (
    connection BLOB NOT NULL,
    remote_type TEXT NOT NULL,
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    pulled_at INTEGER NOT NULL,
    PRIMARY KEY (connection, remote_type)
);

-- personal: no; found by: -; kept: 30 days
-- One row per slot of a schedule that was started: the second process finds it taken.
CREATE TABLE slot (
    schedule TEXT NOT NULL,
    slot_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    PRIMARY KEY (schedule, slot_at)
);

-- personal: no; found by: -; kept: for good; only a keyed HMAC, the key lies outside the database
-- Who must not come back.
CREATE TABLE suppression (
    hmac BLOB PRIMARY KEY,
    -- email, phone
    kind TEXT NOT NULL,
    added_at INTEGER NOT NULL
);

-- personal: no; found by: -; kept: until revoked, then 400 days
-- Keys of callers, by their hash.
CREATE TABLE api_key (
    id BLOB PRIMARY KEY,
    label TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
);

-- personal: no; found by: -; kept: 30 days
-- Answers to calls with an Idempotency-Key, by hashes of key and body. Answers hold ids only.
CREATE TABLE idempotency (
    key BLOB PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);

-- personal: no; found by: -; kept: until it ends
-- One-time links and browser sessions, by their hash. Operators are random ids.
CREATE TABLE session (
    hash TEXT PRIMARY KEY,
    -- link, session
    kind TEXT NOT NULL,
    operator BLOB NOT NULL,
    ends_at INTEGER NOT NULL
);

-- personal: no; found by: -; kept: 10 years; ids, codes and a salted commitment
-- What people and rules did that is no write to a CRM. Each entry carries the hash of the one
-- before it.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    commitment TEXT NOT NULL,
    hash TEXT NOT NULL
);

-- personal: yes; found by: record; kept: until forgotten
-- What the commitments of audit entries stand for, with their salts.
CREATE TABLE audit_content (
    seq INTEGER PRIMARY KEY,
    record BLOB,
    salt TEXT NOT NULL,
    content TEXT NOT NULL
);

-- personal: yes; found by: record; kept: until forgotten
-- What a person decided of two records: that they are one, or that they are two. Neither is asked
-- again, and a merge can be told from what it moved.
CREATE TABLE decision (
    id BLOB PRIMARY KEY,
    -- same: other becomes record; different
    verdict TEXT NOT NULL,
    review BLOB NOT NULL,
    record BLOB NOT NULL,
    other BLOB NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    -- Subjects that moved, by the record that they came from.
    moved TEXT NOT NULL
);
CREATE INDEX decision_by_record ON decision (record);
CREATE INDEX decision_by_other ON decision (other);

-- personal: no; found by: -; kept: until its account is connected, 30 days at most
-- Events of a CRM's account that nobody has connected. Ids of an account that is not ours lead to
-- nobody here.
CREATE TABLE parked_hook (
    id BLOB PRIMARY KEY,
    crm TEXT NOT NULL,
    account TEXT NOT NULL,
    remote_type TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    event TEXT NOT NULL,
    event_at INTEGER NOT NULL,
    parked_at INTEGER NOT NULL,
    code TEXT NOT NULL
);
CREATE INDEX parked_hook_by_time ON parked_hook (parked_at);

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
