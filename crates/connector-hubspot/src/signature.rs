//! How HubSpot signs its requests, in three versions.
//!
//! Only the third is worth accepting by itself: it covers address and time. The first is what
//! older subscriptions carry; the second signs workflow actions and cards, which we do not have,
//! and is here so that the published vectors can be checked against all three.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Whether `signature` is base64(HMAC-SHA256(secret, method + uri + body + timestamp)).
pub fn is_v3(secret: &str, method: &str, uri: &str, body: &[u8], timestamp: &str, signature: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(method.as_bytes());
    mac.update(decode_uri(uri).as_bytes());
    mac.update(body);
    mac.update(timestamp.as_bytes());
    mac.verify_slice(&signature).is_ok()
}

/// Whether `signature` is hex(SHA-256(secret + body)).
pub fn is_v1(secret: &str, body: &[u8], signature: &str) -> bool {
    is_hash(&[secret.as_bytes(), body], signature)
}

/// Whether `signature` is hex(SHA-256(secret + method + uri + body)).
#[cfg(test)]
fn is_v2(secret: &str, method: &str, uri: &str, body: &[u8], signature: &str) -> bool {
    is_hash(&[secret.as_bytes(), method.as_bytes(), uri.as_bytes(), body], signature)
}

fn is_hash(parts: &[&[u8]], signature: &str) -> bool {
    let Ok(signature) = hex::decode(signature) else { return false };
    let hash = parts.iter().fold(Sha256::new(), Digest::chain_update).finalize();
    hash.as_slice().ct_eq(&signature).into()
}

/// The escapes that HubSpot decodes before it signs; all others stay.
const DECODED: [(&str, &str); 12] = [
    ("3A", ":"),
    ("2F", "/"),
    ("3F", "?"),
    ("40", "@"),
    ("21", "!"),
    ("24", "$"),
    ("27", "'"),
    ("28", "("),
    ("29", ")"),
    ("2A", "*"),
    ("2C", ","),
    ("3B", ";"),
];

fn decode_uri(uri: &str) -> String {
    let mut parts = uri.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known = part.get(..2).and_then(|code| {
            DECODED.iter().find(|(escape, _)| escape.eq_ignore_ascii_case(code)).map(|(_, plain)| *plain)
        });
        if let Some(plain) = known {
            decoded.push_str(plain);
            decoded.push_str(&part[2..]);
        } else {
            decoded.push('%');
            decoded.push_str(part);
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
    const U: &str = "https://www.example.com/webhook_uri";
    const PYTHON_BODY: &str = "{'example_field':'example_value'}";
    const OTHER_S: &str = "autopilot-test-client-secret-0001";
    const UTF8_BODY: &str = r#"[{"appId":7100001,"eventId":4100000003,"subscriptionId":5100002,"portalId":12345678,"occurredAt":1790000002000,"subscriptionType":"object.creation","attemptNumber":1,"objectId":903,"objectTypeId":"0-1","changeSource":"FORM","note":"Zoë — café ☕"}]"#;

    struct V3 {
        secret: &'static str,
        uri: &'static str,
        body: &'static str,
        timestamp: &'static str,
        signature: &'static str,
    }

    const V3_VECTORS: [V3; 4] = [
        V3 {
            secret: S,
            uri: U,
            body: PYTHON_BODY,
            timestamp: "1693657560000",
            signature: "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
        },
        V3 {
            secret: S,
            uri: U,
            body: PYTHON_BODY,
            timestamp: "1700000300000",
            signature: "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=",
        },
        V3 {
            secret: OTHER_S,
            uri: "https://example.com/api/hubspot/webhooks",
            body: UTF8_BODY,
            timestamp: "1790000003000",
            signature: "iwUOcQxOJMXtoVai85f7uLyYuAp58oXpeyP5gPQKS2k=",
        },
        V3 {
            secret: OTHER_S,
            uri: "https://example.com/api/hubspot/webhooks?src=hs%3Aapp%2Fv3&x=%28a%29",
            body: "[]",
            timestamp: "1790000004000",
            signature: "G8ddQlikFQ0ScZOZn+MHQ0E3WCV7vOJTzKlvrkvbvuk=",
        },
    ];

    impl V3 {
        fn holds(&self) -> bool {
            is_v3(self.secret, "POST", self.uri, self.body.as_bytes(), self.timestamp, self.signature)
        }
    }

    #[test]
    fn the_published_signatures_of_version_three_hold() {
        assert_eq!(PYTHON_BODY.len(), 33);
        assert_eq!(UTF8_BODY.len(), 253);
        for vector in V3_VECTORS {
            assert!(vector.holds(), "{}", vector.signature);
        }
    }

    #[test]
    fn escapes_are_decoded_before_the_address_is_signed() {
        let undecoded = "KKwrtu49d26FrUsDQdYcfAcwFssKn+cmyppOAUwOO/Q=";
        assert!(!V3 { signature: undecoded, ..V3_VECTORS[3] }.holds());
        assert_eq!(decode_uri("a%3ab%2Fc%20d%26%"), "a:b/c%20d%26%");
        assert_eq!(decode_uri("a%é"), "a%é");
    }

    #[test]
    fn the_published_signatures_of_version_one_hold() {
        let body = r#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]"#;
        assert!(is_v1(S, body.as_bytes(), "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"));
        let python = "69fc6631a867edd4f9e9e627fc5c1148e3fbdd8b21837b6d2b8901c1fa57f750";
        assert!(is_v1(S, PYTHON_BODY.as_bytes(), python));
        assert!(!is_v1(S, PYTHON_BODY.as_bytes(), &python[2..]));
    }

    #[test]
    fn the_published_signatures_of_version_two_hold() {
        let double_quoted = r#"{"example_field":"example_value"}"#;
        let cases = [
            ("GET", "", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"),
            ("POST", double_quoted, "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"),
            ("POST", PYTHON_BODY, "4fe4e3a7d3cf09db53be39d0a58130e2aaba074ec123a9e355b876a689a1c383"),
        ];
        for (method, body, signature) in cases {
            assert!(is_v2(S, method, U, body.as_bytes(), signature), "{signature}");
        }
    }

    #[test]
    fn no_byte_of_what_is_signed_can_be_changed() {
        let V3 { secret, uri, body, timestamp, signature } = V3_VECTORS[2];
        for index in 0..body.len() {
            let mut mutant = body.as_bytes().to_vec();
            mutant[index] ^= 1;
            assert!(!is_v3(secret, "POST", uri, &mutant, timestamp, signature), "body, byte {index}");
        }
        let flipped = |text: &str, index: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[index] ^= 1;
            String::from_utf8(bytes).unwrap()
        };
        for index in 0..uri.len() {
            assert!(!is_v3(secret, "POST", &flipped(uri, index), body.as_bytes(), timestamp, signature));
        }
        for index in 0..timestamp.len() {
            assert!(!is_v3(secret, "POST", uri, body.as_bytes(), &flipped(timestamp, index), signature));
        }
        // The last character before the padding holds bits that decode to nothing.
        for index in 0..signature.len() {
            let mutant = flipped(signature, index);
            assert!(!is_v3(secret, "POST", uri, body.as_bytes(), timestamp, &mutant), "signature, byte {index}");
        }
        assert!(!is_v3(secret, "PUT", uri, body.as_bytes(), timestamp, signature));
        assert!(!is_v3("another", "POST", uri, body.as_bytes(), timestamp, signature));
        assert!(!is_v3(secret, "POST", uri, body.as_bytes(), timestamp, ""));
    }
}
