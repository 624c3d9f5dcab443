//! Two records that a person called one: subjects, keys and links of the one move to the other, and
//! with a person all that is about them. What moved is noted, so that it can be taken back ([`split`](crate::split)).
//!
//! **Invariant:** nothing is deleted in a CRM. Where both have a remote record, the second one stays
//! as it is, and a question says so.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use mittler_core::{ConnectionId, Kind, LinkId, Record, RecordId, Said, Statement, Time, Value, derive, job::Lane};
use mittler_queue::End;
use mittler_store::{
    Error, Result, Tx,
    audit::NewEntry,
    decisions::Decision,
    jobs::ClaimedJob,
    links::{LinkRole, LinkState, WantedLink, link_id},
    merges::{Carried, Inherited, LinkBefore, MergeTrail, MovedRecord, MovingLink, Renamed, Replaced},
    records::{RecordRow, StatementRow},
    reviews::NewReview,
};
use mittler_sync::{apply_statements::links_of, follow::follow_keys, question::merged_here};
use serde_json::json;
use uuid::Uuid;

use crate::{
    batch::Env,
    handler::Worker,
    moving::{around, heir, inherit, leave_out, lock_all, person_of, push_and_read, remotes, want},
    split::split,
};

/// How soon it is tried again while a CRM is being told of one of the two.
const AGAIN: Duration = Duration::from_secs(1);
/// How soon at the latest.
const LONGEST: Duration = Duration::from_mins(1);

impl Worker {
    /// Waits for calls that are under way: whom they made must be known before it can move.
    pub(crate) async fn merge(&self, job: &ClaimedJob, decision: Uuid) -> Result<End> {
        let begun = self.clock.now();
        self.store.expire_leases(begun).await?;
        let Some(decided) = self.store.decision(decision).await? else { return Ok(End::Done) };
        // Taken back, it is what names the one of which there are to be two again.
        let named = if decided.undone_at.is_some() { decided.record } else { decided.other };
        let other = self.store.survivor(RecordId(named)).await?;
        let is_organisation = self.store.record(other).await?.is_some_and(|record| record.kind == Kind::Organisation);
        // Whatever names a company is found by reading all that was said: not within the write.
        let mut naming = Vec::new();
        if is_organisation {
            for kind in [Kind::Person, Kind::Association] {
                naming.extend(self.store.naming(kind, other).await?);
            }
        }
        let (env, taken, taken_before) = (self.env(), job.clone(), (job.attempt - 1).max(0));
        let merged = self
            .store
            .write(async move |tx| {
                // Whom it is about was perhaps forgotten.
                let merged = match tx.decision(decision).await? {
                    Some(decided) if decided.undone_at.is_some() => split(tx, &env, &decided, &naming, begun).await?,
                    Some(decided) => merge(tx, &env, &decided, &naming, begun).await?,
                    None => true,
                };
                if merged {
                    tx.end_job(taken.id, taken.attempt).await?;
                }
                Ok(merged)
            })
            .await?;
        if merged {
            self.wake.ring();
            return Ok(End::Ended);
        }
        // A CRM may be away for long.
        let wait = LONGEST.min(AGAIN * 2_u32.pow(u32::try_from(taken_before).unwrap_or(0).min(6)));
        Ok(End::Later { due: self.clock.now().plus(wait), code: "being_written".into() })
    }
}

