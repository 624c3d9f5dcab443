//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Keeps CRM records true: fair leads and customers' replies become right records by themselves.
#[derive(Debug, Parser)]
#[command(name = "mittler", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The configuration file
    #[arg(long, global = true, env = "MITTLER_CONFIG", default_value = "mittler.toml")]
    pub config: PathBuf,
    /// `sqlite:FILE` or `postgres://…`; wins over the configuration
    #[arg(long, global = true, env = "MITTLER_DATABASE_URL", hide_env_values = true)]
    pub database: Option<String>,
    /// `amqp://…`; without it the queue is embedded in the database
    #[arg(long, global = true, env = "MITTLER_BROKER_URL", hide_env_values = true)]
    pub broker: Option<String>,
    /// The file with the installation's key
    #[arg(long, global = true, env = "MITTLER_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// A folder of secrets (systemd, containers): files that the configuration names are looked for here first
    #[arg(long, global = true, env = "CREDENTIALS_DIRECTORY")]
    pub credentials: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service
    Serve {
        /// Address and port; given here, a process without the API answers health and metrics on it
        #[arg(long, env = "MITTLER_LISTEN")]
        listen: Option<SocketAddr>,
        /// api, worker, relay, scheduler; all by default
        #[arg(long, value_delimiter = ',')]
        roles: Vec<String>,
    },
    /// Import the example list and mailbox into a sandbox Salesforce and HubSpot, and show what became of them
    Demo {
        /// Go on serving the pages
        #[arg(long)]
        serve: bool,
        #[arg(long)]
        json: bool,
        /// Where to keep the demo's database; a temporary folder by default
        #[arg(long)]
        folder: Option<PathBuf>,
        /// Another list instead of the example
        #[arg(long)]
        list: Option<PathBuf>,
        /// Another mailbox instead of the example
        #[arg(long)]
        mailbox: Option<PathBuf>,
    },
    /// Run a Salesforce and a HubSpot of your own, to try mappings and integrations
    Sandbox {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Print the addresses and credentials as one JSON line
        #[arg(long)]
        json: bool,
        /// A TOML file with the sandbox's settings
        #[arg(long)]
        settings: Option<PathBuf>,
        /// Write a configuration with keys that is connected to it into this folder
        #[arg(long, value_name = "FOLDER")]
        configure: Option<PathBuf>,
    },
    /// Import a list of leads (CSV)
    Import {
        file: PathBuf,
        #[command(flatten)]
        import: ImportArgs,
        /// Show how the columns and rows would be read; write nothing
        #[arg(long)]
        dry_run: bool,
        /// Write all rows that were refused, or would be, to this file (CSV), to correct them and import it
        #[arg(long, value_name = "FILE", conflicts_with = "no_wait")]
        problems: Option<PathBuf>,
        /// End as soon as everything is stored; a running service does the rest
        #[arg(long)]
        no_wait: bool,
        #[arg(long)]
        json: bool,
    },
    /// Take reply mails (one message, or an mbox file)
    Reply {
        file: PathBuf,
        #[arg(long, default_value = "mailbox")]
        source: String,
        /// End as soon as everything is stored; a running service does the rest
        #[arg(long)]
        no_wait: bool,
        #[arg(long)]
        json: bool,
    },
    /// Show records
    Records {
        /// The id of one record
        id: Option<String>,
        #[arg(long, default_value = "person")]
        kind: String,
        #[arg(long, default_value_t = 50)]
        limit: i64,
        #[arg(long)]
        json: bool,
    },
    /// Write what a record says; it holds more than any other source, and goes to all CRMs
    Edit {
        #[command(flatten)]
        edit: EditArgs,
        #[arg(long)]
        json: bool,
    },
    /// Show connections and what waits at them
    #[command(args_conflicts_with_subcommands = true)]
    Connections {
        #[arg(long)]
        json: bool,
        #[command(subcommand)]
        command: Option<ConnectionsCommand>,
    },
    /// Check one connection and make in its CRM what it needs there
    Connect {
        /// The connection's name
        name: String,
        #[arg(long)]
        json: bool,
    },
    /// Show the questions that wait for a person
    #[command(args_conflicts_with_subcommands = true)]
    Questions {
        #[arg(long)]
        json: bool,
        #[command(subcommand)]
        command: Option<QuestionsCommand>,
    },
    /// Answer a question
    Answer {
        id: uuid::Uuid,
        /// One of the answers that `mittler questions show` lists
        command: String,
        /// For `merge`: the record that it is the same as (rec_…)
        #[arg(long)]
        record: Option<mittler_core::RecordId>,
        /// For `link`: the record of the CRM that it is (TYPE:ID)
        #[arg(long)]
        remote: Option<String>,
    },
    /// API keys, login links, and what to do when mittler.key is lost
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Who is logged in to the pages, and how to end that
    Sessions {
        #[command(subcommand)]
        command: Option<SessionsCommand>,
        #[arg(long)]
        json: bool,
    },
    /// Mappings between records and CRMs
    Mapping {
        #[command(subcommand)]
        command: MappingCommand,
    },
    /// Remove a person from the database and keep their e-mail addresses out
    Forget {
        /// The record's id (rec_…), an e-mail address or a phone number; of somebody who has no record what was not
        /// taken is emptied
        person: String,
        /// Say what would be removed; remove nothing
        #[arg(long)]
        dry_run: bool,
        #[arg(long)]
        json: bool,
    },
    /// Tell nobody of a person for now (restriction of processing), or lift that
    Restrict {
        /// The record's id (rec_…), an e-mail address or a phone number
        person: String,
        /// Why; it stays in the audit trail until the person is forgotten
        #[arg(long, conflicts_with = "lift")]
        reason: Option<String>,
        /// End the restriction; what was held is written then
        #[arg(long)]
        lift: bool,
        #[arg(long)]
        json: bool,
    },
    /// Write down everything that is held about a person, for that person (Art. 15 GDPR)
    Export {
        /// The record's id (rec_…), an e-mail address or a phone number
        person: String,
        /// A page to print or to send, or JSON for programs
        #[arg(long, value_enum, default_value = "json")]
        format: ExportFormat,
        /// The language of the page
        #[arg(long, value_enum, default_value = "de")]
        lang: ExportLanguage,
        /// Write it to this file instead of the terminal
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Copy the whole installation into another, empty database, to go on there
    Move {
        /// `sqlite:FILE` or `postgres://…`
        #[arg(long)]
        to: String,
        #[arg(long)]
        json: bool,
    },
    /// Check configuration, database, broker and every connection, and say what to do
    Doctor {
        #[arg(long)]
        json: bool,
    },
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// Name of the source, the scope of its ids
    #[arg(long, default_value = "list")]
    pub source: String,
    /// Shown in the list of imports; the file's name by default
    #[arg(long)]
    pub label: Option<String>,
    /// Country of rows that name none
    #[arg(long, default_value = "DE")]
    pub country: String,
    /// Time zone of the scan times
    #[arg(long, default_value = "Europe/Berlin")]
    pub time_zone: String,
    /// Name of the fair
    #[arg(long)]
    pub fair: Option<String>,
    #[arg(long, requires = "fair")]
    pub organiser: Option<String>,
    #[arg(long, requires = "fair")]
    pub place: Option<String>,
    /// First day, YYYY-MM-DD
    #[arg(long, requires = "fair")]
    pub starts: Option<jiff::civil::Date>,
    /// Last day, YYYY-MM-DD
    #[arg(long, requires = "fair")]
    pub ends: Option<jiff::civil::Date>,
    /// The list is the organiser's export, not scans of your own stand
    #[arg(long)]
    pub organiser_export: bool,
    /// For what its people may be told of; connections name the purposes that they serve
    #[arg(long)]
    pub purpose: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Json,
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportLanguage {
    De,
    En,
}

#[derive(Debug, Clone, Args)]
pub struct EditArgs {
    /// The record's id (rec_…) or an e-mail address
    pub record: String,
    /// Fields by the names that `mittler records ID` shows: position=Prokuristin. Addresses and numbers are lists:
    /// `emails=a@b.de,c@d.de` is all of them, the main one first; `emails+=…` adds, `emails-=…` removes;
    /// `phones=mobile:+49…` says what one is for
    #[arg(value_name = "FIELD=VALUE", required_unless_present_any = ["clear", "let_go"])]
    pub set: Vec<String>,
    /// Empty a field everywhere
    #[arg(long, value_name = "FIELD")]
    pub clear: Vec<String>,
    /// Take back what was written into a field: it says what all other sources say
    #[arg(long, value_name = "FIELD")]
    pub let_go: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum ConnectionsCommand {
    /// Do again whatever a connection refused, holds, or has deleted
    Retry {
        /// The connection's name
        name: String,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum QuestionsCommand {
    /// Compare the candidates of a question, and list its answers with what they would change
    Show {
        id: uuid::Uuid,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key; it is shown once
    Create {
        #[arg(long)]
        label: String,
        /// leads:write, records:read, records:write, metrics:read, admin
        #[arg(long, value_delimiter = ',', default_value = "leads:write,records:read")]
        scopes: Vec<String>,
        #[arg(long)]
        json: bool,
    },
    List {
        #[arg(long)]
        json: bool,
    },
    Revoke {
        id: String,
    },
    /// Go on without the key that the database was made with: says what is lost, and does it with --yes
    AcceptNew {
        #[arg(long)]
        yes: bool,
        #[arg(long)]
        json: bool,
    },
    /// Make a one-time link that opens the pages
    Link {
        /// Where the service listens, if not as configured
        #[arg(long, env = "MITTLER_LISTEN")]
        listen: Option<SocketAddr>,
    },
}

#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// End a session or an unused link, or all of them: they open nothing any more
    End {
        /// The id that the list shows
        #[arg(required_unless_present = "all")]
        id: Option<uuid::Uuid>,
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum MappingCommand {
    /// Hold a connection's mapping against the CRM's own description
    Check {
        /// The connection's name; all by default
        connection: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Print the default mapping of a CRM
    Default {
        /// salesforce or hubspot
        crm: String,
    },
}
