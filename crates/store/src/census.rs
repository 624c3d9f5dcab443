//! Which statements ran on which database: written down when tests ask for it, so that they can
//! list what was not run on both.

use std::{
    collections::HashSet,
    fs::File,
    io::Write,
    sync::{Mutex, OnceLock},
};

type Seen = Mutex<(File, HashSet<(&'static str, &'static str)>)>;

static CENSUS: OnceLock<Option<Seen>> = OnceLock::new();

/// Notes that the statement at `place` ran. Costs one load when nobody asked.
pub fn ran(place: &'static str, database: &'static str) {
    let census = CENSUS.get_or_init(|| {
        let folder = std::env::var_os("MITTLER_STATEMENT_CENSUS")?;
        let name = std::path::Path::new(&folder).join(std::process::id().to_string());
        Some(Mutex::new((File::options().create(true).append(true).open(name).ok()?, HashSet::new())))
    });
    let Some(census) = census else { return };
    if let Ok(mut census) = census.lock()
        && census.1.insert((place, database))
    {
        _ = writeln!(census.0, "{place} {database}");
    }
}
