//! What to look at when the ledger does not balance: who it is about, and what the service's tables say of them.

use crate::{
    house::House,
    ledger::Verdict,
    tables::Tables,
    work::{Done, Work},
};

/// People of whom the tables are shown.
const SHOWN: usize = 3;
/// Sentences that are printed of each sort.
const SAID: usize = 10;

pub async fn explain(verdict: &Verdict, work: &Work, done: &Done, house: &House) {
    for (email, missing) in verdict.lost.iter().take(SAID) {
        let leads = work.about(email);
        let ids: Vec<&str> = leads.iter().filter_map(|lead| done.ids.get(lead)).map(String::as_str).collect();
        eprintln!("bench: lost: {email}: {} (inputs {})", missing.join(", "), ids.join(" "));
    }
    for what in verdict.duplicated.iter().take(SAID) {
        eprintln!("bench: duplicated: {what}");
    }
    for what in verdict.unexpected.iter().take(SAID) {
        eprintln!("bench: unexpected: {what}");
    }
    let mut shown: Vec<&str> = verdict.lost.keys().map(String::as_str).take(SHOWN).collect();
    let doubled = verdict.duplicated.iter().filter_map(|what| what.rsplit_once(" of ")).map(|(_, email)| email);
    shown.extend(doubled.take(SHOWN));
    if let Err(error) = tell(&shown, house).await {
        eprintln!("bench: no look into the tables: {error:#}");
    }
}

async fn tell(emails: &[&str], house: &House) -> anyhow::Result<()> {
    let mut tables = Tables::open(&house.database).await?;
    let content = if tables.is_sqlite() { "CAST(content AS TEXT)" } else { "encode(content, 'escape')" };
    for email in emails {
        eprintln!("bench: {email} in the tables:");
        // Addresses are made of letters, digits, dots and @ here.
        let signals = format!("lower({content}) LIKE '%{email}%'");
        let records = format!("SELECT record FROM signal WHERE {signals} AND record IS NOT NULL");
        let about = format!("SELECT id FROM record WHERE id IN ({records}) OR person IN ({records})");
        for (what, sql) in [
            ("signal", format!("SELECT {} FROM signal WHERE {signals}", columns(SIGNAL, &tables))),
            (
                "record",
                format!("SELECT {} FROM record WHERE id IN ({about}) ORDER BY created_at", columns(RECORD, &tables)),
            ),
            (
                "link",
                format!(
                    "SELECT {} FROM link WHERE record IN ({about}) ORDER BY connection, stage",
                    columns(LINK, &tables)
                ),
            ),
            (
                "intent",
                format!(
                    "SELECT {} FROM intent WHERE link IN (SELECT id FROM link WHERE record IN ({about})) ORDER BY begun_at",
                    columns(INTENT, &tables)
                ),
            ),
        ] {
            for row in tables.texts(&sql).await? {
                eprintln!("  {what}: {}", row.join(" "));
            }
        }
    }
    let jobs = format!("SELECT {} FROM job ORDER BY due_at LIMIT 10", columns(JOB, &tables));
    for row in tables.texts(&jobs).await? {
        eprintln!("  job: {}", row.join(" "));
    }
    tables.close().await;
    Ok(())
}

const SIGNAL: &[&str] = &["#id", "kind", "line", "state", "code", "reason", "#record"];
const RECORD: &[&str] = &["#id", "kind", "version", "#merged_into", "created_at", "updated_at"];
const LINK: &[&str] = &[
    "#id",
    "kind",
    "role",
    "remote_type",
    "remote_id",
    "#need_a",
    "#need_b",
    "state",
    "code",
    "reason",
    "wanted",
    "done",
    "epoch",
    "next_at",
    "attempt",
    "written_at",
];
const INTENT: &[&str] = &["#link", "operation", "remote_type", "begun_at", "settled_at", "outcome", "code"];
const JOB: &[&str] =
    &["topic", "task", "due_at", "sent_until", "taken_until", "attempt", "failures", "dead_at", "code"];

/// The columns as `name=value`; `#` marks ids, which SQLite keeps as bytes.
fn columns(names: &[&str], tables: &Tables) -> String {
    let shown = names.iter().map(|name| {
        let (name, value) = match name.strip_prefix('#') {
            Some(name) if tables.is_sqlite() => (name, format!("lower(hex({name}))")),
            Some(name) => (name, format!("replace({name}::text, '-', '')")),
            None => (*name, format!("CAST({name} AS TEXT)")),
        };
        format!("'{name}=' || COALESCE({value}, '')")
    });
    shown.collect::<Vec<_>>().join(", ")
}
