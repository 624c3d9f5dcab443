//! The installation's key: 32 random bytes in a file of mode 0600 beside the configuration.
//!
//! Without it sealed credentials cannot be opened and suppressed people cannot be recognised, so
//! it belongs into the backup, apart from the database.

use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use anyhow::{Context, Result, bail};

/// Reads the key, or makes it on the first start.
pub fn load_or_create(path: &Path) -> Result<[u8; 32]> {
    match fs::metadata(path) {
        Ok(meta) => {
            let mode = meta.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                bail!(
                    "the key file {} may be read by others (mode {mode:o}); run: chmod 600 {}",
                    path.display(),
                    path.display()
                );
            }
            parse(&fs::read_to_string(path).with_context(|| format!("the key file {} cannot be read", path.display()))?)
                .with_context(|| format!("the key file {} holds no key", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                fs::create_dir_all(parent)?;
            }
            let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            match made {
                Ok(mut file) => {
                    let text = key.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
                    writeln!(file, "{text}")?;
                    file.sync_all()?;
                    Ok(key)
                }
                // Another process of the same start was first: its key is the one.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => load_or_create(path),
                Err(error) => Err(error).with_context(|| format!("the key file {} cannot be made", path.display())),
            }
        }
        Err(error) => Err(error).with_context(|| format!("the key file {} cannot be read", path.display())),
    }
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mittler.key");
        let key = load_or_create(&path).unwrap();
        assert_eq!(load_or_create(&path).unwrap(), key);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load_or_create(&path).unwrap_err().to_string().contains("chmod 600"));
    }
}
