//! Where the API's version stands in an address.
//!
//! Dated versions put it after the area (`/crm/objects/2026-09/contacts`), the older ones before
//! it (`/crm/v3/objects/contacts`), and associations were a version ahead of the rest.

#[derive(Debug, Clone)]
pub struct Paths {
    base: String,
    version: String,
    dated: bool,
}

/// Where tokens are asked for.
pub fn token(base: &str, version: &str) -> String {
    format!("{}/oauth/{version}/token", base.trim_end_matches('/'))
}

impl Paths {
    pub fn new(base: &str, version: &str) -> Paths {
        Paths {
            base: base.trim_end_matches('/').to_owned(),
            version: version.to_owned(),
            dated: !version.starts_with('v'),
        }
    }

    pub fn objects(&self, rest: &[&str]) -> String {
        self.crm("objects", rest)
    }

    pub fn properties(&self, rest: &[&str]) -> String {
        self.crm("properties", rest)
    }

    pub fn owners(&self, rest: &[&str]) -> String {
        self.crm("owners", rest)
    }

    pub fn associations(&self, rest: &[&str]) -> String {
        self.crm("associations", rest)
    }

    pub fn marketing(&self, rest: &[&str]) -> String {
        self.join("marketing", "marketing-events", &self.version, rest)
    }

    /// Has no dated form.
    pub fn account(&self) -> String {
        format!("{}/account-info/v3/details", self.base)
    }

    fn crm(&self, area: &str, rest: &[&str]) -> String {
        let version = if !self.dated && area == "associations" { "v4" } else { &self.version };
        self.join("crm", area, version, rest)
    }

    fn join(&self, root: &str, area: &str, version: &str, rest: &[&str]) -> String {
        let (first, second) = if self.dated { (area, version) } else { (version, area) };
        let mut url = format!("{}/{root}/{first}/{second}", self.base);
        for segment in rest {
            url.push('/');
            url.push_str(&escape(segment));
        }
        url
    }
}

/// Adds a query to an address.
pub fn query(mut url: String, pairs: &[(&str, &str)]) -> String {
    for (index, (name, value)) in pairs.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        url.push_str(&escape(value));
    }
    url
}

fn escape(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push_str(&hex::encode_upper([byte]));
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dated_version_stands_after_the_area() {
        let paths = Paths::new("https://api.hubapi.com/", "2026-09");
        assert_eq!(
            paths.objects(&["contacts", "search"]),
            "https://api.hubapi.com/crm/objects/2026-09/contacts/search"
        );
        assert_eq!(
            paths.marketing(&["events", "upsert"]),
            "https://api.hubapi.com/marketing/marketing-events/2026-09/events/upsert"
        );
        assert_eq!(paths.associations(&["contacts"]), "https://api.hubapi.com/crm/associations/2026-09/contacts");
    }

    #[test]
    fn an_older_version_stands_before_the_area() {
        let paths = Paths::new("https://api.hubapi.com", "v3");
        assert_eq!(paths.objects(&["contacts"]), "https://api.hubapi.com/crm/v3/objects/contacts");
        assert_eq!(paths.marketing(&["7"]), "https://api.hubapi.com/marketing/v3/marketing-events/7");
        assert_eq!(paths.associations(&["contacts"]), "https://api.hubapi.com/crm/v4/associations/contacts");
    }

    #[test]
    fn what_we_put_into_an_address_cannot_leave_its_segment() {
        let paths = Paths::new("https://api.hubapi.com", "2026-09");
        assert!(paths.marketing(&["events", "a/b?c ü"]).ends_with("/events/a%2Fb%3Fc%20%C3%BC"));
        assert_eq!(query("u".into(), &[("email", "a+b@c.de"), ("limit", "1")]), "u?email=a%2Bb%40c.de&limit=1");
    }
}
