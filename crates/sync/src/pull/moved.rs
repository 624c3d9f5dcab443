//! Records that became others: merged, or a lead its contact. Which of ours goes on with what they became.
//!
//! **Invariant:** of several of ours that became one there, the one whose record survived goes on with it; nothing
//! of the others is written there before somebody has said whether they are one.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use mittler_connector::{Error as CrmError, Key, RemoteRecord};
use mittler_core::{
    ConnectionId, Field, Kind, LinkId, RecordId, RemoteFields, RemoteValue, Statement, Time, Value, mapping::Object,
};
use mittler_store::{Tx, derived_id, links::Known, moved::Moved, reviews::NewReview};
use serde_json::json;
use uuid::Uuid;

use crate::{
    connections::Connection,
    lift::{RemoteLifter, owner_ids},
    lookups::TOO_SLOW,
    pull::taking::{Move, Survival, Taking},
    push::pusher::{Pusher, Stopped},
    question::merged_here,
};

/// Records that became others that became others.
const HOPS: usize = 5;

impl Pusher {
    /// Goes after records that were merged or converted, and reads what they are now.
    pub(crate) async fn follow(
        &self,
        connection: &Arc<Connection>,
        came_from: &str,
        mut moved: Vec<(Known, (String, String))>,
        begun: Time,
        taking: &mut Taking,
    ) -> Result<(), Stopped> {
        for _ in 0..HOPS {
            if moved.is_empty() {
                return Ok(());
            }
            let mut by_type: BTreeMap<String, Vec<(Known, String)>> = BTreeMap::new();
            for (link, (remote_type, id)) in std::mem::take(&mut moved) {
                by_type.entry(remote_type).or_default().push((link, id));
            }
            for (remote_type, links) in by_type {
                let mapped = connection.mapping.objects.iter().any(|object| {
                    object.remote == remote_type && links.iter().all(|(link, _)| link.kind == object.kind.name())
                });
                if !mapped {
                    taking.gone.extend(links.into_iter().map(|(link, _)| (link, "became_unmapped")));
                    continue;
                }
                let ids: BTreeSet<&String> = links.iter().map(|(_, id)| id).collect();
                let keys: Vec<Key> = ids.into_iter().cloned().map(Key::Id).collect();
                let fields = connection.mapping.field_names(&remote_type);
                let kinds = &connection.connector.profile().kinds;
                let mut of_type = kinds.iter().filter(|kind| kind.remote_type == remote_type);
                let own_key = of_type.find_map(|kind| kind.own_key.field());
                let found = connection.find(&remote_type, &keys, &fields, own_key, begun).await?;
                if !found.slow.is_empty() {
                    return Err(Stopped::Crm(CrmError::TooBroad { code: TOO_SLOW.into() }));
                }
                let mut records = found.records;
                let mut named: HashMap<String, String> = HashMap::new();
                for record in &mut records {
                    let Some(own_key) = own_key.filter(|name| !fields.iter().any(|field| field == name)) else { break };
                    if let Some(Some(Value::Text(key))) = record.fields.0.remove(own_key) {
                        named.insert(record.id.clone(), key);
                    }
                }
                let links = self.with_absorbed(connection, &remote_type, links, &records, begun, taking).await?;
                let Some(first) = connection.mapping.object(&remote_type) else { continue };
                let owners = connection.owner_names(&owner_ids(first, records.iter()), begun).await?;
                for (link, id) in links {
                    match records.iter().find(|record| record.key == Key::Id(id.clone())) {
                        Some(record) if !record.gone && record.id == id => {
                            let Some(object) = connection.mapping.object_for(&remote_type, &link.fields) else {
                                continue;
                            };
                            let key = named.get(&id).map(String::as_str);
                            let own = (own_key, key);
                            let lifted =
                                self.lift_moved(connection, (came_from, object), &link, record, own, (&owners, begun));
                            taking.statements.extend(lifted.0.map(|said| (link.id, RecordId(link.record), said)));
                            taking.moved.push(lifted.1);
                        }
                        Some(RemoteRecord { successor: Some(next), .. }) => moved.push((link, next.clone())),
                        Some(_) => taking.gone.push((link, "deleted_there")),
                        None => taking.absent.push(link),
                    }
                }
            }
        }
        taking.gone.extend(moved.into_iter().map(|(link, _)| (link, "deleted_there")));
        Ok(())
    }

