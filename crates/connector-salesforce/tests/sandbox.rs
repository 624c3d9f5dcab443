//! The connector against the sandbox, which was written from the vendor's contract alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use mittler_connector::{
    Connector, Error, Key, Result, RowResult, SetupWish, Write,
    http::{Auth, Http, Pace},
    oauth::{self, Grant},
};
use mittler_connector_salesforce::{Salesforce, Settings};
use mittler_core::{RemoteFields, Time, Value};
use mittler_sandbox::{
    Config, FaultKind, Sandbox, Vendor,
    faults::FaultRule,
    salesforce::{Config as Org, CustomField, DuplicateAction, DuplicateRule},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// A token that is never replaced.
struct Fixed(SecretString);

#[async_trait]
impl Auth for Fixed {
    async fn token(&self) -> Result<SecretString> {
        Ok(self.0.clone())
    }

    async fn replace(&self, _rejected: &SecretString) -> Result<SecretString> {
        Err(Error::Reauthorise { code: "static_token".into() })
    }
}

/// Lets everything through and notes what the vendor said of the calls left.
#[derive(Default)]
struct Open {
    used: AtomicU64,
}

#[async_trait]
impl Pace for Open {
    async fn permit(&self, _cost: mittler_connector::Cost) -> Result<()> {
        Ok(())
    }

    fn observe(&self, mittler_connector::Usage { used, .. }: mittler_connector::Usage) {
        self.used.fetch_max(used, Ordering::SeqCst);
    }
}

struct Stage {
    sandbox: Sandbox,
    crm: Salesforce,
    pace: Arc<Open>,
}

fn http_client() -> reqwest::Client {
    mittler_connector::http::client(std::time::Duration::from_secs(20)).unwrap()
}

async fn sandbox(org: Org) -> Sandbox {
    Sandbox::start("127.0.0.1:0".parse().unwrap(), Config { salesforce: org, ..Config::default() }).await.unwrap()
}

async fn stage_with(org: Org) -> Stage {
    let sandbox = sandbox(org).await;
    let access = sandbox.access().salesforce;
    let pace = Arc::new(Open::default());
    let auth = Arc::new(Fixed(SecretString::from(access.access_token)));
    let http = Http::new(http_client(), auth, pace.clone(), mittler_connector_salesforce::DIALECT);
    Stage { crm: Salesforce::new(http, Settings::new(access.base_url)), sandbox, pace }
}

async fn stage() -> Stage {
    stage_with(Org::default()).await
}

fn fields(pairs: &[(&str, &str)]) -> RemoteFields {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), Some(Value::Text((*text).to_owned())))).collect()
}

fn create(own_key: &str, pairs: &[(&str, &str)]) -> Write {
    Write::Create { tag: Uuid::new_v4(), own_key: own_key.into(), fields: fields(pairs), allow_duplicate: false }
}

fn update(id: &str, pairs: &[(&str, &str)]) -> Write {
    Write::Update { tag: Uuid::new_v4(), id: id.into(), fields: fields(pairs) }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

impl Stage {
    async fn push(&self, remote_type: &str, batch: &[Write]) -> Vec<RowResult> {
        let outcomes = self.crm.push(remote_type, batch).await.unwrap();
        let tags: Vec<Uuid> = batch.iter().map(Write::tag).collect();
        assert_eq!(outcomes.iter().map(|outcome| outcome.tag).collect::<Vec<_>>(), tags);
        outcomes.into_iter().map(|outcome| outcome.result).collect()
    }

    async fn written(&self, remote_type: &str, write: Write) -> String {
        match self.push(remote_type, &[write]).await.remove(0) {
            RowResult::Written { id, .. } => id,
            other => panic!("not written: {other:?}"),
        }
    }

    async fn lead(&self, own_key: &str, email: &str) -> String {
        self.written("Lead", create(own_key, &[("LastName", "Huber"), ("Company", "ACME"), ("Email", email)])).await
    }

    fn fail(&self, kind: FaultKind, calls: &[&str]) {
        self.sandbox.faults().add(FaultRule {
            vendor: Vendor::Salesforce,
            kind,
            share: None,
            nth: Some(1),
            calls: names(calls),
            seed: None,
            ms: 0,
        });
    }

    fn count(&self, object: &str) -> usize {
        self.sandbox.salesforce().state()[object].as_array().map_or(0, Vec::len)
    }

    async fn convert(&self, lead: &str) {
        let access = self.sandbox.access().salesforce;
        let body = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:u=\"urn:partner.soap.sforce.com\">\
             <e:Header><u:SessionHeader><u:sessionId>{}</u:sessionId></u:SessionHeader></e:Header><e:Body>\
             <u:convertLead><u:leadConverts><u:convertedStatus>Qualified</u:convertedStatus>\
             <u:doNotCreateOpportunity>true</u:doNotCreateOpportunity><u:leadId>{lead}</u:leadId></u:leadConverts>\
             </u:convertLead></e:Body></e:Envelope>",
            access.access_token
        );
        let url = format!("{}/services/Soap/u/62.0", access.base_url);
        let request = http_client().post(url).header("content-type", "text/xml").header("soapaction", "\"\"");
        let answer = post(request.body(body)).await;
        assert!(answer.contains("<success>true</success>"), "{answer}");
    }
}

