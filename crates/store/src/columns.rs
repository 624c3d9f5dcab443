//! Rows on their way into PostgreSQL: each column of a slice as one array, which `unnest` makes rows of again.
//! Arrays travel as the database keeps values; rows as JSON it would have to read first.

use serde::{
    Serialize,
    ser::{self, Impossible},
};
use sqlx::{
    Arguments as _, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgHasArrayType, PgTypeInfo, types::Oid},
};
use uuid::Uuid;

/// Further arguments of a statement are `$2` to `$4`; the columns come behind them.
const BEFORE: usize = 4;

/// What PostgreSQL's column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Uuid,
    Text,
    Bigint,
    Bytea,
    Json,
}

/// The values of one column.
#[derive(Debug)]
enum Column {
    Uuid(Vec<Option<Uuid>>),
    Text(Vec<Option<String>>),
    Bigint(Vec<Option<i64>>),
    Bytea(Vec<Option<Vec<u8>>>),
    Json(Vec<Option<JsonText>>),
}

/// A document, written already.
#[derive(Debug)]
struct JsonText(String);

impl Type<Postgres> for JsonText {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(114))
    }
}

impl PgHasArrayType for JsonText {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(199))
    }
}

impl Encode<'_, Postgres> for JsonText {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

/// The arguments of a statement over a slice of rows: its further ones, then each column.
///
/// # Errors
/// If a row is none, or a value does not fit its column: a fault of the statement.
#[doc(hidden)]
pub fn arguments(
    rows: &[impl Serialize],
    columns: &[(&'static str, ColumnType)],
    (further, add_further): (usize, impl FnOnce(&mut PgArguments) -> Result<(), BoxDynError>),
) -> sqlx::Result<PgArguments> {
    let mut arguments = PgArguments::default();
    let add = || -> Result<(), BoxDynError> {
        // The slice itself is `$1` on SQLite alone.
        arguments.add(0_i64)?;
        add_further(&mut arguments)?;
        for _ in 1 + further..BEFORE {
            arguments.add(0_i64)?;
        }
        let mut table =
            Table { columns: columns.iter().map(|(name, kind)| (*name, Column::of(*kind))).collect(), rows: 0 };
        for row in rows {
            row.serialize(&mut table)?;
        }
        for (_, column) in table.columns {
            match column {
                Column::Uuid(values) => arguments.add(values)?,
                Column::Text(values) => arguments.add(values)?,
                Column::Bigint(values) => arguments.add(values)?,
                Column::Bytea(values) => arguments.add(values)?,
                Column::Json(values) => arguments.add(values)?,
            }
        }
        Ok(())
    };
    add().map_err(sqlx::Error::Encode)?;
    Ok(arguments)
}

impl Column {
    fn of(kind: ColumnType) -> Column {
        match kind {
            ColumnType::Uuid => Column::Uuid(Vec::new()),
            ColumnType::Text => Column::Text(Vec::new()),
            ColumnType::Bigint => Column::Bigint(Vec::new()),
            ColumnType::Bytea => Column::Bytea(Vec::new()),
            ColumnType::Json => Column::Json(Vec::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Column::Uuid(values) => values.len(),
            Column::Text(values) => values.len(),
            Column::Bigint(values) => values.len(),
            Column::Bytea(values) => values.len(),
            Column::Json(values) => values.len(),
        }
    }

    fn push_null(&mut self) {
        match self {
            Column::Uuid(values) => values.push(None),
            Column::Text(values) => values.push(None),
            Column::Bigint(values) => values.push(None),
            Column::Bytea(values) => values.push(None),
            Column::Json(values) => values.push(None),
        }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        if let Column::Json(values) = self {
            let text = serde_json::to_string(value).map_err(|error| Unfit(error.to_string()))?;
            values.push((text != "null").then_some(JsonText(text)));
            return Ok(());
        }
        value.serialize(Cell(self))
    }

    fn push_text(&mut self, text: &str) -> Result<(), Unfit> {
        match self {
            Column::Text(values) => values.push(Some(text.to_owned())),
            Column::Uuid(values) => {
                values.push(Some(text.parse().map_err(|_| Unfit("a text stands for an id".into()))?));
            }
            Column::Bytea(values) => {
                let bytes = text.strip_prefix("\\x").and_then(|digits| hex::decode(digits).ok());
                values.push(Some(bytes.ok_or_else(|| Unfit("a text stands for bytes".into()))?));
            }
            Column::Bigint(_) | Column::Json(_) => return Err(Unfit("a text stands for a number".into())),
        }
        Ok(())
    }

    fn push_number(&mut self, number: i64) -> Result<(), Unfit> {
        match self {
            Column::Bigint(values) => values.push(Some(number)),
            Column::Text(values) => values.push(Some(number.to_string())),
            _ => return Err(Unfit("a number stands for something else".into())),
        }
        Ok(())
    }

    fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), Unfit> {
        match self {
            Column::Uuid(values) => {
                values.push(Some(Uuid::from_slice(bytes).map_err(|_| Unfit("bytes stand for an id".into()))?));
            }
            Column::Bytea(values) => values.push(Some(bytes.to_vec())),
            _ => return Err(Unfit("bytes stand for something else".into())),
        }
        Ok(())
    }
}

/// Why rows are none of the statement's.
#[derive(Debug, thiserror::Error)]
#[error("rows do not fit their statement: {0}")]
struct Unfit(String);

impl ser::Error for Unfit {
    fn custom<T: std::fmt::Display>(message: T) -> Unfit {
        Unfit(message.to_string())
    }
}

/// All columns, filled row by row.
struct Table {
    columns: Vec<(&'static str, Column)>,
    rows: usize,
}

/// One row of a table.
struct Row<'t> {
    table: &'t mut Table,
    /// Where the next field stands if fields come as columns do.
    next: usize,
    /// The name of a value that is still to come.
    name: String,
}

impl Table {
    fn row(&mut self) -> Row<'_> {
        Row { table: self, next: 0, name: String::new() }
    }
}

impl Row<'_> {
    /// Fields without a column are no part of the statement.
    fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unfit> {
        let columns = &mut self.table.columns;
        let at = if columns.get(self.next).is_some_and(|(known, _)| *known == name) {
            Some(self.next)
        } else {
            columns.iter().position(|(known, _)| *known == name)
        };
        let Some(at) = at else { return Ok(()) };
        self.next = at + 1;
        columns[at].1.push(value)
    }

    fn finish(self) {
        self.table.rows += 1;
        for (_, column) in &mut self.table.columns {
            if column.len() < self.table.rows {
                column.push_null();
            }
        }
    }
}

