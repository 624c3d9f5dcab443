//! Links are those of whom they were.

use std::collections::{HashMap, HashSet};

use mittler_core::{LinkId, Record, RecordId, RemoteFields, job::Lane};
use mittler_store::{
    Result, Tx, derived_id,
    links::{LinkRole, LinkState, WantedLink, link_id},
    merges::{Carried, Inherited, LinkBefore, MovingLink, Reowned, Replaced},
    reviews::NewReview,
};
use mittler_sync::{
    apply_statements::links_of,
    question::{self, Question, QuestionKind},
};
use serde_json::json;
use uuid::Uuid;

use super::Split;
use crate::moving::{inherit, leave_out, push_and_read, remotes, want};

impl Split<'_> {
    /// Links are those of whom they were, and every CRM is told.
    pub(super) async fn tell(&self, tx: &mut Tx, records: &[Record], asked: Uuid) -> Result<()> {
        let mut wanted: Vec<WantedLink> = Vec::new();
        for record in records {
            wanted.extend(links_of(&self.env.connections, record, Lane::Interactive, self.now));
        }
        let mut returns = self.returns(records);
        let read = remotes(self.links.iter().filter(|link| link.kind == self.kind.name()));
        tx.reown_links(&returns.reowned).await?;
        want(tx, &mut wanted).await?;
        tx.unlink(&returns.unlinked).await?;
        let reviews = self.lost(tx, &returns.lost, asked, &mut returns.inherited, &mut returns.gone).await?;
        tx.inherit_links(&returns.ended, &returns.inherited).await?;
        tx.mark_gone(&returns.gone).await?;
        for before in returns.out {
            leave_out(tx, before.id, before.state).await?;
        }
        for link in returns.again {
            tx.include_link(link, "open", None).await?;
        }
        self.close(tx, &returns.reowned, &returns.inherited).await?;
        tx.ask(&reviews).await?;
        push_and_read(tx, self.env, &wanted, &read, self.now).await
    }

    /// What becomes of each link. `records`: what is there now.
    fn returns(&self, records: &[Record]) -> Returns<'_> {
        let there: HashSet<RecordId> = records.iter().map(|record| record.id).collect();
        let by_id: HashMap<Uuid, &MovingLink> = self.links.iter().map(|link| (link.id, link)).collect();
        let row = |id: Uuid| by_id.get(&id).copied();
        let mut returns = Returns::default();
        for before in self.moved.links.iter().filter(|before| there.contains(&before.record)) {
            let Some(&home) = self.home.get(&before.record) else { continue };
            let heir = link_id(before.connection, home);
            match before.carried {
                Carried::Itself => returns.reown(before, row(before.id.0)),
                Carried::Heir => {
                    let Some(link) = row(heir.0).filter(|link| link.remote_id.is_some()) else { continue };
                    returns.take_back(before, link);
                    if there.contains(&home) {
                        returns.leave_without(heir, before);
                    } else {
                        returns.ended.push(Replaced { id: heir.0, heir: before.id.0 });
                    }
                }
                Carried::Nobody if before.state == LinkState::Gone && before.remote_id.is_some() => {
                    returns.lost.push(before);
                }
                Carried::Nobody => {}
            }
            if before.role == LinkRole::Excluded {
                returns.out.push(before);
            }
            if before.role == LinkRole::Excluded
                && !before.heir_was_out
                && row(heir.0).is_some_and(|link| link.code.as_deref() == Some("left_out"))
            {
                returns.again.push(heir);
            }
        }
        // Links of what is no more, but for those that others go on with.
        let go_on: HashSet<Uuid> =
            returns.reowned.iter().map(|it| it.id).chain(returns.ended.iter().map(|it| it.id)).collect();
        for link in self.links.iter().filter(|link| !there.contains(&RecordId(link.record))) {
            if let (false, Some(heir)) = (go_on.contains(&link.id), self.parts.ended.get(&RecordId(link.record))) {
                returns.ended.push(Replaced { id: link.id, heir: link_id(link.connection.into(), *heir).0 });
            }
        }
        returns
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

/// What becomes of links when there are two records again.
#[derive(Default)]
struct Returns<'s> {
    /// They are another record's again.
    reowned: Vec<Reowned>,
    /// The heirs', which are left without a remote record.
    unlinked: Vec<LinkId>,
    /// They end, and their history goes on with others.
    ended: Vec<Replaced>,
    /// What links have from now on.
    inherited: Vec<Inherited>,
    /// Kept out of the CRM, as they were.
    out: Vec<&'s LinkBefore>,
    /// The heirs', which were kept out for their sake only.
    again: Vec<LinkId>,
    /// What the CRM has no more.
    lost: Vec<&'s LinkBefore>,
    gone: Vec<LinkId>,
}

impl<'s> Returns<'s> {
    /// A link that went on as one of the heir's; `now`: as it is, if it is still there.
    fn reown(&mut self, before: &'s LinkBefore, now: Option<&MovingLink>) {
        match now {
            // It has become the other's own.
            Some(link) if link.role == LinkRole::Primary && before.role == LinkRole::Primary => {}
            Some(_) => {
                self.reowned.push(Reowned { id: before.id.0, record: before.record.0, role: before.role });
            }
            // The CRM made one of the two, and what is left is the other's.
            None if before.role == LinkRole::Primary => self.lost.push(before),
            None => {}
        }
    }

    /// What the heir's link had from this one goes back.
    fn take_back(&mut self, before: &LinkBefore, heirs: &MovingLink) {
        if heirs.state == LinkState::Gone {
            self.gone.push(before.id);
        }
        self.inherited.push(inherit(before.id.0, heirs));
    }

    /// The heir's link means again what it meant before, which the CRM had no more.
    fn leave_without(&mut self, heir: LinkId, before: &LinkBefore) {
        self.unlinked.push(heir);
        if let Some((remote_type, remote_id)) = before.heir_lost.clone() {
            self.gone.push(heir);
            self.inherited.push(nothing_shown(heir, remote_type, Some(remote_id)));
        }
    }
}

/// A remote record that the CRM has no more.
fn nothing_shown(link: LinkId, remote_type: String, remote_id: Option<String>) -> Inherited {
    let (sent, seen) = (RemoteFields::default(), RemoteFields::default());
    Inherited { id: link.0, remote_type, remote_id, sent, seen, written_at: 0 }
}
