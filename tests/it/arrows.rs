//! The shape of the repository: which crate may know which, and what lies at the top.
//!
//! The cargo files are read, not the page that describes them: what they say is what is built.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use toml::Table;

/// What each crate may know directly. What those know it may know as well.
///
/// `enrich` reads the raw leads that `intake` makes: it turns signals into claims, and a raw lead is
/// a signal that was read.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("sandbox", &[]),
    ("intake", &["core"]),
    ("normalise", &["core"]),
    ("identity", &["normalise"]),
    ("enrich", &["identity", "intake"]),
    ("connector", &["core"]),
    ("store", &["core"]),
    // Each `connector-<crm>`.
    ("connector-*", &["connector"]),
    ("queue", &["store"]),
    ("sync", &["connector", "store", "queue", "identity"]),
    ("worker", &["enrich", "intake", "sync", "queue"]),
    ("ingest", &["intake", "enrich", "store", "queue", "sync"]),
    ("api", &["store", "ingest", "enrich", "sync"]),
    ("server", &["worker", "ingest", "api", "connector-*", "sandbox", "intake", "enrich", "sync", "queue"]),
];

/// Who alone may depend on a crate from outside.
const ONLY: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    ("lapin", &["queue"]),
    ("clap", &["server"]),
    ("oauth2", &["connector"]),
    ("mail-parser", &["intake"]),
    ("rlibphonenumber", &["normalise"]),
    ("maud", &["api"]),
];

/// What the pure crates must not have, or they would not be pure.
const IMPURE: &[&str] = &["tokio", "reqwest", "sqlx", "lapin", "axum", "futures-util", "async-trait", "fastrand"];

const TOP: &[&str] = &["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "crates", "deploy", "openapi.yaml", "tests"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &Path) -> Table {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The crates by their folder, with the dependencies that are built into the product.
fn crates() -> BTreeMap<String, BTreeSet<String>> {
    let mut crates = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let manifest = read(&folder.join("Cargo.toml"));
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(manifest["package"]["name"].as_str(), Some(&*format!("mittler-{name}")), "folder and name agree");
        crates.insert(name, dependencies(&manifest));
    }
    crates
}

/// Also those for one kind of machine and for build scripts; only tests may know more.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let own = ["dependencies", "build-dependencies"].into_iter().filter_map(|name| manifest.get(name)?.as_table());
    let targets = manifest.get("target").and_then(|targets| targets.as_table());
    let of_targets = targets.into_iter().flat_map(Table::values).filter_map(|it| it.get("dependencies")?.as_table());
    own.chain(of_targets).flat_map(Table::keys).cloned().collect()
}

/// A CRM more is one crate more: none of them is known here by name.
fn as_known(name: &str) -> &str {
    if name.starts_with("connector-") { "connector-*" } else { name }
}

fn allowed(name: &str) -> BTreeSet<String> {
    let name = as_known(name);
    let (_, direct) =
        MAY_KNOW.iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("a crate of which nobody knows: {name}"));
    let mut all: BTreeSet<String> = direct.iter().map(|&it| it.to_owned()).collect();
    for one in *direct {
        all.extend(allowed(one));
    }
    all
}

#[test]
fn arrows_between_crates_point_one_way() {
    let crates = crates();
    let expected: BTreeSet<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    assert_eq!(crates.keys().map(|name| as_known(name)).collect::<BTreeSet<_>>(), expected, "the crates of the design");
    for (name, dependencies) in &crates {
        let own: BTreeSet<String> = dependencies
            .iter()
            .filter_map(|it| it.strip_prefix("mittler-"))
            .map(|it| as_known(it).to_owned())
            .collect();
        let allowed = allowed(name);
        let wrong: Vec<_> = own.difference(&allowed).collect();
        assert!(wrong.is_empty(), "{name} must not know {wrong:?}");
    }
}

