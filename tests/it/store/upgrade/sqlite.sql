BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'tables','2026-11-30 20:47:12',1,X'8B369B4E45C8C62011C40C76815B49B1D04959FC43FDA877E99888647902DFE4C8AF5533C532EC4350433620FC484DCD',4563566);
INSERT INTO "_sqlx_migrations" VALUES(2,'identity','2026-11-30 20:47:12',1,X'31731BA57E88739EEED73B95242EA17EAD64DD9F053C4F2E0F96FAB9E77590086F8F0AFA4295EB56964BDCFA6B4BFC95',5878476);
INSERT INTO "_sqlx_migrations" VALUES(3,'answers','2026-11-30 20:47:12',1,X'2C2B318FCD62EAB769C83BE7315345E47F4A3DF52102D10C3765422EAB77FE9C466504B121CBE77F7D82372DF08AEB83',43889476);
INSERT INTO "_sqlx_migrations" VALUES(4,'seen at','2026-11-30 20:47:12',1,X'16286B4A79A24F7514F37050EF882A2A33A14004CEAB3619ED283DF9682532AE1BFE0B98971373508D8B63436FD0A1D4',12306723);
INSERT INTO "_sqlx_migrations" VALUES(5,'failures','2026-11-30 20:47:12',1,X'42D41BE0087BED4EA5C0C1C8CA566DCB7FDEC7E7E71B9613163B48C6AA63A39F4C8471C61FD4C7135D903E4548B1721C',2660757);
INSERT INTO "_sqlx_migrations" VALUES(6,'suspect','2026-11-30 20:47:12',1,X'8FDC6D8C748F12C291539611CB489C67FC992D2E7C6F7D3F1F2D1C5EB2021200A8BA46488D45142761188B34EFF63ADE',11992237);
INSERT INTO "_sqlx_migrations" VALUES(7,'guards','2026-11-30 20:47:12',1,X'04FC82029744971252FB94390EEB161010DA48E353153C9440545F83F6CAD6466FD43D8ED4D9819BB4E66641A62CFC11',4777222);
INSERT INTO "_sqlx_migrations" VALUES(9,'unsure','2026-11-30 20:47:12',1,X'616C6E44696677A605E1F0591130F65C026D3791563B2FCCD0DFF9A518B9EEA44902326109BA13E2EB28F74673403DAA',1072854);
INSERT INTO "_sqlx_migrations" VALUES(11,'arrived','2026-11-30 20:47:12',1,X'63A1780B1924A104BD1336E8075D98D56FD07CA5A21378AB3A103D9FD9A37296D4340703408091BA700F1A451B543EB8',1455314);
INSERT INTO "_sqlx_migrations" VALUES(12,'newcomer','2026-11-30 20:47:12',1,X'CC9AB5CECBC207C1B23C9B90EFD0365734591628B898E944F3D51DF9470E8811AB968E7E43F7F34FC71586D59FDB6661',425638);
CREATE TABLE api_key (
    id BLOB PRIMARY KEY,
    label TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
);
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    commitment TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE TABLE audit_content (
    seq INTEGER PRIMARY KEY,
    record BLOB,
    salt TEXT NOT NULL,
    content TEXT NOT NULL
);
CREATE TABLE budget (
    connection BLOB NOT NULL,
    bucket TEXT NOT NULL,
    calls INTEGER NOT NULL,
    window_micros INTEGER NOT NULL,
    arrival INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL,
    PRIMARY KEY (connection, bucket)
);
INSERT INTO "budget" VALUES(X'01A22E362ED4775A808B50F77DFCEDC6','burst',25,1050000,1796071634486855,0);
INSERT INTO "budget" VALUES(X'01A22E362ED4775A808B50F77DFCEDC6','daily',100000,86400500000,1796071656551632,0);
INSERT INTO "budget" VALUES(X'01A22E362F1D7F36A8CCC699AEADBC7A','burst',190,10500000,1796071634914019,0);
INSERT INTO "budget" VALUES(X'01A22E362F1D7F36A8CCC699AEADBC7A','daily',250000,86400500000,1796071638284168,0);
INSERT INTO "budget" VALUES(X'01A22E362F1D7F36A8CCC699AEADBC7A','search',4,1050000,1796071633615730,0);
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
, retried_at INTEGER NOT NULL DEFAULT 0);
INSERT INTO "connection" VALUES(X'01A22E362ED4775A808B50F77DFCEDC6','salesforce','salesforce','{"api_version":null,"base_url":"http://127.0.0.1:43325","grant":"client_credentials","organization_id":"00DMi0000000001MAA","portal_id":null}','# The mapping that a new Salesforce connection starts with. States are left out: organisations with
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
','full','ready',NULL,NULL,0,1796071634304672,NULL,NULL,0,0);
INSERT INTO "connection" VALUES(X'01A22E362F1D7F36A8CCC699AEADBC7A','hubspot','hubspot','{"api_version":null,"base_url":"http://127.0.0.1:43325","grant":"static","organization_id":null,"portal_id":"147258369"}','# How records become records of HubSpot unless a connection says otherwise.

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
','full','ready',NULL,NULL,0,1796071634331499,'Europe/Berlin',NULL,0,0);
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
, undone_at INTEGER);
CREATE TABLE guard_count (
    connection BLOB NOT NULL,
    remote_type TEXT NOT NULL,
    -- deletions_in, changes_in, updates_out, clears_out, archives_out
    measure TEXT NOT NULL,
    hour INTEGER NOT NULL,
    n INTEGER NOT NULL,
    before INTEGER NOT NULL,
    -- Until when a person said that it may be as much as it is.
    passes_until INTEGER NOT NULL,
    PRIMARY KEY (connection, remote_type, measure)
);
CREATE TABLE hook_count (
    connection BLOB PRIMARY KEY,
    taken INTEGER NOT NULL,
    last_taken_at INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    last_refused_at INTEGER NOT NULL,
    -- Why the last one was refused: signature, stale, account, form.
    cause TEXT
);
CREATE TABLE idempotency (
    key BLOB PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
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
INSERT INTO "intent" VALUES(X'01A22E36300B71E9BD2C5A1D65EEE10B',X'418870F9E1FC80239333731154EB609A',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','marketing_events','{"endDateTime":{"instant":{"at":"2026-04-24T21:59:59.000000Z","offset":0}},"eventName":{"text":"Hannover Messe 2026"},"eventOrganizer":{"text":"-"},"eventType":{"text":"TRADESHOW"},"startDateTime":{"instant":{"at":"2026-04-19T22:00:00.000000Z","offset":0}}}','{}',1796071632907886,1796071632917830,'updated',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36301B7F69935D93084B92FFC1',X'01A22E3630058022986F209C2E547030',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','contacts','{"city":{"text":"Ulm"},"company":{"text":"Beispiel Antriebe"},"country":{"choice":"DE"},"email":{"text":"anna.schmidt@antriebe.example"},"firstname":{"text":"A."},"lastname":{"text":"Schmidt"},"lifecyclestage":{"text":"lead"},"phone":{"text":"+49731123456"},"zip":{"text":"89073"}}','{}',1796071632923513,1796071632931826,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36301B74BE8C31ED1AB459A7D0',X'01A22E36300580229A83E63EF7D6D082',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','contacts','{"city":{"text":"Paris"},"company":{"text":"Exemple SA"},"country":{"choice":"FR"},"email":{"text":"claire@exemple.example"},"firstname":{"text":"Claire"},"lastname":{"text":"Dubois"},"lifecyclestage":{"text":"lead"},"phone":{"text":"+33123456789"},"zip":{"text":"75001"}}','{}',1796071632923513,1796071632931843,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36301B74849896260020CB6DD5',X'01A22E3630058022A12C7013F487AF85',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','contacts','{"city":{"text":"Ulm"},"company":{"text":"Beispiel Antriebe GmbH"},"country":{"choice":"DE"},"email":{"text":"j.weiss@antriebe.example"},"firstname":{"text":"Jürgen"},"lastname":{"text":"Weiß"},"lifecyclestage":{"text":"lead"},"zip":{"text":"89073"}}','{}',1796071632923513,1796071632931849,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E3630257964946B7145F795BDF0',X'01A22E36300580238D6D628FD2246C15',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','attendance','{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000002"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}','{}',1796071632933949,1796071632935400,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E3630257CB4A938F8757E837DB3',X'01A22E36300580239A36A2B248444DBB',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','attendance','{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000001"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}','{}',1796071632933949,1796071632935409,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36302579D3AB02B117C63F4A02',X'01A22E36300580239D428118D4155D16',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','attendance','{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000003"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}','{}',1796071632933949,1796071632935412,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36302778DB8DB4A62930948A6E',X'01A22E36300580248A2AF30F96BFC011',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','tasks','{"contact":{"remote_ref":"5790000003"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}','{}',1796071632935982,1796071632939405,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E363027732DBF92544D36801929',X'01A22E36300580248A8B406425A9AC87',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','tasks','{"contact":{"remote_ref":"5790000002"},"hs_task_body":{"text":"Notiz: Rückruf im Mai"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}','{}',1796071632935982,1796071632939415,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E3630277CCDA1DD507C3F77F6C3',X'01A22E3630058024AA1FD94FADD6B56C',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','tasks','{"contact":{"remote_ref":"5790000001"},"hs_task_body":{"text":"Notiz: Möchte Preisliste"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}','{}',1796071632935982,1796071632939418,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E3631737AC48CCA3A020044A621',X'01A22E363005802081284F835645F3CA',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','companies','{"city":{"text":"Paris"},"country":{"choice":"FR"},"domain":{"text":"exemple.example"},"name":{"text":"Exemple SA"},"zip":{"text":"75001"}}','{}',1796071633267873,1796071633277032,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E3631737249A2631A1B2017D753',X'01A22E363005802099F1AA4C728EC4B2',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','companies','{"city":{"text":"Ulm"},"country":{"choice":"DE"},"domain":{"text":"antriebe.example"},"name":{"text":"Beispiel Antriebe"},"zip":{"text":"89073"}}','{}',1796071633267873,1796071633277050,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E3631857AE7B0922E3DB257380C',X'01A22E363005802596AAA569A0ECE095',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','contacts_to_companies','{"from":{"remote_ref":"5790000001"},"to":{"remote_ref":"5790000002"}}','{}',1796071633285352,1796071633286785,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E363185779E987B7F58369E952F',X'01A22E3630058025A7DDD673A9BA93C5',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','contacts_to_companies','{"from":{"remote_ref":"5790000002"},"to":{"remote_ref":"5790000001"}}','{}',1796071633285352,1796071633286795,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36318578B3A89B28E248AB5E9A',X'01A22E3630058025BE32177A7DF95CE9',X'01A22E362F1D7F36A8CCC699AEADBC7A','create','contacts_to_companies','{"from":{"remote_ref":"5790000003"},"to":{"remote_ref":"5790000002"}}','{}',1796071633285352,1796071633286798,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E3632AF78518449E928D6C0A47B',X'01A22E36300580C284D1AE4FED89BD58',X'01A22E362ED4775A808B50F77DFCEDC6','create','Lead','{"City":{"text":"Ulm"},"Company":{"text":"Beispiel Antriebe"},"Country":{"choice":"DE"},"Email":{"text":"anna.schmidt@antriebe.example"},"FirstName":{"text":"A."},"LastName":{"text":"Schmidt"},"LeadSource":{"text":"Trade Show"},"Phone":{"text":"+49731123456"},"PostalCode":{"text":"89073"}}','{}',1796071633583706,1796071633614043,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E3632AF7A9F894E5ED3368DF592',X'01A22E36300580C28B55BE97047BCDD3',X'01A22E362ED4775A808B50F77DFCEDC6','create','Lead','{"City":{"text":"Ulm"},"Company":{"text":"Beispiel Antriebe GmbH"},"Country":{"choice":"DE"},"Email":{"text":"j.weiss@antriebe.example"},"FirstName":{"text":"Jürgen"},"LastName":{"text":"Weiß"},"LeadSource":{"text":"Trade Show"},"PostalCode":{"text":"89073"}}','{}',1796071633583706,1796071633614069,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E3632AF727AADF74F8E6B556E98',X'01A22E36300580C2BB3818234FDFE199',X'01A22E362ED4775A808B50F77DFCEDC6','create','Lead','{"City":{"text":"Paris"},"Company":{"text":"Exemple SA"},"Country":{"choice":"FR"},"Email":{"text":"claire@exemple.example"},"FirstName":{"text":"Claire"},"LastName":{"text":"Dubois"},"LeadSource":{"text":"Trade Show"},"Phone":{"text":"+33123456789"},"PostalCode":{"text":"75001"}}','{}',1796071633583706,1796071633614077,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36320E76B09112F62BAC0EC7AC',X'418870F9E1FC80C3B8F5C856F8C5084F',X'01A22E362ED4775A808B50F77DFCEDC6','create','Campaign','{"EndDate":{"date":"2026-04-24"},"IsActive":{"bool":true},"Name":{"text":"Hannover Messe 2026"},"StartDate":{"date":"2026-04-20"},"Status":{"text":"In Progress"},"Type":{"text":"Trade Show"},"_member_statuses":{"text":"Sent;Responded;Registered;Visited booth;Cancelled"}}','{}',1796071633422776,1796071633797977,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E3634287C63A641DCA8B8BBDEE0',X'01A22E36300580C48206D44D6715210D',X'01A22E362ED4775A808B50F77DFCEDC6','create','Task','{"ActivityDate":{"date":"2026-12-07"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000002MAA"}}','{}',1796071633960501,1796071634017647,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E363428780DBE3D8D2B62307E6D',X'01A22E36300580C48E5A875879B6EDCE',X'01A22E362ED4775A808B50F77DFCEDC6','create','Task','{"ActivityDate":{"date":"2026-12-07"},"Description":{"text":"Notiz: Rückruf im Mai"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000003MAA"}}','{}',1796071633960501,1796071634017671,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36342871A8856D840837C761F3',X'01A22E36300580C4B722A14820E01F3D',X'01A22E362ED4775A808B50F77DFCEDC6','create','Task','{"ActivityDate":{"date":"2026-12-07"},"Description":{"text":"Notiz: Möchte Preisliste"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000001MAA"}}','{}',1796071633960501,1796071634017679,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36346E71FE9E2366550E875935',X'01A22E36300580C39224D38F3A5C8F95',X'01A22E362ED4775A808B50F77DFCEDC6','create','CampaignMember','{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000001MAA"},"Status":{"choice":"Visited booth"}}','{}',1796071634030811,1796071634095870,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36346E75228493548F9B106B73',X'01A22E36300580C39AC5851143E9AABE',X'01A22E362ED4775A808B50F77DFCEDC6','create','CampaignMember','{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000003MAA"},"Status":{"choice":"Visited booth"}}','{}',1796071634030811,1796071634095891,'created',NULL,0);
INSERT INTO "intent" VALUES(X'01A22E36346E79C69722CB9028F6B31D',X'01A22E36300580C3BB7445BBD633521F',X'01A22E362ED4775A808B50F77DFCEDC6','create','CampaignMember','{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000002MAA"},"Status":{"choice":"Visited booth"}}','{}',1796071634030811,1796071634095895,'created',NULL,0);
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
CREATE TABLE lease (
    id BLOB PRIMARY KEY,
    connection BLOB NOT NULL,
    until INTEGER NOT NULL,
    links TEXT NOT NULL,
    writes TEXT NOT NULL
);
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
, command TEXT, seen_at INTEGER NOT NULL DEFAULT 0, suspect_at INTEGER NOT NULL DEFAULT 0);
INSERT INTO "link" VALUES(X'01A22E363005802081284F835645F3CA',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E3630057000984EEEE65C2AE96A','organisation',0,1,'primary','companies','5790000001',NULL,NULL,'{"city":{"text":"Paris"},"country":{"choice":"FR"},"domain":{"text":"exemple.example"},"mittler_id":{"text":"rec_01a22e3630057000984eeee65c2ae96a"},"name":{"text":"Exemple SA"},"zip":{"text":"75001"}}','{}',1796071633277043,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E363005802099F1AA4C728EC4B2',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E363005700090B1804A741568E1','organisation',0,1,'primary','companies','5790000002',NULL,NULL,'{"city":{"text":"Ulm"},"country":{"choice":"DE"},"domain":{"text":"antriebe.example"},"mittler_id":{"text":"rec_01a22e363005700090b1804a741568e1"},"name":{"text":"Beispiel Antriebe"},"zip":{"text":"89073"}}','{}',1796071633277053,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E3630058022986F209C2E547030',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E3630057002B8DF038BFF0CB405','person',2,1,'primary','contacts','5790000001',NULL,NULL,'{"city":{"text":"Ulm"},"company":{"text":"Beispiel Antriebe"},"country":{"choice":"DE"},"email":{"text":"anna.schmidt@antriebe.example"},"firstname":{"text":"A."},"lastname":{"text":"Schmidt"},"lifecyclestage":{"text":"lead"},"mittler_id":{"text":"rec_01a22e3630057002b8df038bff0cb405"},"phone":{"text":"+49731123456"},"zip":{"text":"89073"}}','{}',1796071632931836,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580229A83E63EF7D6D082',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E36300570029775C82924D023D1','person',2,1,'primary','contacts','5790000002',NULL,NULL,'{"city":{"text":"Paris"},"company":{"text":"Exemple SA"},"country":{"choice":"FR"},"email":{"text":"claire@exemple.example"},"firstname":{"text":"Claire"},"lastname":{"text":"Dubois"},"lifecyclestage":{"text":"lead"},"mittler_id":{"text":"rec_01a22e36300570029775c82924d023d1"},"phone":{"text":"+33123456789"},"zip":{"text":"75001"}}','{}',1796071632931846,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E3630058022A12C7013F487AF85',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E36300570029E3091077C995ABB','person',2,1,'primary','contacts','5790000003',NULL,NULL,'{"city":{"text":"Ulm"},"company":{"text":"Beispiel Antriebe GmbH"},"country":{"choice":"DE"},"email":{"text":"j.weiss@antriebe.example"},"firstname":{"text":"Jürgen"},"lastname":{"text":"Weiß"},"lifecyclestage":{"text":"lead"},"mittler_id":{"text":"rec_01a22e36300570029e3091077c995abb"},"zip":{"text":"89073"}}','{}',1796071632931852,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580238D6D628FD2246C15',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E3630058003A32ABF52CB0AA758','participation',3,1,'primary','attendance','5790000001:5790000002',X'418870F9E1FC80239333731154EB609A',X'01A22E36300580229A83E63EF7D6D082','{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000002"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}','{}',1796071632935404,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580239A36A2B248444DBB',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E36300580039230B6610E1B8C22','participation',3,1,'primary','attendance','5790000001:5790000001',X'418870F9E1FC80239333731154EB609A',X'01A22E3630058022986F209C2E547030','{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000001"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}','{}',1796071632935410,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580239D428118D4155D16',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E3630058003849D43DF7F76A56E','participation',3,1,'primary','attendance','5790000001:5790000003',X'418870F9E1FC80239333731154EB609A',X'01A22E3630058022A12C7013F487AF85','{"at":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"contact":{"remote_ref":"5790000003"},"event":{"remote_ref":"5790000001"},"state":{"choice":"attended"}}','{}',1796071632935413,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580248A2AF30F96BFC011',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E3630058004AF52766092636747','activity',4,1,'primary','tasks','5790000001',X'01A22E3630058022A12C7013F487AF85',NULL,'{"contact":{"remote_ref":"5790000003"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}','{}',1796071632939411,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580248A8B406425A9AC87',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E3630058004A1CF3E1424502466','activity',4,1,'primary','tasks','5790000002',X'01A22E36300580229A83E63EF7D6D082',NULL,'{"contact":{"remote_ref":"5790000002"},"hs_task_body":{"text":"Notiz: Rückruf im Mai"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}','{}',1796071632939416,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E3630058024AA1FD94FADD6B56C',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E3630058004B8FA390B398C7602','activity',4,1,'primary','tasks','5790000003',X'01A22E3630058022986F209C2E547030',NULL,'{"contact":{"remote_ref":"5790000001"},"hs_task_body":{"text":"Notiz: Möchte Preisliste"},"hs_task_status":{"choice":"NOT_STARTED"},"hs_task_subject":{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"hs_task_type":{"text":"TODO"},"hs_timestamp":{"date":"2026-12-07"}}','{}',1796071632939420,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E363005802596AAA569A0ECE095',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E36300580058893C16908E0A51E','association',5,1,'primary','contacts_to_companies','5790000001:5790000002',X'01A22E3630058022986F209C2E547030',X'01A22E363005802099F1AA4C728EC4B2','{"from":{"remote_ref":"5790000001"},"to":{"remote_ref":"5790000002"}}','{}',1796071633286791,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E3630058025A7DDD673A9BA93C5',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E36300580059EF428046B157D38','association',5,1,'primary','contacts_to_companies','5790000002:5790000001',X'01A22E36300580229A83E63EF7D6D082',X'01A22E363005802081284F835645F3CA','{"from":{"remote_ref":"5790000002"},"to":{"remote_ref":"5790000001"}}','{}',1796071633286796,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E3630058025BE32177A7DF95CE9',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'01A22E3630058005AD35E97CDEE85601','association',5,1,'primary','contacts_to_companies','5790000003:5790000002',X'01A22E3630058022A12C7013F487AF85',X'01A22E363005802099F1AA4C728EC4B2','{"from":{"remote_ref":"5790000003"},"to":{"remote_ref":"5790000002"}}','{}',1796071633286798,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C08238ED16DABC94FE',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E3630057000984EEEE65C2AE96A','organisation',0,1,'primary','Account',NULL,NULL,NULL,'{}','{}',0,'{}',1,1,1,0,0,'open','not_found_there',NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C0A7D055B5841D969E',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E363005700090B1804A741568E1','organisation',0,1,'primary','Account',NULL,NULL,NULL,'{}','{}',0,'{}',1,1,1,0,0,'open','not_found_there',NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C284D1AE4FED89BD58',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E3630057002B8DF038BFF0CB405','person',2,1,'primary','Lead','00QMi0000000001MAA',NULL,NULL,'{"City":{"text":"Ulm"},"Company":{"text":"Beispiel Antriebe"},"Country":{"choice":"DE"},"Email":{"text":"anna.schmidt@antriebe.example"},"FirstName":{"text":"A."},"LastName":{"text":"Schmidt"},"LeadSource":{"text":"Trade Show"},"Mittler_Id__c":{"text":"rec_01a22e3630057002b8df038bff0cb405"},"Phone":{"text":"+49731123456"},"PostalCode":{"text":"89073"}}','{}',1796071633614062,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C28B55BE97047BCDD3',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E36300570029E3091077C995ABB','person',2,1,'primary','Lead','00QMi0000000002MAA',NULL,NULL,'{"City":{"text":"Ulm"},"Company":{"text":"Beispiel Antriebe GmbH"},"Country":{"choice":"DE"},"Email":{"text":"j.weiss@antriebe.example"},"FirstName":{"text":"Jürgen"},"LastName":{"text":"Weiß"},"LeadSource":{"text":"Trade Show"},"Mittler_Id__c":{"text":"rec_01a22e36300570029e3091077c995abb"},"PostalCode":{"text":"89073"}}','{}',1796071633614073,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C2BB3818234FDFE199',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E36300570029775C82924D023D1','person',2,1,'primary','Lead','00QMi0000000003MAA',NULL,NULL,'{"City":{"text":"Paris"},"Company":{"text":"Exemple SA"},"Country":{"choice":"FR"},"Email":{"text":"claire@exemple.example"},"FirstName":{"text":"Claire"},"LastName":{"text":"Dubois"},"LeadSource":{"text":"Trade Show"},"Mittler_Id__c":{"text":"rec_01a22e36300570029775c82924d023d1"},"Phone":{"text":"+33123456789"},"PostalCode":{"text":"75001"}}','{}',1796071633614081,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C39224D38F3A5C8F95',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E36300580039230B6610E1B8C22','participation',3,1,'primary','CampaignMember','00vMi0000000001IAA',X'418870F9E1FC80C3B8F5C856F8C5084F',X'01A22E36300580C284D1AE4FED89BD58','{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000001MAA"},"Status":{"choice":"Visited booth"}}','{}',1796071634095882,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C39AC5851143E9AABE',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E3630058003A32ABF52CB0AA758','participation',3,1,'primary','CampaignMember','00vMi0000000002IAA',X'418870F9E1FC80C3B8F5C856F8C5084F',X'01A22E36300580C2BB3818234FDFE199','{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000003MAA"},"Status":{"choice":"Visited booth"}}','{}',1796071634095894,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C3BB7445BBD633521F',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E3630058003849D43DF7F76A56E','participation',3,1,'primary','CampaignMember','00vMi0000000003IAA',X'418870F9E1FC80C3B8F5C856F8C5084F',X'01A22E36300580C28B55BE97047BCDD3','{"CampaignId":{"remote_ref":"701Mi0000000001IAA"},"LeadId":{"remote_ref":"00QMi0000000002MAA"},"Status":{"choice":"Visited booth"}}','{}',1796071634095898,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C48206D44D6715210D',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E3630058004AF52766092636747','activity',4,1,'primary','Task','00TMi0000000001MAA',X'01A22E36300580C28B55BE97047BCDD3',NULL,'{"ActivityDate":{"date":"2026-12-07"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000002MAA"}}','{}',1796071634017659,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C48E5A875879B6EDCE',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E3630058004A1CF3E1424502466','activity',4,1,'primary','Task','00TMi0000000002MAA',X'01A22E36300580C2BB3818234FDFE199',NULL,'{"ActivityDate":{"date":"2026-12-07"},"Description":{"text":"Notiz: Rückruf im Mai"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000003MAA"}}','{}',1796071634017675,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'01A22E36300580C4B722A14820E01F3D',X'01A22E362ED4775A808B50F77DFCEDC6',X'01A22E3630058004B8FA390B398C7602','activity',4,1,'primary','Task','00TMi0000000003MAA',X'01A22E36300580C284D1AE4FED89BD58',NULL,'{"ActivityDate":{"date":"2026-12-07"},"Description":{"text":"Notiz: Möchte Preisliste"},"Priority":{"text":"Normal"},"Status":{"choice":"Not Started"},"Subject":{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"TaskSubtype":{"choice":"Task"},"WhoId":{"remote_ref":"00QMi0000000001MAA"}}','{}',1796071634017682,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'418870F9E1FC80239333731154EB609A',X'01A22E362F1D7F36A8CCC699AEADBC7A',X'418870F9E1FC8283A64B720CF70349E8','fair',1,1,'primary','marketing_events','5790000001',NULL,NULL,'{"endDateTime":{"instant":{"at":"2026-04-24T21:59:59.000000Z","offset":0}},"eventName":{"text":"Hannover Messe 2026"},"eventOrganizer":{"text":"-"},"eventType":{"text":"TRADESHOW"},"startDateTime":{"instant":{"at":"2026-04-19T22:00:00.000000Z","offset":0}}}','{}',1796071632917837,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
INSERT INTO "link" VALUES(X'418870F9E1FC80C3B8F5C856F8C5084F',X'01A22E362ED4775A808B50F77DFCEDC6',X'418870F9E1FC8283A64B720CF70349E8','fair',1,1,'primary','Campaign','701Mi0000000001IAA',NULL,NULL,'{"EndDate":{"date":"2026-04-24"},"IsActive":{"bool":true},"Mittler_Id__c":{"text":"rec_418870f9e1fc8283a64b720cf70349e8"},"Name":{"text":"Hannover Messe 2026"},"StartDate":{"date":"2026-04-20"},"Status":{"text":"In Progress"},"Type":{"text":"Trade Show"},"_member_statuses":{"text":"Sent;Responded;Registered;Visited booth;Cancelled"}}','{}',1796071633797990,'{}',1,1,1,0,0,'open',NULL,NULL,1796071632901261,NULL,0,0);
CREATE TABLE newcomer (
    connection BLOB NOT NULL,
    remote_type TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (connection, remote_type, remote_id)
) WITHOUT ROWID;
INSERT INTO "newcomer" VALUES(X'01A22E362F1D7F36A8CCC699AEADBC7A','companies','5790000001',1796071633277513);
INSERT INTO "newcomer" VALUES(X'01A22E362F1D7F36A8CCC699AEADBC7A','companies','5790000002',1796071633277513);
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
, erased INTEGER NOT NULL DEFAULT 0);
CREATE TABLE pilot_member (
    link BLOB PRIMARY KEY
);
CREATE TABLE pull_cursor (
    connection BLOB NOT NULL,
    remote_type TEXT NOT NULL,
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    pulled_at INTEGER NOT NULL,
    PRIMARY KEY (connection, remote_type)
);
INSERT INTO "pull_cursor" VALUES(X'01A22E362F1D7F36A8CCC699AEADBC7A','companies',1796071631408145,'',1796071634408145);
INSERT INTO "pull_cursor" VALUES(X'01A22E362ED4775A808B50F77DFCEDC6','Account',1796071633408196,'',1796071634408196);
INSERT INTO "pull_cursor" VALUES(X'01A22E362ED4775A808B50F77DFCEDC6','Lead',1796071633410088,'',1796071634410088);
INSERT INTO "pull_cursor" VALUES(X'01A22E362F1D7F36A8CCC699AEADBC7A','contacts',1796071631410167,'',1796071634410167);
INSERT INTO "pull_cursor" VALUES(X'01A22E362ED4775A808B50F77DFCEDC6','Contact',1796071633427266,'',1796071634427266);
CREATE TABLE purpose (
    record BLOB NOT NULL,
    purpose TEXT NOT NULL,
    PRIMARY KEY (record, purpose)
);
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
, unsure_until bigint NOT NULL DEFAULT 0);
INSERT INTO "record" VALUES(X'01A22E363005700090B1804A741568E1','organisation',1,'{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-88a6-c8312039fce7"],["rule","list",1777068000000000,"01a22e36-2ec9-7b91-823e-b70100d9c950","01a22e36-2ec9-8000-b09f-2aa331e7ce93"],["rule","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-88a6-c8312039fce7"],["rule","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-8f5c-2bbc4604d971"],["badge","list",1777068000000000,"01a22e36-2ec9-7b91-823e-b70100d9c950","01a22e36-2ec9-8000-b09f-2aa331e7ce93"]],"one":{"city":[{"text":"Ulm"},0,100,"lead.cell"],"core_name":[{"text":"beispiel antriebe"},1,100,"company.core"],"country":[{"choice":"DE"},2,70,"country.postcode"],"domain":[{"text":"antriebe.example"},3,80,"company.domain"],"legal_form":[{"text":"GmbH"},0,100,"lead.cell"],"name":[{"text":"Beispiel Antriebe"},4,100,"lead.cell"],"postal_code":[{"text":"89073"},0,100,"lead.cell"]}}',NULL,NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E3630057000984EEEE65C2AE96A','organisation',1,'{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-9d3c-02c5a6489f1d"],["rule","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-9d3c-02c5a6489f1d"]],"one":{"city":[{"text":"Paris"},0,100,"lead.cell"],"core_name":[{"text":"exemple"},1,100,"company.core"],"country":[{"choice":"FR"},1,70,"country.phone"],"domain":[{"text":"exemple.example"},1,80,"company.domain"],"legal_form":[{"text":"SA"},0,100,"lead.cell"],"name":[{"text":"Exemple SA"},0,100,"lead.cell"],"postal_code":[{"text":"75001"},0,100,"lead.cell"]}}',NULL,NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E36300570029775C82924D023D1','person',1,'{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8002-9dab-e8e20b237a3d"],["rule","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8002-9dab-e8e20b237a3d"],["badge","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-9b12-feaf65ba317d"]],"one":{"city":[{"text":"Paris"},0,100,"lead.cell"],"company":[{"text":"Exemple SA"},0,100,"lead.cell"],"country":[{"choice":"FR"},1,70,"country.phone"],"first_name":[{"text":"Claire"},0,100,"lead.cell"],"last_name":[{"text":"Dubois"},0,100,"lead.cell"],"organisation":[{"ref":"rec_01a22e3630057000984eeee65c2ae96a"},2,100,"company.recognised"],"postal_code":[{"text":"75001"},0,100,"lead.cell"]},"many":{"emails":[["claire@exemple.example","work",true,{"text":"claire@exemple.example"},0,100,"lead.cell"]],"phones":[["+33123456789","work",true,{"text":"+33123456789"},0,100,"lead.cell"]]}}',NULL,NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E36300570029E3091077C995ABB','person',1,'{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8002-b6a4-a202f17b7172"],["rule","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8002-b6a4-a202f17b7172"],["badge","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-a1d2-3571c28c581d"]],"one":{"city":[{"text":"Ulm"},0,100,"lead.cell"],"company":[{"text":"Beispiel Antriebe GmbH"},0,100,"lead.cell"],"country":[{"choice":"DE"},1,70,"country.postcode"],"first_name":[{"text":"Jürgen"},0,100,"lead.cell"],"last_name":[{"text":"Weiß"},0,100,"lead.cell"],"organisation":[{"ref":"rec_01a22e363005700090b1804a741568e1"},2,100,"company.recognised"],"postal_code":[{"text":"89073"},0,100,"lead.cell"]},"many":{"emails":[["j.weiss@antriebe.example","work",true,{"text":"j.weiss@antriebe.example"},0,100,"lead.cell"]]}}',NULL,NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E3630057002B8DF038BFF0CB405','person',1,'{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8002-8ce9-1b2f00da699a"],["badge","list",1777068000000000,"01a22e36-2ec9-7b91-823e-b70100d9c950","01a22e36-2ec9-8002-b8aa-c40ab1a860ad"],["rule","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8002-8ce9-1b2f00da699a"],["badge","list",1777068000000000,"01a22e36-2ec9-7b91-823e-b70100d9c950","01a22e36-2ec9-8000-93c9-ad0bb63f5917"]],"one":{"city":[{"text":"Ulm"},0,100,"lead.cell"],"company":[{"text":"Beispiel Antriebe"},1,100,"lead.cell"],"country":[{"choice":"DE"},2,70,"country.phone"],"first_name":[{"text":"A."},1,100,"lead.cell"],"last_name":[{"text":"Schmidt"},1,100,"lead.cell"],"organisation":[{"ref":"rec_01a22e363005700090b1804a741568e1"},3,100,"company.recognised"],"postal_code":[{"text":"89073"},0,100,"lead.cell"]},"many":{"emails":[["anna.schmidt@antriebe.example","work",true,{"text":"anna.schmidt@antriebe.example"},1,100,"lead.cell"]],"phones":[["+49731123456","work",true,{"text":"+49731123456"},0,100,"lead.cell"]]}}',NULL,NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E3630058003849D43DF7F76A56E','participation',1,'{"origins":[["rule","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-a1b7-10304d04d538"],["badge","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-a1b7-10304d04d538"]],"one":{"at":[{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},0,100,"import.received"],"badge":[{"text":"B-1002"},1,100,"lead.cell"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},1,100,"import"],"person":[{"ref":"rec_01a22e36300570029e3091077c995abb"},1,100,"import"],"status":[{"choice":"attended"},1,100,"lead.scan"]}}',X'01A22E36300570029E3091077C995ABB',NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E36300580039230B6610E1B8C22','participation',1,'{"origins":[["rule","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-ba14-4aedfef176fa"],["badge","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-ba14-4aedfef176fa"],["badge","list",1777068000000000,"01a22e36-2ec9-7b91-823e-b70100d9c950","01a22e36-2ec9-8000-9214-567dd286f98b"]],"one":{"at":[{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},0,100,"import.received"],"badge":[{"text":"B-1001"},1,100,"lead.cell"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},1,100,"import"],"note":[{"text":"Möchte Preisliste"},1,100,"lead.cell"],"person":[{"ref":"rec_01a22e3630057002b8df038bff0cb405"},1,100,"import"],"status":[{"choice":"attended"},2,100,"lead.scan"]}}',X'01A22E3630057002B8DF038BFF0CB405',NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E3630058003A32ABF52CB0AA758','participation',1,'{"origins":[["rule","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-a420-818d48ab513a"],["badge","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-a420-818d48ab513a"]],"one":{"at":[{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},0,100,"import.received"],"badge":[{"text":"B-1003"},1,100,"lead.cell"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},1,100,"import"],"note":[{"text":"Rückruf im Mai"},1,100,"lead.cell"],"person":[{"ref":"rec_01a22e36300570029775c82924d023d1"},1,100,"import"],"status":[{"choice":"attended"},1,100,"lead.scan"]}}',X'01A22E36300570029775C82924D023D1',NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E3630058004A1CF3E1424502466','activity',1,'{"origins":[["rule","follow_up",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-a8a0-56fc53d30d89"]],"one":{"activity_type":[{"choice":"task"},0,100,"follow_up"],"body":[{"text":"Notiz: Rückruf im Mai"},0,100,"follow_up"],"due":[{"date":"2026-12-07"},0,100,"follow_up"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},0,100,"import"],"person":[{"ref":"rec_01a22e36300570029775c82924d023d1"},0,100,"import"],"status":[{"choice":"open"},0,100,"follow_up"],"subject":[{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},0,100,"follow_up"]}}',X'01A22E36300570029775C82924D023D1',NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E3630058004AF52766092636747','activity',1,'{"origins":[["rule","follow_up",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-8251-55276929bb89"]],"one":{"activity_type":[{"choice":"task"},0,100,"follow_up"],"due":[{"date":"2026-12-07"},0,100,"follow_up"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},0,100,"import"],"person":[{"ref":"rec_01a22e36300570029e3091077c995abb"},0,100,"import"],"status":[{"choice":"open"},0,100,"follow_up"],"subject":[{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},0,100,"follow_up"]}}',X'01A22E36300570029E3091077C995ABB',NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E3630058004B8FA390B398C7602','activity',1,'{"origins":[["rule","follow_up",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-b793-1d1d3957c378"]],"one":{"activity_type":[{"choice":"task"},0,100,"follow_up"],"body":[{"text":"Notiz: Möchte Preisliste"},0,100,"follow_up"],"due":[{"date":"2026-12-07"},0,100,"follow_up"],"fair":[{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},0,100,"import"],"person":[{"ref":"rec_01a22e3630057002b8df038bff0cb405"},0,100,"import"],"status":[{"choice":"open"},0,100,"follow_up"],"subject":[{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},0,100,"follow_up"]}}',X'01A22E3630057002B8DF038BFF0CB405',NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E36300580058893C16908E0A51E','association',1,'{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-9a83-5f2cceb49395"]],"one":{"from":[{"ref":"rec_01a22e3630057002b8df038bff0cb405"},0,100,"import"],"to":[{"ref":"rec_01a22e363005700090b1804a741568e1"},0,100,"import"]}}',X'01A22E3630057002B8DF038BFF0CB405',NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E36300580059EF428046B157D38','association',1,'{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-734e-a08a-ed9459279781","01a22e36-2ec9-8000-bd43-4e18b34abcf3"]],"one":{"from":[{"ref":"rec_01a22e36300570029775c82924d023d1"},0,100,"import"],"to":[{"ref":"rec_01a22e3630057000984eeee65c2ae96a"},0,100,"import"]}}',X'01A22E36300570029775C82924D023D1',NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'01A22E3630058005AD35E97CDEE85601','association',1,'{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-77ac-9ad3-3c20e4364149","01a22e36-2ec9-8000-97aa-28e17ae803c9"]],"one":{"from":[{"ref":"rec_01a22e36300570029e3091077c995abb"},0,100,"import"],"to":[{"ref":"rec_01a22e363005700090b1804a741568e1"},0,100,"import"]}}',X'01A22E36300570029E3091077C995ABB',NULL,1796071632901261,1796071632901261,0);
INSERT INTO "record" VALUES(X'418870F9E1FC8283A64B720CF70349E8','fair',1,'{"origins":[["badge","list",1777068000000000,"01a22e36-2ec9-776e-a63a-d9ee03298f3f","01a22e36-2ec9-8000-bdc8-e83748bf20a2"]],"one":{"ends":[{"date":"2026-04-24"},0,100,"import"],"name":[{"text":"Hannover Messe 2026"},0,100,"import"],"starts":[{"date":"2026-04-20"},0,100,"import"],"time_zone":[{"text":"Europe/Berlin"},0,100,"import"]}}',NULL,NULL,1796071632901261,1796071632901261,0);
CREATE TABLE record_key (
    key BLOB PRIMARY KEY,
    key_type TEXT NOT NULL,
    record BLOB NOT NULL
, basis TEXT NOT NULL DEFAULT 'derived') WITHOUT ROWID;
INSERT INTO "record_key" VALUES(X'10ECB25AF63C81D09A558386CF131714','company_at',X'01A22E3630057000984EEEE65C2AE96A','derived');
INSERT INTO "record_key" VALUES(X'2B22A8958D2884AF8BCAFF580BD598F4','email',X'01A22E36300570029E3091077C995ABB','derived');
INSERT INTO "record_key" VALUES(X'334E8F7892298B3DBDFD7BD2473541E8','company_at',X'01A22E363005700090B1804A741568E1','derived');
INSERT INTO "record_key" VALUES(X'66F697A2F4C583B1B1F12A8739AA800A','company_at',X'01A22E363005700090B1804A741568E1','derived');
INSERT INTO "record_key" VALUES(X'76B93E05CA428F9EB8DE1E6DE2294C22','badge',X'01A22E3630057002B8DF038BFF0CB405','asserted');
INSERT INTO "record_key" VALUES(X'A8E16EA8ABB68E23829887D7631E03B9','badge',X'01A22E3630057002B8DF038BFF0CB405','asserted');
INSERT INTO "record_key" VALUES(X'C1ED2798B31D8077A65DB429B08458FF','email',X'01A22E3630057002B8DF038BFF0CB405','derived');
INSERT INTO "record_key" VALUES(X'C613C61A7A448950B60F8464F1663DF4','company_at',X'01A22E3630057000984EEEE65C2AE96A','derived');
INSERT INTO "record_key" VALUES(X'DD200AA2AF3381D0B1256F5E1B68FCA9','email',X'01A22E36300570029775C82924D023D1','derived');
INSERT INTO "record_key" VALUES(X'F2CF990B4F308AACBEDD9D42BDBF77E8','badge',X'01A22E36300570029E3091077C995ABB','asserted');
INSERT INTO "record_key" VALUES(X'F86F339BFE7A8418958863909BBDB1D2','badge',X'01A22E36300570029775C82924D023D1','asserted');
CREATE TABLE restriction (
    record BLOB PRIMARY KEY,
    restricted_by TEXT NOT NULL,
    restricted_at INTEGER NOT NULL
);
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
, known bigint NOT NULL DEFAULT 0, repeated bigint NOT NULL DEFAULT 0);
INSERT INTO "run" VALUES(X'167EBFD596218E74ABBB5990759F1981','import','list.csv','{"default_country":"DE","fair":{"ends":"2026-04-24","name":"Hannover Messe 2026","organiser":null,"place":null,"starts":"2026-04-20"},"layout":{"columns":[{"header":"Vorname","meaning":"first_name"},{"header":"Nachname","meaning":"last_name"},{"header":"Firma","meaning":"company"},{"header":"E-Mail","meaning":"email"},{"header":"Telefon","meaning":"phone"},{"header":"PLZ","meaning":"postal_code"},{"header":"Ort","meaning":"city"},{"header":"Notiz","meaning":"note"},{"header":"Badge-ID","meaning":"badge"}],"delimiter":";","encoding":"UTF-8","quote":"\""},"source":"list","source_kind":"badge","time_zone":"Europe/Berlin"}','done',1796071632585001,1796071632904948,0,0);
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
INSERT INTO "secret" VALUES(X'01A22E362ED4775A808B50F77DFCEDC6','tokens',X'9A230E490EF7767E2D351161477F6941BF978884C873F311478AAC8DD77F86B58747C01E9E5431897F8FE83E435451954BD15B862C7F34DDC3F567F3D8428FE6BA9171C08F12ED90FC3CDAD81EAA3424443B73B61361B7BCC6CE46612FB63F0A366A6CADECC2F8B848274942BBAAB24A037ED343A89D855E1CAF2584BD294E1B666336D6AF35DD20FBCAFDE92906A2E0C2249700F91E3DA68282F2931614BD3701F3FFA76AF3406663324EF4AFF038EB98837BA2B905F3FE33595B3F574A55243338E72A0D9A6EA3C3DF984C85F59A3045B2CCED773909ACDBCF536ACC',1,1796073372856268,0);
CREATE TABLE session (
    hash TEXT PRIMARY KEY,
    -- link, session
    kind TEXT NOT NULL,
    operator BLOB NOT NULL,
    ends_at INTEGER NOT NULL
);
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO "setting" VALUES('key_fingerprint','eea103919a00bdf5');
INSERT INTO "setting" VALUES('clock','1796071654703114');
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
INSERT INTO "signal" VALUES(X'01A22E362EC9776EA63AD9EE03298F3F',X'167EBFD596218E74ABBB5990759F1981','lead_row',2,X'6196BFCE0B738978ACFE2C7BF5E7F0DC',1796071632585584,'done',NULL,NULL,NULL,'[{"code":"country_inferred","field":"country","text":"the country was inferred from the rest of the row"}]',X'416E6E613B5363686D6964743B426569737069656C20416E74726965626520476D62483B616E6E612E7363686D69647440616E7472696562652E6578616D706C653B2B343920373331203132333435363B38393037333B556C6D3B4DC3B6636874652050726569736C697374653B422D31303031',X'01A22E3630057002B8DF038BFF0CB405');
INSERT INTO "signal" VALUES(X'01A22E362EC977AC9AD33C20E4364149',X'167EBFD596218E74ABBB5990759F1981','lead_row',3,X'966D2A2CF01E89DBA43A1F3319D6536E',1796071632585586,'done',NULL,NULL,NULL,'[{"code":"country_inferred","field":"country","text":"the country was inferred from the rest of the row"}]',X'4AC3BC7267656E3B576569C39F3B426569737069656C20416E74726965626520476D62483B6A2E776569737340616E7472696562652E6578616D706C653B3B38393037333B556C6D3B3B422D31303032',X'01A22E36300570029E3091077C995ABB');
INSERT INTO "signal" VALUES(X'01A22E362EC9734EA08AED9459279781',X'167EBFD596218E74ABBB5990759F1981','lead_row',4,X'4215D2C511728ABC890D2DECAC4B4B52',1796071632585588,'done',NULL,NULL,NULL,'[{"code":"country_inferred","field":"country","text":"the country was inferred from the rest of the row"}]',X'436C616972653B4475626F69733B4578656D706C652053413B636C61697265406578656D706C652E6578616D706C653B2B333320312032333435363738393B37353030313B50617269733B52C3BC636B72756620696D204D61693B422D31303033',X'01A22E36300570029775C82924D023D1');
INSERT INTO "signal" VALUES(X'01A22E362EC97B91823EB70100D9C950',X'167EBFD596218E74ABBB5990759F1981','lead_row',5,X'33601B190B758BB69032A277FB53CFBA',1796071632585591,'done',NULL,NULL,NULL,'[]',X'412E3B5363686D6964743B426569737069656C20416E7472696562653B616E6E612E7363686D69647440616E7472696562652E6578616D706C653B3B3B3B3B422D31303034',X'01A22E3630057002B8DF038BFF0CB405');
CREATE TABLE slot (
    schedule TEXT NOT NULL,
    slot_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    PRIMARY KEY (schedule, slot_at)
);
INSERT INTO "slot" VALUES('pull:01a22e36-2ed4-775a-808b-50f77dfcedc6',1796071620000000,1796071634387203);
INSERT INTO "slot" VALUES('pull:01a22e36-2f1d-7f36-a8cc-c699aeadbc7a',1796071620000000,1796071634387203);
INSERT INTO "slot" VALUES('retain',1796068800000000,1796071634387203);
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
INSERT INTO "statement" VALUES(X'01A22E362EC980008F5C2BBC4604D971',X'01A22E362EC9776EA63AD9EE03298F3F',X'01A22E363005700090B1804A741568E1','badge','list',1777068000000000,1777068000000000,1796071632585584,'[{"field":"name","value":{"text":"Beispiel Antriebe GmbH"},"confidence":100,"how":"lead.cell"},{"field":"core_name","value":{"text":"beispiel antriebe"},"confidence":100,"how":"company.core","made_by":"rule"},{"field":"legal_form","value":{"text":"GmbH"},"confidence":100,"how":"lead.cell"},{"field":"domain","value":{"text":"antriebe.example"},"confidence":80,"how":"company.domain","made_by":"rule"},{"field":"city","value":{"text":"Ulm"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"89073"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"DE"},"confidence":70,"how":"country.phone","made_by":"rule"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC9800088A6C8312039FCE7',X'01A22E362EC977AC9AD33C20E4364149',X'01A22E363005700090B1804A741568E1','badge','list',1777068000000000,1777068000000000,1796071632585586,'[{"field":"name","value":{"text":"Beispiel Antriebe GmbH"},"confidence":100,"how":"lead.cell"},{"field":"core_name","value":{"text":"beispiel antriebe"},"confidence":100,"how":"company.core","made_by":"rule"},{"field":"legal_form","value":{"text":"GmbH"},"confidence":100,"how":"lead.cell"},{"field":"domain","value":{"text":"antriebe.example"},"confidence":80,"how":"company.domain","made_by":"rule"},{"field":"city","value":{"text":"Ulm"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"89073"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"DE"},"confidence":70,"how":"country.postcode","made_by":"rule"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000B09F2AA331E7CE93',X'01A22E362EC97B91823EB70100D9C950',X'01A22E363005700090B1804A741568E1','badge','list',1777068000000000,1777068000000000,1796071632585591,'[{"field":"name","value":{"text":"Beispiel Antriebe"},"confidence":100,"how":"lead.cell"},{"field":"core_name","value":{"text":"beispiel antriebe"},"confidence":100,"how":"company.core","made_by":"rule"},{"field":"domain","value":{"text":"antriebe.example"},"confidence":80,"how":"company.domain","made_by":"rule"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC980009D3C02C5A6489F1D',X'01A22E362EC9734EA08AED9459279781',X'01A22E3630057000984EEEE65C2AE96A','badge','list',1777068000000000,1777068000000000,1796071632585588,'[{"field":"name","value":{"text":"Exemple SA"},"confidence":100,"how":"lead.cell"},{"field":"core_name","value":{"text":"exemple"},"confidence":100,"how":"company.core","made_by":"rule"},{"field":"legal_form","value":{"text":"SA"},"confidence":100,"how":"lead.cell"},{"field":"domain","value":{"text":"exemple.example"},"confidence":80,"how":"company.domain","made_by":"rule"},{"field":"city","value":{"text":"Paris"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"75001"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"FR"},"confidence":70,"how":"country.phone","made_by":"rule"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC980029DABE8E20B237A3D',X'01A22E362EC9734EA08AED9459279781',X'01A22E36300570029775C82924D023D1','badge','list',1777068000000000,1777068000000000,1796071632585588,'[{"field":"first_name","value":{"text":"Claire"},"confidence":100,"how":"lead.cell"},{"field":"last_name","value":{"text":"Dubois"},"confidence":100,"how":"lead.cell"},{"field":"emails","key":"claire@exemple.example","value":{"text":"claire@exemple.example"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"phones","key":"+33123456789","value":{"text":"+33123456789"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"company","value":{"text":"Exemple SA"},"confidence":100,"how":"lead.cell"},{"field":"city","value":{"text":"Paris"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"75001"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"FR"},"confidence":70,"how":"country.phone","made_by":"rule"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC980009B12FEAF65BA317D',X'01A22E362EC9734EA08AED9459279781',X'01A22E36300570029775C82924D023D1','badge','list',1777068000000000,1777068000000000,1796071632585588,'[{"field":"organisation","value":{"ref":"rec_01a22e3630057000984eeee65c2ae96a"},"confidence":100,"how":"company.recognised"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98002B6A4A202F17B7172',X'01A22E362EC977AC9AD33C20E4364149',X'01A22E36300570029E3091077C995ABB','badge','list',1777068000000000,1777068000000000,1796071632585586,'[{"field":"first_name","value":{"text":"Jürgen"},"confidence":100,"how":"lead.cell"},{"field":"last_name","value":{"text":"Weiß"},"confidence":100,"how":"lead.cell"},{"field":"emails","key":"j.weiss@antriebe.example","value":{"text":"j.weiss@antriebe.example"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"company","value":{"text":"Beispiel Antriebe GmbH"},"confidence":100,"how":"lead.cell"},{"field":"city","value":{"text":"Ulm"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"89073"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"DE"},"confidence":70,"how":"country.postcode","made_by":"rule"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000A1D23571C28C581D',X'01A22E362EC977AC9AD33C20E4364149',X'01A22E36300570029E3091077C995ABB','badge','list',1777068000000000,1777068000000000,1796071632585586,'[{"field":"organisation","value":{"ref":"rec_01a22e363005700090b1804a741568e1"},"confidence":100,"how":"company.recognised"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC980028CE91B2F00DA699A',X'01A22E362EC9776EA63AD9EE03298F3F',X'01A22E3630057002B8DF038BFF0CB405','badge','list',1777068000000000,1777068000000000,1796071632585584,'[{"field":"first_name","value":{"text":"Anna"},"confidence":100,"how":"lead.cell"},{"field":"last_name","value":{"text":"Schmidt"},"confidence":100,"how":"lead.cell"},{"field":"emails","key":"anna.schmidt@antriebe.example","value":{"text":"anna.schmidt@antriebe.example"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"phones","key":"+49731123456","value":{"text":"+49731123456"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"company","value":{"text":"Beispiel Antriebe GmbH"},"confidence":100,"how":"lead.cell"},{"field":"city","value":{"text":"Ulm"},"confidence":100,"how":"lead.cell"},{"field":"postal_code","value":{"text":"89073"},"confidence":100,"how":"lead.cell"},{"field":"country","value":{"choice":"DE"},"confidence":70,"how":"country.phone","made_by":"rule"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98002B8AAC40AB1A860AD',X'01A22E362EC97B91823EB70100D9C950',X'01A22E3630057002B8DF038BFF0CB405','badge','list',1777068000000000,1777068000000000,1796071632585591,'[{"field":"first_name","value":{"text":"A."},"confidence":100,"how":"lead.cell"},{"field":"last_name","value":{"text":"Schmidt"},"confidence":100,"how":"lead.cell"},{"field":"emails","key":"anna.schmidt@antriebe.example","value":{"text":"anna.schmidt@antriebe.example"},"label":"work","primary":true,"confidence":100,"how":"lead.cell"},{"field":"company","value":{"text":"Beispiel Antriebe"},"confidence":100,"how":"lead.cell"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000ACE91C6D2374691F',X'01A22E362EC9776EA63AD9EE03298F3F',X'01A22E3630057002B8DF038BFF0CB405','badge','list',1777068000000000,1777068000000000,1796071632585584,'[{"field":"organisation","value":{"ref":"rec_01a22e363005700090b1804a741568e1"},"confidence":100,"how":"company.recognised"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC9800093C9AD0BB63F5917',X'01A22E362EC97B91823EB70100D9C950',X'01A22E3630057002B8DF038BFF0CB405','badge','list',1777068000000000,1777068000000000,1796071632585591,'[{"field":"organisation","value":{"ref":"rec_01a22e363005700090b1804a741568e1"},"confidence":100,"how":"company.recognised"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000A1B710304D04D538',X'01A22E362EC977AC9AD33C20E4364149',X'01A22E3630058003849D43DF7F76A56E','badge','list',1777068000000000,1777068000000000,1796071632585586,'[{"field":"status","value":{"choice":"attended"},"confidence":100,"how":"lead.scan"},{"field":"badge","value":{"text":"B-1002"},"confidence":100,"how":"lead.cell"},{"field":"person","value":{"ref":"rec_01a22e36300570029e3091077c995abb"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"at","value":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"confidence":100,"how":"import.received","made_by":"rule"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000BA144AEDFEF176FA',X'01A22E362EC9776EA63AD9EE03298F3F',X'01A22E36300580039230B6610E1B8C22','badge','list',1777068000000000,1777068000000000,1796071632585584,'[{"field":"status","value":{"choice":"attended"},"confidence":100,"how":"lead.scan"},{"field":"badge","value":{"text":"B-1001"},"confidence":100,"how":"lead.cell"},{"field":"note","value":{"text":"Möchte Preisliste"},"confidence":100,"how":"lead.cell"},{"field":"person","value":{"ref":"rec_01a22e3630057002b8df038bff0cb405"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"at","value":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"confidence":100,"how":"import.received","made_by":"rule"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC980009214567DD286F98B',X'01A22E362EC97B91823EB70100D9C950',X'01A22E36300580039230B6610E1B8C22','badge','list',1777068000000000,1777068000000000,1796071632585591,'[{"field":"status","value":{"choice":"attended"},"confidence":100,"how":"lead.scan"},{"field":"badge","value":{"text":"B-1004"},"confidence":100,"how":"lead.cell"},{"field":"person","value":{"ref":"rec_01a22e3630057002b8df038bff0cb405"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000A420818D48AB513A',X'01A22E362EC9734EA08AED9459279781',X'01A22E3630058003A32ABF52CB0AA758','badge','list',1777068000000000,1777068000000000,1796071632585588,'[{"field":"status","value":{"choice":"attended"},"confidence":100,"how":"lead.scan"},{"field":"badge","value":{"text":"B-1003"},"confidence":100,"how":"lead.cell"},{"field":"note","value":{"text":"Rückruf im Mai"},"confidence":100,"how":"lead.cell"},{"field":"person","value":{"ref":"rec_01a22e36300570029775c82924d023d1"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"at","value":{"instant":{"at":"2026-04-24T22:00:00.000000Z","offset":0}},"confidence":100,"how":"import.received","made_by":"rule"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000A8A056FC53D30D89',X'01A22E362EC9734EA08AED9459279781',X'01A22E3630058004A1CF3E1424502466','rule','follow_up',1777068000000000,1777068000000000,1796071632585588,'[{"field":"person","value":{"ref":"rec_01a22e36300570029775c82924d023d1"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"activity_type","value":{"choice":"task"},"confidence":100,"how":"follow_up"},{"field":"status","value":{"choice":"open"},"confidence":100,"how":"follow_up"},{"field":"subject","value":{"text":"Nachfassen: Claire Dubois, Exemple SA (Hannover Messe 2026)"},"confidence":100,"how":"follow_up"},{"field":"due","value":{"date":"2026-12-07"},"confidence":100,"how":"follow_up"},{"field":"body","value":{"text":"Notiz: Rückruf im Mai"},"confidence":100,"how":"follow_up"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000825155276929BB89',X'01A22E362EC977AC9AD33C20E4364149',X'01A22E3630058004AF52766092636747','rule','follow_up',1777068000000000,1777068000000000,1796071632585586,'[{"field":"person","value":{"ref":"rec_01a22e36300570029e3091077c995abb"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"activity_type","value":{"choice":"task"},"confidence":100,"how":"follow_up"},{"field":"status","value":{"choice":"open"},"confidence":100,"how":"follow_up"},{"field":"subject","value":{"text":"Nachfassen: Jürgen Weiß, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"confidence":100,"how":"follow_up"},{"field":"due","value":{"date":"2026-12-07"},"confidence":100,"how":"follow_up"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000B7931D1D3957C378',X'01A22E362EC9776EA63AD9EE03298F3F',X'01A22E3630058004B8FA390B398C7602','rule','follow_up',1777068000000000,1777068000000000,1796071632585584,'[{"field":"person","value":{"ref":"rec_01a22e3630057002b8df038bff0cb405"},"confidence":100,"how":"import"},{"field":"fair","value":{"ref":"rec_418870f9e1fc8283a64b720cf70349e8"},"confidence":100,"how":"import"},{"field":"activity_type","value":{"choice":"task"},"confidence":100,"how":"follow_up"},{"field":"status","value":{"choice":"open"},"confidence":100,"how":"follow_up"},{"field":"subject","value":{"text":"Nachfassen: Anna Schmidt, Beispiel Antriebe GmbH (Hannover Messe 2026)"},"confidence":100,"how":"follow_up"},{"field":"due","value":{"date":"2026-12-07"},"confidence":100,"how":"follow_up"},{"field":"body","value":{"text":"Notiz: Möchte Preisliste"},"confidence":100,"how":"follow_up"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC980009A835F2CCEB49395',X'01A22E362EC9776EA63AD9EE03298F3F',X'01A22E36300580058893C16908E0A51E','badge','list',1777068000000000,1777068000000000,1796071632585584,'[{"field":"from","value":{"ref":"rec_01a22e3630057002b8df038bff0cb405"},"confidence":100,"how":"import"},{"field":"to","value":{"ref":"rec_01a22e363005700090b1804a741568e1"},"confidence":100,"how":"import"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000BD434E18B34ABCF3',X'01A22E362EC9734EA08AED9459279781',X'01A22E36300580059EF428046B157D38','badge','list',1777068000000000,1777068000000000,1796071632585588,'[{"field":"from","value":{"ref":"rec_01a22e36300570029775c82924d023d1"},"confidence":100,"how":"import"},{"field":"to","value":{"ref":"rec_01a22e3630057000984eeee65c2ae96a"},"confidence":100,"how":"import"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC9800097AA28E17AE803C9',X'01A22E362EC977AC9AD33C20E4364149',X'01A22E3630058005AD35E97CDEE85601','badge','list',1777068000000000,1777068000000000,1796071632585586,'[{"field":"from","value":{"ref":"rec_01a22e36300570029e3091077c995abb"},"confidence":100,"how":"import"},{"field":"to","value":{"ref":"rec_01a22e363005700090b1804a741568e1"},"confidence":100,"how":"import"}]');
INSERT INTO "statement" VALUES(X'01A22E362EC98000BDC8E83748BF20A2',X'01A22E362EC9776EA63AD9EE03298F3F',X'418870F9E1FC8283A64B720CF70349E8','badge','list',1777068000000000,1777068000000000,1796071632585584,'[{"field":"name","value":{"text":"Hannover Messe 2026"},"confidence":100,"how":"import"},{"field":"time_zone","value":{"text":"Europe/Berlin"},"confidence":100,"how":"import"},{"field":"starts","value":{"date":"2026-04-20"},"confidence":100,"how":"import"},{"field":"ends","value":{"date":"2026-04-24"},"confidence":100,"how":"import"}]');
CREATE TABLE suppression (
    hmac BLOB PRIMARY KEY,
    -- email, phone
    kind TEXT NOT NULL,
    added_at INTEGER NOT NULL
);
CREATE TABLE weak_key (
    key BLOB NOT NULL,
    record BLOB NOT NULL,
    key_type TEXT NOT NULL, basis TEXT NOT NULL DEFAULT 'derived', since INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (key, record)
) WITHOUT ROWID;
INSERT INTO "weak_key" VALUES(X'3F4273370386815B89CDFBF0E455F2DF',X'01A22E3630057002B8DF038BFF0CB405','phone_name','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'4242D3F0AD108B7EA5EFC6A153908F63',X'01A22E36300570029E3091077C995ABB','domain_name','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'5B4F27383596828D813A9AF112B6BB87',X'01A22E36300570029775C82924D023D1','domain_name','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'634B7E2B7FB78DC1B4E32EEF27ADC101',X'01A22E36300570029775C82924D023D1','name_company','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'75F413AF185A8ED2ABC3EE58A04ECC66',X'01A22E36300570029E3091077C995ABB','name_company','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'8A564EF57A4380589D6341587FC3D3C9',X'01A22E363005700090B1804A741568E1','domain','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'8EDFD3BDB15E8151BBB922CE166E1C1F',X'01A22E363005700090B1804A741568E1','company_name','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'9D6F8F0274EA847FAC256262B809FC7D',X'01A22E36300570029775C82924D023D1','phone_name','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'ADF2DACA8CC584AB8ADEC485F34B090B',X'01A22E3630057002B8DF038BFF0CB405','name_company','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'B0E33CC5802D8FB7AB859AC89B12CA4E',X'01A22E3630057002B8DF038BFF0CB405','domain_name','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'B97FD9E2D92A80DD8BCA0E7488912E12',X'01A22E3630057000984EEEE65C2AE96A','company_name','derived',1796071632901261);
INSERT INTO "weak_key" VALUES(X'FE553CAD859380F19FDF95706994B403',X'01A22E3630057000984EEEE65C2AE96A','domain','derived',1796071632901261);
CREATE INDEX run_by_time ON run (created_at);
CREATE INDEX signal_by_run ON signal (run, state);
CREATE INDEX signal_by_record ON signal (record) WHERE record IS NOT NULL;
CREATE INDEX signal_by_time ON signal (received_at);
CREATE INDEX signal_unread ON signal (received_at) WHERE state = 'new';
CREATE INDEX signal_with_content ON signal (received_at) WHERE content IS NOT NULL;
CREATE INDEX job_due ON job (lane, due_at, id) WHERE dead_at IS NULL;
CREATE INDEX job_by_topic ON job (topic);
CREATE INDEX job_dead ON job (dead_at) WHERE dead_at IS NOT NULL;
CREATE INDEX record_by_person ON record (person) WHERE person IS NOT NULL;
CREATE INDEX record_merged ON record (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX record_by_kind ON record (kind, updated_at) WHERE merged_into IS NULL;
CREATE INDEX statement_by_record ON statement (record);
CREATE INDEX record_key_by_record ON record_key (record);
CREATE INDEX weak_key_by_record ON weak_key (record);
CREATE UNIQUE INDEX link_remote ON link (connection, remote_type, remote_id) WHERE remote_id IS NOT NULL;
CREATE INDEX link_due ON link (connection, lane, stage, created_at, id) WHERE wanted > done;
CREATE INDEX link_refused ON link (connection, stage) WHERE state = 'refused';
CREATE INDEX link_by_record ON link (record);
CREATE INDEX link_needs_a ON link (need_a) WHERE code = 'need_refused';
CREATE INDEX link_needs_b ON link (need_b) WHERE code = 'need_refused';
CREATE VIEW leased AS
    SELECT lease.id AS lease, lease.connection, lease.until, unhex(one.value, '-') AS link FROM lease, json_each(lease.links) AS one;
CREATE INDEX intent_by_link ON intent (link);
CREATE INDEX intent_open ON intent (link) WHERE settled_at IS NULL;
CREATE INDEX intent_by_time ON intent (begun_at);
CREATE INDEX intent_with_values ON intent (begun_at) WHERE emptied = 0;
CREATE INDEX review_open ON review (asked_at) WHERE state = 'open';
CREATE INDEX review_by_record ON review (record);
CREATE INDEX review_answered ON review (answered_at) WHERE answered_at IS NOT NULL;
CREATE INDEX idempotency_by_time ON idempotency (created_at);
CREATE INDEX decision_by_record ON decision (record);
CREATE INDEX decision_by_other ON decision (other);
CREATE INDEX parked_hook_by_time ON parked_hook (parked_at);
CREATE INDEX weak_key_former ON weak_key (since) WHERE basis = 'former';
CREATE INDEX link_suspect ON link (connection, suspect_at) WHERE state = 'suspect';
CREATE INDEX record_unsure ON record (unsure_until) WHERE unsure_until > 0;
COMMIT;
