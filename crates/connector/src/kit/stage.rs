//! What a property has at hand: a connector on its line, with tokens and pace that are watched.

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mittler_core::{RemoteFields, Value};
use secrecy::SecretString;
use uuid::Uuid;

use super::{Line, Peer, Subject, line::lock};
use crate::{
    ChangePage, Connector, Cost, Cursor, Error, Key, KindProfile, Outcome, RemoteRecord, Result as CallResult,
    RowResult, Usage, Write,
    http::{Auth, Http, Pace, client},
};

/// Most pages of a feed that a property follows: more are a circle.
const MOST_PAGES: usize = 100;

/// One peer and a connector of its account.
pub struct Stage {
    pub peer: Arc<dyn Peer>,
    pub crm: Arc<dyn Connector>,
    pub line: Line,
    pub meter: Arc<Meter>,
    pub tokens: Arc<Tokens>,
    pub subject: Subject,
    tags: AtomicU64,
}

/// Lets every call through, and notes what it asked for.
#[derive(Default)]
pub struct Meter(Mutex<Vec<Cost>>);

impl Meter {
    pub fn take(&self) -> Vec<Cost> {
        std::mem::take(&mut lock(&self.0))
    }
}

#[async_trait]
impl Pace for Meter {
    async fn permit(&self, cost: Cost) -> CallResult<()> {
        lock(&self.0).push(cost);
        Ok(())
    }

    fn observe(&self, _: Usage) {}
}

/// The peer's token, as often as it is asked for.
pub struct Tokens {
    token: SecretString,
    replaced: AtomicUsize,
}

