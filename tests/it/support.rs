//! What every story needs: fresh databases, the servers of the test run, and patience with limits.

use std::{
    future::Future,
    path::Path,
    process::Command,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use mittler_store::Store;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::Instant,
};

/// A setting of the test run.
#[expect(clippy::disallowed_methods, reason = "the one place where tests read the environment")]
pub fn setting(name: &str) -> String {
    let Ok(value) = std::env::var(name) else {
        panic!(
            "{name} is not set: this story needs PostgreSQL and RabbitMQ. Run `tests/services start DIR` and `. DIR/env` \
             first, or everything by `tests/run`"
        )
    };
    value
}

/// The dice of a story. Its seed is printed, and shown if the story fails; `MITTLER_TEST_SEED` sets it.
pub fn dice() -> fastrand::Rng {
    static SEED: OnceLock<u64> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "the one place where tests read the environment")]
    let given =
        || std::env::var("MITTLER_TEST_SEED").ok().map(|seed| seed.parse().expect("MITTLER_TEST_SEED is a number"));
    let seed = *SEED.get_or_init(|| given().unwrap_or_else(|| fastrand::u64(..)));
    eprintln!("MITTLER_TEST_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// Shows the log of a story that fails.
fn listen() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt().with_env_filter("warn,lapin=error").with_writer(std::io::stderr).init();
    });
}

/// A database that nobody else uses.
pub struct Fresh {
    pub store: Store,
    url: String,
    place: Place,
}

enum Place {
    Folder(tempfile::TempDir),
    Server { admin: Box<PgConnectOptions>, name: String },
}

impl Fresh {
    /// Where the database is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A database of SQLite that another program made; its file stays.
    pub async fn at(path: &Path) -> Fresh {
        listen();
        let url = format!("sqlite:{}", path.display());
        let folder = tempfile::tempdir().unwrap();
        Fresh { store: Store::open(&url).await.unwrap(), url, place: Place::Folder(folder) }
    }

    /// Another set of connections to the same database, as another process would have. Only
    /// PostgreSQL allows it.
    #[allow(dead_code, reason = "for stories of several processes")]
    pub async fn again(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// The database as it lies there when no process has it open. Whoever else has the store must have dropped it.
    pub async fn shut(self) -> Shut {
        let Fresh { store, url, place } = self;
        store.close().await;
        Shut { url, place }
    }

    /// Removes the database. After a failed story it stays, until the servers are thrown away.
    pub async fn remove(self) {
        self.shut().await.remove().await;
    }
}

/// A database that nobody has open.
pub struct Shut {
    pub url: String,
    place: Place,
}

impl Shut {
    pub async fn open(self) -> Fresh {
        Fresh { store: Store::open(&self.url).await.unwrap(), url: self.url, place: self.place }
    }

    pub async fn remove(self) {
        match self.place {
            Place::Folder(folder) => folder.close().unwrap(),
            Place::Server { admin, name } => {
                // A story may have left the server down; then there is nothing to tidy.
                if let Ok(mut server) = admin.connect().await {
                    let drop = format!("DROP DATABASE \"{name}\" WITH (FORCE)");
                    _ = sqlx::query(AssertSqlSafe(drop)).execute(&mut server).await;
                    _ = server.close().await;
                }
            }
        }
    }
}

pub async fn sqlite() -> Fresh {
    empty_sqlite().open().await
}

pub async fn postgres() -> Fresh {
    empty_postgres().await.open().await
}

/// A place for a database of SQLite, without the file.
pub fn empty_sqlite() -> Shut {
    listen();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("mittler.db").display());
    Shut { url, place: Place::Folder(folder) }
}

/// A database of PostgreSQL without tables.
pub async fn empty_postgres() -> Shut {
    listen();
    let base = setting("MITTLER_TEST_POSTGRES_URL");
    let admin: PgConnectOptions = base.parse().unwrap();
    let name = format!("story_{}", uuid::Uuid::new_v4().simple());
    let mut server: PgConnection = admin.connect().await.unwrap();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE \"{name}\""))).execute(&mut server).await.unwrap();
    server.close().await.unwrap();
    let (server_url, _) = base.rsplit_once('/').unwrap();
    let url = format!("{server_url}/{name}");
    Shut { url, place: Place::Server { admin: Box::new(admin), name } }
}