/// Does it, or says that it cannot be done now.
async fn merge(tx: &mut Tx, env: &Env, decided: &Decision, naming: &[RecordId], begun: Time) -> Result<bool> {
    let now = env.clock.now();
    // Another answer has perhaps merged them.
    let (to, from) = (tx.survivor(RecordId(decided.record)).await?, tx.survivor(RecordId(decided.other)).await?);
    if to == from {
        return Ok(true);
    }
    let both = tx.read_records(&[from, to]).await?;
    let kind = match both.as_slice() {
        [one, other] if one.kind == other.kind => one.kind,
        _ => return Ok(true),
    };
    let around: Vec<RecordId> = around(tx, kind, from, naming, begun).await?.into_iter().collect();
    let said = tx.statements_of(&around).await?;
    let mut heirs = BTreeMap::from([(from, to)]);
    for record in tx.read_records(&around).await? {
        let mine = said.iter().filter(|(id, _)| *id == record.id).map(|(_, statement)| statement);
        if let Some(heir) = heir(&record, mine, (from, to)).filter(|heir| *heir != record.id) {
            heirs.insert(record.id, heir);
        }
    }
    let all: BTreeSet<RecordId> =
        around.iter().copied().chain(heirs.keys().copied()).chain(heirs.values().copied()).collect();
    let all: Vec<RecordId> = all.into_iter().collect();
    let locked = lock_all(tx, &all, around.iter().chain([&from, &to]), (kind, from)).await?;
    let links = tx.moving_links(&all).await?;
    if links.iter().any(|link| link.busy > 0) {
        return Ok(false);
    }
    let mut merge = Merge { env, kind, now, moves: heirs, locked, links, changed: Vec::new(), fresh: Vec::new() };
    let replaced: Vec<Replaced> = merge.moves.iter().map(|(id, heir)| Replaced { id: id.0, heir: heir.0 }).collect();
    let mut moved = merge.before(tx, from).await?;
    merge.statements(tx, &all, &mut moved).await?;
    tx.move_keys(&replaced).await?;
    tx.mark_merged(&replaced, now).await?;
    if kind == Kind::Person {
        tx.move_about(&[Replaced { id: from.0, heir: to.0 }]).await?;
    }
    tx.move_bounds(&replaced).await?;
    moved.decisions = tx.move_decisions(&replaced).await?;
    moved.reviews = tx.move_reviews(&replaced).await?;
    tx.settle_identity(to, Uuid::nil()).await?;
    moved.links = merge.tell(tx).await?;
    // The records are locked since before: their keys are those of what the two say together.
    let one = tx.read_records(&[to]).await?;
    follow_keys(tx, one.iter(), now).await?;
    let subjects: BTreeMap<RecordId, BTreeSet<Uuid>> =
        moved.records.iter().map(|(id, moved)| (*id, moved.subjects.clone())).collect();
    if !tx.note_moved(decided.id, &moved).await? {
        // It was taken back at this moment.
        return Err(Error::Raced);
    }
    tx.enter(&NewEntry {
        at: now,
        actor: decided.decided_by.clone(),
        action: "merge".into(),
        target: decided.id.to_string(),
        record: Some(to),
        content: json!({ "into": to, "from": from, "subjects": subjects }),
        salt: env.clock.id().simple().to_string(),
    })
    .await?;
    Ok(true)
}

struct Merge<'e> {
    env: &'e Env,
    kind: Kind,
    now: Time,
    /// Each record that is no more, and its heir.
    moves: BTreeMap<RecordId, RecordId>,
    locked: HashMap<RecordId, Record>,
    links: Vec<MovingLink>,
    changed: Vec<Record>,
    fresh: Vec<Record>,
}

