//! What lies in `deploy/` fits this program and itself.

use std::{collections::BTreeSet, path::Path, process::Command};

use clap::{CommandFactory, Parser};
use mittler_store::{Clock, Store};
use mittler_sync::Keys;
use serde_norway::Value;

use crate::{
    cli::Cli,
    config::Config,
    factory::{self, Rows},
};

const EXAMPLE: &str = include_str!("../../../deploy/mittler.example.toml");
const CONTAINERFILE: &str = include_str!("../../../deploy/Containerfile");
const COMPOSE: &str = include_str!("../../../deploy/compose.yaml");
const UNIT: &str = include_str!("../../../deploy/mittler.service");

fn compose() -> Value {
    serde_norway::from_str(COMPOSE).unwrap()
}

/// The files that the example names.
fn secret_files() -> BTreeSet<String> {
    let example: toml::Table = EXAMPLE.parse().unwrap();
    let connections = example["connection"].as_array().unwrap().iter();
    let tables = connections.flat_map(|connection| connection.as_table().unwrap().values());
    // The table of each CRM.
    let settings = tables.filter_map(toml::Value::as_table).flatten();
    let mut files: BTreeSet<String> = settings
        .filter(|(name, _)| name.ends_with("_file"))
        .map(|(_, file)| file.as_str().unwrap().to_owned())
        .collect();
    files.insert(example["server"]["key_file"].as_str().unwrap().to_owned());
    files
}

/// A variable that the image sets.
fn image_sets(name: &str) -> &'static str {
    let (_, rest) = CONTAINERFILE.split_once(&format!("{name}=")).unwrap();
    rest.split_whitespace().next().unwrap()
}

#[tokio::test]
async fn the_example_makes_its_connections_once_its_secrets_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mittler.toml");
    std::fs::write(&path, EXAMPLE).unwrap();
    let cli = Cli::parse_from(["mittler", "--config", path.to_str().unwrap(), "doctor"]);
    let config = Config::load(&cli.common).unwrap();
    let store = Store::open(&config.server.database).await.unwrap();
    let (clock, keys) = (Clock::default(), Keys::derive(&[1; 32]));
    let connect = || factory::connections(&config, &store, &clock, &keys, Rows::Renewed);
    let missing = connect().await.unwrap_err();
    assert!(format!("{missing:#}").contains("hubspot.token"), "{missing:#}");
    for file in secret_files() {
        std::fs::write(folder.path().join(file), "a secret").unwrap();
    }
    let made = connect().await.unwrap();
    let names: Vec<_> = made.iter().map(|connection| (connection.name.as_str(), connection.mode.name())).collect();
    assert_eq!(names, [("hubspot", "dry_run"), ("salesforce", "dry_run")]);
}

#[test]
fn each_variable_is_one_that_the_program_reads() {
    fn known(command: &clap::Command, names: &mut BTreeSet<String>) {
        names.extend(command.get_arguments().filter_map(|it| it.get_env()).map(|it| it.to_string_lossy().into_owned()));
        command.get_subcommands().for_each(|command| known(command, names));
    }
    let mut names = BTreeSet::new();
    known(&Cli::command(), &mut names);
    // What is read while the program is built.
    names.insert("MITTLER_COMMIT".into());
    for text in [EXAMPLE, CONTAINERFILE, COMPOSE, UNIT] {
        let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
        for name in words.filter(|word| word.len() > 8 && word.starts_with("MITTLER_")) {
            assert!(names.contains(name), "the program does not read {name}");
        }
    }
}

#[test]
fn the_port_is_one_everywhere() {
    let port = image_sets("MITTLER_LISTEN").strip_prefix("0.0.0.0:").unwrap();
    assert!(CONTAINERFILE.contains(&format!("\nEXPOSE {port}\n")));
    let asked = format!("http://127.0.0.1:{port}/health/live");
    let check = CONTAINERFILE.split_once("HEALTHCHECK").unwrap().1;
    assert!(check.contains(&asked));
    let service = &compose()["services"]["mittler"];
    assert_eq!(service["ports"][0].as_str(), Some(format!("127.0.0.1:{port}:{port}").as_str()));
    assert_eq!(service["healthcheck"]["test"].as_sequence().unwrap().last().unwrap().as_str(), Some(asked.as_str()));
}

#[test]
fn what_the_container_reads_and_writes_is_mounted() {
    let folder = |file: &str| Path::new(file).parent().unwrap().to_owned();
    let data = folder(image_sets("MITTLER_KEY_FILE"));
    assert!(CONTAINERFILE.contains(&format!("\nVOLUME {}\n", data.display())));
    assert_eq!(folder(image_sets("MITTLER_DATABASE_URL").strip_prefix("sqlite:").unwrap()), data);
    let config = folder(image_sets("MITTLER_CONFIG"));
    let service = &compose()["services"]["mittler"];
    let mounts = service["volumes"].as_sequence().unwrap().iter().map(|it| it.as_str().unwrap());
    let mounts: Vec<_> = mounts.map(|it| it.split(':').nth(1).unwrap().to_owned()).collect();
    for needed in [&data, &config] {
        assert!(mounts.contains(&needed.display().to_string()), "{} is not mounted", needed.display());
    }
    assert_eq!(folder(service["environment"]["MITTLER_KEY_FILE"].as_str().unwrap()), config);
}

#[test]
fn compose_names_only_what_it_has() {
    let compose = compose();
    let names = |of: &Value| -> BTreeSet<String> {
        let named = |it: &Value| it.as_str().unwrap().split(':').next().unwrap().to_owned();
        match of {
            Value::Mapping(map) => map.keys().map(named).collect(),
            Value::Sequence(list) => list.iter().map(named).collect(),
            _ => BTreeSet::new(),
        }
    };
    let services = names(&compose["services"]);
    assert_eq!(services, ["mittler", "postgres", "rabbitmq"].map(str::to_owned).into());
    for service in &services {
        let service = &compose["services"][service.as_str()];
        assert!(names(&service["depends_on"]).is_subset(&services));
        assert!(names(&service["networks"]).is_subset(&names(&compose["networks"])));
        let volumes: BTreeSet<_> = names(&service["volumes"]).into_iter().filter(|it| !it.starts_with('.')).collect();
        assert!(volumes.is_subset(&names(&compose["volumes"])), "{volumes:?}");
        assert!(service["healthcheck"].is_mapping());
    }
}

#[test]
fn the_unit_hands_over_each_secret_and_writes_only_where_it_may() {
    let handed: BTreeSet<String> = UNIT
        .lines()
        .filter_map(|line| line.strip_prefix("LoadCredential="))
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(handed, secret_files());
    for line in [
        "ProtectSystem=strict",
        "StateDirectory=mittler",
        "Environment=MITTLER_DATABASE_URL=sqlite:%S/mittler/mittler.sqlite",
    ] {
        assert!(UNIT.lines().any(|it| it == line), "{line} is missing");
    }
}

/// Only where systemd is installed.
#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("mittler.service");
    std::fs::write(&unit, UNIT.replace("/usr/local/bin/mittler", "/bin/true")).unwrap();
    let Ok(verified) = Command::new("systemd-analyze").arg("verify").arg(&unit).output() else { return };
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !said.contains("mittler.service:"), "{said}");
}