/// A fresh database of every kind.
#[allow(dead_code, reason = "for stories that compare the two")]
pub async fn stores() -> [Fresh; 2] {
    [sqlite().await, postgres().await]
}

/// Runs each story, an `async fn(Store)`, against a fresh database of every kind.
#[allow(unused_macros, reason = "for the stories of other parts")]
macro_rules! on_every_database {
    ($($story:ident),* $(,)?) => {$(
        mod $story {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let fresh = $crate::support::sqlite().await;
                super::$story(fresh.store.clone()).await;
                fresh.remove().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let fresh = $crate::support::postgres().await;
                super::$story(fresh.store.clone()).await;
                fresh.remove().await;
            }
        }
    )*};
}

/// The same where only PostgreSQL is meant.
macro_rules! on_postgres {
    ($($story:ident),* $(,)?) => {$(
        mod $story {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let fresh = $crate::support::postgres().await;
                super::$story(fresh.store.clone()).await;
                fresh.remove().await;
            }
        }
    )*};
}

/// Waits until `holds` does, and says what was waited for if it does not within `seconds`.
pub async fn eventually<F: Future<Output = bool>>(what: &str, seconds: u64, mut holds: impl FnMut() -> F) -> Duration {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

/// `rabbitmqctl`, against the broker of the test run.
pub async fn rabbitmqctl(arguments: &[&str]) -> String {
    run(setting("MITTLER_TEST_RABBITMQ_CTL"), arguments).await
}

/// `kill-broker`, `start-database` and so on.
pub async fn services(command: &str) {
    let setting = setting("MITTLER_TEST_SERVICES");
    let (script, folder) = setting.rsplit_once(' ').unwrap();
    run(script.to_owned(), &[command, folder]).await;
}

async fn run(program: String, arguments: &[&str]) -> String {
    let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
    let output = tokio::task::spawn_blocking(move || {
        let output = Command::new(&program).args(&arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    });
    String::from_utf8(output.await.unwrap()).unwrap()
}

/// What becomes of the bytes between a client and a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    Passes,
    /// Accepted, and never a word: as a machine that hangs does. Who is connected stays so, and unheard for ever.
    Silent,
    /// Everybody is sent away.
    Refused,
}

/// Stands before a server, on a port of its own, and decides what passes.
pub struct Proxy {
    /// The server's, by way of this one.
    pub url: String,
    /// With how often the connections were cut.
    traffic: watch::Sender<(Traffic, u64)>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    pub async fn before(url: &str) -> Proxy {
        let (_, rest) = url.rsplit_once('@').unwrap();
        let server = rest.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url.replace(&server, &listener.local_addr().unwrap().to_string());
        let traffic = watch::Sender::new((Traffic::Passes, 0));
        let orders = traffic.clone();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let held = Arc::new(Mutex::new(Vec::new()));
            let mut passing = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                passing.spawn(pass(client, server.clone(), orders.subscribe(), Arc::clone(&held)));
            }
        });
        Proxy { url, traffic, _accepting: accepting }
    }

    pub fn set(&self, traffic: Traffic) {
        self.traffic.send_modify(|orders| orders.0 = traffic);
    }

    /// Cuts who is connected; whoever comes again gets through.
    pub fn cut(&self) {
        self.traffic.send_modify(|orders| orders.1 += 1);
    }
}

async fn pass(
    mut client: TcpStream,
    server: String,
    mut orders: watch::Receiver<(Traffic, u64)>,
    held: Arc<Mutex<Vec<TcpStream>>>,
) {
    let traffic = orders.borrow_and_update().0;
    match traffic {
        Traffic::Silent => held.lock().unwrap().push(client),
        Traffic::Refused => _ = client.set_zero_linger(),
        Traffic::Passes => {
            let Ok(mut server) = TcpStream::connect(server).await else { return };
            let silent = tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => false,
                _ = orders.changed() => orders.borrow().0 == Traffic::Silent,
            };
            if silent {
                held.lock().unwrap().extend([client, server]);
            } else {
                _ = client.set_zero_linger(); // a reset, not a farewell
            }
        }
    }
}