impl Merge<'_> {
    fn heir(&self, id: RecordId) -> RecordId {
        self.moves.get(&id).copied().unwrap_or(id)
    }

    /// How all of it is before anything moves, but for statements, links and questions.
    async fn before(&self, tx: &mut Tx, from: RecordId) -> Result<MergeTrail> {
        let gone: Vec<RecordId> = self.moves.keys().copied().collect();
        let both: Vec<RecordId> = self.moves.iter().flat_map(|(id, heir)| [*id, *heir]).collect();
        let unsure: HashMap<RecordId, Time> = tx.unsure_until(&gone).await?.into_iter().collect();
        let purposes = tx.purposes_of(&both).await?;
        let record = |(id, heir): (&RecordId, &RecordId)| {
            let purposes = [id, heir].map(|id| purposes.get(id).cloned().unwrap_or_default());
            let unsure_for = unsure.get(id).map_or(0, |until| (until.0 - self.now.0).max(0));
            (*id, MovedRecord { heir: *heir, subjects: BTreeSet::new(), unsure_for, purposes })
        };
        let (strong_keys, weak_keys) = tx.keys_of(&[from, self.heir(from)]).await?;
        Ok(MergeTrail {
            from: Some(from),
            records: self.moves.iter().map(record).collect(),
            earlier: tx.merged_into(&gone).await?,
            strong_keys,
            weak_keys,
            ..MergeTrail::default()
        })
    }

    /// Moves subjects, and derives what they make now. Notes what moved.
    async fn statements(&mut self, tx: &mut Tx, all: &[RecordId], moved: &mut MergeTrail) -> Result<()> {
        let mut rows = Vec::new();
        let mut said: BTreeMap<RecordId, Vec<Statement>> = BTreeMap::new();
        for (id, mut statement) in tx.statements_of(all).await? {
            let heir = self.heir(id);
            if let Some(moved) = moved.records.get_mut(&id) {
                moved.subjects.insert(statement.subject.0);
            }
            let renamed = statement.said.iter_mut().enumerate();
            let places: Vec<(usize, RecordId)> =
                renamed.filter_map(|(place, said)| Some((place, self.rename(said)?))).collect();
            let changed = heir != id || !places.is_empty();
            if heir == id && changed {
                moved.renamed.push(Renamed { subject: statement.subject.0, signal: statement.signal.0, places });
            }
            if changed {
                rows.push(StatementRow::new(heir, &statement));
            }
            said.entry(heir).or_default().push(statement);
        }
        tx.move_statements(&rows).await?;
        let kinds: BTreeMap<RecordId, Kind> =
            self.moves.iter().filter_map(|(id, heir)| Some((*heir, self.locked.get(id)?.kind))).collect();
        for (id, said) in said {
            let fields = derive(&said, &self.env.overrides);
            match self.locked.get(&id) {
                Some(record) if record.fields == fields => {}
                Some(record) => {
                    self.changed.push(Record { version: record.version + 1, fields, ..record.clone() });
                }
                None => {
                    let Some(kind) = kinds.get(&id) else { continue };
                    self.fresh.push(Record { id, kind: *kind, version: 1, fields });
                }
            }
        }
        let row = |record: &Record| RecordRow::new(record, person_of(record), self.now);
        if !self.fresh.is_empty() {
            tx.insert_records(&mut self.fresh.iter().map(row).collect()).await?;
        }
        if !self.changed.is_empty() {
            tx.update_records(&self.changed.iter().map(row).collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// A reference is our word for whom a source meant: it names the heir. Gives whom it named before.
    fn rename(&self, said: &mut Said) -> Option<RecordId> {
        let Some(Value::Ref(id)) = &mut said.value else { return None };
        let heir = self.moves.get(id).copied()?;
        Some(std::mem::replace(id, heir))
    }

    /// Links of what is no more go on as those of the heirs, and every CRM is told. Gives how those links were.
    async fn tell(&self, tx: &mut Tx) -> Result<Vec<LinkBefore>> {
        let mut wanted = self.wanted();
        let fates = self.fates(&wanted);
        let read = remotes(self.leaving().filter(|link| link.kind == self.kind.name()));
        want(tx, &mut wanted).await?;
        tx.leave_duplicates(&fates.duplicates).await?;
        tx.inherit_links(&fates.ended, &fates.inherited).await?;
        // Who was kept out of a CRM, or erased there, stays so under the other record, unless that has one there.
        for (link, heir) in &fates.excluded {
            leave_out(tx, *heir, link.state).await?;
        }
        tx.ask(&fates.reviews).await?;
        push_and_read(tx, self.env, &wanted, &read, self.now).await?;
        Ok(fates.before)
    }

    /// The links of the heirs, and of whoever says something else now.
    fn wanted(&self) -> Vec<WantedLink> {
        let heirs: HashSet<RecordId> = self.moves.values().copied().collect();
        let unchanged = self
            .locked
            .values()
            .filter(|record| heirs.contains(&record.id) && !self.changed.iter().any(|changed| changed.id == record.id));
        let mut wanted: Vec<WantedLink> = Vec::new();
        for record in self.changed.iter().chain(&self.fresh).chain(unchanged) {
            if !self.moves.contains_key(&record.id) {
                wanted.extend(links_of(&self.env.connections, record, Lane::Interactive, self.now));
            }
        }
        wanted
    }

    /// The links of what is no more.
    fn leaving(&self) -> impl Iterator<Item = &MovingLink> {
        self.links.iter().filter(|link| self.moves.contains_key(&RecordId(link.record)))
    }

    /// Main records come first: what hangs on them goes where they go.
    fn fates(&self, wanted: &[WantedLink]) -> Fates<'_> {
        let told_of: HashSet<(Uuid, Uuid)> = wanted.iter().map(|it| (it.connection, it.record)).collect();
        let mut by_record: HashMap<(Uuid, Uuid), Vec<&MovingLink>> = HashMap::new();
        for link in &self.links {
            by_record.entry((link.connection, link.record)).or_default().push(link);
        }
        let mut links: Vec<&MovingLink> = self.leaving().collect();
        links.sort_by_key(|link| Kind::parse(&link.kind).map(Kind::stage));
        let mut fates = Fates::default();
        for link in links {
            let heir = self.heir(RecordId(link.record));
            let place = (link.connection, heir.0);
            let of_heir =
                |role: LinkRole| by_record.get(&place).into_iter().flatten().find(|it| it.role == role).copied();
            let there = of_heir(LinkRole::Primary);
            let told = there.is_some() || told_of.contains(&place);
            let heir_is_out = of_heir(LinkRole::Excluded).is_some();
            let main = link.kind == self.kind.name();
            fates.decide(&Meeting { link, heir, there, told, heir_is_out, main }, self.now);
        }
        fates
    }
}

/// A link of what is no more, and what its heir has in that CRM.
struct Meeting<'l> {
    link: &'l MovingLink,
    heir: RecordId,
    /// The heir's link that takes part.
    there: Option<&'l MovingLink>,
    /// The heir has such a link, or gets one.
    told: bool,
    /// The heir is kept out of the CRM.
    heir_is_out: bool,
    /// It is a link of the one that became the other, not of what hangs on it.
    main: bool,
}