macro_rules! unfit {
    ($($method:ident($($argument:ty),*) -> $result:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$result, Unfit> {
            Err(Unfit(concat!(stringify!($method), " where there is none").to_owned()))
        })*
    };
}

/// Takes a row.
impl<'t> ser::Serializer for &'t mut Table {
    type Ok = ();
    type Error = Unfit;
    type SerializeSeq = Impossible<(), Unfit>;
    type SerializeTuple = Impossible<(), Unfit>;
    type SerializeTupleStruct = Impossible<(), Unfit>;
    type SerializeTupleVariant = Impossible<(), Unfit>;
    type SerializeMap = Row<'t>;
    type SerializeStruct = Row<'t>;
    type SerializeStructVariant = Impossible<(), Unfit>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Row<'t>, Unfit> {
        Ok(self.row())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Row<'t>, Unfit> {
        Ok(self.row())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unfit> {
        Err(Unfit("a variant stands for a row".into()))
    }

    unfit! {
        serialize_bool(bool) -> (); serialize_i8(i8) -> (); serialize_i16(i16) -> (); serialize_i32(i32) -> ();
        serialize_i64(i64) -> (); serialize_u8(u8) -> (); serialize_u16(u16) -> (); serialize_u32(u32) -> ();
        serialize_u64(u64) -> (); serialize_f32(f32) -> (); serialize_f64(f64) -> (); serialize_char(char) -> ();
        serialize_str(&str) -> (); serialize_bytes(&[u8]) -> (); serialize_none() -> (); serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> (); serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Impossible<(), Unfit>; serialize_tuple(usize) -> Impossible<(), Unfit>;
        serialize_tuple_struct(&'static str, usize) -> Impossible<(), Unfit>;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Unfit>;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Unfit>;
    }
}

impl ser::SerializeStruct for Row<'_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unfit> {
        self.put(name, value)
    }

    fn end(self) -> Result<(), Unfit> {
        self.finish();
        Ok(())
    }
}

/// A row of which a part is flattened into it.
impl ser::SerializeMap for Row<'_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Unfit> {
        let name = serde_json::to_value(name).map_err(|error| Unfit(error.to_string()))?;
        name.as_str().ok_or_else(|| Unfit("a column has no name".into()))?.clone_into(&mut self.name);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        let name = std::mem::take(&mut self.name);
        self.put(&name, value)
    }

    fn end(self) -> Result<(), Unfit> {
        self.finish();
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident($number:ty);)*) => {
        $(fn $method(self, number: $number) -> Result<(), Unfit> {
            self.0.push_number(number.into())
        })*
    };
}

/// Takes one value.
struct Cell<'c>(&'c mut Column);

impl ser::Serializer for Cell<'_> {
    type Ok = ();
    type Error = Unfit;
    type SerializeSeq = Impossible<(), Unfit>;
    type SerializeTuple = Impossible<(), Unfit>;
    type SerializeTupleStruct = Impossible<(), Unfit>;
    type SerializeTupleVariant = Impossible<(), Unfit>;
    type SerializeMap = Impossible<(), Unfit>;
    type SerializeStruct = Impossible<(), Unfit>;
    type SerializeStructVariant = Impossible<(), Unfit>;

    fn is_human_readable(&self) -> bool {
        // Ids of other tables come as bytes; whatever has a form for people is a text.
        !matches!(self.0, Column::Uuid(_))
    }

    numbers! {
        serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32);
    }

    fn serialize_u64(self, number: u64) -> Result<(), Unfit> {
        self.0.push_number(i64::try_from(number).map_err(|_| Unfit("a number is too large".into()))?)
    }

    fn serialize_str(self, text: &str) -> Result<(), Unfit> {
        self.0.push_text(text)
    }

    fn serialize_char(self, one: char) -> Result<(), Unfit> {
        self.0.push_text(one.encode_utf8(&mut [0; 4]))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unfit> {
        self.0.push_bytes(bytes)
    }

    fn serialize_none(self) -> Result<(), Unfit> {
        self.0.push_null();
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Unfit> {
        self.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Unfit> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), Unfit> {
        self.0.push_text(name)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unfit> {
        Err(Unfit("a variant stands for a value".into()))
    }

    unfit! {
        serialize_bool(bool) -> (); serialize_f32(f32) -> (); serialize_f64(f64) -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Impossible<(), Unfit>; serialize_tuple(usize) -> Impossible<(), Unfit>;
        serialize_tuple_struct(&'static str, usize) -> Impossible<(), Unfit>;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Unfit>;
        serialize_map(Option<usize>) -> Impossible<(), Unfit>;
        serialize_struct(&'static str, usize) -> Impossible<(), Unfit>;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Unfit>;
    }
}