    /// What a record says where it is now, and how its link goes on with it. `own_key`: the field of the CRM that has our
    /// own key, and what stands there.
    fn lift_moved(
        &self,
        connection: &Connection,
        (came_from, object): (&str, &Object),
        link: &Known,
        record: &RemoteRecord,
        (own_key, key): (Option<&str>, Option<&str>),
        (owners, begun): (&HashMap<String, String>, Time),
    ) -> (Option<Statement>, Move) {
        let lifter = RemoteLifter::new(&self.country, object, &record.fields, &link.fields);
        let mut said = lifter.all(connection.id, record, owners, begun);
        let own = RecordId(link.record);
        let mut sent = lifter.in_our_form(&record.fields);
        if let Some(name) = own_key.filter(|_| key == Some(own.to_string().as_str())) {
            sent.set(name.to_owned(), Value::Text(own.to_string()));
        }
        if let Some(before) = connection.mapping.object_for(came_from, &link.fields) {
            let old = RemoteLifter::new(&self.country, before, &link.seen.0, &link.fields);
            take_along((&old, before), (&lifter, object), link, record, &mut said, &mut sent);
        }
        let kind = object.kind;
        let speaks = matches!(kind, Kind::Person | Kind::Organisation) && !said.said.is_empty();
        let survival = survival(object, link, record, key);
        let to = Moved {
            id: link.id,
            remote_type: object.remote.clone(),
            remote_id: record.id.clone(),
            sent,
            seen: record.fields.clone(),
        };
        let company = link.fields.reference(&Field::ORGANISATION);
        (speaks.then_some(said), Move { to, record: own, kind, company, survival })
    }

    /// The links with those of the other records that became the same: which of them goes on with it is decided
    /// over all of them. While one is being written, all are left for later.
    async fn with_absorbed(
        &self,
        connection: &Connection,
        remote_type: &str,
        mut links: Vec<(Known, String)>,
        records: &[RemoteRecord],
        begun: Time,
        taking: &mut Taking,
    ) -> Result<Vec<(Known, String)>, Stopped> {
        for record in records.iter().filter(|record| !record.absorbed.is_empty()) {
            for link in self.store.links_by_remote(connection.id, remote_type, &record.absorbed).await? {
                if links.iter().any(|(other, _)| other.id == link.id) {
                    continue;
                }
                if link.busy == 0 && link.written_at < begun.0 {
                    links.push((link, record.id.clone()));
                    continue;
                }
                let (same, others) = links.into_iter().partition(|(_, id)| *id == record.id);
                links = others;
                let same: Vec<(Known, String)> = same;
                taking.later.extend(same.into_iter().map(|(link, _)| link.remote_id));
                break;
            }
        }
        Ok(links)
    }
}

fn survival(object: &Object, link: &Known, record: &RemoteRecord, named: Option<&str>) -> Survival {
    let as_it_was = |name: &String, theirs: &RemoteValue| theirs.is_some() && link.seen.0.0.get(name) == Some(theirs);
    let kept = record.fields.0.iter().filter(|(name, theirs)| as_it_was(name, theirs));
    let address = |name: &str| object.shows(name).is_some_and(|(field, _)| field == Field::EMAILS);
    let address = kept.clone().any(|(name, _)| address(name));
    (named == Some(RecordId(link.record).to_string().as_str()), address, kept.count())
}

/// What became of the links whose records moved.
#[derive(Default)]
pub(crate) struct MovedLinks {
    pub done: Vec<Uuid>,
    /// Second links of a record that has one less there now.
    united: Vec<LinkId>,
    /// Another link has their new record.
    pub taken: Vec<LinkId>,
    /// Their old remote ids, to be read again: they are being written.
    pub later: Vec<String>,
    pub reviews: Vec<NewReview>,
}

