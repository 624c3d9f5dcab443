CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
CREATE TABLE public.api_key (
    id uuid NOT NULL,
    label text NOT NULL,
    hash text NOT NULL,
    scopes json NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint
);
CREATE TABLE public.audit (
    seq bigint NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    commitment text NOT NULL,
    hash text NOT NULL
);
CREATE TABLE public.audit_content (
    seq bigint NOT NULL,
    record uuid,
    salt text NOT NULL,
    content json NOT NULL
);
CREATE TABLE public.budget (
    connection uuid NOT NULL,
    bucket text NOT NULL,
    calls bigint NOT NULL,
    window_micros bigint NOT NULL,
    arrival bigint NOT NULL,
    blocked_until bigint NOT NULL
);
CREATE TABLE public.connection (
    id uuid NOT NULL,
    name text NOT NULL,
    crm text NOT NULL,
    settings json NOT NULL,
    mapping text NOT NULL,
    mode text NOT NULL,
    state text NOT NULL,
    code text,
    reason text,
    paused_until bigint NOT NULL,
    updated_at bigint NOT NULL,
    time_zone text,
    pushed_by uuid,
    pushed_until bigint DEFAULT 0 NOT NULL,
    retried_at bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.decision (
    id uuid NOT NULL,
    verdict text NOT NULL,
    review uuid NOT NULL,
    record uuid NOT NULL,
    other uuid NOT NULL,
    decided_by text NOT NULL,
    decided_at bigint NOT NULL,
    moved json NOT NULL,
    undone_at bigint
);
CREATE TABLE public.guard_count (
    connection uuid NOT NULL,
    remote_type text NOT NULL,
    measure text NOT NULL,
    hour bigint NOT NULL,
    n bigint NOT NULL,
    before bigint NOT NULL,
    passes_until bigint NOT NULL
);
CREATE TABLE public.hook_count (
    connection uuid NOT NULL,
    taken bigint NOT NULL,
    last_taken_at bigint NOT NULL,
    refused bigint NOT NULL,
    last_refused_at bigint NOT NULL,
    cause text
);
CREATE TABLE public.idempotency (
    key uuid NOT NULL,
    fingerprint uuid NOT NULL,
    status bigint NOT NULL,
    answer json NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.intent (
    id uuid NOT NULL,
    link uuid NOT NULL,
    connection uuid NOT NULL,
    operation text NOT NULL,
    remote_type text NOT NULL,
    fields json NOT NULL,
    before json NOT NULL,
    begun_at bigint NOT NULL,
    settled_at bigint,
    outcome text,
    code text,
    emptied bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.job (
    id uuid NOT NULL,
    topic text NOT NULL,
    task json NOT NULL,
    lane bigint NOT NULL,
    due_at bigint NOT NULL,
    sent_until bigint NOT NULL,
    taken_until bigint NOT NULL,
    attempt bigint NOT NULL,
    failures bigint NOT NULL,
    lost bigint NOT NULL,
    dead_at bigint,
    code text,
    created_at bigint NOT NULL
);
CREATE TABLE public.lease (
    id uuid NOT NULL,
    connection uuid NOT NULL,
    until bigint NOT NULL,
    links json NOT NULL,
    writes json NOT NULL
)
WITH (autovacuum_vacuum_threshold='200', autovacuum_vacuum_scale_factor='0');
ALTER TABLE ONLY public.lease ALTER COLUMN links SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.lease ALTER COLUMN writes SET STORAGE EXTERNAL;
CREATE VIEW public.leased AS
 SELECT lease.id AS lease,
    lease.connection,
    lease.until,
    (one.value)::uuid AS link
   FROM public.lease,
    LATERAL json_array_elements_text(lease.links) one(value);
CREATE TABLE public.link (
    id uuid NOT NULL,
    connection uuid NOT NULL,
    record uuid NOT NULL,
    kind text NOT NULL,
    stage bigint NOT NULL,
    lane bigint NOT NULL,
    role text NOT NULL,
    remote_type text NOT NULL,
    remote_id text,
    need_a uuid,
    need_b uuid,
    sent json NOT NULL,
    seen json NOT NULL,
    written_at bigint NOT NULL,
    held json NOT NULL,
    wanted bigint NOT NULL,
    done bigint NOT NULL,
    epoch bigint NOT NULL,
    next_at bigint NOT NULL,
    attempt bigint NOT NULL,
    state text NOT NULL,
    code text,
    reason text,
    created_at bigint NOT NULL,
    command json,
    seen_at bigint DEFAULT 0 NOT NULL,
    suspect_at bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='60', autovacuum_vacuum_scale_factor='0.05');
CREATE TABLE public.newcomer (
    connection uuid NOT NULL,
    remote_type text NOT NULL,
    remote_id text NOT NULL,
    noted_at bigint NOT NULL
);
CREATE TABLE public.parked_hook (
    id uuid NOT NULL,
    crm text NOT NULL,
    account text NOT NULL,
    remote_type text NOT NULL,
    remote_id text NOT NULL,
    event text NOT NULL,
    event_at bigint NOT NULL,
    parked_at bigint NOT NULL,
    code text NOT NULL,
    erased bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.pilot_member (
    link uuid NOT NULL
);
CREATE TABLE public.pull_cursor (
    connection uuid NOT NULL,
    remote_type text NOT NULL,
    at bigint NOT NULL,
    id text NOT NULL,
    pulled_at bigint NOT NULL
);
CREATE TABLE public.purpose (
    record uuid NOT NULL,
    purpose text NOT NULL
);
CREATE TABLE public.record (
    id uuid NOT NULL,
    kind text NOT NULL,
    version bigint NOT NULL,
    fields json NOT NULL,
    person uuid,
    merged_into uuid,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    unsure_until bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.record_key (
    key uuid NOT NULL,
    key_type text NOT NULL,
    record uuid NOT NULL,
    basis text DEFAULT 'derived'::text NOT NULL
);
CREATE TABLE public.restriction (
    record uuid NOT NULL,
    restricted_by text NOT NULL,
    restricted_at bigint NOT NULL
);
CREATE TABLE public.review (
    id uuid NOT NULL,
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
CREATE TABLE public.run (
    id uuid NOT NULL,
    kind text NOT NULL,
    label text NOT NULL,
    params json NOT NULL,
    state text NOT NULL,
    created_at bigint NOT NULL,
    finished_at bigint,
    known bigint DEFAULT 0 NOT NULL,
    repeated bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.secret (
    connection uuid NOT NULL,
    name text NOT NULL,
    sealed bytea NOT NULL,
    version bigint NOT NULL,
    expires_at bigint NOT NULL,
    refresh_until bigint NOT NULL
);
CREATE TABLE public.session (
    hash text NOT NULL,
    kind text NOT NULL,
    operator uuid NOT NULL,
    ends_at bigint NOT NULL
);
CREATE TABLE public.setting (
    name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.signal (
    id uuid NOT NULL,
    run uuid NOT NULL,
    kind text NOT NULL,
    line bigint NOT NULL,
    dedup uuid NOT NULL,
    received_at bigint NOT NULL,
    state text NOT NULL,
    code text,
    field text,
    reason text,
    remarks json NOT NULL,
    content bytea,
    record uuid
);
CREATE TABLE public.slot (
    schedule text NOT NULL,
    slot_at bigint NOT NULL,
    started_at bigint NOT NULL
);
CREATE TABLE public.statement (
    subject uuid NOT NULL,
    signal uuid NOT NULL,
    record uuid NOT NULL,
    source_kind text NOT NULL,
    source_name text NOT NULL,
    observed_at bigint NOT NULL,
    version_at bigint NOT NULL,
    version_read bigint NOT NULL,
    said json NOT NULL
);
CREATE TABLE public.suppression (
    hmac uuid NOT NULL,
    kind text NOT NULL,
    added_at bigint NOT NULL
);
CREATE TABLE public.weak_key (
    key uuid NOT NULL,
    record uuid NOT NULL,
    key_type text NOT NULL,
    basis text DEFAULT 'derived'::text NOT NULL,
    since bigint DEFAULT 0 NOT NULL
);
INSERT INTO public._sqlx_migrations VALUES (1, 'tables', '2026-11-30 20:48:05.367804+00', true, '\x822796cb62932065fa62b62c1cb75fa3768431ca01ce6f39179a7ecaea4e99e98a031e066c62ceac6b0d13870bb688fa', 656957508);
INSERT INTO public._sqlx_migrations VALUES (2, 'identity', '2026-11-30 20:48:06.032417+00', true, '\x4a86c0b9a130660520ee8cd8caa3815d401cb9e1b02a08827cd89a6dc33eb9ea0a521e7a7e124874e19f96aa5566cb7e', 8374017);
INSERT INTO public._sqlx_migrations VALUES (3, 'answers', '2026-11-30 20:48:06.07307+00', true, '\x0acb515af6654105e1dc82d987d7a60898677044e5ef56ddce7def702f5c7eaeee35b7e731cd31d051a3ccb08b02abd7', 16061884);
INSERT INTO public._sqlx_migrations VALUES (4, 'seen at', '2026-11-30 20:48:06.099311+00', true, '\x68b6d44b8bb1a83e84d23ca18367f78ed0ac9c3202dd19f57902aba546ad85db72f0c2e896ed29fe532b5057abf8aa30', 79414768);
INSERT INTO public._sqlx_migrations VALUES (5, 'failures', '2026-11-30 20:48:06.182843+00', true, '\x6d61f52989a78f6f612f72e102a2328f2f547582106cfea88edbb3af8d4eb270ee5617adbf79a05c4c4030cdac53d801', 12372149);
INSERT INTO public._sqlx_migrations VALUES (6, 'suspect', '2026-11-30 20:48:06.199183+00', true, '\x464a3864e23b8e8ca89954f513198414a8d20e8ccb793eeb0c23633b2f0a3f8a01d6e5cd77f11a14b91dc6c67450111f', 8070089);
INSERT INTO public._sqlx_migrations VALUES (7, 'guards', '2026-11-30 20:48:06.211204+00', true, '\x944776ea8a066ca9ac9ec8bec22dd6f9bc8748525bd5eca3fec4ce821f908722e20f00811d221379f394d643c2cf6d83', 12007172);
INSERT INTO public._sqlx_migrations VALUES (9, 'unsure', '2026-11-30 20:48:06.227196+00', true, '\x616c6e44696677a605e1f0591130f65c026d3791563b2fccd0dff9a518b9eea44902326109ba13e2eb28f74673403daa', 5573568);
INSERT INTO public._sqlx_migrations VALUES (11, 'arrived', '2026-11-30 20:48:06.235187+00', true, '\x63a1780b1924a104bd1336e8075d98d56fd07ca5a21378ab3a103d9fd9a37296d4340703408091ba700f1a451b543eb8', 3987468);
INSERT INTO public._sqlx_migrations VALUES (12, 'newcomer', '2026-11-30 20:48:06.243196+00', true, '\xab2fd6c0a4feb157f7779aeeb1f95575cc50ac23f15fcd38a9be12a321760392b79939bfb4cff3d284509e5eeecbd643', 7573213);
INSERT INTO public.budget VALUES ('01a22e36-2ed4-775a-808b-50f77dfcedc6', 'burst', 25, 1050000, 1796071634486855, 0);
INSERT INTO public.budget VALUES ('01a22e36-2ed4-775a-808b-50f77dfcedc6', 'daily', 100000, 86400500000, 1796071656551632, 0);
INSERT INTO public.budget VALUES ('01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'burst', 190, 10500000, 1796071634914019, 0);
INSERT INTO public.budget VALUES ('01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'daily', 250000, 86400500000, 1796071638284168, 0);
INSERT INTO public.budget VALUES ('01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'search', 4, 1050000, 1796071633615730, 0);
INSERT INTO public.connection VALUES ('01a22e36-2ed4-775a-808b-50f77dfcedc6', 'salesforce', 'salesforce', '{"api_version":null,"base_url":"http://127.0.0.1:43325","grant":"client_credentials","organization_id":"00DMi0000000001MAA","portal_id":null}', '# The mapping that a new Salesforce connection starts with. States are left out: organisations with
# a list of states refuse any other spelling.
[[object]]
kind = "organisation"
remote = "Account"
# A lead carries its company as text: accounts that exist are kept up to date, none are made.
create = false
[object.fields.Name]
from = "name"
transform = ["truncate:255"]
[object.fields.Website]
from = "domain"
[object.fields.Phone]
from = "phones[work,direct]"
[object.fields.BillingStreet]
from = "street"
transform = ["truncate:255"]
[object.fields.BillingPostalCode]
from = "postal_code"
transform = ["truncate:20"]
[object.fields.BillingCity]
from = "city"
transform = ["truncate:40"]
[object.fields.BillingCountry]
from = "country"
# Who owns the account is theirs to say; its new leads go to the same person.
[object.fields.OwnerId]
owner = true
direction = "pull"
[[object]]
kind = "fair"
remote = "Campaign"
[object.fields.Name]
from = "name"
transform = ["truncate:80"]
[object.fields.Type]
const = "Trade Show"
create_only = true
[object.fields.Status]
const = "In Progress"
create_only = true
[object.fields.IsActive]
const = "true"
create_only = true
[object.fields.StartDate]
from = "starts"
[object.fields.EndDate]
from = "ends"
# The statuses that members may have; each campaign gets those that it does not have yet.
[object.fields._member_statuses]
const = "Sent;Responded;Registered;Visited booth;Cancelled"
direction = "push"
# Which of lead and contact a person is, is decided once per person: known contacts stay contacts.
[[object]]
kind = "person"
remote = "Lead"
[object.fields.FirstName]
from = "first_name"
transform = ["truncate:40"]
[object.fields.LastName]
from = "last_name"
otherwise = "emails"
default = "-"
transform = ["truncate:80"]
# Salesforce takes no lead without a company: a person without one stands for themselves.
[object.fields.Company]
from = "company"
otherwise = "last_name"
default = "-"
transform = ["truncate:255"]
[object.fields.Title]
from = "position"
transform = ["truncate:128"]
[object.fields.Email]
from = "emails"
[object.fields.Phone]
from = "phones[work,direct]"
[object.fields.MobilePhone]
from = "phones[mobile]"
[object.fields.Street]
from = "street"
transform = ["truncate:255"]
[object.fields.PostalCode]
from = "postal_code"
transform = ["truncate:20"]
[object.fields.City]
from = "city"
transform = ["truncate:40"]
[object.fields.Country]
from = "country"
[object.fields.Website]
from = "website"
transform = ["truncate:255"]
[object.fields.HasOptedOutOfEmail]
from = "opt_out"
[object.fields.LeadSource]
const = "Trade Show"
create_only = true
[object.fields.OwnerId]
owner = true
create_only = true
[[object]]
kind = "person"
remote = "Contact"
[object.fields.FirstName]
from = "first_name"
transform = ["truncate:40"]
[object.fields.LastName]
from = "last_name"
default = "-"
transform = ["truncate:80"]
[object.fields.Title]
from = "position"
transform = ["truncate:128"]
[object.fields.Department]
from = "department"
transform = ["truncate:80"]
[object.fields.Email]
from = "emails"
[object.fields.Phone]
from = "phones[work,direct]"
[object.fields.MobilePhone]
from = "phones[mobile]"
[object.fields.MailingStreet]
from = "street"
transform = ["truncate:255"]
[object.fields.MailingPostalCode]
from = "postal_code"
transform = ["truncate:20"]
[object.fields.MailingCity]
from = "city"
transform = ["truncate:40"]
[object.fields.MailingCountry]
from = "country"
[object.fields.HasOptedOutOfEmail]
from = "opt_out"
[object.fields.AccountId]
ref = "organisation"
to = ["Account"]
[object.fields.OwnerId]
owner = true
create_only = true
[[object]]
kind = "participation"
remote = "CampaignMember"
[object.fields.CampaignId]
ref = "fair"
to = ["Campaign"]
create_only = true
[object.fields.LeadId]
ref = "person"
to = ["Lead"]
create_only = true
[object.fields.ContactId]
ref = "person"
to = ["Contact"]
create_only = true
[object.fields.Status]
from = "status"
map = { registered = "Registered", attended = "Visited booth", cancelled = "Cancelled" }
[[object]]
kind = "activity"
remote = "Task"
[object.fields.Subject]
from = "subject"
transform = ["first_line", "truncate:255"]
[object.fields.Description]
from = "body"
transform = ["truncate:32000"]
[object.fields.Status]
from = "status"
map = { open = "Not Started", completed = "Completed" }
[object.fields.Priority]
const = "Normal"
create_only = true
[object.fields.ActivityDate]
from = "due"
[object.fields.TaskSubtype]
from = "activity_type"
map = { task = "Task", email = "Email", note = "Task" }
create_only = true
# No WhatId: Salesforce refuses it beside a lead.
[object.fields.WhoId]
ref = "person"
to = ["Lead", "Contact"]
[object.fields.OwnerId]
owner = true
create_only = true
', 'full', 'ready', NULL, NULL, 0, 1796071634304672, NULL, NULL, 0, 0);
INSERT INTO public.connection VALUES ('01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'hubspot', 'hubspot', '{"api_version":null,"base_url":"http://127.0.0.1:43325","grant":"static","organization_id":null,"portal_id":"147258369"}', '# How records become records of HubSpot unless a connection says otherwise.
[[object]]
kind = "organisation"
remote = "companies"
[object.fields.name]
from = "name"
[object.fields.domain]
from = "domain"
[object.fields.phone]
from = "phones[work,direct]"
[object.fields.address]
from = "street"
[object.fields.zip]
from = "postal_code"
[object.fields.city]
from = "city"
[object.fields.country]
from = "country"
# Who owns the company is theirs to say; its new leads go to the same person.
[object.fields.hubspot_owner_id]
owner = true
direction = "pull"
[[object]]
kind = "fair"
remote = "marketing_events"
[object.fields.eventName]
from = "name"
[object.fields.eventOrganizer]
from = "organiser"
default = "-"
[object.fields.eventType]
const = "TRADESHOW"
# Days of the fair where it takes place, told as moments.
[object.fields.startDateTime]
from = "starts"
transform = ["day_start"]
[object.fields.endDateTime]
from = "ends"
transform = ["day_end"]
[object.fields.eventDescription]
from = "place"
[[object]]
kind = "person"
remote = "contacts"
[object.fields.email]
from = "emails"
[object.fields.firstname]
from = "first_name"
[object.fields.lastname]
from = "last_name"
[object.fields.salutation]
from = "salutation"
map = { mr = "Herr", ms = "Frau" }
[object.fields.jobtitle]
from = "position"
[object.fields.phone]
from = "phones[work,direct]"
[object.fields.mobilephone]
from = "phones[mobile]"
[object.fields.address]
from = "street"
[object.fields.zip]
from = "postal_code"
[object.fields.city]
from = "city"
[object.fields.country]
from = "country"
[object.fields.company]
from = "company"
[object.fields.website]
from = "website"
# Sales may hand a contact on and move it along the funnel: both are ours to set once.
[object.fields.hubspot_owner_id]
owner = true
create_only = true
[object.fields.lifecyclestage]
const = "lead"
create_only = true
[[object]]
kind = "participation"
remote = "attendance"
[object.fields.event]
ref = "fair"
[object.fields.contact]
ref = "person"
# HubSpot knows an attendance by its contact and its time: the time is told once and stays.
[object.fields.at]
from = "at"
create_only = true
[object.fields.state]
from = "status"
[[object]]
kind = "activity"
remote = "tasks"
when = "activity_type:task"
[object.fields.hs_task_subject]
from = "subject"
[object.fields.hs_task_body]
from = "body"
[object.fields.hs_task_status]
from = "status"
map = { open = "NOT_STARTED", completed = "COMPLETED" }
[object.fields.hs_timestamp]
from = "due"
[object.fields.hs_task_type]
const = "TODO"
[object.fields.hubspot_owner_id]
owner = true
create_only = true
[object.fields.contact]
ref = "person"
create_only = true
[[object]]
kind = "activity"
remote = "emails"
when = "activity_type:email"
[object.fields.hs_email_subject]
from = "subject"
[object.fields.hs_email_text]
from = "body"
[object.fields.hs_email_direction]
const = "INCOMING_EMAIL"
[object.fields.hs_email_status]
const = "SENT"
[object.fields.hs_timestamp]
from = "at"
[object.fields.contact]
ref = "person"
create_only = true
[[object]]
kind = "activity"
remote = "notes"
when = "activity_type:note"
[object.fields.hs_note_body]
from = "body"
[object.fields.hs_timestamp]
from = "at"
[object.fields.contact]
ref = "person"
create_only = true
[[object]]
kind = "association"
remote = "contacts_to_companies"
[object.fields.from]
ref = "from"
[object.fields.to]
ref = "to"
', 'full', 'ready', NULL, NULL, 0, 1796071634331499, 'Europe/Berlin', NULL, 0, 0);
INSERT INTO public.intent VALUES ('01a22e36-300b-71e9-bd2c-5a1d65eee10b', '418870f9-e1fc-8023-9333-731154eb609a', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'marketing_events', '{"endDateTime":{"instant":{"at":"2026-04-24T21:59:59.000000Z","offset":0}},"eventName":{"text":"Hannover Messe 2026"},"eventOrganizer":{"text":"-"},"eventType":{"text":"TRADESHOW"},"startDateTime":{"instant":{"at":"2026-04-19T22:00:00.000000Z","offset":0}}}', '{}', 1796071632907886, 1796071632917830, 'updated', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-301b-7f69-935d-93084b92ffc1', '01a22e36-3005-8022-986f-209c2e547030', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'contacts', '{"city":{"text":"Ulm"},"company":{"text":"Beispiel Antriebe"},"country":{"choice":"DE"},"email":{"text":"anna.schmidt@antriebe.example"},"firstname":{"text":"A."},"lastname":{"text":"Schmidt"},"lifecyclestage":{"text":"lead"},"phone":{"text":"+49731123456"},"zip":{"text":"89073"}}', '{}', 1796071632923513, 1796071632931826, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-301b-74be-8c31-ed1ab459a7d0', '01a22e36-3005-8022-9a83-e63ef7d6d082', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'contacts', '{"city":{"text":"Paris"},"company":{"text":"Exemple SA"},"country":{"choice":"FR"},"email":{"text":"claire@exemple.example"},"firstname":{"text":"Claire"},"lastname":{"text":"Dubois"},"lifecyclestage":{"text":"lead"},"phone":{"text":"+33123456789"},"zip":{"text":"75001"}}', '{}', 1796071632923513, 1796071632931843, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-301b-7484-9896-260020cb6dd5', '01a22e36-3005-8022-a12c-7013f487af85', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'contacts', '{"city":{"text":"Ulm"},"company":{"text":"Beispiel Antriebe GmbH"},"country":{"choice":"DE"},"email":{"text":"j.weiss@antriebe.example"},"firstname":{"text":"Jürgen"},"lastname":{"text":"Weiß"},"lifecyclestage":{"text":"lead"},"zip":{"text":"89073"}}', '{}', 1796071632923513, 1796071632931849, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3025-7964-946b-7145f795bdf0', '01a22e36-3005-8023-8d6d-628fd2246c15', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'attendance', '{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000002"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}', '{}', 1796071632933949, 1796071632935400, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3025-7cb4-a938-f8757e837db3', '01a22e36-3005-8023-9a36-a2b248444dbb', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'attendance', '{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000001"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}', '{}', 1796071632933949, 1796071632935409, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3025-79d3-ab02-b117c63f4a02', '01a22e36-3005-8023-9d42-8118d4155d16', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'attendance', '{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000003"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}', '{}', 1796071632933949, 1796071632935412, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3027-78db-8db4-a62930948a6e', '01a22e36-3005-8024-8a2a-f30f96bfc011', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'tasks', '{"contact":{"remote_ref":"5790000003"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}', '{}', 1796071632935982, 1796071632939405, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3027-732d-bf92-544d36801929', '01a22e36-3005-8024-8a8b-406425a9ac87', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'tasks', '{"contact":{"remote_ref":"5790000002"},"hs_task_body":{"text":"Notiz: Rückruf im Mai"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}', '{}', 1796071632935982, 1796071632939415, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3027-7ccd-a1dd-507c3f77f6c3', '01a22e36-3005-8024-aa1f-d94fadd6b56c', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'tasks', '{"contact":{"remote_ref":"5790000001"},"hs_task_body":{"text":"Notiz: Möchte Preisliste"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}', '{}', 1796071632935982, 1796071632939418, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3173-7ac4-8cca-3a020044a621', '01a22e36-3005-8020-8128-4f835645f3ca', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'companies', '{"city":{"text":"Paris"},"country":{"choice":"FR"},"domain":{"text":"exemple.example"},"name":{"text":"Exemple SA"},"zip":{"text":"75001"}}', '{}', 1796071633267873, 1796071633277032, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3173-7249-a263-1a1b2017d753', '01a22e36-3005-8020-99f1-aa4c728ec4b2', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'companies', '{"city":{"text":"Ulm"},"country":{"choice":"DE"},"domain":{"text":"antriebe.example"},"name":{"text":"Beispiel Antriebe"},"zip":{"text":"89073"}}', '{}', 1796071633267873, 1796071633277050, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3185-7ae7-b092-2e3db257380c', '01a22e36-3005-8025-96aa-a569a0ece095', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'contacts_to_companies', '{"from":{"remote_ref":"5790000001"},"to":{"remote_ref":"5790000002"}}', '{}', 1796071633285352, 1796071633286785, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3185-779e-987b-7f58369e952f', '01a22e36-3005-8025-a7dd-d673a9ba93c5', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'contacts_to_companies', '{"from":{"remote_ref":"5790000002"},"to":{"remote_ref":"5790000001"}}', '{}', 1796071633285352, 1796071633286795, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3185-78b3-a89b-28e248ab5e9a', '01a22e36-3005-8025-be32-177a7df95ce9', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'create', 'contacts_to_companies', '{"from":{"remote_ref":"5790000003"},"to":{"remote_ref":"5790000002"}}', '{}', 1796071633285352, 1796071633286798, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-32af-7851-8449-e928d6c0a47b', '01a22e36-3005-80c2-84d1-ae4fed89bd58', '01a22e36-2ed4-775a-808b-50f77dfcedc6', 'create', 'Lead', '{"City":{"text":"Ulm"},"Company":{"text":"Beispiel Antriebe"},"Country":{"choice":"DE"},"Email":{"text":"anna.schmidt@antriebe.example"},"FirstName":{"text":"A."},"LastName":{"text":"Schmidt"},"LeadSource":{"text":"Trade Show"},"Phone":{"text":"+49731123456"},"PostalCode":{"text":"89073"}}', '{}', 1796071633583706, 1796071633614043, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-32af-7a9f-894e-5ed3368df592', '01a22e36-3005-80c2-8b55-be97047bcdd3', '01a22e36-2ed4-775a-808b-50f77dfcedc6', 'create', 'Lead', '{"City":{"text":"Ulm"},"Company":{"text":"Beispiel Antriebe GmbH"},"Country":{"choice":"DE"},"Email":{"text":"j.weiss@antriebe.example"},"FirstName":{"text":"Jürgen"},"LastName":{"text":"Weiß"},"LeadSource":{"text":"Trade Show"},"PostalCode":{"text":"89073"}}', '{}', 1796071633583706, 1796071633614069, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-32af-727a-adf7-4f8e6b556e98', '01a22e36-3005-80c2-bb38-18234fdfe199', '01a22e36-2ed4-775a-808b-50f77dfcedc6', 'create', 'Lead', '{"City":{"text":"Paris"},"Company":{"text":"Exemple SA"},"Country":{"choice":"FR"},"Email":{"text":"claire@exemple.example"},"FirstName":{"text":"Claire"},"LastName":{"text":"Dubois"},"LeadSource":{"text":"Trade Show"},"Phone":{"text":"+33123456789"},"PostalCode":{"text":"75001"}}', '{}', 1796071633583706, 1796071633614077, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-320e-76b0-9112-f62bac0ec7ac', '418870f9-e1fc-80c3-b8f5-c856f8c5084f', '01a22e36-2ed4-775a-808b-50f77dfcedc6', 'create', 'Campaign', '{"EndDate":{"date":"2026-04-24"},"IsActive":{"bool":true},"Name":{"text":"Hannover Messe 2026"},"StartDate":{"date":"2026-04-20"},"Status":{"text":"In Progress"},"Type":{"text":"Trade Show"},"_member_statuses":{"text":"Sent;Responded;Registered;Visited booth;Cancelled"}}', '{}', 1796071633422776, 1796071633797977, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3428-7c63-a641-dca8b8bbdee0', '01a22e36-3005-80c4-8206-d44d6715210d', '01a22e36-2ed4-775a-808b-50f77dfcedc6', 'create', 'Task', '{"ActivityDate":{"date":"2026-12-07"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000002MAA"}}', '{}', 1796071633960501, 1796071634017647, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3428-780d-be3d-8d2b62307e6d', '01a22e36-3005-80c4-8e5a-875879b6edce', '01a22e36-2ed4-775a-808b-50f77dfcedc6', 'create', 'Task', '{"ActivityDate":{"date":"2026-12-07"},"Description":{"text":"Notiz: Rückruf im Mai"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000003MAA"}}', '{}', 1796071633960501, 1796071634017671, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-3428-71a8-856d-840837c761f3', '01a22e36-3005-80c4-b722-a14820e01f3d', '01a22e36-2ed4-775a-808b-50f77dfcedc6', 'create', 'Task', '{"ActivityDate":{"date":"2026-12-07"},"Description":{"text":"Notiz: Möchte Preisliste"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000001MAA"}}', '{}', 1796071633960501, 1796071634017679, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-346e-71fe-9e23-66550e875935', '01a22e36-3005-80c3-9224-d38f3a5c8f95', '01a22e36-2ed4-775a-808b-50f77dfcedc6', 'create', 'CampaignMember', '{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000001MAA"},"Status":{"choice":"Visited booth"}}', '{}', 1796071634030811, 1796071634095870, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-346e-7522-8493-548f9b106b73', '01a22e36-3005-80c3-9ac5-851143e9aabe', '01a22e36-2ed4-775a-808b-50f77dfcedc6', 'create', 'CampaignMember', '{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000003MAA"},"Status":{"choice":"Visited booth"}}', '{}', 1796071634030811, 1796071634095891, 'created', NULL, 0);
INSERT INTO public.intent VALUES ('01a22e36-346e-79c6-9722-cb9028f6b31d', '01a22e36-3005-80c3-bb74-45bbd633521f', '01a22e36-2ed4-775a-808b-50f77dfcedc6', 'create', 'CampaignMember', '{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000002MAA"},"Status":{"choice":"Visited booth"}}', '{}', 1796071634030811, 1796071634095895, 'created', NULL, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8020-8128-4f835645f3ca', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-7000-984e-eee65c2ae96a', 'organisation', 0, 1, 'primary', 'companies', '5790000001', NULL, NULL, '{"city":{"text":"Paris"},"country":{"choice":"FR"},"domain":{"text":"exemple.example"},"mittler_id":{"text":"rec_01a22e3630057000984eeee65c2ae96a"},"name":{"text":"Exemple SA"},"zip":{"text":"75001"}}', '{}', 1796071633277043, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8020-99f1-aa4c728ec4b2', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-7000-90b1-804a741568e1', 'organisation', 0, 1, 'primary', 'companies', '5790000002', NULL, NULL, '{"city":{"text":"Ulm"},"country":{"choice":"DE"},"domain":{"text":"antriebe.example"},"mittler_id":{"text":"rec_01a22e363005700090b1804a741568e1"},"name":{"text":"Beispiel Antriebe"},"zip":{"text":"89073"}}', '{}', 1796071633277053, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8022-986f-209c2e547030', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-7002-b8df-038bff0cb405', 'person', 2, 1, 'primary', 'contacts', '5790000001', NULL, NULL, '{"city":{"text":"Ulm"},"company":{"text":"Beispiel Antriebe"},"country":{"choice":"DE"},"email":{"text":"anna.schmidt@antriebe.example"},"firstname":{"text":"A."},"lastname":{"text":"Schmidt"},"lifecyclestage":{"text":"lead"},"mittler_id":{"text":"rec_01a22e3630057002b8df038bff0cb405"},"phone":{"text":"+49731123456"},"zip":{"text":"89073"}}', '{}', 1796071632931836, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8022-9a83-e63ef7d6d082', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-7002-9775-c82924d023d1', 'person', 2, 1, 'primary', 'contacts', '5790000002', NULL, NULL, '{"city":{"text":"Paris"},"company":{"text":"Exemple SA"},"country":{"choice":"FR"},"email":{"text":"claire@exemple.example"},"firstname":{"text":"Claire"},"lastname":{"text":"Dubois"},"lifecyclestage":{"text":"lead"},"mittler_id":{"text":"rec_01a22e36300570029775c82924d023d1"},"phone":{"text":"+33123456789"},"zip":{"text":"75001"}}', '{}', 1796071632931846, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8022-a12c-7013f487af85', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-7002-9e30-91077c995abb', 'person', 2, 1, 'primary', 'contacts', '5790000003', NULL, NULL, '{"city":{"text":"Ulm"},"company":{"text":"Beispiel Antriebe GmbH"},"country":{"choice":"DE"},"email":{"text":"j.weiss@antriebe.example"},"firstname":{"text":"Jürgen"},"lastname":{"text":"Weiß"},"lifecyclestage":{"text":"lead"},"mittler_id":{"text":"rec_01a22e36300570029e3091077c995abb"},"zip":{"text":"89073"}}', '{}', 1796071632931852, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8023-8d6d-628fd2246c15', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-8003-a32a-bf52cb0aa758', 'participation', 3, 1, 'primary', 'attendance', '5790000001:5790000002', '418870f9-e1fc-8023-9333-731154eb609a', '01a22e36-3005-8022-9a83-e63ef7d6d082', '{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000002"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}', '{}', 1796071632935404, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8023-9a36-a2b248444dbb', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-8003-9230-b6610e1b8c22', 'participation', 3, 1, 'primary', 'attendance', '5790000001:5790000001', '418870f9-e1fc-8023-9333-731154eb609a', '01a22e36-3005-8022-986f-209c2e547030', '{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000001"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}', '{}', 1796071632935410, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8023-9d42-8118d4155d16', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-8003-849d-43df7f76a56e', 'participation', 3, 1, 'primary', 'attendance', '5790000001:5790000003', '418870f9-e1fc-8023-9333-731154eb609a', '01a22e36-3005-8022-a12c-7013f487af85', '{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000003"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}', '{}', 1796071632935413, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8024-8a2a-f30f96bfc011', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-8004-af52-766092636747', 'activity', 4, 1, 'primary', 'tasks', '5790000001', '01a22e36-3005-8022-a12c-7013f487af85', NULL, '{"contact":{"remote_ref":"5790000003"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}', '{}', 1796071632939411, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8024-8a8b-406425a9ac87', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-8004-a1cf-3e1424502466', 'activity', 4, 1, 'primary', 'tasks', '5790000002', '01a22e36-3005-8022-9a83-e63ef7d6d082', NULL, '{"contact":{"remote_ref":"5790000002"},"hs_task_body":{"text":"Notiz: Rückruf im Mai"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}', '{}', 1796071632939416, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8024-aa1f-d94fadd6b56c', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-8004-b8fa-390b398c7602', 'activity', 4, 1, 'primary', 'tasks', '5790000003', '01a22e36-3005-8022-986f-209c2e547030', NULL, '{"contact":{"remote_ref":"5790000001"},"hs_task_body":{"text":"Notiz: Möchte Preisliste"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}', '{}', 1796071632939420, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8025-96aa-a569a0ece095', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-8005-8893-c16908e0a51e', 'association', 5, 1, 'primary', 'contacts_to_companies', '5790000001:5790000002', '01a22e36-3005-8022-986f-209c2e547030', '01a22e36-3005-8020-99f1-aa4c728ec4b2', '{"from":{"remote_ref":"5790000001"},"to":{"remote_ref":"5790000002"}}', '{}', 1796071633286791, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8025-a7dd-d673a9ba93c5', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-8005-9ef4-28046b157d38', 'association', 5, 1, 'primary', 'contacts_to_companies', '5790000002:5790000001', '01a22e36-3005-8022-9a83-e63ef7d6d082', '01a22e36-3005-8020-8128-4f835645f3ca', '{"from":{"remote_ref":"5790000002"},"to":{"remote_ref":"5790000001"}}', '{}', 1796071633286796, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-8025-be32-177a7df95ce9', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '01a22e36-3005-8005-ad35-e97cdee85601', 'association', 5, 1, 'primary', 'contacts_to_companies', '5790000003:5790000002', '01a22e36-3005-8022-a12c-7013f487af85', '01a22e36-3005-8020-99f1-aa4c728ec4b2', '{"from":{"remote_ref":"5790000003"},"to":{"remote_ref":"5790000002"}}', '{}', 1796071633286798, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c0-8238-ed16dabc94fe', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-7000-984e-eee65c2ae96a', 'organisation', 0, 1, 'primary', 'Account', NULL, NULL, NULL, '{}', '{}', 0, '{}', 1, 1, 1, 0, 0, 'open', 'not_found_there', NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c0-a7d0-55b5841d969e', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-7000-90b1-804a741568e1', 'organisation', 0, 1, 'primary', 'Account', NULL, NULL, NULL, '{}', '{}', 0, '{}', 1, 1, 1, 0, 0, 'open', 'not_found_there', NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c2-84d1-ae4fed89bd58', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-7002-b8df-038bff0cb405', 'person', 2, 1, 'primary', 'Lead', '00QMi0000000001MAA', NULL, NULL, '{"City":{"text":"Ulm"},"Company":{"text":"Beispiel Antriebe"},"Country":{"choice":"DE"},"Email":{"text":"anna.schmidt@antriebe.example"},"FirstName":{"text":"A."},"LastName":{"text":"Schmidt"},"LeadSource":{"text":"Trade Show"},"Mittler_Id__c":{"text":"rec_01a22e3630057002b8df038bff0cb405"},"Phone":{"text":"+49731123456"},"PostalCode":{"text":"89073"}}', '{}', 1796071633614062, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c2-8b55-be97047bcdd3', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-7002-9e30-91077c995abb', 'person', 2, 1, 'primary', 'Lead', '00QMi0000000002MAA', NULL, NULL, '{"City":{"text":"Ulm"},"Company":{"text":"Beispiel Antriebe GmbH"},"Country":{"choice":"DE"},"Email":{"text":"j.weiss@antriebe.example"},"FirstName":{"text":"Jürgen"},"LastName":{"text":"Weiß"},"LeadSource":{"text":"Trade Show"},"Mittler_Id__c":{"text":"rec_01a22e36300570029e3091077c995abb"},"PostalCode":{"text":"89073"}}', '{}', 1796071633614073, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c2-bb38-18234fdfe199', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-7002-9775-c82924d023d1', 'person', 2, 1, 'primary', 'Lead', '00QMi0000000003MAA', NULL, NULL, '{"City":{"text":"Paris"},"Company":{"text":"Exemple SA"},"Country":{"choice":"FR"},"Email":{"text":"claire@exemple.example"},"FirstName":{"text":"Claire"},"LastName":{"text":"Dubois"},"LeadSource":{"text":"Trade Show"},"Mittler_Id__c":{"text":"rec_01a22e36300570029775c82924d023d1"},"Phone":{"text":"+33123456789"},"PostalCode":{"text":"75001"}}', '{}', 1796071633614081, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c3-9224-d38f3a5c8f95', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-8003-9230-b6610e1b8c22', 'participation', 3, 1, 'primary', 'CampaignMember', '00vMi0000000001IAA', '418870f9-e1fc-80c3-b8f5-c856f8c5084f', '01a22e36-3005-80c2-84d1-ae4fed89bd58', '{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000001MAA"},"Status":{"choice":"Visited booth"}}', '{}', 1796071634095882, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c3-9ac5-851143e9aabe', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-8003-a32a-bf52cb0aa758', 'participation', 3, 1, 'primary', 'CampaignMember', '00vMi0000000002IAA', '418870f9-e1fc-80c3-b8f5-c856f8c5084f', '01a22e36-3005-80c2-bb38-18234fdfe199', '{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000003MAA"},"Status":{"choice":"Visited booth"}}', '{}', 1796071634095894, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c3-bb74-45bbd633521f', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-8003-849d-43df7f76a56e', 'participation', 3, 1, 'primary', 'CampaignMember', '00vMi0000000003IAA', '418870f9-e1fc-80c3-b8f5-c856f8c5084f', '01a22e36-3005-80c2-8b55-be97047bcdd3', '{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000002MAA"},"Status":{"choice":"Visited booth"}}', '{}', 1796071634095898, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c4-8206-d44d6715210d', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-8004-af52-766092636747', 'activity', 4, 1, 'primary', 'Task', '00TMi0000000001MAA', '01a22e36-3005-80c2-8b55-be97047bcdd3', NULL, '{"ActivityDate":{"date":"2026-12-07"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000002MAA"}}', '{}', 1796071634017659, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c4-8e5a-875879b6edce', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-8004-a1cf-3e1424502466', 'activity', 4, 1, 'primary', 'Task', '00TMi0000000002MAA', '01a22e36-3005-80c2-bb38-18234fdfe199', NULL, '{"ActivityDate":{"date":"2026-12-07"},"Description":{"text":"Notiz: Rückruf im Mai"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000003MAA"}}', '{}', 1796071634017675, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('01a22e36-3005-80c4-b722-a14820e01f3d', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '01a22e36-3005-8004-b8fa-390b398c7602', 'activity', 4, 1, 'primary', 'Task', '00TMi0000000003MAA', '01a22e36-3005-80c2-84d1-ae4fed89bd58', NULL, '{"ActivityDate":{"date":"2026-12-07"},"Description":{"text":"Notiz: Möchte Preisliste"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000001MAA"}}', '{}', 1796071634017682, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('418870f9-e1fc-8023-9333-731154eb609a', '01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', '418870f9-e1fc-8283-a64b-720cf70349e8', 'fair', 1, 1, 'primary', 'marketing_events', '5790000001', NULL, NULL, '{"endDateTime":{"instant":{"at":"2026-04-24T21:59:59.000000Z","offset":0}},"eventName":{"text":"Hannover Messe 2026"},"eventOrganizer":{"text":"-"},"eventType":{"text":"TRADESHOW"},"startDateTime":{"instant":{"at":"2026-04-19T22:00:00.000000Z","offset":0}}}', '{}', 1796071632917837, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.link VALUES ('418870f9-e1fc-80c3-b8f5-c856f8c5084f', '01a22e36-2ed4-775a-808b-50f77dfcedc6', '418870f9-e1fc-8283-a64b-720cf70349e8', 'fair', 1, 1, 'primary', 'Campaign', '701Mi0000000001IAA', NULL, NULL, '{"EndDate":{"date":"2026-04-24"},"IsActive":{"bool":true},"Mittler_Id__c":{"text":"rec_418870f9e1fc8283a64b720cf70349e8"},"Name":{"text":"Hannover Messe 2026"},"StartDate":{"date":"2026-04-20"},"Status":{"text":"In Progress"},"Type":{"text":"Trade Show"},"_member_statuses":{"text":"Sent;Responded;Registered;Visited booth;Cancelled"}}', '{}', 1796071633797990, '{}', 1, 1, 1, 0, 0, 'open', NULL, NULL, 1796071632901261, NULL, 0, 0);
INSERT INTO public.newcomer VALUES ('01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'companies', '5790000001', 1796071633277513);
INSERT INTO public.newcomer VALUES ('01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'companies', '5790000002', 1796071633277513);
INSERT INTO public.pull_cursor VALUES ('01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'companies', 1796071631408145, '', 1796071634408145);
INSERT INTO public.pull_cursor VALUES ('01a22e36-2ed4-775a-808b-50f77dfcedc6', 'Account', 1796071633408196, '', 1796071634408196);
INSERT INTO public.pull_cursor VALUES ('01a22e36-2ed4-775a-808b-50f77dfcedc6', 'Lead', 1796071633410088, '', 1796071634410088);
INSERT INTO public.pull_cursor VALUES ('01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 'contacts', 1796071631410167, '', 1796071634410167);
INSERT INTO public.pull_cursor VALUES ('01a22e36-2ed4-775a-808b-50f77dfcedc6', 'Contact', 1796071633427266, '', 1796071634427266);
INSERT INTO public.record VALUES ('01a22e36-3005-7000-90b1-804a741568e1', 'organisation', 1, '{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-88a6-c8312039fce7"],["rule","list",1777068000000000,"01a22e36-2ec9-7b91-823e-b70100d9c950","01a22e36-2ec9-8000-b09f-2aa331e7ce93"],["rule","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-88a6-c8312039fce7"],["rule","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-8f5c-2bbc4604d971"],["badge","list",1777068000000000,"01a22e36-2ec9-7b91-823e-b70100d9c950","01a22e36-2ec9-8000-b09f-2aa331e7ce93"]],"one":{"city":[{"text":"Ulm"},0,100,"lead.cell"],"core_name":[{"text":"beispiel antriebe"},1,100,"company.core"],"country":[{"choice":"DE"},2,70,"country.postcode"],"domain":[{"text":"antriebe.example"},3,80,"company.domain"],"legal_form":[{"text":"GmbH"},0,100,"lead.cell"],"name":[{"text":"Beispiel Antriebe"},4,100,"lead.cell"],"postal_code":[{"text":"89073"},0,100,"lead.cell"]}}', NULL, NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-7000-984e-eee65c2ae96a', 'organisation', 1, '{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-9d3c-02c5a6489f1d"],["rule","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-9d3c-02c5a6489f1d"]],"one":{"city":[{"text":"Paris"},0,100,"lead.cell"],"core_name":[{"text":"exemple"},1,100,"company.core"],"country":[{"choice":"FR"},1,70,"country.phone"],"domain":[{"text":"exemple.example"},1,80,"company.domain"],"legal_form":[{"text":"SA"},0,100,"lead.cell"],"name":[{"text":"Exemple SA"},0,100,"lead.cell"],"postal_code":[{"text":"75001"},0,100,"lead.cell"]}}', NULL, NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-7002-9775-c82924d023d1', 'person', 1, '{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8002-9dab-e8e20b237a3d"],["rule","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8002-9dab-e8e20b237a3d"],["badge","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-9b12-feaf65ba317d"]],"one":{"city":[{"text":"Paris"},0,100,"lead.cell"],"company":[{"text":"Exemple SA"},0,100,"lead.cell"],"country":[{"choice":"FR"},1,70,"country.phone"],"first_name":[{"text":"Claire"},0,100,"lead.cell"],"last_name":[{"text":"Dubois"},0,100,"lead.cell"],"organisation":[{"ref":"rec_01a22e3630057000984eeee65c2ae96a"},2,100,"company.recognised"],"postal_code":[{"text":"75001"},0,100,"lead.cell"]},"many":{"emails":[["claire@exemple.example","work",true,{"text":"claire@exemple.example"},0,100,"lead.cell"]],"phones":[["+33123456789","work",true,{"text":"+33123456789"},0,100,"lead.cell"]]}}', NULL, NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-7002-9e30-91077c995abb', 'person', 1, '{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8002-b6a4-a202f17b7172"],["rule","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8002-b6a4-a202f17b7172"],["badge","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-a1d2-3571c28c581d"]],"one":{"city":[{"text":"Ulm"},0,100,"lead.cell"],"company":[{"text":"Beispiel Antriebe GmbH"},0,100,"lead.cell"],"country":[{"choice":"DE"},1,70,"country.postcode"],"first_name":[{"text":"Jürgen"},0,100,"lead.cell"],"last_name":[{"text":"Weiß"},0,100,"lead.cell"],"organisation":[{"ref":"rec_01a22e363005700090b1804a741568e1"},2,100,"company.recognised"],"postal_code":[{"text":"89073"},0,100,"lead.cell"]},"many":{"emails":[["j.weiss@antriebe.example","work",true,{"text":"j.weiss@antriebe.example"},0,100,"lead.cell"]]}}', NULL, NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-7002-b8df-038bff0cb405', 'person', 1, '{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8002-8ce9-1b2f00da699a"],["badge","list",1777068000000000,"01a22e36-2ec9-7b91-823e-b70100d9c950","01a22e36-2ec9-8002-b8aa-c40ab1a860ad"],["rule","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8002-8ce9-1b2f00da699a"],["badge","list",1777068000000000,"01a22e36-2ec9-7b91-823e-b70100d9c950","01a22e36-2ec9-8000-93c9-ad0bb63f5917"]],"one":{"city":[{"text":"Ulm"},0,100,"lead.cell"],"company":[{"text":"Beispiel Antriebe"},1,100,"lead.cell"],"country":[{"choice":"DE"},2,70,"country.phone"],"first_name":[{"text":"A."},1,100,"lead.cell"],"last_name":[{"text":"Schmidt"},1,100,"lead.cell"],"organisation":[{"ref":"rec_01a22e363005700090b1804a741568e1"},3,100,"company.recognised"],"postal_code":[{"text":"89073"},0,100,"lead.cell"]},"many":{"emails":[["anna.schmidt@antriebe.example","work",true,{"text":"anna.schmidt@antriebe.example"},1,100,"lead.cell"]],"phones":[["+49731123456","work",true,{"text":"+49731123456"},0,100,"lead.cell"]]}}', NULL, NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-8003-849d-43df7f76a56e', 'participation', 1, '{"origins":[["rule","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-a1b7-10304d04d538"],["badge","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-a1b7-10304d04d538"]],"one":{"at":[{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},0,100,"import.received"],"badge":[{"text":"B-1002"},1,100,"lead.cell"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},1,100,"import"],"person":[{"ref":"rec_01a22e36300570029e3091077c995abb"},1,100,"import"],"status":[{"choice":"attended"},1,100,"lead.scan"]}}', '01a22e36-3005-7002-9e30-91077c995abb', NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-8003-9230-b6610e1b8c22', 'participation', 1, '{"origins":[["rule","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-ba14-4aedfef176fa"],["badge","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-ba14-4aedfef176fa"],["badge","list",1777068000000000,"01a22e36-2ec9-7b91-823e-b70100d9c950","01a22e36-2ec9-8000-9214-567dd286f98b"]],"one":{"at":[{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},0,100,"import.received"],"badge":[{"text":"B-1001"},1,100,"lead.cell"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},1,100,"import"],"note":[{"text":"Möchte Preisliste"},1,100,"lead.cell"],"person":[{"ref":"rec_01a22e3630057002b8df038bff0cb405"},1,100,"import"],"status":[{"choice":"attended"},2,100,"lead.scan"]}}', '01a22e36-3005-7002-b8df-038bff0cb405', NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-8003-a32a-bf52cb0aa758', 'participation', 1, '{"origins":[["rule","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-a420-818d48ab513a"],["badge","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-a420-818d48ab513a"]],"one":{"at":[{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},0,100,"import.received"],"badge":[{"text":"B-1003"},1,100,"lead.cell"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},1,100,"import"],"note":[{"text":"Rückruf im Mai"},1,100,"lead.cell"],"person":[{"ref":"rec_01a22e36300570029775c82924d023d1"},1,100,"import"],"status":[{"choice":"attended"},1,100,"lead.scan"]}}', '01a22e36-3005-7002-9775-c82924d023d1', NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-8004-a1cf-3e1424502466', 'activity', 1, '{"origins":[["rule","follow_up",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-a8a0-56fc53d30d89"]],"one":{"activity_type":[{"choice":"task"},0,100,"follow_up"],"body":[{"text":"Notiz: Rückruf im Mai"},0,100,"follow_up"],"due":[{"date":"2026-12-07"},0,100,"follow_up"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},0,100,"import"],"person":[{"ref":"rec_01a22e36300570029775c82924d023d1"},0,100,"import"],"status":[{"choice":"open"},0,100,"follow_up"],"subject":[{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},0,100,"follow_up"]}}', '01a22e36-3005-7002-9775-c82924d023d1', NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-8004-af52-766092636747', 'activity', 1, '{"origins":[["rule","follow_up",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-8251-55276929bb89"]],"one":{"activity_type":[{"choice":"task"},0,100,"follow_up"],"due":[{"date":"2026-12-07"},0,100,"follow_up"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},0,100,"import"],"person":[{"ref":"rec_01a22e36300570029e3091077c995abb"},0,100,"import"],"status":[{"choice":"open"},0,100,"follow_up"],"subject":[{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},0,100,"follow_up"]}}', '01a22e36-3005-7002-9e30-91077c995abb', NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-8004-b8fa-390b398c7602', 'activity', 1, '{"origins":[["rule","follow_up",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-b793-1d1d3957c378"]],"one":{"activity_type":[{"choice":"task"},0,100,"follow_up"],"body":[{"text":"Notiz: Möchte Preisliste"},0,100,"follow_up"],"due":[{"date":"2026-12-07"},0,100,"follow_up"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},0,100,"import"],"person":[{"ref":"rec_01a22e3630057002b8df038bff0cb405"},0,100,"import"],"status":[{"choice":"open"},0,100,"follow_up"],"subject":[{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},0,100,"follow_up"]}}', '01a22e36-3005-7002-b8df-038bff0cb405', NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-8005-8893-c16908e0a51e', 'association', 1, '{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-9a83-5f2cceb49395"]],"one":{"from":[{"ref":"rec_01a22e3630057002b8df038bff0cb405"},0,100,"import"],"to":[{"ref":"rec_01a22e363005700090b1804a741568e1"},0,100,"import"]}}', '01a22e36-3005-7002-b8df-038bff0cb405', NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-8005-9ef4-28046b157d38', 'association', 1, '{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-bd43-4e18b34abcf3"]],"one":{"from":[{"ref":"rec_01a22e36300570029775c82924d023d1"},0,100,"import"],"to":[{"ref":"rec_01a22e3630057000984eeee65c2ae96a"},0,100,"import"]}}', '01a22e36-3005-7002-9775-c82924d023d1', NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('01a22e36-3005-8005-ad35-e97cdee85601', 'association', 1, '{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-97aa-28e17ae803c9"]],"one":{"from":[{"ref":"rec_01a22e36300570029e3091077c995abb"},0,100,"import"],"to":[{"ref":"rec_01a22e363005700090b1804a741568e1"},0,100,"import"]}}', '01a22e36-3005-7002-9e30-91077c995abb', NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record VALUES ('418870f9-e1fc-8283-a64b-720cf70349e8', 'fair', 1, '{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-bdc8-e83748bf20a2"]],"one":{"ends":[{"date":"2026-04-24"},0,100,"import"],"name":[{"text":"Hannover Messe 2026"},0,100,"import"],"starts":[{"date":"2026-04-20"},0,100,"import"],"time_zone":[{"text":"Europe/Berlin"},0,100,"import"]}}', NULL, NULL, 1796071632901261, 1796071632901261, 0);
INSERT INTO public.record_key VALUES ('10ecb25a-f63c-81d0-9a55-8386cf131714', 'company_at', '01a22e36-3005-7000-984e-eee65c2ae96a', 'derived');
INSERT INTO public.record_key VALUES ('2b22a895-8d28-84af-8bca-ff580bd598f4', 'email', '01a22e36-3005-7002-9e30-91077c995abb', 'derived');
INSERT INTO public.record_key VALUES ('334e8f78-9229-8b3d-bdfd-7bd2473541e8', 'company_at', '01a22e36-3005-7000-90b1-804a741568e1', 'derived');
INSERT INTO public.record_key VALUES ('66f697a2-f4c5-83b1-b1f1-2a8739aa800a', 'company_at', '01a22e36-3005-7000-90b1-804a741568e1', 'derived');
INSERT INTO public.record_key VALUES ('76b93e05-ca42-8f9e-b8de-1e6de2294c22', 'badge', '01a22e36-3005-7002-b8df-038bff0cb405', 'asserted');
INSERT INTO public.record_key VALUES ('a8e16ea8-abb6-8e23-8298-87d7631e03b9', 'badge', '01a22e36-3005-7002-b8df-038bff0cb405', 'asserted');
INSERT INTO public.record_key VALUES ('c1ed2798-b31d-8077-a65d-b429b08458ff', 'email', '01a22e36-3005-7002-b8df-038bff0cb405', 'derived');
INSERT INTO public.record_key VALUES ('c613c61a-7a44-8950-b60f-8464f1663df4', 'company_at', '01a22e36-3005-7000-984e-eee65c2ae96a', 'derived');
INSERT INTO public.record_key VALUES ('dd200aa2-af33-81d0-b125-6f5e1b68fca9', 'email', '01a22e36-3005-7002-9775-c82924d023d1', 'derived');
INSERT INTO public.record_key VALUES ('f2cf990b-4f30-8aac-bedd-9d42bdbf77e8', 'badge', '01a22e36-3005-7002-9e30-91077c995abb', 'asserted');
INSERT INTO public.record_key VALUES ('f86f339b-fe7a-8418-9588-63909bbdb1d2', 'badge', '01a22e36-3005-7002-9775-c82924d023d1', 'asserted');
INSERT INTO public.run VALUES ('167ebfd5-9621-8e74-abbb-5990759f1981', 'import', 'list.csv', '{"default_country":"DE","fair":{"ends":"2026-04-24","name":"Hannover Messe 2026","organiser":null,"place":null,"starts":"2026-04-20"},"layout":{"columns":[{"header":"Vorname","meaning":"first_name"},{"header":"Nachname","meaning":"last_name"},{"header":"Firma","meaning":"company"},{"header":"E-Mail","meaning":"email"},{"header":"Telefon","meaning":"phone"},{"header":"PLZ","meaning":"postal_code"},{"header":"Ort","meaning":"city"},{"header":"Notiz","meaning":"note"},{"header":"Badge-ID","meaning":"badge"}],"delimiter":";","encoding":"UTF-8","quote":"\""},"source":"list","source_kind":"badge","time_zone":"Europe/Berlin"}', 'done', 1796071632585001, 1796071632904948, 0, 0);
INSERT INTO public.secret VALUES ('01a22e36-2ed4-775a-808b-50f77dfcedc6', 'tokens', '\x9a230e490ef7767e2d351161477f6941bf978884c873f311478aac8dd77f86b58747c01e9e5431897f8fe83e435451954bd15b862c7f34ddc3f567f3d8428fe6ba9171c08f12ed90fc3cdad81eaa3424443b73b61361b7bcc6ce46612fb63f0a366a6cadecc2f8b848274942bbaab24a037ed343a89d855e1caf2584bd294e1b666336d6af35dd20fbcafde92906a2e0c2249700f91e3da68282f2931614bd3701f3ffa76af3406663324ef4aff038eb98837ba2b905f3fe33595b3f574a55243338e72a0d9a6ea3c3df984c85f59a3045b2cced773909acdbcf536acc', 1, 1796073372856268, 0);
INSERT INTO public.setting VALUES ('key_fingerprint', 'eea103919a00bdf5');
INSERT INTO public.setting VALUES ('clock', '1796071654703114');
INSERT INTO public.signal VALUES ('01a22e36-2ec9-776e-a63a-d9ee03298f3f', '167ebfd5-9621-8e74-abbb-5990759f1981', 'lead_row', 2, '6196bfce-0b73-8978-acfe-2c7bf5e7f0dc', 1796071632585584, 'done', NULL, NULL, NULL, '[{"code":"country_inferred","field":"country","text":"the country was inferred from the rest of the row"}]', '\x416e6e613b5363686d6964743b426569737069656c20416e74726965626520476d62483b616e6e612e7363686d69647440616e7472696562652e6578616d706c653b2b343920373331203132333435363b38393037333b556c6d3b4dc3b6636874652050726569736c697374653b422d31303031', '01a22e36-3005-7002-b8df-038bff0cb405');
INSERT INTO public.signal VALUES ('01a22e36-2ec9-77ac-9ad3-3c20e4364149', '167ebfd5-9621-8e74-abbb-5990759f1981', 'lead_row', 3, '966d2a2c-f01e-89db-a43a-1f3319d6536e', 1796071632585586, 'done', NULL, NULL, NULL, '[{"code":"country_inferred","field":"country","text":"the country was inferred from the rest of the row"}]', '\x4ac3bc7267656e3b576569c39f3b426569737069656c20416e74726965626520476d62483b6a2e776569737340616e7472696562652e6578616d706c653b3b38393037333b556c6d3b3b422d31303032', '01a22e36-3005-7002-9e30-91077c995abb');
INSERT INTO public.signal VALUES ('01a22e36-2ec9-734e-a08a-ed9459279781', '167ebfd5-9621-8e74-abbb-5990759f1981', 'lead_row', 4, '4215d2c5-1172-8abc-890d-2decac4b4b52', 1796071632585588, 'done', NULL, NULL, NULL, '[{"code":"country_inferred","field":"country","text":"the country was inferred from the rest of the row"}]', '\x436c616972653b4475626f69733b4578656d706c652053413b636c61697265406578656d706c652e6578616d706c653b2b333320312032333435363738393b37353030313b50617269733b52c3bc636b72756620696d204d61693b422d31303033', '01a22e36-3005-7002-9775-c82924d023d1');
INSERT INTO public.signal VALUES ('01a22e36-2ec9-7b91-823e-b70100d9c950', '167ebfd5-9621-8e74-abbb-5990759f1981', 'lead_row', 5, '33601b19-0b75-8bb6-9032-a277fb53cfba', 1796071632585591, 'done', NULL, NULL, NULL, '[]', '\x412e3b5363686d6964743b426569737069656c20416e7472696562653b616e6e612e7363686d69647440616e7472696562652e6578616d706c653b3b3b3b3b422d31303034', '01a22e36-3005-7002-b8df-038bff0cb405');
INSERT INTO public.slot VALUES ('pull:01a22e36-2ed4-775a-808b-50f77dfcedc6', 1796071620000000, 1796071634387203);
INSERT INTO public.slot VALUES ('pull:01a22e36-2f1d-7f36-a8cc-c699aeadbc7a', 1796071620000000, 1796071634387203);
INSERT INTO public.slot VALUES ('retain', 1796068800000000, 1796071634387203);
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-8f5c-2bbc4604d971', '01a22e36-2ec9-776e-a63a-d9ee03298f3f', '01a22e36-3005-7000-90b1-804a741568e1', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585584, '[{"field":"name","value":{"text":"Beispiel Antriebe GmbH"},"confidence":100,"how":"lead.cell"},{"field":"core_name","value":{"text":"beispiel antriebe"},"confidence":100,"how":"company.core","made_by":"rule"},{"field":"legal_form","value":{"text":"GmbH"},"confidence":100,"how":"lead.cell"},{"field":"domain","value":{"text":"antriebe.example"},"confidence":80,"how":"company.domain","made_by":"rule"},{"field":"city","value":{"text":"Ulm"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"89073"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"DE"},"confidence":70,"how":"country.phone","made_by":"rule"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-88a6-c8312039fce7', '01a22e36-2ec9-77ac-9ad3-3c20e4364149', '01a22e36-3005-7000-90b1-804a741568e1', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585586, '[{"field":"name","value":{"text":"Beispiel Antriebe GmbH"},"confidence":100,"how":"lead.cell"},{"field":"core_name","value":{"text":"beispiel antriebe"},"confidence":100,"how":"company.core","made_by":"rule"},{"field":"legal_form","value":{"text":"GmbH"},"confidence":100,"how":"lead.cell"},{"field":"domain","value":{"text":"antriebe.example"},"confidence":80,"how":"company.domain","made_by":"rule"},{"field":"city","value":{"text":"Ulm"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"89073"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"DE"},"confidence":70,"how":"country.postcode","made_by":"rule"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-b09f-2aa331e7ce93', '01a22e36-2ec9-7b91-823e-b70100d9c950', '01a22e36-3005-7000-90b1-804a741568e1', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585591, '[{"field":"name","value":{"text":"Beispiel Antriebe"},"confidence":100,"how":"lead.cell"},{"field":"core_name","value":{"text":"beispiel antriebe"},"confidence":100,"how":"company.core","made_by":"rule"},{"field":"domain","value":{"text":"antriebe.example"},"confidence":80,"how":"company.domain","made_by":"rule"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-9d3c-02c5a6489f1d', '01a22e36-2ec9-734e-a08a-ed9459279781', '01a22e36-3005-7000-984e-eee65c2ae96a', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585588, '[{"field":"name","value":{"text":"Exemple SA"},"confidence":100,"how":"lead.cell"},{"field":"core_name","value":{"text":"exemple"},"confidence":100,"how":"company.core","made_by":"rule"},{"field":"legal_form","value":{"text":"SA"},"confidence":100,"how":"lead.cell"},{"field":"domain","value":{"text":"exemple.example"},"confidence":80,"how":"company.domain","made_by":"rule"},{"field":"city","value":{"text":"Paris"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"75001"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"FR"},"confidence":70,"how":"country.phone","made_by":"rule"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8002-9dab-e8e20b237a3d', '01a22e36-2ec9-734e-a08a-ed9459279781', '01a22e36-3005-7002-9775-c82924d023d1', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585588, '[{"field":"first_name","value":{"text":"Claire"},"confidence":100,"how":"lead.cell"},{"field":"last_name","value":{"text":"Dubois"},"confidence":100,"how":"lead.cell"},{"field":"emails","key":"claire@exemple.example","value":{"text":"claire@exemple.example"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"phones","key":"+33123456789","value":{"text":"+33123456789"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"company","value":{"text":"Exemple SA"},"confidence":100,"how":"lead.cell"},{"field":"city","value":{"text":"Paris"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"75001"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"FR"},"confidence":70,"how":"country.phone","made_by":"rule"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-9b12-feaf65ba317d', '01a22e36-2ec9-734e-a08a-ed9459279781', '01a22e36-3005-7002-9775-c82924d023d1', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585588, '[{"field":"organisation","value":{"ref":"rec_01a22e3630057000984eeee65c2ae96a"},"confidence":100,"how":"company.recognised"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8002-b6a4-a202f17b7172', '01a22e36-2ec9-77ac-9ad3-3c20e4364149', '01a22e36-3005-7002-9e30-91077c995abb', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585586, '[{"field":"first_name","value":{"text":"Jürgen"},"confidence":100,"how":"lead.cell"},{"field":"last_name","value":{"text":"Weiß"},"confidence":100,"how":"lead.cell"},{"field":"emails","key":"j.weiss@antriebe.example","value":{"text":"j.weiss@antriebe.example"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"company","value":{"text":"Beispiel Antriebe GmbH"},"confidence":100,"how":"lead.cell"},{"field":"city","value":{"text":"Ulm"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"89073"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"DE"},"confidence":70,"how":"country.postcode","made_by":"rule"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-a1d2-3571c28c581d', '01a22e36-2ec9-77ac-9ad3-3c20e4364149', '01a22e36-3005-7002-9e30-91077c995abb', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585586, '[{"field":"organisation","value":{"ref":"rec_01a22e363005700090b1804a741568e1"},"confidence":100,"how":"company.recognised"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8002-8ce9-1b2f00da699a', '01a22e36-2ec9-776e-a63a-d9ee03298f3f', '01a22e36-3005-7002-b8df-038bff0cb405', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585584, '[{"field":"first_name","value":{"text":"Anna"},"confidence":100,"how":"lead.cell"},{"field":"last_name","value":{"text":"Schmidt"},"confidence":100,"how":"lead.cell"},{"field":"emails","key":"anna.schmidt@antriebe.example","value":{"text":"anna.schmidt@antriebe.example"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"phones","key":"+49731123456","value":{"text":"+49731123456"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"company","value":{"text":"Beispiel Antriebe GmbH"},"confidence":100,"how":"lead.cell"},{"field":"city","value":{"text":"Ulm"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"89073"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"DE"},"confidence":70,"how":"country.phone","made_by":"rule"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8002-b8aa-c40ab1a860ad', '01a22e36-2ec9-7b91-823e-b70100d9c950', '01a22e36-3005-7002-b8df-038bff0cb405', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585591, '[{"field":"first_name","value":{"text":"A."},"confidence":100,"how":"lead.cell"},{"field":"last_name","value":{"text":"Schmidt"},"confidence":100,"how":"lead.cell"},{"field":"emails","key":"anna.schmidt@antriebe.example","value":{"text":"anna.schmidt@antriebe.example"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"company","value":{"text":"Beispiel Antriebe"},"confidence":100,"how":"lead.cell"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-ace9-1c6d2374691f', '01a22e36-2ec9-776e-a63a-d9ee03298f3f', '01a22e36-3005-7002-b8df-038bff0cb405', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585584, '[{"field":"organisation","value":{"ref":"rec_01a22e363005700090b1804a741568e1"},"confidence":100,"how":"company.recognised"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-93c9-ad0bb63f5917', '01a22e36-2ec9-7b91-823e-b70100d9c950', '01a22e36-3005-7002-b8df-038bff0cb405', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585591, '[{"field":"organisation","value":{"ref":"rec_01a22e363005700090b1804a741568e1"},"confidence":100,"how":"company.recognised"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-a1b7-10304d04d538', '01a22e36-2ec9-77ac-9ad3-3c20e4364149', '01a22e36-3005-8003-849d-43df7f76a56e', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585586, '[{"field":"status","value":{"choice":"attended"},"confidence":100,"how":"lead.scan"},{"field":"badge","value":{"text":"B-1002"},"confidence":100,"how":"lead.cell"},{"field":"person","value":{"ref":"rec_01a22e36300570029e3091077c995abb"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"at","value":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"confidence":100,"how":"import.received","made_by":"rule"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-ba14-4aedfef176fa', '01a22e36-2ec9-776e-a63a-d9ee03298f3f', '01a22e36-3005-8003-9230-b6610e1b8c22', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585584, '[{"field":"status","value":{"choice":"attended"},"confidence":100,"how":"lead.scan"},{"field":"badge","value":{"text":"B-1001"},"confidence":100,"how":"lead.cell"},{"field":"note","value":{"text":"Möchte Preisliste"},"confidence":100,"how":"lead.cell"},{"field":"person","value":{"ref":"rec_01a22e3630057002b8df038bff0cb405"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"at","value":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"confidence":100,"how":"import.received","made_by":"rule"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-9214-567dd286f98b', '01a22e36-2ec9-7b91-823e-b70100d9c950', '01a22e36-3005-8003-9230-b6610e1b8c22', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585591, '[{"field":"status","value":{"choice":"attended"},"confidence":100,"how":"lead.scan"},{"field":"badge","value":{"text":"B-1004"},"confidence":100,"how":"lead.cell"},{"field":"person","value":{"ref":"rec_01a22e3630057002b8df038bff0cb405"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-a420-818d48ab513a', '01a22e36-2ec9-734e-a08a-ed9459279781', '01a22e36-3005-8003-a32a-bf52cb0aa758', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585588, '[{"field":"status","value":{"choice":"attended"},"confidence":100,"how":"lead.scan"},{"field":"badge","value":{"text":"B-1003"},"confidence":100,"how":"lead.cell"},{"field":"note","value":{"text":"Rückruf im Mai"},"confidence":100,"how":"lead.cell"},{"field":"person","value":{"ref":"rec_01a22e36300570029775c82924d023d1"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"at","value":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"confidence":100,"how":"import.received","made_by":"rule"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-a8a0-56fc53d30d89', '01a22e36-2ec9-734e-a08a-ed9459279781', '01a22e36-3005-8004-a1cf-3e1424502466', 'rule', 'follow_up', 1777068000000000, 1777068000000000, 1796071632585588, '[{"field":"person","value":{"ref":"rec_01a22e36300570029775c82924d023d1"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"activity_type","value":{"choice":"task"},"confidence":100,"how":"follow_up"},{"field":"status","value":{"choice":"open"},"confidence":100,"how":"follow_up"},{"field":"subject","value":{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},"confidence":100,"how":"follow_up"},{"field":"due","value":{"date":"2026-12-07"},"confidence":100,"how":"follow_up"},{"field":"body","value":{"text":"Notiz: Rückruf im Mai"},"confidence":100,"how":"follow_up"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-8251-55276929bb89', '01a22e36-2ec9-77ac-9ad3-3c20e4364149', '01a22e36-3005-8004-af52-766092636747', 'rule', 'follow_up', 1777068000000000, 1777068000000000, 1796071632585586, '[{"field":"person","value":{"ref":"rec_01a22e36300570029e3091077c995abb"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"activity_type","value":{"choice":"task"},"confidence":100,"how":"follow_up"},{"field":"status","value":{"choice":"open"},"confidence":100,"how":"follow_up"},{"field":"subject","value":{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"confidence":100,"how":"follow_up"},{"field":"due","value":{"date":"2026-12-07"},"confidence":100,"how":"follow_up"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-b793-1d1d3957c378', '01a22e36-2ec9-776e-a63a-d9ee03298f3f', '01a22e36-3005-8004-b8fa-390b398c7602', 'rule', 'follow_up', 1777068000000000, 1777068000000000, 1796071632585584, '[{"field":"person","value":{"ref":"rec_01a22e3630057002b8df038bff0cb405"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"activity_type","value":{"choice":"task"},"confidence":100,"how":"follow_up"},{"field":"status","value":{"choice":"open"},"confidence":100,"how":"follow_up"},{"field":"subject","value":{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"confidence":100,"how":"follow_up"},{"field":"due","value":{"date":"2026-12-07"},"confidence":100,"how":"follow_up"},{"field":"body","value":{"text":"Notiz: Möchte Preisliste"},"confidence":100,"how":"follow_up"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-9a83-5f2cceb49395', '01a22e36-2ec9-776e-a63a-d9ee03298f3f', '01a22e36-3005-8005-8893-c16908e0a51e', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585584, '[{"field":"from","value":{"ref":"rec_01a22e3630057002b8df038bff0cb405"},"confidence":100,"how":"import"},{"field":"to","value":{"ref":"rec_01a22e363005700090b1804a741568e1"},"confidence":100,"how":"import"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-bd43-4e18b34abcf3', '01a22e36-2ec9-734e-a08a-ed9459279781', '01a22e36-3005-8005-9ef4-28046b157d38', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585588, '[{"field":"from","value":{"ref":"rec_01a22e36300570029775c82924d023d1"},"confidence":100,"how":"import"},{"field":"to","value":{"ref":"rec_01a22e3630057000984eeee65c2ae96a"},"confidence":100,"how":"import"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-97aa-28e17ae803c9', '01a22e36-2ec9-77ac-9ad3-3c20e4364149', '01a22e36-3005-8005-ad35-e97cdee85601', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585586, '[{"field":"from","value":{"ref":"rec_01a22e36300570029e3091077c995abb"},"confidence":100,"how":"import"},{"field":"to","value":{"ref":"rec_01a22e363005700090b1804a741568e1"},"confidence":100,"how":"import"}]');
INSERT INTO public.statement VALUES ('01a22e36-2ec9-8000-bdc8-e83748bf20a2', '01a22e36-2ec9-776e-a63a-d9ee03298f3f', '418870f9-e1fc-8283-a64b-720cf70349e8', 'badge', 'list', 1777068000000000, 1777068000000000, 1796071632585584, '[{"field":"name","value":{"text":"Hannover Messe 2026"},"confidence":100,"how":"import"},{"field":"time_zone","value":{"text":"Europe/Berlin"},"confidence":100,"how":"import"},{"field":"starts","value":{"date":"2026-04-20"},"confidence":100,"how":"import"},{"field":"ends","value":{"date":"2026-04-24"},"confidence":100,"how":"import"}]');
INSERT INTO public.weak_key VALUES ('3f427337-0386-815b-89cd-fbf0e455f2df', '01a22e36-3005-7002-b8df-038bff0cb405', 'phone_name', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('4242d3f0-ad10-8b7e-a5ef-c6a153908f63', '01a22e36-3005-7002-9e30-91077c995abb', 'domain_name', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('5b4f2738-3596-828d-813a-9af112b6bb87', '01a22e36-3005-7002-9775-c82924d023d1', 'domain_name', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('634b7e2b-7fb7-8dc1-b4e3-2eef27adc101', '01a22e36-3005-7002-9775-c82924d023d1', 'name_company', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('75f413af-185a-8ed2-abc3-ee58a04ecc66', '01a22e36-3005-7002-9e30-91077c995abb', 'name_company', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('8a564ef5-7a43-8058-9d63-41587fc3d3c9', '01a22e36-3005-7000-90b1-804a741568e1', 'domain', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('8edfd3bd-b15e-8151-bbb9-22ce166e1c1f', '01a22e36-3005-7000-90b1-804a741568e1', 'company_name', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('9d6f8f02-74ea-847f-ac25-6262b809fc7d', '01a22e36-3005-7002-9775-c82924d023d1', 'phone_name', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('adf2daca-8cc5-84ab-8ade-c485f34b090b', '01a22e36-3005-7002-b8df-038bff0cb405', 'name_company', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('b0e33cc5-802d-8fb7-ab85-9ac89b12ca4e', '01a22e36-3005-7002-b8df-038bff0cb405', 'domain_name', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('b97fd9e2-d92a-80dd-8bca-0e7488912e12', '01a22e36-3005-7000-984e-eee65c2ae96a', 'company_name', 'derived', 1796071632901261);
INSERT INTO public.weak_key VALUES ('fe553cad-8593-80f1-9fdf-95706994b403', '01a22e36-3005-7000-984e-eee65c2ae96a', 'domain', 'derived', 1796071632901261);
ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_hash_key UNIQUE (hash);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_content
    ADD CONSTRAINT audit_content_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (connection, bucket);
ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_name_key UNIQUE (name);
ALTER TABLE ONLY public.connection
    ADD CONSTRAINT connection_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.guard_count
    ADD CONSTRAINT guard_count_pkey PRIMARY KEY (connection, remote_type, measure);
ALTER TABLE ONLY public.hook_count
    ADD CONSTRAINT hook_count_pkey PRIMARY KEY (connection);
ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.intent
    ADD CONSTRAINT intent_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.link
    ADD CONSTRAINT link_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.newcomer
    ADD CONSTRAINT newcomer_pkey PRIMARY KEY (connection, remote_type, remote_id);
ALTER TABLE ONLY public.parked_hook
    ADD CONSTRAINT parked_hook_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pilot_member
    ADD CONSTRAINT pilot_member_pkey PRIMARY KEY (link);
ALTER TABLE ONLY public.pull_cursor
    ADD CONSTRAINT pull_cursor_pkey PRIMARY KEY (connection, remote_type);
ALTER TABLE ONLY public.purpose
    ADD CONSTRAINT purpose_pkey PRIMARY KEY (record, purpose);
ALTER TABLE ONLY public.record_key
    ADD CONSTRAINT record_key_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.record
    ADD CONSTRAINT record_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.restriction
    ADD CONSTRAINT restriction_pkey PRIMARY KEY (record);
ALTER TABLE ONLY public.review
    ADD CONSTRAINT review_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.secret
    ADD CONSTRAINT secret_pkey PRIMARY KEY (connection, name);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (hash);
ALTER TABLE ONLY public.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.signal
    ADD CONSTRAINT signal_dedup_key UNIQUE (dedup);
ALTER TABLE ONLY public.signal
    ADD CONSTRAINT signal_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.slot
    ADD CONSTRAINT slot_pkey PRIMARY KEY (schedule, slot_at);
ALTER TABLE ONLY public.statement
    ADD CONSTRAINT statement_pkey PRIMARY KEY (subject, signal);
ALTER TABLE ONLY public.suppression
    ADD CONSTRAINT suppression_pkey PRIMARY KEY (hmac);
ALTER TABLE ONLY public.weak_key
    ADD CONSTRAINT weak_key_pkey PRIMARY KEY (key, record);
CREATE INDEX decision_by_other ON public.decision USING btree (other);
CREATE INDEX decision_by_record ON public.decision USING btree (record);
CREATE INDEX idempotency_by_time ON public.idempotency USING btree (created_at);
CREATE INDEX intent_by_link ON public.intent USING btree (link);
CREATE INDEX intent_by_time ON public.intent USING btree (begun_at);
CREATE INDEX intent_open ON public.intent USING btree (link) WHERE (settled_at IS NULL);
CREATE INDEX intent_with_values ON public.intent USING btree (begun_at) WHERE (emptied = 0);
CREATE INDEX job_by_topic ON public.job USING btree (topic);
CREATE INDEX job_dead ON public.job USING btree (dead_at) WHERE (dead_at IS NOT NULL);
CREATE INDEX job_due ON public.job USING btree (lane, due_at, id) WHERE (dead_at IS NULL);
CREATE INDEX link_by_record ON public.link USING btree (record);
CREATE INDEX link_due ON public.link USING btree (connection, lane, stage, created_at, id) WHERE (wanted > done);
CREATE INDEX link_needs_a ON public.link USING btree (need_a) WHERE (code = 'need_refused'::text);
CREATE INDEX link_needs_b ON public.link USING btree (need_b) WHERE (code = 'need_refused'::text);
CREATE INDEX link_refused ON public.link USING btree (connection, stage) WHERE (state = 'refused'::text);
CREATE UNIQUE INDEX link_remote ON public.link USING btree (connection, remote_type, remote_id) WHERE (remote_id IS NOT NULL);
CREATE INDEX link_suspect ON public.link USING btree (connection, suspect_at) WHERE (state = 'suspect'::text);
CREATE INDEX parked_hook_by_time ON public.parked_hook USING btree (parked_at);
CREATE INDEX record_by_kind ON public.record USING btree (kind, updated_at) WHERE (merged_into IS NULL);
CREATE INDEX record_by_person ON public.record USING btree (person) WHERE (person IS NOT NULL);
CREATE INDEX record_key_by_record ON public.record_key USING btree (record);
CREATE INDEX record_merged ON public.record USING btree (merged_into) WHERE (merged_into IS NOT NULL);
CREATE INDEX record_unsure ON public.record USING btree (unsure_until) WHERE (unsure_until > 0);
CREATE INDEX review_answered ON public.review USING btree (answered_at) WHERE (answered_at IS NOT NULL);
CREATE INDEX review_by_record ON public.review USING btree (record);
CREATE INDEX review_open ON public.review USING btree (asked_at) WHERE (state = 'open'::text);
CREATE INDEX run_by_time ON public.run USING btree (created_at);
CREATE INDEX signal_by_record ON public.signal USING btree (record) WHERE (record IS NOT NULL);
CREATE INDEX signal_by_run ON public.signal USING btree (run, state);
CREATE INDEX signal_by_time ON public.signal USING btree (received_at);
CREATE INDEX signal_unread ON public.signal USING btree (received_at) WHERE (state = 'new'::text);
CREATE INDEX signal_with_content ON public.signal USING btree (received_at) WHERE (content IS NOT NULL);
CREATE INDEX statement_by_record ON public.statement USING btree (record);
CREATE INDEX weak_key_by_record ON public.weak_key USING btree (record);
CREATE INDEX weak_key_former ON public.weak_key USING btree (since) WHERE (basis = 'former'::text);
