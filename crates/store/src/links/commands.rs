//! What a person decides of a link: the command for its next write, and whether it takes part at all.

use mittler_core::{LinkId, Time};
use serde::{Deserialize, Serialize};

use crate::{Document, Result, Tx};

/// What a person told to do with a link at its next write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum LinkCommand {
    /// Make the record, whatever resembles it there.
    CreateAnyway,
    /// It is this remote record.
    Adopt { remote_type: String, remote_id: String },
    /// Remove it there.
    Archive,
}

impl Tx {
    /// Tells a link what to do at its next write, which is due now. One that is left out takes part again.
    /// Gives whether there is such a link.
    pub async fn command_link(&mut self, link: LinkId, command: Option<&LinkCommand>) -> Result<bool> {
        self.lock_links(&[link.0]).await?;
        let told = execute!(
            self,
            "UPDATE link SET command = $2, role = 'primary', state = 'open', held = '{}', code = NULL, reason = NULL, attempt = 0, next_at = 0,
                    wanted = wanted + 1 WHERE id = $1 AND role IN ('primary', 'excluded') AND (code IS NULL OR code <> 'erased_there')",
            link.0,
            command.map(Document),
        )?;
        Ok(told == 1)
    }

    /// Leaves a link out of its CRM: nothing is written to it, and whoever needs it there says so. Gives
    /// whether there is such a link.
    pub async fn exclude_link(&mut self, link: LinkId, code: &str) -> Result<bool> {
        self.lock_links(&[link.0]).await?;
        let excluded = execute!(
            self,
            "UPDATE link SET role = 'excluded', state = 'excluded', code = $2, reason = NULL, command = NULL, held = '{}', attempt = 0, next_at = 0,
                    done = wanted WHERE id = $1 AND role IN ('primary', 'excluded') AND (code IS NULL OR code <> 'erased_there')",
            link.0,
            code.to_owned(),
        )?;
        Ok(excluded == 1)
    }

    /// Takes back that a link is kept out of its CRM: it stands as it is said to, `gone` for what the CRM has no
    /// more, `refused` while a person is asked, else `open` and due.
    pub async fn include_link(&mut self, link: LinkId, state: &str, code: Option<&str>) -> Result<()> {
        self.lock_links(&[link.0]).await?;
        execute!(
            self,
            "UPDATE link SET role = 'primary', state = $2, code = $3, wanted = CASE WHEN $2 = 'open' THEN wanted + 1 ELSE wanted END
              WHERE id = $1 AND role = 'excluded' AND state = 'excluded'",
            link.0,
            state.to_owned(),
            code.map(str::to_owned),
        )?;
        Ok(())
    }

    /// The CRM erased what this link means: nothing makes it again there, whatever is tried, and nothing of
    /// what it showed stays with the link.
    pub async fn erase_link(&mut self, link: LinkId) -> Result<()> {
        self.lock_links(&[link.0]).await?;
        execute!(
            self,
            "UPDATE link SET role = 'excluded', state = 'gone', code = 'erased_there', reason = NULL, command = NULL, held = '{}', sent = '{}', seen = '{}',
                    done = wanted WHERE id = $1",
            link.0,
        )?;
        Ok(())
    }

    /// Writes a link not before a time.
    pub async fn postpone_link(&mut self, link: LinkId, until: Time) -> Result<()> {
        self.lock_links(&[link.0]).await?;
        execute!(self, "UPDATE link SET next_at = $2 WHERE id = $1", link.0, until.0)?;
        Ok(())
    }
}