impl Tokens {
    pub fn replaced(&self) -> usize {
        self.replaced.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Auth for Tokens {
    async fn token(&self) -> CallResult<SecretString> {
        Ok(self.token.clone())
    }

    async fn replace(&self, _: &SecretString) -> CallResult<SecretString> {
        self.replaced.fetch_add(1, Ordering::SeqCst);
        Ok(self.token.clone())
    }
}

impl Stage {
    pub async fn open(peer: Arc<dyn Peer>) -> io::Result<Stage> {
        let line = Line::open(Arc::clone(&peer)).await?;
        let meter = Arc::new(Meter::default());
        let tokens = Arc::new(Tokens { token: peer.token(), replaced: AtomicUsize::default() });
        let client = client(Duration::from_secs(30)).map_err(io::Error::other)?;
        let http = Http::new(client, Arc::clone(&tokens) as _, Arc::clone(&meter) as _, peer.dialect());
        let crm = peer.connect(http, line.base_url());
        let subject = peer.subject();
        Ok(Stage { crm, line, meter, tokens, subject, peer, tags: AtomicU64::new(1) })
    }

    /// A connector of a host that nobody listens at.
    pub fn of_nobody(&self) -> Result<Arc<dyn Connector>, String> {
        let client = client(Duration::from_secs(30)).map_err(|error| error.to_string())?;
        let http = Http::new(client, Arc::clone(&self.tokens) as _, Arc::clone(&self.meter) as _, self.peer.dialect());
        Ok(self.peer.connect(http, "http://127.0.0.1:1"))
    }

    pub fn kind(&self) -> Result<&KindProfile, String> {
        let name = self.subject.remote_type;
        self.crm.profile().kind(name).ok_or_else(|| format!("the profile does not name {name}"))
    }

    pub fn tag(&self) -> Uuid {
        Uuid::from_u128(self.tags.fetch_add(1, Ordering::SeqCst).into())
    }

    /// A create of the n-th record, under a key of ours that is its own.
    pub fn create(&self, n: usize) -> Write {
        self.create_of(n, (self.subject.fields)(n))
    }

    pub fn create_of(&self, n: usize, fields: RemoteFields) -> Write {
        Write::Create { tag: self.tag(), own_key: own_key(n), fields, allow_duplicate: false }
    }

    pub fn update(&self, id: &str, value: Option<&str>) -> Write {
        let value = value.map(|text| Value::Text(text.to_owned()));
        let fields = [(self.subject.field.to_owned(), value)].into_iter().collect();
        Write::Update { tag: self.tag(), id: id.to_owned(), fields }
    }

    pub fn archive(&self, id: &str) -> Write {
        Write::Archive { tag: self.tag(), id: id.to_owned() }
    }

    pub async fn push(&self, batch: &[Write]) -> CallResult<Vec<Outcome>> {
        self.crm.push(self.subject.remote_type, batch).await
    }

    /// Pushes what has to succeed, in calls as large as the profile allows; ids in the order of the batch.
    pub async fn written(&self, batch: &[Write]) -> Result<Vec<String>, String> {
        let mut ids = Vec::new();
        for part in batch.chunks(self.kind()?.batch.max(1)) {
            let outcomes = self.push(part).await.map_err(|error| format!("not written: {error:?}"))?;
            for outcome in outcomes {
                match outcome.result {
                    RowResult::Written { id, .. } => ids.push(id),
                    other => return Err(format!("not written: {other:?}")),
                }
            }
        }
        if ids.len() != batch.len() {
            return Err(format!("{} outcomes of {} writes", ids.len(), batch.len()));
        }
        self.settle().await;
        Ok(ids)
    }

    /// Makes the n-th record and gives its id.
    pub async fn made(&self, n: usize) -> Result<String, String> {
        self.written(&[self.create(n)]).await.map(|mut ids| ids.remove(0))
    }

    /// Once more, so that what the connector looks up first is known, and only the call itself follows.
    pub async fn warm(&self) -> Result<(), String> {
        let id = self.made(9_999).await?;
        if self.kind()?.updatable {
            self.written(&[self.update(&id, None)]).await?;
        }
        self.line.take_asked();
        Ok(())
    }

    /// Until searches there show what was written.
    pub async fn settle(&self) {
        self.peer.settle(self.crm.profile().visibility_lag).await;
    }

    pub async fn count(&self) -> usize {
        self.peer.count(self.subject.remote_type).await
    }

    pub async fn read(&self, keys: &[Key]) -> Result<Vec<RemoteRecord>, String> {
        let fields = [self.subject.field.to_owned()];
        let read = self.crm.read(self.subject.remote_type, keys, &fields).await;
        read.map_err(|error| format!("a read of {keys:?} failed: {error:?}"))
    }

    /// The text of the subject's field, as a read by id shows it.
    pub async fn text(&self, id: &str) -> Result<Option<String>, String> {
        let found = self.read(&[Key::Id(id.to_owned())]).await?;
        let record = found.first().ok_or_else(|| format!("{id} is not shown"))?;
        let value =
            record.fields.0.get(self.subject.field).ok_or("the field was asked for and is not in the answer")?;
        Ok(value.as_ref().and_then(Value::as_text).map(str::to_owned))
    }

    pub fn feed(&self) -> Option<String> {
        self.crm.profile().feed_of(self.subject.remote_type).map(|feed| feed.name.clone())
    }

    /// Where the feed begins now.
    pub async fn begin(&self, feed: &str) -> Result<ChangePage, String> {
        let begun = self.crm.changes(feed, None, self.peer.now()).await;
        begun.map_err(|error| format!("the feed does not begin: {error:?}"))
    }

    /// Everything that a run from the cursor tells, the cursor that is safe behind it, and its pages.
    pub async fn follow(&self, feed: &str, since: &Cursor) -> Result<Run, String> {
        let mut run = Run { ids: BTreeSet::new(), deleted: BTreeSet::new(), safe: since.clone(), pages: 0 };
        let mut cursor = since.clone();
        for pages in 1..=MOST_PAGES {
            let page = self.crm.changes(feed, Some(&cursor), self.peer.now()).await;
            let page = page.map_err(|error| format!("page {pages} of the feed: {error:?}"))?;
            let ours = page.changes.into_iter().filter(|change| change.remote_type == self.subject.remote_type);
            for change in ours {
                if change.deleted {
                    run.deleted.insert(change.id.clone());
                }
                run.ids.insert(change.id);
            }
            (run.safe, run.pages) = (page.safe, pages);
            match page.next {
                Some(next) => cursor = next,
                None => return Ok(run),
            }
        }
        Err(format!("the feed does not end within {MOST_PAGES} pages"))
    }
}

/// One run of a feed.
#[derive(Debug)]
pub struct Run {
    pub ids: BTreeSet<String>,
    pub deleted: BTreeSet<String>,
    pub safe: Cursor,
    pub pages: usize,
}

pub fn own_key(n: usize) -> String {
    format!("kit-{n}")
}

/// What a call that must not succeed gave.
pub fn failed<T: std::fmt::Debug>(result: CallResult<T>, what: &str) -> Result<Error, String> {
    match result {
        Ok(value) => Err(format!("{what} succeeded: {value:?}")),
        Err(error) => Ok(error),
    }
}
