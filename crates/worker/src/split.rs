//! A merge that a person took back: what moved goes back, and what has come since stays where its addresses
//! and numbers are.
//!
//! **Invariant:** nothing is deleted in a CRM. Each of the two has the remote records there that it had before,
//! with its own values; of one that the CRM has lost meanwhile somebody is asked.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use mittler_core::{
    Fields, Kind, LinkId, Record, RecordId, RemoteFields, Statement, Time, Value, derive, job::Lane, key::Basis,
};
use mittler_identity::keys;
use mittler_store::{
    Result, Tx,
    audit::NewEntry,
    bounds::PurposeRow,
    decisions::Decision,
    derived_id,
    links::{WantedLink, link_id},
    merges::{
        Carried, Inherited, LinkBefore, MergeTrail, MovedRecord, MovingLink, Renamed, Reowned, Replaced, Revived,
    },
    records::{KeyRow, RecordRow, StatementRow},
    reviews::NewReview,
};
use mittler_sync::{
    crm_subject,
    follow::follow_keys,
    question::{self, Question, QuestionKind},
    restate::links_of,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    batch::Env,
    merge::{Remotes, around, heir, lock_all, person_of, push_and_read, want},
};

/// Does it, or says that it cannot be done now. `naming`: whatever names the company that it is about.
pub(crate) async fn split(
    tx: &mut Tx,
    env: &Env,
    decided: &Decision,
    naming: &[RecordId],
    begun: Time,
) -> Result<bool> {
    let now = env.clock.now();
    let moved = &decided.moved.0;
    let Some((from, main)) = moved.from.and_then(|from| Some((from, moved.records.get(&from)?))) else {
        // It was taken back before anything moved; perhaps it has been answered anew since.
        if tx.standing_decisions(decided.review).await?.is_empty() {
            tx.reopen_review(decided.review).await?;
        }
        return Ok(true);
    };
    let originals: Vec<RecordId> = moved.records.keys().copied().collect();
    let heirs: Vec<RecordId> = moved.records.values().map(|moved| moved.heir).collect();
    let survivors = tx.survivors(&heirs).await?;
    let home: BTreeMap<RecordId, RecordId> =
        moved.records.iter().filter_map(|(id, moved)| Some((*id, *survivors.get(&moved.heir)?))).collect();
    let Some(&to) = home.get(&from) else { return Ok(true) };
    let before = tx.read_records(&originals).await?;
    if tx.survivor(from).await? != to || !before.iter().any(|record| record.id == from) {
        // Done before, or forgotten.
        return Ok(true);
    }
    if to != main.heir {
        // Another answer has made one of it and a third meanwhile: that one is taken back first.
        tx.redo_decision(decided.id).await?;
        return Ok(true);
    }
    let kind = before.iter().find(|record| record.id == from).map_or(Kind::Person, |record| record.kind);
    let around = around(tx, kind, to, naming, begun).await?;
    let living: BTreeSet<RecordId> = around.iter().copied().chain(home.values().copied()).chain([to]).collect();
    let living: Vec<RecordId> = living.into_iter().collect();
    let locked = lock_all(tx, &living, around.iter().chain([&to]), (kind, to)).await?;
    let links = tx.moving_links(&living).await?;
    if links.iter().any(|link| link.busy > 0) {
        return Ok(false);
    }
    let said = tx.statements_of(&living).await?;
    let mut split = Split { env, kind, now, from, to, moved, home, locked, links, parts: Parts::default() };
    split.share(said, Time(decided.decided_at));
    let parts = &split.parts;
    tx.move_statements(&parts.rows).await?;
    let back = |id: &RecordId| parts.fields.contains_key(id);
    let revived: Vec<Revived> = moved
        .records
        .iter()
        .filter(|(id, _)| back(id))
        .map(|(id, moved)| {
            let unsure_until = if moved.unsure_for > 0 { now.0 + moved.unsure_for } else { 0 };
            Revived { id: id.0, unsure_until }
        })
        .collect();
    tx.revive_records(&revived).await?;
    tx.return_merged(&moved.earlier).await?;
    let records = split.write(tx, before).await?;
    split.bounds(tx, main).await?;
    tx.return_decisions(&moved.decisions, from).await?;
    tx.return_reviews(&moved.reviews).await?;
    split.keys(tx, &records).await?;
    split.tell(tx, &records, decided.review).await?;
    tx.reopen_review(decided.review).await?;
    tx.enter(&NewEntry {
        at: now,
        actor: decided.decided_by.clone(),
        action: "split".into(),
        target: decided.id.to_string(),
        record: Some(to),
        content: json!({ "from": to, "again": from }),
        salt: env.clock.id().simple().to_string(),
    })
    .await?;
    Ok(true)
}

