//! `mittler export`.

use std::{io::Write, os::unix::fs::OpenOptionsExt, path::Path, process::ExitCode};

use anyhow::{Context, Result};

use crate::{
    cli::{ExportFormat, ExportLanguage},
    commands::forget::find,
    service::CliContext,
};

pub async fn run(
    cli: &CliContext,
    person: &str,
    format: ExportFormat,
    lang: ExportLanguage,
    out: Option<&Path>,
) -> Result<ExitCode> {
    let id = find(cli, person).await?;
    let export = cli.rights().export(id, "cli").await?;
    let export = export.context("there is no such person; `mittler records` lists the people")?;
    let text = match format {
        ExportFormat::Json => serde_json::to_string_pretty(&export)? + "\n",
        ExportFormat::Html => {
            let lang = match lang {
                ExportLanguage::De => "de",
                ExportLanguage::En => "en",
            };
            mittler_api::export_page(&export, lang, &cli.config.server.time_zone).unwrap_or_default()
        }
    };
    let Some(path) = out else {
        print!("{text}");
        return Ok(ExitCode::SUCCESS);
    };
    // For its owner alone: it is all that is known of somebody.
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} cannot be written", path.display()))?;
    println!("written to {}; it holds personal data", path.display());
    Ok(ExitCode::SUCCESS)
}
