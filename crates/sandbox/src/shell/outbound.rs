//! Calls the sandbox makes itself: webhooks and outbound messages, to loopback only.

use std::time::Duration;

use url::{Host, Url};

/// An address on this machine. A sandbox that can be told to call anywhere would be a tool against others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(Url);

impl Target {
    pub fn parse(text: &str) -> Result<Target, String> {
        let url = Url::parse(text).map_err(|error| format!("{text} is not a URL: {error}"))?;
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if url.scheme() != "http" || !loopback {
            return Err(format!("{text} is not an http address on the loopback interface"));
        }
        Ok(Target(url))
    }

    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// A client that follows no redirect, so that a loopback target cannot send it elsewhere.
pub fn client() -> reqwest::Client {
    // Another part of the process may have installed a provider already; that one serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap_or_default()
}
