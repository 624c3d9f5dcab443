//! What a person may ask of whoever holds their data: to see it (Art. 15 GDPR), to be forgotten (Art. 17), that nobody
//! is told of them (Art. 18). The command line, the REST API and the pages ask it here and nowhere else.

use std::sync::Arc;

use mittler_core::RecordId;
use mittler_store::{Clock, Result, Store, retention::Retention};

use crate::{
    Keys,
    export::{self, Export},
    find::{self, Contact, Found},
    forget::{self, Forgotten},
    restrict::{self, Restriction},
};

/// Clones share everything.
#[derive(Debug, Clone)]
pub struct Rights {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    /// When what is held is deleted by itself: the person is told.
    pub retention: Retention,
    /// Where numbers are dialled that are written without their country.
    pub country: Arc<str>,
}

/// Of whom something is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    Record(RecordId),
    /// Nobody is known by this; what was not taken may be about them all the same.
    Stranger(Contact),
}

impl Rights {
    /// Finds who is meant by a record's id, an e-mail address or a phone number.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn find(&self, text: &str) -> Result<Found> {
        find::find(&self.store, text, &self.country).await
    }

    /// Everything that is held about a person; that it was given is entered into the audit trail. `None` if there is no
    /// such person.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn export(&self, person: RecordId, actor: &str) -> Result<Option<Export>> {
        export::export(&self.store, &self.clock, self.retention, person, actor).await
    }

    /// What forgetting somebody would remove. `None` if there is no such person.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn preview_forgetting(&self, whom: &Whom) -> Result<Option<Forgotten>> {
        let (store, keys, clock) = (&self.store, &self.keys, &self.clock);
        match whom {
            Whom::Record(id) => forget::preview(store, keys, clock, *id).await,
            Whom::Stranger(contact) => forget::preview_stranger(store, keys, clock, contact).await.map(Some),
        }
    }

    /// Removes a person and keeps them out. `None` if there is no such person.
    ///
    /// # Errors
    /// If the database does not answer. Whoever repeats the call finishes the work.
    pub async fn forget(&self, whom: &Whom, actor: &str) -> Result<Option<Forgotten>> {
        let (store, keys, clock) = (&self.store, &self.keys, &self.clock);
        match whom {
            Whom::Record(id) => forget::forget(store, keys, clock, *id, actor).await,
            Whom::Stranger(contact) => forget::forget_stranger(store, keys, clock, contact, actor).await.map(Some),
        }
    }

    /// Restricts a person, or lifts it. `None` if there is no such person, else whether anything changed.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn restrict(&self, person: RecordId, wish: Restriction, actor: &str) -> Result<Option<bool>> {
        restrict::restrict(&self.store, &self.clock, person, wish, actor).await
    }
}
