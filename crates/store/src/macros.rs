//! One text per statement, bound in both arms and checked by rustc in both.
//!
//! `rows!` and `rows_all!` put a slice (`$1`, JSON) where a table may stand and name each column
//! with its PostgreSQL type; further arguments are `$2`, `$3`, … SQLite needs `WHERE true` before
//! `ON CONFLICT` after a SELECT. A JSON null in a `json` column is the text `null` on SQLite:
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
                sqlx::query(concat!($before, " json_to_recordset($1) AS r(", stringify!($c0), " ", stringify!($t0)
                    $(, ", ", stringify!($c), " ", stringify!($t))*, ") ", $after))
                    .bind($crate::Document($items))$(.bind($arg))*.execute(c).await.map(|r| r.rows_affected())
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
                sqlx::query_as::<_, $row>(concat!($before, " json_to_recordset($1) AS r(", stringify!($c0), " ", stringify!($t0)
                    $(, ", ", stringify!($c), " ", stringify!($t))*, ") ", $after))
                    .bind($crate::Document($items))$(.bind($arg))*.fetch_all(c).await
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