#[test]
fn only_the_server_names_the_connectors_of_vendors() {
    for (name, dependencies) in crates() {
        let named: Vec<_> = dependencies.iter().filter(|it| it.starts_with("mittler-connector-")).collect();
        assert_eq!(named.is_empty(), name != "server", "{name}: {named:?}");
    }
}

#[test]
fn each_library_has_its_crate_and_pure_crates_stay_pure() {
    let crates = crates();
    for (library, users) in ONLY {
        let found: Vec<&str> =
            crates.iter().filter(|(_, it)| it.contains(*library)).map(|(name, _)| name.as_str()).collect();
        assert_eq!(found, *users, "{library}");
    }
    for pure in ["core", "normalise", "identity", "intake", "enrich"] {
        let found: Vec<_> = IMPURE.iter().filter(|it| crates[pure].contains(**it)).collect();
        assert!(found.is_empty(), "{pure} must not have {found:?}");
    }
}

#[test]
fn the_top_of_the_repository_holds_what_the_design_says() {
    let root = root();
    let listed = Command::new("git").args(["ls-files"]).current_dir(&root).output();
    let names: BTreeSet<String> = match listed {
        // What is not tracked (the folder target, an editor's files) is the machine's own.
        Ok(output) if output.status.success() && !output.stdout.is_empty() => {
            let text = String::from_utf8(output.stdout).unwrap();
            text.lines().map(|path| path.split('/').next().unwrap_or_default().to_owned()).collect()
        }
        _ => std::fs::read_dir(&root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "target")
            .collect(),
    };
    let names: BTreeSet<&str> = names.iter().map(String::as_str).filter(|name| !name.starts_with('.')).collect();
    assert_eq!(names, TOP.iter().copied().collect());
}

#[test]
fn a_bare_cargo_run_means_the_one_program() {
    let manifest = read(&root().join("Cargo.toml"));
    let list = |name: &str| -> Vec<String> {
        let list = manifest["workspace"][name].as_array().unwrap();
        list.iter().map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(list("default-members"), ["crates/server"]);
    assert_eq!(list("members"), ["crates/*", "tests"]);
    assert_eq!(manifest["workspace"]["resolver"].as_str(), Some("3"));
    assert_eq!(manifest["workspace"]["package"]["rust-version"].as_str(), Some("1.95"));
    assert!(!root().join("rust-toolchain").exists() && !root().join("rust-toolchain.toml").exists());
    let server = read(&root().join("crates/server/Cargo.toml"));
    let programs = server["bin"].as_array().unwrap();
    assert_eq!(programs.len(), 1);
    assert_eq!(programs[0]["name"].as_str(), Some("mittler"));
}

/// All Rust of a folder, without its tests, with the file's name for each line.
fn lines(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(lines(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            all.extend(text.lines().map(|line| (name.clone(), line.trim().to_owned())));
        }
    }
    all
}

#[test]
fn a_crm_is_written_to_in_one_place_behind_the_gate() {
    let place = |of: &str, what: &str| -> Vec<String> {
        let all = lines(&root().join("crates").join(of).join("src"));
        all.into_iter().filter(|(_, line)| line.contains(what)).map(|(file, _)| file).collect()
    };
    // A connector is a field or a variable of this name wherever it is used; lists are pushed to under other names.
    assert_eq!(place("sync", "connector.push("), ["call.rs"], "the one call of a connector's push");
    for other in ["worker", "api", "server", "queue", "store"] {
        assert_eq!(place(other, "connector.push("), [""; 0], "{other} must write through the push of sync");
    }
    // What is called are `Call`s, and they come from behind the gate alone, with their intents committed.
    assert_eq!(place("sync", "Call { lease:"), ["lease.rs"], "the one place that makes calls");
    let lease = std::fs::read_to_string(root().join("crates/sync/src/push/lease.rs")).unwrap();
    let at = |text: &str| lease.find(text).unwrap_or_else(|| panic!("lease.rs has no {text}"));
    assert!(at("match gate(") < lease.len() && at("tx.begin_lease(") < lease.len());
}