async fn post(request: reqwest::RequestBuilder) -> String {
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn each_answer_tells_how_many_calls_of_the_day_are_spent() {
    let stage = stage().await;
    stage.lead("lead-1", "a@acme.de").await;
    stage.lead("lead-2", "b@acme.de").await;
    assert!(stage.pace.used.load(Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn one_bad_row_does_not_spoil_the_others() {
    let stage = stage().await;
    let batch = [
        create("1", &[("LastName", "Huber"), ("Company", "ACME")]),
        create("2", &[("Company", "ACME")]),
        create("3", &[("LastName", "Kaya"), ("Company", "ACME")]),
        create("3", &[("LastName", "Kaya"), ("Company", "ACME"), ("City", "Ulm")]),
    ];
    let results = stage.push("Lead", &batch).await;
    assert!(matches!(&results[0], RowResult::Written { created: true, .. }));
    let RowResult::Refused(refusal) = &results[1] else { panic!("{:?}", results[1]) };
    assert_eq!((refusal.code.as_str(), &*refusal.fields), ("REQUIRED_FIELD_MISSING", &names(&["LastName"])[..]));
    assert!(matches!(&results[2], RowResult::Written { created: true, .. }));
    assert!(matches!(&results[3], RowResult::Written { created: false, .. }), "{:?}", results[3]);
}

#[tokio::test]
async fn an_update_writes_and_clears_and_the_read_shows_it_typed() {
    let stage = stage().await;
    let id = stage.lead("lead-1", "a@acme.de").await;
    let mut changes = fields(&[("City", "Ulm"), ("LeadSource", "Trade Show")]);
    changes.set("HasOptedOutOfEmail", Value::Bool(true));
    let write = |fields: RemoteFields| Write::Update { tag: Uuid::new_v4(), id: id.clone(), fields };
    stage.written("Lead", write(changes)).await;
    let asked = names(&["City", "LeadSource", "HasOptedOutOfEmail", "OwnerId", "Phone"]);
    let shown = stage.crm.read("Lead", &[Key::Id(id.clone())], &asked).await.unwrap().remove(0);
    assert_eq!(shown.fields.get("City"), Some(&Value::Text("Ulm".into())));
    assert_eq!(shown.fields.get("LeadSource"), Some(&Value::Choice("Trade Show".into())));
    assert_eq!(shown.fields.get("HasOptedOutOfEmail"), Some(&Value::Bool(true)));
    assert!(matches!(shown.fields.get("OwnerId"), Some(Value::RemoteRef(_))));
    assert_eq!(shown.fields.0.get("Phone"), Some(&None));
    assert!(shown.modified_at.is_some() && !shown.gone);
    let cleared = ["City", "HasOptedOutOfEmail"].map(|name| (name.to_owned(), None)).into_iter().collect();
    stage.written("Lead", write(cleared)).await;
    let shown = stage.crm.read("Lead", &[Key::Id(id)], &asked).await.unwrap().remove(0);
    assert_eq!(shown.fields.0["City"], None);
    assert_eq!(shown.fields.get("HasOptedOutOfEmail"), Some(&Value::Bool(false)));
}

#[tokio::test]
async fn a_duplicate_rule_names_its_candidates_and_gives_way_only_when_told() {
    let rule = DuplicateRule::standard("Contact", DuplicateAction::Alert);
    let stage = stage_with(Org { duplicate_rules: vec![rule], ..Org::default() }).await;
    let pairs = [("LastName", "Huber"), ("Email", "huber@acme.de")];
    let known = stage.written("Contact", create("1", &pairs)).await;
    let batch = [create("2", &pairs), create("3", &[("LastName", "Kaya"), ("Email", "kaya@acme.de")])];
    let results = stage.push("Contact", &batch).await;
    let RowResult::Candidates { found, may_save, .. } = &results[0] else { panic!("{:?}", results[0]) };
    assert_eq!((found.as_slice(), *may_save), ([("Contact".to_owned(), known)].as_slice(), true));
    assert!(matches!(&results[1], RowResult::Written { created: true, .. }));
    let write =
        Write::Create { tag: Uuid::new_v4(), own_key: "2".into(), fields: fields(&pairs), allow_duplicate: true };
    assert!(matches!(stage.push("Contact", &[write]).await[0], RowResult::Written { created: true, .. }));
}

#[tokio::test]
async fn a_locked_row_is_busy_and_the_others_are_written() {
    let stage = stage().await;
    stage.fail(FaultKind::LockRow, &["collections_upsert"]);
    let batch = ["1", "2"].map(|key| create(key, &[("LastName", "Huber"), ("Company", "ACME")]));
    let results = stage.push("Lead", &batch).await;
    assert_eq!(results[0], RowResult::Busy { code: "UNABLE_TO_LOCK_ROW".into() });
    assert!(matches!(results[1], RowResult::Written { .. }));
}

#[tokio::test]
async fn a_converted_lead_is_gone_and_leads_to_its_contact() {
    let stage = stage().await;
    let lead = stage.lead("lead-1", "a@acme.de").await;
    stage.convert(&lead).await;
    let contact = stage.sandbox.salesforce().state()["Contact"][0]["Id"].as_str().unwrap().to_owned();
    let successor = Some(("Contact".to_owned(), contact));
    let batch = [update(&lead, &[("City", "Ulm")])];
    let result = stage.push("Lead", &batch).await.remove(0);
    assert_eq!(result, RowResult::Gone { successor: successor.clone(), code: "CANNOT_UPDATE_CONVERTED_LEAD".into() });
    let by_key = create("lead-1", &[("LastName", "Huber"), ("Company", "ACME")]);
    let result = stage.push("Lead", &[by_key]).await.remove(0);
    assert!(matches!(&result, RowResult::Gone { successor: found, .. } if *found == successor), "{result:?}");
    let read = stage.crm.read("Lead", &[Key::Email("a@acme.de".into())], &[]).await.unwrap().remove(0);
    assert!(read.gone && read.successor == successor);
}

#[tokio::test]
async fn a_record_that_is_no_more_is_gone_and_not_refused() {
    let stage = stage().await;
    let id = stage.lead("lead-1", "a@acme.de").await;
    let archive = Write::Archive { tag: Uuid::new_v4(), id: id.clone() };
    assert!(matches!(stage.push("Lead", std::slice::from_ref(&archive)).await[0], RowResult::Written { .. }));
    let again = stage.push("Lead", &[archive]).await.remove(0);
    assert!(matches!(again, RowResult::Gone { .. }), "{again:?}");
    let never = "00QMi0000099999MAA";
    let results = stage.push("Lead", &[update(&id, &[("City", "Ulm")]), update(never, &[("City", "Ulm")])]).await;
    assert!(results.iter().all(|result| matches!(result, RowResult::Gone { .. })), "{results:?}");
    let read = stage.crm.read("Lead", &[Key::Id(id), Key::Id(never.into()), Key::Id("no id".into())], &[]).await;
    let read = read.unwrap();
    assert!(read.len() == 1 && read[0].gone);
}

#[tokio::test]
async fn pages_that_are_shorter_than_asked_lose_nothing() {
    let stage = stage_with(Org { max_page_size: 2, min_page_size: 1, ..Org::default() }).await;
    let mut known = Vec::new();
    for key in ["1", "2", "3", "4", "5"] {
        known.push(stage.lead(key, "same@acme.de").await);
    }
    let archive = Write::Archive { tag: Uuid::new_v4(), id: known[1].clone() };
    stage.push("Lead", &[archive]).await;
    let (mut seen, mut cursor) = (Vec::new(), beginning());
    loop {
        let page = stage.crm.changes("Lead", Some(&cursor), Time(0)).await.unwrap();
        assert!(page.server_time.is_some());
        seen.extend(page.changes);
        match page.next {
            Some(next) => cursor = next,
            None => break,
        }
    }
    assert!(seen.is_sorted_by_key(|change| (change.at, change.id.clone())));
    let mut ids: Vec<String> = seen.iter().map(|change| change.id.clone()).collect();
    ids.sort();
    assert_eq!(ids, known);
    assert_eq!(seen.iter().filter(|change| change.deleted).count(), 1);
    let found = stage.crm.read("Lead", &[Key::Email("same@acme.de".into())], &[]).await.unwrap();
    assert_eq!(found.len(), 4, "deleted records are no candidates");
}

#[tokio::test]
async fn records_are_found_by_every_key_and_name_the_key_that_found_them() {
    let stage = stage().await;
    let account = create("acc-1", &[("Name", "ACME GmbH"), ("Website", "https://www.acme.de/start")]);
    let account = stage.written("Account", account).await;
    let lead = stage.lead("lead-1", "O'Brien@ACME.de").await;
    let find = async |remote_type: &str, key: Key| {
        let found = stage.crm.read(remote_type, std::slice::from_ref(&key), &[]).await.unwrap();
        assert!(found.iter().all(|record| record.key == key));
        found.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(find("Lead", Key::Email("o'brien@acme.de".into())).await, [lead.as_str()]);
    assert_eq!(find("Lead", Key::Own("lead-1".into())).await, [lead.as_str()]);
    assert_eq!(find("Lead", Key::Id(lead[..15].into())).await, [lead.as_str()]);
    assert_eq!(find("Account", Key::Domain("acme.de".into())).await, [account.as_str()]);
    assert_eq!(find("Account", Key::Name("ACME GmbH".into())).await, [account.as_str()]);
    assert_eq!(find("User", Key::Email("vertrieb-sued@example.com".into())).await.len(), 1);
    assert_eq!(find("Group", Key::Name("Messe-Leads".into())).await.len(), 1);
    assert!(find("Lead", Key::Email("nobody@acme.de".into())).await.is_empty());
    let many: Vec<Key> = (0..1200).map(|index| Key::Email(format!("person{index}@acme.de"))).collect();
    let keys: Vec<Key> = many.into_iter().chain([Key::Email("o'brien@acme.de".into())]).collect();
    assert_eq!(stage.crm.read("Lead", &keys, &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_campaign_brings_its_statuses_and_members_are_written_once() {
    let stage = stage().await;
    let statuses = ("_member_statuses", "Sent;Responded;Registered;Visited booth");
    let fair = create("fair-1", &[("Name", "Hannover Messe"), ("Type", "Trade Show"), statuses]);
    let campaign = stage.written("Campaign", fair.clone()).await;
    stage.written("Campaign", fair).await;
    assert_eq!(stage.count("CampaignMemberStatus"), 4);
    let lead = stage.lead("lead-1", "a@acme.de").await;
    let pairs = [("CampaignId", campaign.as_str()), ("LeadId", &lead), ("Status", "Registered")];
    let member = stage.written("CampaignMember", create("unused", &pairs)).await;
    let again = stage.push("CampaignMember", &[create("unused", &pairs)]).await.remove(0);
    assert!(matches!(again, RowResult::Exists { id: None, .. }), "{again:?}");
    stage.written("CampaignMember", update(&member, &[("Status", "Visited booth")])).await;
    let pair = Key::Pair(campaign.clone(), lead.clone());
    let found = stage.crm.read("CampaignMember", &[pair], &names(&["Status", "LeadId"])).await.unwrap().remove(0);
    assert_eq!((found.id, found.fields.text("Status")), (member, Some("Visited booth")));
    assert_eq!(found.fields.get("LeadId"), Some(&Value::RemoteRef(lead)));
}

#[tokio::test]
async fn activities_are_found_from_the_person_they_hang_on() {
    let stage = stage().await;
    let lead = stage.lead("lead-1", "a@acme.de").await;
    let pairs = [("WhoId", lead.as_str()), ("Subject", "Call back"), ("Status", "Completed"), ("Priority", "Normal")];
    let task = stage.written("Task", create("unused", &pairs)).await;
    let found = stage.crm.read("Task", &[Key::Parent(lead)], &names(&["Subject"])).await.unwrap();
    assert_eq!((found.len(), found[0].id.as_str(), found[0].fields.text("Subject")), (1, &*task, Some("Call back")));
}

#[tokio::test]
async fn limits_and_outages_say_whether_something_may_have_been_written() {
    let stage = stage().await;
    let batch = [create("1", &[("LastName", "Huber"), ("Company", "ACME")])];
    stage.fail(FaultKind::RateLimited, &["collections_upsert"]);
    assert!(matches!(stage.crm.push("Lead", &batch).await, Err(Error::Limited { bucket: "daily", .. })));
    stage.sandbox.faults().clear();
    stage.fail(FaultKind::ConcurrentLimit, &["collections_upsert"]);
    assert!(matches!(stage.crm.push("Lead", &batch).await, Err(Error::Unavailable { .. })));
    for kind in [FaultKind::HtmlError, FaultKind::ServerError, FaultKind::CutBefore] {
        stage.sandbox.faults().clear();
        stage.fail(kind, &["collections_upsert", "query"]);
        assert!(matches!(stage.crm.push("Lead", &batch).await, Err(Error::Unknown { .. })), "{kind:?}");
        stage.sandbox.faults().clear();
        stage.fail(kind, &["query"]);
        let pulled = stage.crm.changes("Lead", Some(&beginning()), Time(0)).await;
        assert!(matches!(pulled, Err(Error::Unavailable { .. })), "{kind:?}: {pulled:?}");
    }
    assert_eq!(stage.count("Lead"), 0);
}

#[tokio::test]
async fn what_an_administrator_has_to_do_is_said_in_sentences() {
    let stage = stage().await;
    assert_eq!(stage.crm.setup(SetupWish::Apply).await.unwrap(), []);
    assert_eq!(stage.crm.account().await.unwrap().id, stage.sandbox.access().salesforce.organization_id);
    let lead = CustomField { unique: false, ..CustomField::external_key("Lead", "Mittler_Id__c") };
    let bare = stage_with(Org { custom_fields: vec![lead], ..Org::default() }).await;
    let sentences = bare.crm.setup(SetupWish::Check).await.unwrap();
    assert_eq!(sentences.len(), 4, "{sentences:?}");
    assert_eq!(sentences.iter().filter(|step| step.text.contains("has no field")).count(), 3);
    let wrong = bare.crm.push("Contact", &[create("1", &[("LastName", "Huber")])]).await;
    assert!(matches!(wrong, Err(Error::Configuration { .. })), "{wrong:?}");
}

/// Refreshes by a rotating refresh token, once for all who ask.
struct Rotating {
    endpoint: oauth::TokenEndpoint,
    client_id: String,
    client_secret: String,
    held: tokio::sync::Mutex<(SecretString, SecretString)>,
    spent: Mutex<Vec<SecretString>>,
}

impl Rotating {
    fn grant(&self, refresh_token: SecretString) -> Grant {
        let client_secret = Some(SecretString::from(self.client_secret.clone()));
        Grant::RefreshToken { client_id: self.client_id.clone(), client_secret, refresh_token }
    }
}

#[async_trait]
impl Auth for Rotating {
    async fn token(&self) -> Result<SecretString> {
        Ok(self.held.lock().await.0.clone())
    }

    async fn replace(&self, rejected: &SecretString) -> Result<SecretString> {
        let mut held = self.held.lock().await;
        if held.0.expose_secret() == rejected.expose_secret() {
            self.spent.lock().unwrap().push(held.1.clone());
            let tokens = oauth::request(&http_client(), &self.endpoint, &self.grant(held.1.clone()), Time(0)).await?;
            *held = (tokens.access_token, tokens.refresh_token.unwrap());
        }
        Ok(held.0.clone())
    }
}

#[tokio::test]
async fn a_refresh_token_is_used_once_for_all_who_wait_and_never_again() {
    let sandbox = sandbox(Org { rotate_refresh_tokens: true, session_seconds: 600, ..Org::default() }).await;
    let access = sandbox.access().salesforce;
    let client = http_client();
    let url = format!("{}/services/oauth2/token", access.base_url);
    let (access_token, refresh_token) = brought_back(&client, &access, &url).await;
    let endpoint = oauth::TokenEndpoint { url, dialect: mittler_connector_salesforce::DIALECT };
    let auth = Arc::new(Rotating {
        endpoint: endpoint.clone(),
        client_id: access.client_id,
        client_secret: access.client_secret,
        held: tokio::sync::Mutex::new((access_token, refresh_token)),
        spent: Mutex::default(),
    });
    let http =
        Http::new(client.clone(), auth.clone(), Arc::new(Open::default()), mittler_connector_salesforce::DIALECT);
    let crm = Salesforce::new(http, Settings::new(access.base_url));
    sandbox.clock().advance_seconds(3600);
    let all = beginning();
    let pull = |feed| crm.changes(feed, Some(&all), Time(0));
    let (a, b, c) = tokio::join!(pull("Lead"), pull("Contact"), pull("Account"));
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
    let spent = auth.spent.lock().unwrap().clone();
    assert_eq!(spent.len(), 1);
    let reused = oauth::request(&client, &endpoint, &auth.grant(spent[0].clone()), Time(0)).await;
    assert!(matches!(reused, Err(Error::Reauthorise { .. })), "{reused:?}");
}

/// Both tokens that a person's browser brings back from Salesforce's own page.
async fn brought_back(
    client: &reqwest::Client,
    access: &mittler_sandbox::SalesforceAccess,
    token_url: &str,
) -> (SecretString, SecretString) {
    let (client_id, redirect) = (access.client_id.as_str(), "http://127.0.0.1:9/back");
    let asked = [
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", redirect),
        ("scope", "api refresh_token"),
    ];
    let authorise =
        url::Url::parse_with_params(&format!("{}/services/oauth2/authorize", access.base_url), asked).unwrap();
    let answer = client.get(authorise).send().await.unwrap();
    let back = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    let code = back.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", client_id),
        ("client_secret", &access.client_secret),
        ("redirect_uri", redirect),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let post = client.post(token_url).header("content-type", "application/x-www-form-urlencoded").body(body);
    let tokens: Json = post.send().await.unwrap().json().await.unwrap();
    let token = |name: &str| SecretString::from(tokens[name].as_str().unwrap());
    (token("access_token"), token("refresh_token"))
}

#[tokio::test]
async fn a_dead_session_is_a_rejected_token_also_where_salesforce_answers_403() {
    let stage = stage_with(Org { session_seconds: 60, ..Org::default() }).await;
    assert!(stage.crm.account().await.is_ok());
    stage.sandbox.clock().advance_seconds(120);
    // It is asked for another one, and only then does the connection need new credentials.
    assert_eq!(stage.crm.account().await, Err(Error::Reauthorise { code: "static_token".into() }));
}

#[tokio::test]
async fn changes_carry_our_name_where_salesforce_keeps_it_and_owners_stay_as_sent() {
    let org = Org { lead_assignment_owner: Some("vertrieb-nord@example.com".into()), ..Org::default() };
    let stage = stage_with(org).await;
    let key = Key::Email("vertrieb-sued@example.com".into());
    let owner = stage.crm.read("User", &[key], &[]).await.unwrap().remove(0).id;
    let pairs = [("LastName", "Huber"), ("Company", "ACME"), ("OwnerId", owner.as_str())];
    stage.written("Lead", create("lead-1", &pairs)).await;
    let lead: Json = stage.sandbox.salesforce().state()["Lead"][0].clone();
    assert_eq!(lead["OwnerId"], json!(owner));
    assert!(stage.sandbox.salesforce().clients().contains_key("mittler"));
}

fn beginning() -> mittler_connector::Cursor {
    mittler_connector::cursor::TimeId::begin(Time(0)).cursor()
}
