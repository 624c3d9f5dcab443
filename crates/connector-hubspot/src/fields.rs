//! Fields of the types that HubSpot does not describe.

use mittler_core::remote::{RemoteField, RemoteType};

/// A field that may be written, and holds one value of this type.
pub fn plain(name: &str, data_type: RemoteType) -> RemoteField {
    RemoteField {
        name: name.to_owned(),
        label: name.to_owned(),
        data_type,
        max_length: None,
        required: false,
        createable: true,
        updateable: true,
        unique: false,
        choices: Vec::new(),
        restricted: false,
    }
}
