//! One CRM more costs one crate and one line of the registry: no other code knows a vendor by name.

use std::path::{Path, PathBuf};

/// Names of vendors, of their hosts and of what only they have: prefixes of ids, types of records.
const WORDS: &[&str] =
    &["salesforce", "hubspot", "pipedrive", "odoo", "dynamics", "sobject", "campaignmember", "00d5", "01q"];

/// Who may: the connectors, their sandbox, the registry, and what shows the sandbox.
const MAY: &[&str] =
    &["connector-", "sandbox/", "server/src/crms.rs", "server/src/commands/demo.rs", "server/src/commands/sandbox.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// What is built into the program: no comments, and none of the tests that stand at a file's end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    lines.take_while(|(_, line)| *line != "#[cfg(test)]").filter(|(_, line)| !line.starts_with("//"))
}

#[test]
fn no_vendor_stands_outside_its_connector() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&crates).unwrap() {
        let folder = entry.unwrap().path().join("src");
        if folder.is_dir() {
            sources(&folder, &mut files);
        }
    }
    assert!(files.len() > 200, "the sources are where they are looked for");
    let mut named = Vec::new();
    for file in &files {
        let name = file.strip_prefix(&crates).unwrap().to_str().unwrap();
        let is_test = name.ends_with("tests.rs") || name.contains("/tests/");
        if is_test || MAY.iter().any(|may| name.starts_with(may)) {
            continue;
        }
        let text = std::fs::read_to_string(file).unwrap();
        for (at, line) in code(&text) {
            let small = line.to_lowercase();
            if WORDS.iter().any(|word| small.contains(word)) {
                named.push(format!("{name}:{at}: {line}"));
            }
        }
    }
    assert!(named.is_empty(), "vendors are named by\n{}", named.join("\n"));
}
