//! Fields that links hold back, and for which reasons.

use std::collections::BTreeSet;

use mittler_core::{
    ConnectionId, LinkId,
    plan::{Held, HeldField},
};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Result, Store, Tx, id_rows};

impl Tx {
    /// Holds fields of links for the values that they would be told; gives how many of the links are there.
    pub async fn hold_fields(&mut self, fields: &[(LinkId, String, HeldField)]) -> Result<usize> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            held: Held,
        }
        if fields.is_empty() {
            return Ok(0);
        }
        let ids: BTreeSet<Uuid> = fields.iter().map(|(link, ..)| link.0).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        self.lock_links(&ids).await?;
        let known = id_rows(ids);
        let known = rows_all!(self, (Uuid, Json<Held>), &known => (id uuid), "SELECT l.id, l.held FROM", "JOIN link l ON l.id = r.id ORDER BY l.id")?;
        let rows: Vec<Row> = known
            .into_iter()
            .map(|(id, Json(mut held))| {
                let mine = fields.iter().filter(|(link, ..)| link.0 == id);
                held.extend(mine.map(|(_, name, field)| (name.clone(), field.clone())));
                Row { id, held }
            })
            .collect();
        rows!(self, &rows => (id uuid, held json), "UPDATE link SET held = r.held FROM", "WHERE link.id = r.id")?;
        Ok(rows.len())
    }

    /// The fields that a link holds, and why.
    pub async fn held(&mut self, link: LinkId) -> Result<Held> {
        let rows = fetch_all!(self, (Json<Held>,), "SELECT held FROM link WHERE id = $1", link.0)?;
        Ok(rows.into_iter().next().map(|row| row.0.0).unwrap_or_default())
    }

    /// Raises what is wanted of links of one type that hold a field for a reason which is past; gives their number.
    pub async fn want_holding(&mut self, connection: ConnectionId, remote_type: &str, code: &str) -> Result<usize> {
        let ids = fetch_all!(
            self,
            (Uuid,),
            "SELECT id FROM link WHERE connection = $1 AND remote_type = $2 AND role = 'primary' AND state <> 'gone'
               AND CAST(held AS text) LIKE '%\"' || $3 || '\"%' ORDER BY id",
            connection.0,
            remote_type.to_owned(),
            code.to_owned(),
        )?;
        let ids: Vec<LinkId> = ids.into_iter().map(|row| LinkId(row.0)).collect();
        if !ids.is_empty() {
            self.want_again(&ids).await?;
        }
        Ok(ids.len())
    }

    /// Lets go of the fields of one type's links that are held for a reason, and raises what is wanted of them.
    pub async fn release_held(&mut self, connection: ConnectionId, remote_type: &str, code: &str) -> Result<()> {
        #[derive(Serialize)]
        struct Row {
            id: Uuid,
            held: Held,
        }
        let held = fetch_all!(
            self,
            (Uuid, Json<Held>),
            "SELECT id, held FROM link WHERE connection = $1 AND remote_type = $2 AND role = 'primary' AND state <> 'gone'
               AND CAST(held AS text) LIKE '%\"' || $3 || '\"%' ORDER BY id",
            connection.0,
            remote_type.to_owned(),
            code.to_owned(),
        )?;
        let mut rows: Vec<Row> = held.into_iter().map(|(id, Json(held))| Row { id, held }).collect();
        for row in &mut rows {
            row.held.retain(|_, field| field.code != code);
        }
        let ids: Vec<LinkId> = rows.iter().map(|row| LinkId(row.id)).collect();
        if !ids.is_empty() {
            self.want_again(&ids).await?;
            rows!(self, &rows => (id uuid, held json), "UPDATE link SET held = r.held FROM", "WHERE link.id = r.id")?;
        }
        Ok(())
    }

    /// Makes due what a connection holds for want of an owner.
    pub async fn want_ownerless(&mut self, connection: Uuid) -> Result<u64> {
        let ids = fetch_all!(
            self,
            (Uuid,),
            "SELECT id FROM link WHERE connection = $1 AND role = 'primary' AND state <> 'gone' AND CAST(held AS text) LIKE '%\"owner_unknown\"%' ORDER BY id",
            connection,
        )?;
        let ids: Vec<LinkId> = ids.into_iter().map(|row| LinkId(row.0)).collect();
        if !ids.is_empty() {
            self.want_again(&ids).await?;
        }
        Ok(ids.len() as u64)
    }
}

impl Store {
    /// The remote types of which links hold a field for a reason.
    pub async fn types_holding(&self, connection: ConnectionId, code: &str) -> Result<Vec<String>> {
        let rows = fetch_all!(
            self,
            (String,),
            "SELECT DISTINCT remote_type FROM link WHERE connection = $1 AND CAST(held AS text) LIKE '%\"' || $2 || '\"%'",
            connection.0,
            code.to_owned(),
        )?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}