struct Split<'s> {
    env: &'s Env,
    kind: Kind,
    now: Time,
    /// Who is one of their own again.
    from: RecordId,
    /// Whom they had become.
    to: RecordId,
    moved: &'s MergeTrail,
    /// Each record that was no more, and what it is now.
    home: BTreeMap<RecordId, RecordId>,
    locked: HashMap<RecordId, Record>,
    links: Vec<MovingLink>,
    parts: Parts,
}

/// What belongs to whom.
#[derive(Default)]
struct Parts {
    /// Statements that go elsewhere, or name somebody else.
    rows: Vec<StatementRow>,
    /// What is said of each record now; of one that nothing is said of any more, nothing.
    fields: BTreeMap<RecordId, Vec<Statement>>,
    /// Records that are new: of whoever came back.
    kinds: BTreeMap<RecordId, Kind>,
    /// Records that nothing is left of, and which of those that came back they were.
    ended: BTreeMap<RecordId, RecordId>,
}

impl Split<'_> {
    /// Shares out what is said.
    fn share(&mut self, said: Vec<(RecordId, Statement)>, merged_at: Time) {
        let moved = self.moved.records.iter();
        let mut subjects: HashMap<Uuid, RecordId> =
            moved.flat_map(|(id, moved)| moved.subjects.iter().map(move |subject| (*subject, *id))).collect();
        subjects.extend(self.remote_subjects());
        let signals = self.came_since(&said, &subjects, merged_at);
        let renamed: HashMap<(Uuid, Uuid), &Renamed> =
            self.moved.renamed.iter().map(|it| ((it.subject, it.signal), it)).collect();
        let original: HashMap<RecordId, RecordId> = self.home.iter().map(|(id, home)| (*home, *id)).collect();
        let mut by_record: BTreeMap<RecordId, Vec<Statement>> = BTreeMap::new();
        for (id, statement) in said {
            by_record.entry(id).or_default().push(statement);
        }
        // What a record about the one is called when it is about the other.
        let mut names: HashMap<RecordId, RecordId> = original.clone();
        for (id, said) in &by_record {
            let Some(record) = self.locked.get(id).filter(|_| !names.contains_key(id)) else { continue };
            if said.iter().any(|statement| signals.contains(&statement.signal.0))
                && let Some(name) = heir(record, said.iter(), (self.to, self.from)).filter(|name| name != id)
            {
                names.insert(*id, name);
                self.parts.kinds.insert(name, record.kind);
            }
        }
        for (id, said) in by_record {
            self.parts.fields.entry(id).or_default();
            for mut statement in said {
                let of = subjects.get(&statement.subject.0).filter(|of| self.home.get(of) == Some(&id)).copied();
                let since = signals.contains(&statement.signal.0);
                let target = match of {
                    Some(of) => of,
                    None if since => names.get(&id).copied().unwrap_or(id),
                    None => id,
                };
                let mut changed = target != id;
                if of.is_some() || since {
                    for said in &mut statement.said {
                        let Some(Value::Ref(reference)) = &mut said.value else { continue };
                        if let Some(name) = names.get(reference) {
                            *reference = *name;
                            changed = true;
                        }
                    }
                } else if let Some(renamed) = renamed.get(&(statement.subject.0, statement.signal.0)) {
                    changed |= self.rename(&mut statement, renamed);
                }
                if changed {
                    self.parts.rows.push(StatementRow::new(target, &statement));
                }
                self.parts.fields.entry(target).or_default().push(statement);
            }
        }
        for (id, name) in names {
            if id != self.to && self.parts.fields.get(&id).is_some_and(Vec::is_empty) {
                self.parts.fields.remove(&id);
                self.parts.ended.insert(id, name);
            }
        }
    }

    /// The remote records that go back, as subjects: what a CRM has said of one since the merge goes with it.
    fn remote_subjects(&self) -> Vec<(Uuid, RecordId)> {
        let by_id: HashMap<Uuid, &MovingLink> = self.links.iter().map(|link| (link.id, link)).collect();
        let subjects = self.moved.links.iter().flat_map(|before| {
            let carrier = match before.carried {
                Carried::Itself => Some(before.id),
                Carried::Heir => self.home.get(&before.record).map(|home| link_id(before.connection, *home)),
                Carried::Nobody => None,
            };
            let now = carrier.and_then(|id| by_id.get(&id.0));
            let now = now.and_then(|link| Some((&link.remote_type, link.remote_id.as_ref()?)));
            let then = before.remote_id.as_ref().map(|id| (&before.remote_type, id));
            let remotes = now.into_iter().chain(then);
            remotes.map(|(remote_type, id)| (crm_subject(before.connection, remote_type, id).0, before.record))
        });
        subjects.collect()
    }

    /// The signals of what has come since the merge about whoever came back: by their addresses and numbers, which
    /// the other one never had.
    fn came_since(
        &self,
        said: &[(RecordId, Statement)],
        subjects: &HashMap<Uuid, RecordId>,
        merged_at: Time,
    ) -> HashSet<Uuid> {
        let of_main = said.iter().filter(|(id, _)| *id == self.to).map(|(_, statement)| statement);
        let strong = |said: &[Statement]| -> HashSet<Uuid> {
            let all = keys::of_fields(self.kind, &derive(said, &self.env.overrides));
            all.iter().filter(|key| key.key_type.is_strong()).map(mittler_identity::Key::id).collect()
        };
        let (mut theirs, mut others, mut later) = (Vec::new(), Vec::new(), Vec::new());
        for (subject, said) in by_subject(of_main) {
            let first = said.iter().map(|statement| statement.version.1).min();
            if subjects.get(&subject) == Some(&self.from) {
                theirs.extend(said);
            } else if first.is_some_and(|first| first > merged_at) {
                later.push(said);
            } else {
                others.extend(said);
            }
        }
        let (theirs, others) = (strong(&theirs), strong(&others));
        let back = later.into_iter().filter(|said| {
            let keys = strong(said);
            keys.iter().any(|key| theirs.contains(key)) && !keys.iter().any(|key| others.contains(key))
        });
        back.flatten().map(|statement| statement.signal.0).collect()
    }

    /// What the merge renamed in a record that stayed means whom it meant before.
    fn rename(&self, statement: &mut Statement, renamed: &Renamed) -> bool {
        let mut changed = false;
        for (place, meant) in &renamed.places {
            let Some(Value::Ref(named)) = statement.said.get_mut(*place).and_then(|said| said.value.as_mut()) else {
                continue;
            };
            if self.home.get(meant) == Some(named) {
                *named = *meant;
                changed = true;
            }
        }
        changed
    }

    /// Derives what each of them says now, and writes it. Gives all records that are there and that it is about.
    async fn write(&self, tx: &mut Tx, before: Vec<Record>) -> Result<Vec<Record>> {
        let before: HashMap<RecordId, Record> = before.into_iter().map(|record| (record.id, record)).collect();
        let (mut all, mut fresh, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for (id, said) in &self.parts.fields {
            let fields = derive(said, &self.env.overrides);
            if let Some(record) = self.locked.get(id).or_else(|| before.get(id)) {
                let differs = record.fields != fields || before.contains_key(id);
                let version = record.version + i64::from(differs);
                let record = Record { fields, version, ..record.clone() };
                if differs {
                    changed.push(record.clone());
                }
                all.push(record);
            } else if let Some(kind) = self.parts.kinds.get(id) {
                let record = Record { id: *id, kind: *kind, version: 1, fields };
                fresh.push(record.clone());
                all.push(record);
            }
        }
        let row = |record: &Record| RecordRow::new(record, person_of(record), self.now);
        if !fresh.is_empty() {
            tx.insert_records(&mut fresh.iter().map(row).collect()).await?;
        }
        tx.update_records(&changed.iter().map(row).collect::<Vec<_>>()).await?;
        let about = changed.iter().filter_map(|record| Some(Replaced { id: record.id.0, heir: person_of(record)?.0 }));
        tx.put_people(&about.collect::<Vec<_>>()).await?;
        let ended = self.parts.ended.iter().map(|(id, heir)| Replaced { id: id.0, heir: heir.0 });
        tx.drop_records(&ended.collect::<Vec<_>>()).await?;
        Ok(all)
    }

    /// For what each of the two may be used. Whose data must not be used while they are one, stays so for both: to
    /// lift that is a person's decision.
    async fn bounds(&self, tx: &mut Tx, main: &MovedRecord) -> Result<()> {
        if !tx.restricted(&[self.to]).await?.is_empty() {
            tx.restrict(self.from, "split", self.now).await?;
        }
        let now = tx.purposes_of(&[self.to]).await?.remove(&self.to).unwrap_or_default();
        let [theirs, others] = &main.purposes;
        // What has been added since is of whoever it was said.
        let since = now.into_iter().filter(|purpose| !theirs.contains(purpose));
        let others: BTreeSet<String> =
            if others.is_empty() { BTreeSet::new() } else { others.iter().cloned().chain(since).collect() };
        let row = |record: RecordId, purpose: &String| PurposeRow { record: record.0, purpose: purpose.clone() };
        let rows = theirs.iter().map(|it| row(self.from, it)).chain(others.iter().map(|it| row(self.to, it)));
        tx.replace_purposes(&[self.from, self.to], &rows.collect::<Vec<_>>()).await
    }

    /// Each has the keys of what it says and those that it had before. What only the two together said names
    /// neither.
    async fn keys(&self, tx: &mut Tx, records: &[Record]) -> Result<()> {
        let derived = |id: RecordId| -> HashSet<Uuid> {
            let record = records.iter().find(|record| record.id == id);
            record.map_or_else(HashSet::new, |record| self.key_ids(&record.fields))
        };
        let (theirs, mut others) = (derived(self.from), derived(self.to));
        // A company keeps the keys of all its places and spellings.
        let said = by_subject(self.parts.fields.get(&self.to).into_iter().flatten())
            .into_values()
            .map(|said| self.key_ids(&derive(&said, &self.env.overrides)));
        others.extend(said.flatten());
        let then = |rows: &[KeyRow], of: RecordId| -> HashSet<Uuid> {
            rows.iter().filter(|row| row.record == of.0).map(|row| row.key).collect()
        };
        let (strong_rows, weak_rows) = (&self.moved.strong_keys, &self.moved.weak_keys);
        let (strong_then, weak_then) = (then(strong_rows, self.from), then(weak_rows, self.from));
        others.extend(then(strong_rows, self.to));
        others.extend(then(weak_rows, self.to));
        let mine = |row: &KeyRow| KeyRow { record: self.from.0, ..row.clone() };
        let (strong, weak) = tx.keys_of(&[self.to]).await?;
        let (back, rest): (Vec<KeyRow>, Vec<KeyRow>) = strong
            .into_iter()
            .partition(|row| strong_then.contains(&row.key) || theirs.contains(&row.key) && !others.contains(&row.key));
        tx.put_strong_keys(&back.iter().map(mine).collect::<Vec<_>>()).await?;
        let of_both = |row: &KeyRow| row.basis == Basis::Derived && !others.contains(&row.key);
        tx.release_keys(&rest.into_iter().filter(of_both).collect::<Vec<_>>()).await?;
        // What another answer has given back since is nobody's here.
        let here: HashSet<Uuid> = weak.iter().map(|row| row.key).collect();
        let weak_back = weak_rows.iter().filter(|row| row.record == self.from.0 && here.contains(&row.key));
        tx.put_weak_keys(&mut weak_back.map(mine).collect(), self.now).await?;
        let (dropped, stays): (Vec<KeyRow>, Vec<KeyRow>) = weak
            .into_iter()
            .partition(|row| of_both(row) || weak_then.contains(&row.key) && !others.contains(&row.key));
        tx.drop_weak_keys(&dropped).await?;
        let two = records.iter().filter(|record| [self.from, self.to].contains(&record.id));
        follow_keys(tx, two, self.now).await?;
        let (_, weak) = tx.keys_of(&[self.to]).await?;
        let former_then: HashSet<Uuid> =
            stays.iter().filter(|row| row.basis == Basis::Former).map(|row| row.key).collect();
        let former = weak.into_iter().filter(|row| row.basis == Basis::Former && !former_then.contains(&row.key));
        tx.drop_weak_keys(&former.collect::<Vec<_>>()).await
    }

    fn key_ids(&self, fields: &Fields) -> HashSet<Uuid> {
        keys::of_fields(self.kind, fields).iter().map(mittler_identity::Key::id).collect()
    }

    /// Links are those of whom they were, and every CRM is told.
    async fn tell(&self, tx: &mut Tx, records: &[Record], asked: Uuid) -> Result<()> {
        let there: HashSet<RecordId> = records.iter().map(|record| record.id).collect();
        let is_there = |id: RecordId| there.contains(&id);
        let by_id: HashMap<Uuid, &MovingLink> = self.links.iter().map(|link| (link.id, link)).collect();
        let row = |id: Uuid| by_id.get(&id).copied();
        let mut wanted: Vec<WantedLink> = Vec::new();
        for record in records {
            wanted.extend(links_of(&self.env.connections, record, Lane::Interactive, self.now));
        }
        let (mut reowned, mut unlinked, mut ended, mut inherited) = (vec![], vec![], vec![], vec![]);
        let (mut out, mut again, mut lost, mut gone) = (vec![], vec![], vec![], vec![]);
        let mut read = Remotes::new();
        for before in self.moved.links.iter().filter(|before| is_there(before.record)) {
            let Some(&home) = self.home.get(&before.record) else { continue };
            let heir = link_id(before.connection, home);
            match before.carried {
                Carried::Itself => match row(before.id.0) {
                    // It has become the other's own.
                    Some(link) if link.role == "primary" && before.role == "primary" => {}
                    Some(_) => {
                        let role = before.role.clone();
                        reowned.push(Reowned { id: before.id.0, record: before.record.0, role });
                    }
                    // The CRM made one of the two, and what is left is the other's.
                    None if before.role == "primary" => lost.push(before),
                    None => {}
                },
                Carried::Heir => {
                    let Some(link) = row(heir.0).filter(|link| link.remote_id.is_some()) else { continue };
                    if link.state == "gone" {
                        gone.push(before.id);
                    }
                    inherited.push(Inherited {
                        id: before.id.0,
                        remote_type: link.remote_type.clone(),
                        remote_id: link.remote_id.clone(),
                        sent: link.sent.0.clone(),
                        seen: link.seen.0.clone(),
                        written_at: link.written_at,
                    });
                    if is_there(home) {
                        unlinked.push(heir);
                        if let Some((remote_type, remote_id)) = before.heir_lost.clone() {
                            gone.push(heir);
                            inherited.push(nothing_shown(heir, remote_type, Some(remote_id)));
                        }
                    } else {
                        ended.push(Replaced { id: heir.0, heir: before.id.0 });
                    }
                }
                Carried::Nobody if before.state == "gone" && before.remote_id.is_some() => lost.push(before),
                Carried::Nobody => {}
            }
            if before.role == "excluded" {
                out.push(before);
            }
            if before.role == "excluded"
                && !before.heir_was_out
                && row(heir.0).is_some_and(|link| link.code.as_deref() == Some("left_out"))
            {
                again.push(heir);
            }
        }
        // Links of what is no more, but for those that others go on with.
        let go_on: HashSet<Uuid> =
            reowned.iter().map(|it| it.id).chain(ended.iter().map(|it: &Replaced| it.id)).collect();
        for link in self.links.iter().filter(|link| !is_there(RecordId(link.record))) {
            if let (false, Some(heir)) = (go_on.contains(&link.id), self.parts.ended.get(&RecordId(link.record))) {
                ended.push(Replaced { id: link.id, heir: link_id(link.connection.into(), *heir).0 });
            }
        }
        for link in self.links.iter().filter(|link| link.kind == self.kind.name()) {
            if let Some(id) = &link.remote_id {
                read.entry((link.connection, link.remote_type.clone())).or_default().insert(id.clone());
            }
        }
        tx.reown_links(&reowned).await?;
        want(tx, &mut wanted).await?;
        tx.unlink(&unlinked).await?;
        let reviews = self.lost(tx, &lost, asked, &mut inherited, &mut gone).await?;
        tx.inherit_links(&ended, &inherited).await?;
        tx.mark_gone(&gone).await?;
        for before in out {
            if before.state == "gone" {
                tx.erase_link(before.id).await?;
            } else {
                tx.exclude_link(before.id, "left_out").await?;
            }
        }
        for link in again {
            tx.include_link(link, "open", None).await?;
        }
        self.close(tx, &reowned, &inherited).await?;
        tx.ask(&reviews).await?;
        push_and_read(tx, self.env, &wanted, &read, self.now).await
    }

    /// Nobody has to say any more what a remote record is to the one that is the other's again.
    async fn close(&self, tx: &mut Tx, reowned: &[Reowned], inherited: &[Inherited]) -> Result<()> {
        let theirs = |link: &MovingLink| {
            reowned.iter().any(|it| it.id == link.id) || inherited.iter().any(|it| it.remote_id == link.remote_id)
        };
        let back: Vec<&MovingLink> = self.links.iter().filter(|link| theirs(link)).collect();
        for line in tx.open_reviews_of(self.to).await? {
            let asked = Question::of(&line);
            let names = |link: &&&MovingLink| {
                Some(link.connection) == line.connection
                    && asked
                        .remotes
                        .iter()
                        .any(|it| it.remote_type == link.remote_type && Some(&it.remote_id) == link.remote_id.as_ref())
            };
            if asked.kind == QuestionKind::RemoteDuplicate && back.iter().any(|link| names(&link)) {
                tx.answer(line.id, &json!({ "answer": "taken_back" }), self.now).await?;
                tx.rename_review(line.id, self.env.clock.id()).await?;
            }
        }
        Ok(())
    }

    /// What a CRM has no more stays gone there, and somebody is asked whether to make it again, unless the question
    /// that is open again asks so.
    async fn lost(
        &self,
        tx: &mut Tx,
        lost: &[&LinkBefore],
        asked: Uuid,
        inherited: &mut Vec<Inherited>,
        gone: &mut Vec<LinkId>,
    ) -> Result<Vec<NewReview>> {
        let again = tx.review(asked).await?;
        let mut reviews = Vec::new();
        for before in lost {
            gone.push(before.id);
            let remote = before.remote_id.clone().map(|id| (before.remote_type.clone(), id));
            let holders = match &remote {
                Some(remote) => tx.records_by_remote(before.connection, std::slice::from_ref(remote)).await?,
                None => Vec::new(),
            };
            if holders.is_empty() {
                inherited.push(nothing_shown(before.id, before.remote_type.clone(), before.remote_id.clone()));
            }
            let asks = again.as_ref().is_some_and(|line| line.connection == Some(before.connection.0));
            if before.record == self.from && !asks {
                reviews.push(NewReview {
                    id: derived_id(&[b"review", before.id.0.as_bytes(), b"split", &self.now.0.to_be_bytes()]),
                    question: QuestionKind::DeletedThere.name().into(),
                    record: before.record.0,
                    connection: Some(before.connection.0),
                    candidates: question::remotes(remote.into_iter().collect()),
                    reason: "merged_there".into(),
                    asked_at: self.now.0,
                });
            }
        }
        Ok(reviews)
    }
}

fn by_subject<'s>(said: impl Iterator<Item = &'s Statement>) -> BTreeMap<Uuid, Vec<Statement>> {
    let mut by_subject: BTreeMap<Uuid, Vec<Statement>> = BTreeMap::new();
    for statement in said {
        by_subject.entry(statement.subject.0).or_default().push(statement.clone());
    }
    by_subject
}

/// A remote record that the CRM has no more.
fn nothing_shown(link: LinkId, remote_type: String, remote_id: Option<String>) -> Inherited {
    let (sent, seen) = (RemoteFields::default(), RemoteFields::default());
    Inherited { id: link.0, remote_type, remote_id, sent, seen, written_at: 0 }
}
