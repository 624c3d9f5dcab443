//! JSON on its way into the database.

use serde::Serialize;
use sqlx::{
    Encode, Postgres, Sqlite, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, types::Oid},
    sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo},
};

/// PostgreSQL's `json`, of which it keeps the text: a list of rows is read twice as fast as with
/// `jsonb`, which is sorted, compressed and written anew. We look into none of it with SQL.
const JSON: Oid = Oid(114);

/// A value as JSON text. (`sqlx::types::Json` is `jsonb` when it is bound; it reads both.)
#[derive(Debug, Clone, Copy)]
pub struct Document<T>(pub T);

impl<T> Type<Postgres> for Document<T> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSON)
    }
}

impl<T: Serialize> Encode<'_, Postgres> for Document<T> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        serde_json::to_writer(&mut **buffer, &self.0)?;
        Ok(IsNull::No)
    }
}

impl<T> Type<Sqlite> for Document<T> {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl<T: Serialize> Encode<'_, Sqlite> for Document<T> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(serde_json::to_string(&self.0)?, buffer)
    }
}
