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

/// Reads the key; `None` if there is no file. Only its owner may read it, but below `credentials`
/// its group as well: systemd hands files over with an access list, which shows as a group's right.
pub fn load(path: &Path, credentials: Option<&Path>) -> Result<Option<[u8; 32]>> {
    let unread = || format!("the key file {} cannot be read", path.display());
    let mode = match fs::metadata(path) {
        Ok(meta) => meta.permissions().mode() & 0o777,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(unread),
    };
    let handed_over = credentials.is_some_and(|folder| path.starts_with(folder));
    if mode & if handed_over { 0o037 } else { 0o077 } != 0 {
        bail!("the key file {} may be read by others (mode {mode:o}); run: chmod 600 {0}", path.display());
    }
    let key = parse(&fs::read_to_string(path).with_context(unread)?);
    key.map(Some).with_context(|| format!("the key file {} holds no key: 64 hexadecimal digits", path.display()))
}

/// Reads the key, or makes it on the first start.
pub fn load_or_create(path: &Path, credentials: Option<&Path>) -> Result<[u8; 32]> {
    if let Some(key) = load(path, credentials)? {
        return Ok(key);
    }
    let key = random()?;
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
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => load_or_create(path, credentials),
        Err(error) => Err(error).with_context(|| format!("the key file {} cannot be made", path.display())),
    }
}

/// A new key.
pub fn random() -> Result<[u8; 32]> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(key)
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
        assert_eq!(load(&path, None).unwrap(), None);
        let key = load_or_create(&path, None).unwrap();
        assert_eq!(load_or_create(&path, None).unwrap(), key);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load_or_create(&path, None).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_key_that_systemd_hands_over_shows_a_right_of_the_group() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mittler.key");
        let key = load_or_create(&path, None).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
        assert_eq!(load_or_create(&path, Some(folder.path())).unwrap(), key);
        assert!(load_or_create(&path, Some(Path::new("/run/credentials/other"))).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(load_or_create(&path, Some(folder.path())).is_err());
    }
}
