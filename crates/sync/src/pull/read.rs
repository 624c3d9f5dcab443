//! Reading remote records by id, and sorting what came of each.

use std::{collections::HashMap, sync::Arc};

use mittler_connector::{Error as CrmError, Key, RemoteRecord};
use mittler_core::{Kind, LinkId, RecordId, Time};
use mittler_store::links::Known;

use crate::{
    connections::Connection,
    lookups::TOO_SLOW,
    pull::taking::Taking,
    push::pusher::{Pusher, Stopped},
};

impl Pusher {
    /// The same, for who heeds what the CRM answers by themselves; moves a cursor with it.
    pub(crate) async fn read_in(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        ids: &[String],
        hinted: Option<Time>,
    ) -> Result<(usize, usize), Stopped> {
        let (taking, read) = self.gather(connection, remote_type, ids, hinted).await?;
        let weight = taking.changed().len();
        let claimed = self.write_down(connection, remote_type, taking, weight, None).await?;
        Ok((read, claimed))
    }

    /// Reads records by id; gives what they say, and how many there were.
    pub(super) async fn gather(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        ids: &[String],
        hinted: Option<Time>,
    ) -> Result<(Taking, usize), Stopped> {
        let begun = self.clock.now();
        self.store.expire_leases(begun).await?;
        let known = self.store.links_by_remote(connection.id, remote_type, ids).await?;
        let mut taking = Taking::default();
        if let Some(object) = connection.mapping.object(remote_type).filter(|it| it.kind == Kind::Organisation) {
            let unknown = ids.iter().filter(|id| !known.iter().any(|link| link.remote_id == **id));
            let unknown: Vec<String> = unknown.cloned().collect();
            match hinted {
                _ if unknown.is_empty() => {}
                Some(_) => taking.later.extend(self.note_newcomers(connection, remote_type, unknown).await?),
                None => taking.doubles = self.meet_newcomers(connection, object, unknown).await?,
            }
        }
        // Who is being written now, or was perhaps, is read when that has ended.
        let (free, busy): (Vec<Known>, Vec<Known>) =
            known.into_iter().partition(|link| link.busy == 0 && link.written_at < begun.0);
        taking.later.extend(busy.into_iter().map(|link| link.remote_id));
        let keys: Vec<Key> = free.iter().map(|link| Key::Id(link.remote_id.clone())).collect();
        let records = if keys.is_empty() {
            Vec::new()
        } else {
            let fields = connection.mapping.field_names(remote_type);
            let found = connection.find(remote_type, &keys, &fields, None, begun).await?;
            if !found.slow.is_empty() {
                return Err(Stopped::Crm(CrmError::TooBroad { code: TOO_SLOW.into() }));
            }
            found.records
        };
        self.sort(connection, remote_type, free, &records, (begun, hinted), &mut taking).await?;
        Ok((taking, records.len()))
    }

    /// What each link's record shows, or what became of it.
    pub(super) async fn sort(
        &self,
        connection: &Arc<Connection>,
        remote_type: &str,
        links: Vec<Known>,
        records: &[RemoteRecord],
        (begun, hinted): (Time, Option<Time>),
        taking: &mut Taking,
    ) -> Result<(), Stopped> {
        let by_id: HashMap<&str, &RemoteRecord> = records
            .iter()
            .filter_map(|record| match &record.key {
                Key::Id(id) => Some((id.as_str(), record)),
                _ => None,
            })
            .collect();
        let (mut here, mut moved) = (Vec::new(), Vec::new());
        for link in links {
            match by_id.get(link.remote_id.as_str()) {
                Some(record) => match &record.successor {
                    Some(next) if record.gone || record.id != link.remote_id => moved.push((link, next.clone())),
                    _ if record.gone => taking.gone.push((link, "deleted_there")),
                    _ => {
                        if !record.absorbed.is_empty() && Kind::parse(&link.kind) == Some(Kind::Organisation) {
                            taking.joined.push((LinkId(link.id), RecordId(link.record), record.absorbed.clone()));
                        }
                        here.push((link, *record));
                    }
                },
                None => taking.absent.push(link),
            }
        }
        self.compare(connection, remote_type, here, (begun, hinted), taking).await?;
        self.follow(connection, remote_type, moved, begun, taking).await
    }
}
