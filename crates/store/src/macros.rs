//! One text per statement, bound in both arms and checked by rustc in both.
//!
//! `rows!` and `rows_all!` put a slice where a table may stand and name each column with its PostgreSQL type; further
//! arguments are `$2` to `$4`. On SQLite the slice is one JSON text, on PostgreSQL each column is an array. SQLite
//! needs `WHERE true` before `ON CONFLICT` after a SELECT. A JSON null in a `json` column is the text `null` on SQLite:
//! such columns are never null here.

/// Runs a statement; gives the number of rows it touched.
#[macro_export]
macro_rules! execute {
    ($on:expr, $sql:expr $(, $arg:expr)* $(,)?) => {
        match $on.db() {
            $crate::Db::Sqlite(c) => {
                $crate::census::ran(concat!(file!(), ":", line!()), "sqlite");
                sqlx::query($sql)$(.bind($arg))*.execute(c).await.map(|r| r.rows_affected())
            }
            $crate::Db::Postgres(c) => {
                $crate::census::ran(concat!(file!(), ":", line!()), "postgres");
                sqlx::query($sql)$(.bind($arg))*.execute(c).await.map(|r| r.rows_affected())
            }
        }
        .map_err($crate::Error::from)
    };
}

/// Runs a query; gives its rows as the named type.
#[macro_export]
macro_rules! fetch_all {
    ($on:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => {
        match $on.db() {
            $crate::Db::Sqlite(c) => {
                $crate::census::ran(concat!(file!(), ":", line!()), "sqlite");
                sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_all(c).await
            }
            $crate::Db::Postgres(c) => {
                $crate::census::ran(concat!(file!(), ":", line!()), "postgres");
                sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_all(c).await
            }
        }
        .map_err($crate::Error::from)
    };
}

/// Runs a query that has one text for each database.
#[macro_export]
macro_rules! fetch_either {
    ($on:expr, $row:ty, $sqlite:expr, $postgres:expr $(, $arg:expr)* $(,)?) => {
        match $on.db() {
            $crate::Db::Sqlite(c) => {
                $crate::census::ran(concat!(file!(), ":", line!()), "sqlite");
                sqlx::query_as::<_, $row>($sqlite)$(.bind($arg))*.fetch_all(c).await
            }
            $crate::Db::Postgres(c) => {
                $crate::census::ran(concat!(file!(), ":", line!()), "postgres");
                sqlx::query_as::<_, $row>($postgres)$(.bind($arg))*.fetch_all(c).await
            }
        }
        .map_err($crate::Error::from)
    };
}

/// Runs a statement over a slice; gives the number of rows it touched.
#[macro_export]
macro_rules! rows {
    ($on:expr, $items:expr => ($c0:ident $t0:ident $(, $c:ident $t:ident)*), $before:literal, $after:literal $(, $arg:expr)* $(,)?) => {
        match $on.db() {
            $crate::Db::Sqlite(c) => {
                $crate::census::ran(concat!(file!(), ":", line!()), "sqlite");
                sqlx::query(concat!($before, " (SELECT ", $crate::sqlite_column!($c0 $t0) $(, ", ", $crate::sqlite_column!($c $t))*,
                    " FROM jsonb_each($1)) AS r ", $after))
                    .bind($crate::Document($items))$(.bind($arg))*.execute(c).await.map(|r| r.rows_affected())
            }
            $crate::Db::Postgres(c) => {
                $crate::census::ran(concat!(file!(), ":", line!()), "postgres");
                match $crate::columns!($items => ($c0 $t0 $(, $c $t)*) $(, $arg)*) {
                    Ok(arguments) => {
                        let sql = concat!($before, " ", $crate::unnest!($c0 $t0 $(, $c $t)*), " ", $after);
                        sqlx::query_with(sql, arguments).execute(c).await.map(|r| r.rows_affected())
                    }
                    Err(error) => Err(error),
                }
            }
        }
        .map_err($crate::Error::from)
    };
}

/// Runs a query over a slice; gives its rows as the named type.
#[macro_export]
macro_rules! rows_all {
    ($on:expr, $row:ty, $items:expr => ($c0:ident $t0:ident $(, $c:ident $t:ident)*), $before:literal, $after:literal $(, $arg:expr)* $(,)?) => {
        match $on.db() {
            $crate::Db::Sqlite(c) => {
                $crate::census::ran(concat!(file!(), ":", line!()), "sqlite");
                sqlx::query_as::<_, $row>(concat!($before, " (SELECT ", $crate::sqlite_column!($c0 $t0) $(, ", ", $crate::sqlite_column!($c $t))*,
                    " FROM jsonb_each($1)) AS r ", $after))
                    .bind($crate::Document($items))$(.bind($arg))*.fetch_all(c).await
            }
            $crate::Db::Postgres(c) => {
                $crate::census::ran(concat!(file!(), ":", line!()), "postgres");
                match $crate::columns!($items => ($c0 $t0 $(, $c $t)*) $(, $arg)*) {
                    Ok(arguments) => {
                        let sql = concat!($before, " ", $crate::unnest!($c0 $t0 $(, $c $t)*), " ", $after);
                        sqlx::query_as_with::<_, $row, _>(sql, arguments).fetch_all(c).await
                    }
                    Err(error) => Err(error),
                }
            }
        }
        .map_err($crate::Error::from)
    };
}

/// How SQLite reads a column of that PostgreSQL type out of JSON: ids and bytes are blobs (bytes
/// travel as `\x…`), documents stay JSON.
#[macro_export]
macro_rules! sqlite_column {
    ($c:ident uuid) => {
        concat!("unhex(value->>'$.", stringify!($c), "', '-') AS ", stringify!($c))
    };
    ($c:ident bytea) => {
        concat!("unhex(substr(value->>'$.", stringify!($c), "', 3)) AS ", stringify!($c))
    };
    ($c:ident json) => {
        concat!("value->'$.", stringify!($c), "' AS ", stringify!($c))
    };
    ($c:ident $other:ident) => {
        concat!("value->>'$.", stringify!($c), "' AS ", stringify!($c))
    };
}

/// The arguments of a statement over a slice, for PostgreSQL.
#[macro_export]
macro_rules! columns {
    ($items:expr => ($($c:ident $t:ident),*) $(, $arg:expr)*) => {
        $crate::columns::arguments(
            &$items[..],
            &[$((stringify!($c), $crate::column_type!($t))),*],
            (<[&str]>::len(&[$(stringify!($arg)),*]), |_arguments| {
                $(sqlx::Arguments::add(_arguments, $arg)?;)*
                Ok(())
            }),
        )
    };
}

#[macro_export]
macro_rules! column_type {
    (uuid) => {
        $crate::columns::ColumnType::Uuid
    };
    (text) => {
        $crate::columns::ColumnType::Text
    };
    (bigint) => {
        $crate::columns::ColumnType::Bigint
    };
    (bytea) => {
        $crate::columns::ColumnType::Bytea
    };
    (json) => {
        $crate::columns::ColumnType::Json
    };
}

/// Columns as PostgreSQL makes rows of them: `unnest($5::uuid[], $6::text[]) AS r(id, name)`.
#[macro_export]
macro_rules! unnest {
    ($($c:ident $t:ident),*) => {
        concat!(
            "unnest(",
            $crate::unnest_types!(["$5" ", $6" ", $7" ", $8" ", $9" ", $10" ", $11" ", $12" ", $13" ", $14" ", $15" ", $16" ", $17" ", $18"] $($t)*),
            ") AS r(",
            $crate::unnest_names!($($c)*),
            ")"
        )
    };
}

#[macro_export]
macro_rules! unnest_types {
    ([$at:literal $($rest:literal)*] $t:ident) => {
        concat!($at, "::", stringify!($t), "[]")
    };
    ([$at:literal $($rest:literal)*] $t:ident $($more:ident)+) => {
        concat!($at, "::", stringify!($t), "[]", $crate::unnest_types!([$($rest)*] $($more)+))
    };
}

#[macro_export]
macro_rules! unnest_names {
    ($c:ident) => {
        stringify!($c)
    };
    ($c:ident $($more:ident)+) => {
        concat!(stringify!($c), ", ", $crate::unnest_names!($($more)+))
    };
}
