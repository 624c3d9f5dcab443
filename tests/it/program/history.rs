//! People edit the same records in both CRMs at random, and both say in the end what was said last.

use std::{path::Path, process::Command};

use crate::support::setting;

mod alone {
    use super::*;

    /// Nothing else runs beside it: hooks that come late are a matter of `bench history` with faults.
    #[test]
    fn twenty_random_histories_of_edits_end_alike_in_both_crms() {
        let bench = Path::new(&setting("MITTLER_TEST_BIN_DIR")).join("bench");
        let script = ["history", "--calm", "--seed", "1", "--seeds", "20", "--edits", "20", "--people", "4"];
        let played = Command::new(bench).args(script).output().unwrap();
        let said = String::from_utf8_lossy(&played.stdout).into_owned() + &String::from_utf8_lossy(&played.stderr);
        assert!(played.status.success(), "{said}");
    }
}
