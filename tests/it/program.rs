//! The program as people run it: its commands, its start, and what several processes share.

mod cli;
mod counts;
mod demo;
mod history;
mod key;
mod moving;
mod room;
mod silent;
mod spans;
mod start;
mod vault;

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use mittler_sandbox::Access;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::support::setting;

/// A folder with a configuration, as an installation has it.
struct Place(tempfile::TempDir);

impl Place {
    fn new(configuration: &str) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.file("mittler.toml", configuration.as_bytes());
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        // The configuration of a story holds its secrets.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::from(mittler());
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    async fn run(&self, arguments: &[&str]) -> Done {
        Done { output: self.command(arguments).output().await.unwrap(), said: arguments.join(" ") }
    }

    /// Starts what goes on until it is stopped.
    fn start(&self, arguments: &[&str]) -> Running {
        let mut child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines }
    }
}

struct Done {
    output: Output,
    said: String,
}

impl Done {
    fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// Everything that it printed.
    fn text(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(&self.output.stdout), String::from_utf8_lossy(&self.output.stderr))
    }

    #[track_caller]
    fn ended(self, code: i32) -> Done {
        assert_eq!(self.code(), Some(code), "mittler {}: {}", self.said, self.text());
        self
    }

    /// Its standard output, which must be one JSON document.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.output.stdout).unwrap_or_else(|_| panic!("mittler {}: {}", self.said, self.text()))
    }
}

struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// The rest of the first line that begins like this.
    async fn says(&mut self, beginning: &str) -> String {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
        panic!("it ended without saying {beginning:?}")
    }

    /// Ends it as an operator would; gives its exit code.
    async fn stop(mut self) -> Option<i32> {
        let process =
            self.child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).unwrap())).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        self.child.wait().await.unwrap().code()
    }
}

/// Both connections to a sandbox, each with further settings.
fn configuration(access: &Access, salesforce: &str, hubspot: &str) -> String {
    format!(
        "[schedule]\npull_minutes = 0\n\
         [[connection]]\nname = \"salesforce\"\ncrm = \"salesforce\"\nbase_url = {:?}\ngrant = \"client_credentials\"\n\
         client_id = {:?}\nclient_secret = {:?}\norganization_id = {:?}\nvisibility_lag_seconds = 0\n{salesforce}\n\
         [[connection]]\nname = \"hubspot\"\ncrm = \"hubspot\"\nbase_url = {:?}\ngrant = \"static\"\n\
         access_token = {:?}\nportal_id = \"{}\"\nvisibility_lag_seconds = 0\n{hubspot}\n",
        access.salesforce.base_url,
        access.salesforce.client_id,
        access.salesforce.client_secret,
        access.salesforce.organization_id,
        access.hubspot.base_url,
        access.hubspot.access_token,
        access.hubspot.portal_id,
    )
}

const LIST: &str = "Vorname;Nachname;Firma;E-Mail;Telefon;Land\n\
    Albrecht;Zeidler;Spindelwerk Ostalb GmbH;albrecht.zeidler@spindelwerk-ostalb.example;07361 481200;DE\n\
    Simone;Häberle;Spindelwerk Ostalb GmbH;simone.haeberle@spindelwerk-ostalb.example;;DE\n\
    ;;;;07361 481299;DE\n";

const MAIL: &str = "From: Albrecht Zeidler <albrecht.zeidler@spindelwerk-ostalb.example>\r\n\
    To: vertrieb@drehmark.example\r\nSubject: AW: Besuch\r\nDate: Tue, 21 Apr 2026 10:00:00 +0200\r\n\
    Message-ID: <r1@spindelwerk-ostalb.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
    Guten Tag,\r\n\r\nmeine neue Durchwahl ist 07361 48120-37.\r\n\r\nMit freundlichen Grüßen\r\nAlbrecht Zeidler\r\n";

/// The program of the test run.
fn mittler() -> std::process::Command {
    let mut command = std::process::Command::new(Path::new(&setting("MITTLER_TEST_BIN_DIR")).join("mittler"));
    // What the person who runs the tests has set for an installation of their own is not meant.
    for name in [
        "MITTLER_CONFIG",
        "MITTLER_DATABASE_URL",
        "MITTLER_BROKER_URL",
        "MITTLER_KEY_FILE",
        "MITTLER_LISTEN",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command
}
