//! Why a call to a CRM failed, split by what the caller does next.

use std::time::Duration;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Somebody must give the connection new credentials. Nothing was written.
    #[error("the CRM rejected the credentials ({code})")]
    Reauthorise { code: String },
    /// The account has no calls left in `bucket`. Nothing was written.
    #[error("the CRM's limit {bucket} is exhausted")]
    Limited { bucket: &'static str, retry_after: Option<Duration> },
    /// Never reached the CRM, or it said that it did nothing. Nothing was written.
    #[error("the CRM is not available ({code})")]
    Unavailable { code: String, retry_after: Option<Duration> },
    /// A read that the CRM could not finish in time: it asked for too much, or the CRM does not answer at all.
    /// Asked for less, it may pass.
    #[error("the CRM could not finish the read in time ({code})")]
    TooBroad { code: String },
    /// The request was sent and no usable answer came: a timeout, a cut connection, a 5xx on a
    /// write. It may have been committed: look first, then decide.
    #[error("the outcome of the call is unknown ({code})")]
    Unknown { code: String },
    /// The batch was refused as a whole, and nothing of it was written: bisect. A batch of one is
    /// a refused row.
    #[error("the CRM refused the whole batch ({code})")]
    BatchRefused { code: String, message: String, fields: Vec<String> },
    /// The CRM does not know any more what changed since the cursor: the feed begins anew, and what it may have
    /// missed is read.
    #[error("the CRM does not know the cursor any more ({code})")]
    CursorExpired { code: String },
    /// A permission, a scope, a setting: nothing will work until an administrator acts.
    #[error("the CRM refused the call ({code})")]
    Configuration { code: String, message: String },
    /// The answer was not understood. For reads only; on a write it is `Unknown`.
    #[error("the CRM's answer was not understood ({detail})")]
    Protocol { detail: String },
}

impl Error {
    /// Whether the same call may work later without anybody's doing.
    pub fn is_passing(&self) -> bool {
        match self {
            Error::Limited { .. } | Error::Unavailable { .. } | Error::TooBroad { .. } | Error::Unknown { .. } => true,
            Error::Reauthorise { .. }
            | Error::BatchRefused { .. }
            | Error::CursorExpired { .. }
            | Error::Configuration { .. }
            | Error::Protocol { .. } => false,
        }
    }

    /// A stable, short word for logs and metrics; no personal data.
    pub fn code(&self) -> &str {
        match self {
            Error::Reauthorise { code }
            | Error::Unavailable { code, .. }
            | Error::TooBroad { code }
            | Error::Unknown { code }
            | Error::BatchRefused { code, .. }
            | Error::CursorExpired { code }
            | Error::Configuration { code, .. } => code,
            Error::Limited { bucket, .. } => bucket,
            Error::Protocol { .. } => "protocol",
        }
    }
}
