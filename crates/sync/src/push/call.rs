//! The calls to a CRM: deadlines, halves of what is refused as a whole, what is known of each write.

use std::collections::HashMap;

use mittler_connector::{Error as CrmError, KindProfile, Write, http::begun_before};
use mittler_core::mapping::Object;
use mittler_store::links::LinkCommand;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::push::{
    batch::Batch,
    item::{Call, Item, Written},
    pusher::{Run, Stopped},
    stages::Stages,
};

impl Batch {
    pub(super) async fn call(&self, object: &Object, profile: &KindProfile, calls: Vec<Call>) -> Run<()> {
        let mut first = None;
        for Call { lease, deadline, items } in calls {
            let written = self.write(&object.remote, profile, deadline, items).await;
            if let Some(error) = self.receive(object, profile, lease, written).await? {
                first.get_or_insert(error);
            }
        }
        first.map_or(Ok(()), |error| Err(Stopped::Crm(error)))
    }

    /// Calls, and bisects what is refused as a whole. Every item comes back with what is known of
    /// it.
    async fn write(
        &self,
        remote_type: &str,
        profile: &KindProfile,
        deadline: Instant,
        items: Vec<Item>,
    ) -> Vec<(Item, Written)> {
        let mut todo = apart(items);
        let mut done = Vec::new();
        while let Some(part) = todo.pop() {
            let longest = self.connection.connector.profile().call_timeout;
            if Instant::now() + longest > deadline {
                done.extend(part.into_iter().map(|item| (item, Written::NotBegun)));
                continue;
            }
            let (mut stages, before) = (Stages::call(&self.connection, remote_type, &part), done.len());
            let writes: Vec<Write> = part.iter().map(|item| Self::as_write(profile, item)).collect();
            let call = begun_before(deadline - longest, self.connection.connector.push(remote_type, &writes));
            let call = timeout_at(deadline, call).await;
            match call.unwrap_or_else(|_| Err(CrmError::Unknown { code: "lease_over".into() })) {
                Ok(outcomes) => {
                    let mut by_tag: HashMap<Uuid, _> =
                        outcomes.into_iter().map(|outcome| (outcome.tag, outcome.result)).collect();
                    done.extend(part.into_iter().map(|item| {
                        let result = by_tag.remove(&item.intent);
                        (item, result.map_or(Written::Unknown("no_outcome".into()), Written::Row))
                    }));
                }
                Err(CrmError::BatchRefused { .. }) if part.len() > 1 => {
                    let mut left = part;
                    let right = left.split_off(left.len() / 2);
                    todo.push(right);
                    todo.push(left);
                }
                Err(CrmError::BatchRefused { code, message, fields }) => {
                    let refusal = mittler_connector::Refusal { code, message, fields };
                    done.extend(
                        part.into_iter()
                            .map(|item| (item, Written::Row(mittler_connector::RowResult::Refused(refusal.clone())))),
                    );
                }
                Err(CrmError::Unknown { code }) => {
                    done.extend(part.into_iter().map(|item| (item, Written::Unknown(code.clone()))));
                }
                Err(error) => {
                    done.extend(part.into_iter().map(|item| (item, Written::Nothing(error.clone()))));
                    for rest in todo.drain(..) {
                        done.extend(rest.into_iter().map(|item| (item, Written::Nothing(error.clone()))));
                    }
                }
            }
            stages.end_called(&done[before..]);
        }
        done
    }

    fn as_write(profile: &KindProfile, item: &Item) -> Write {
        let fields = item.planned.clone();
        let allow_duplicate = item.link.command == Some(LinkCommand::CreateAnyway);
        match &item.link.remote_id {
            Some(id) if item.archives() => Write::Archive { tag: item.intent, id: id.clone() },
            Some(id) if profile.updatable => Write::Update { tag: item.intent, id: id.clone(), fields },
            _ => Write::Create { tag: item.intent, own_key: item.link.record.to_string(), fields, allow_duplicate },
        }
    }
}

/// What goes in one call each. Writes of which nobody knows how they end, time and again, go with ever fewer
/// others, the last alone: one row may be what the CRM cannot take, and it says nothing of the others.
fn apart(items: Vec<Item>) -> Vec<Vec<Item>> {
    let (mut doubtful, rest): (Vec<Item>, Vec<Item>) = items.into_iter().partition(Item::is_doubtful);
    let tries = doubtful.iter().map(|item| item.link.attempt).max().unwrap_or_default();
    let most = doubtful.len().checked_shr(u32::try_from(tries - 1).unwrap_or(u32::MAX)).unwrap_or(0).max(1);
    let mut parts = Vec::new();
    while !doubtful.is_empty() {
        parts.push(doubtful.drain(..most.min(doubtful.len())).collect());
    }
    // The last is the first to go.
    parts.extend((!rest.is_empty()).then_some(rest));
    parts
}
