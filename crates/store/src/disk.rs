//! How much room the disk of the database has.

use crate::Store;

/// A file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    pub size: u64,
    /// What this program may still fill.
    pub free: u64,
}

impl Store {
    /// The disk of an SQLite file. That of a PostgreSQL server is its machine's own affair.
    pub fn disk(&self) -> Option<Disk> {
        let disk = rustix::fs::statvfs(self.path()?).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some(Disk { size: bytes(disk.f_blocks), free: bytes(disk.f_bavail) })
    }
}
