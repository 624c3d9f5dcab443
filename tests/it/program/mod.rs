//! Stories of the real program, started as a user starts it.

mod demo;

use std::{path::PathBuf, process::Command};

/// The program of the test run, or the one that lies beside this test.
pub fn mittler() -> Command {
    let folder = std::env::var_os("MITTLER_TEST_BIN_DIR")
        .map_or_else(|| std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned(), PathBuf::from);
    let program = folder.join("mittler");
    assert!(program.exists(), "{} is missing: cargo build --profile ci -p mittler-server", program.display());
    let mut command = Command::new(program);
    // What the person who runs the tests has set for an installation of their own is not meant.
    for name in ["MITTLER_DATABASE_URL", "MITTLER_BROKER_URL", "MITTLER_KEY_FILE", "MITTLER_LISTEN", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
}