pub(crate) async fn move_all(
    tx: &mut Tx,
    all: &[Move],
    connection: ConnectionId,
    now: Time,
) -> mittler_store::Result<MovedLinks> {
    let mut moved = MovedLinks::default();
    let mut rest: Vec<&Move> = all.iter().collect();
    rest.sort_by_key(|it| std::cmp::Reverse(it.survival));
    // A second time: what the first move brought together is seen only then.
    for _ in 0..2 {
        let rows: Vec<Moved> = rest.iter().map(|it| it.to.clone()).collect();
        let united = tx.merge_links(&rows).await?;
        rest.retain(|it| !united.contains(&LinkId(it.to.id)));
        moved.united.extend(united);
        // Of two that became one, the one whose record survived has it.
        let mut targets = BTreeSet::new();
        let first = rest.iter().filter(|it| targets.insert((it.to.remote_type.as_str(), it.to.remote_id.as_str())));
        let rows: Vec<Moved> = first.map(|it| it.to.clone()).collect();
        moved.done.extend(tx.move_links(&rows).await?.into_iter().map(|link| link.0));
        rest.retain(|it| !moved.done.contains(&it.to.id));
        if rest.is_empty() {
            break;
        }
    }
    for link in &moved.united {
        // Whoever was asked about the two has answered by merging them there.
        tx.answer(merged_here(*link), &json!({ "answer": "merged_there" }), now).await?;
    }
    let rows: Vec<Moved> = rest.iter().map(|it| it.to.clone()).collect();
    let holders: HashMap<Uuid, Uuid> = tx.holders(&rows).await?.into_iter().collect();
    let mut busy = Vec::new();
    for Move { to: it, record, kind, .. } in rest {
        let Some(holder) = holders.get(&it.id).filter(|holder| **holder != record.0) else {
            busy.push(LinkId(it.id));
            continue;
        };
        moved.taken.push(LinkId(it.id));
        moved.reviews.push(NewReview {
            id: derived_id(&[b"review", it.id.as_bytes(), b"merged_there", it.remote_id.as_bytes()]),
            question: format!("same_{kind}"),
            record: record.0,
            connection: Some(connection.0),
            candidates: json!({ "records": [RecordId(*holder)], "remote_type": it.remote_type, "ids": [it.remote_id] }),
            reason: "merged_there".into(),
            asked_at: now.0,
        });
    }
    moved.later = tx.remote_ids(&busy).await?;
    Ok(moved)
}

/// What a record took along when it moved is nothing that anybody said then, and as much ours as before. `old`
/// sees it as it was, `new` as it is.
fn take_along(
    (old, before): (&RemoteLifter<'_>, &Object),
    (new, object): (&RemoteLifter<'_>, &Object),
    link: &Known,
    record: &RemoteRecord,
    said: &mut Statement,
    sent: &mut RemoteFields,
) {
    let was = old.read(&last_shown(old, link));
    said.said
        .retain(|one| was.iter().all(|was| (&was.field, &was.key, &was.value) != (&one.field, &one.key, &one.value)));
    for (name, theirs) in record.fields.0.iter().filter(|(name, _)| object.pushes(name)) {
        let Some(shown) = object.shows(name) else { continue };
        let mut written = link.sent.0.0.iter().filter(|(it, _)| before.shows(it).as_ref() == Some(&shown));
        if written.any(|(_, ours)| new.same(name, theirs, ours)) {
            sent.0.insert(name.clone(), new.as_ours(name, theirs));
        }
    }
}

/// What the CRM has in a record as far as a link knows: what was last read, or written after that.
fn last_shown(eye: &RemoteLifter<'_>, link: &Known) -> RemoteFields {
    let mut shown = link.sent.0.clone();
    let seen = link.seen.0.0.iter().filter(|(name, _)| eye.is_seen_as_sent(name, link));
    shown.0.extend(seen.map(|(name, value)| (name.clone(), value.clone())));
    shown
}
