//! Faults of this machine or of the database server: in words, said once and then counted. No CRM has a part in them.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Error, Result, Store};

/// Between two lines about a fault that lasts.
const SAY_AGAIN: Duration = Duration::from_mins(5);
/// How long one look at the database counts for all who ask.
const LOOKED: Duration = Duration::from_secs(2);
/// How long a look may take: who asks whether the service is ready waits no longer.
const PATIENCE: Duration = Duration::from_secs(3);
/// More than free space in pages already there, so that the look needs room as a lead does.
const PROBE: usize = 16 * 1024;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    DiskFull,
    ReadOnly,
    /// The disk, or its file system, refuses.
    Disk,
    Damaged,
    Memory,
}

impl Fault {
    /// What is wrong and what to do.
    pub fn words(self) -> &'static str {
        match self {
            Fault::DiskFull => {
                "the disk of the database is full: make room, or give it a larger one; nothing else is to be done"
            }
            Fault::ReadOnly => {
                "the database is read-only: check the rights of its file and how its file system is mounted (SQLite), or \
                 default_transaction_read_only and whether this server is a standby (PostgreSQL)"
            }
            Fault::Disk => "the disk of the database answers with errors: check disk, quota and file system",
            Fault::Damaged => {
                "the database is damaged: stop the service, keep the damaged file, and restore the latest backup"
            }
            Fault::Memory => "the database has no memory left: give its machine more, or end other programs",
        }
    }

    pub(crate) fn of(code: &str) -> Option<Fault> {
        match code {
            "53100" => return Some(Fault::DiskFull),
            "25006" => return Some(Fault::ReadOnly),
            "58030" => return Some(Fault::Disk),
            "XX001" | "XX002" => return Some(Fault::Damaged),
            "53200" => return Some(Fault::Memory),
            _ if code.len() == 5 => return None,
            _ => {}
        }
        match code.parse::<i64>().ok()? & 0xff {
            13 => Some(Fault::DiskFull),
            8 => Some(Fault::ReadOnly),
            10 => Some(Fault::Disk),
            11 | 26 => Some(Fault::Damaged),
            7 => Some(Fault::Memory),
            _ => None,
        }
    }
}

impl Error {
    /// The fault of this machine or of the database server behind it. The log has it already: whoever meets it in
    /// the course of other work says no more.
    pub fn fault(&self) -> Option<Fault> {
        let (Error::Unavailable(cause) | Error::Commit(cause) | Error::Statement(cause) | Error::Conflict(cause)) =
            self
        else {
            return None;
        };
        Fault::of(&cause.as_database_error()?.code()?)
    }
}

/// What the log was told of faults, and what the last look found.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    lasting: Mutex<Option<Lasting>>,
    looked: tokio::sync::Mutex<Option<(Instant, Result<()>)>>,
}

#[derive(Debug)]
struct Lasting {
    fault: Fault,
    refused: u64,
    said: Instant,
}

impl Faults {
    /// What was found out about an open database says nothing of a closed one.
    pub(crate) async fn forget_probe(&self) {
        *self.looked.lock().await = None;
    }

    /// Notes how a write ended.
    pub fn note(&self, error: Option<&Error>) {
        let mut lasting = self.lasting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(error) = error else {
            if let Some(over) = lasting.take() {
                tracing::warn!(refused = over.refused, "the database takes writes again");
            }
            return;
        };
        let Some(fault) = error.fault() else { return };
        match &mut *lasting {
            Some(known) if known.fault == fault => {
                known.refused += 1;
                if known.said.elapsed() >= SAY_AGAIN {
                    known.said = Instant::now();
                    tracing::error!(refused = known.refused, "still: {}", fault.words());
                }
            }
            _ => {
                tracing::error!(cause = error.cause(), "nothing can be stored: {}", fault.words());
                *lasting = Some(Lasting { fault, refused: 1, said: Instant::now() });
            }
        }
    }
}

impl Store {
    /// Whether the database takes what is written: puts something there and takes it away again. Many who ask at
    /// once share one look.
    ///
    /// # Errors
    /// Why it does not, within three seconds.
    pub async fn probe(&self) -> Result<()> {
        let mut looked = self.faults().looked.lock().await;
        if let Some((_, found)) = looked.as_ref().filter(|(at, _)| at.elapsed() < LOOKED) {
            return found.clone();
        }
        let write = self.write(async move |tx| {
            execute!(
                tx,
                "INSERT INTO setting (name, value) VALUES ('probe', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (0..PROBE / 16).fold(String::new(), |text, _| text + &format!("{:016x}", fastrand::u64(..))),
            )?;
            execute!(tx, "DELETE FROM setting WHERE name = 'probe'")?;
            Ok(())
        });
        let look = async {
            self.review_count().await?;
            write.await
        };
        let found = tokio::time::timeout(PATIENCE, look).await.unwrap_or(Err(Error::TooSlow));
        *looked = Some((Instant::now(), found.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_say_the_same_fault() {
        for (fault, codes) in [
            (Fault::DiskFull, ["13", "53100"]),
            (Fault::ReadOnly, ["1032", "25006"]),
            (Fault::Disk, ["778", "58030"]),
            (Fault::Damaged, ["267", "XX001"]),
            (Fault::Memory, ["7", "53200"]),
        ] {
            assert_eq!(codes.map(Fault::of), [Some(fault); 2], "{codes:?}");
        }
        for code in ["5", "517", "2067", "57P01", "53300", "40001", ""] {
            assert_eq!(Fault::of(code), None, "{code}");
        }
    }
}