/// What becomes of the links of what is no more.
#[derive(Default)]
struct Fates<'l> {
    /// They end, and their history goes on with the heirs' links.
    ended: Vec<Replaced>,
    /// What the heirs' links have from them.
    inherited: Vec<Inherited>,
    /// They stay, as second ones of the heirs.
    duplicates: Vec<Replaced>,
    reviews: Vec<NewReview>,
    /// Of whoever is kept out of a CRM, each with the heir's link there.
    excluded: Vec<(&'l MovingLink, LinkId)>,
    /// Connections whose CRM keeps a second record: what hangs on it there stays there.
    doubled: HashSet<Uuid>,
    before: Vec<LinkBefore>,
}

impl<'l> Fates<'l> {
    fn decide(&mut self, met: &Meeting<'l>, now: Time) {
        let Meeting { link, heir, there, told, heir_is_out, main } = *met;
        let taken = there.is_some_and(|there| there.remote_id.is_some() && there.state != LinkState::Gone);
        let hangs = matches!(Kind::parse(&link.kind), Some(Kind::Participation | Kind::Association));
        let by = Replaced { id: link.id, heir: link_id(ConnectionId(link.connection), heir).0 };
        if link.role == LinkRole::Excluded && main && !taken {
            self.excluded.push((link, LinkId(by.heir)));
        }
        let (mut carried, mut heir_lost) = (Carried::Itself, None);
        // Who is kept out of a CRM goes on with nobody's record there.
        if link.role != LinkRole::Primary || !told || heir_is_out && link.remote_id.is_some() {
            self.duplicates.push(Replaced { id: link.id, heir: heir.0 });
        } else if link.remote_id.is_none()
            || link.state == LinkState::Gone && there.is_some_and(|it| it.remote_id.is_some())
        {
            self.ended.push(by);
            carried = Carried::Nobody;
        } else if taken || hangs && self.doubled.contains(&link.connection) {
            self.duplicates.push(Replaced { id: link.id, heir: heir.0 });
            if main {
                self.doubled.insert(link.connection);
                let ids = [there.and_then(|it| it.remote_id.clone()), link.remote_id.clone()];
                let ids: Vec<String> = ids.into_iter().flatten().collect();
                self.reviews.push(second(link, heir, &ids, now));
            }
        } else {
            self.ended.push(by);
            carried = Carried::Heir;
            heir_lost = there.and_then(|there| Some((there.remote_type.clone(), there.remote_id.clone()?)));
            self.inherited.push(inherit(by.heir, link));
        }
        self.before.push(LinkBefore {
            id: LinkId(link.id),
            connection: ConnectionId(link.connection),
            record: RecordId(link.record),
            role: link.role,
            state: link.state,
            remote_type: link.remote_type.clone(),
            remote_id: link.remote_id.clone(),
            carried,
            heir_was_out: heir_is_out,
            heir_lost,
        });
    }
}

/// The question that stays: the CRM has two records of what is one.
fn second(link: &MovingLink, heir: RecordId, ids: &[String], now: Time) -> NewReview {
    NewReview {
        id: merged_here(LinkId(link.id)),
        question: "remote_duplicate".into(),
        record: heir.0,
        connection: Some(link.connection),
        candidates: json!({ "remote_type": link.remote_type, "ids": ids }),
        reason: "merged_here".into(),
        asked_at: now.0,
    }
}
