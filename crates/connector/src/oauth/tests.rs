use jsonwebtoken::{DecodingKey, Validation};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;

/// Answers one request with `status` and `body`, or hangs up if there is no answer; gives the
/// request that came.
async fn endpoint_that_answers(answer: Option<(u16, &'static str)>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/services/oauth2/token", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = String::new();
        let mut buffer = [0; 4096];
        while !is_complete(&seen) {
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the request ended early");
            seen.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        if let Some((status, body)) = answer {
            let head = "content-type: application/json\r\nretry-after: 7\r\nconnection: close";
            let answer = format!("HTTP/1.1 {status} X\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        seen
    });
    (url, served)
}

fn is_complete(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn refresh() -> Grant {
    let (client_id, client_secret) = ("app".to_owned(), Some(secret("s&cret")));
    Grant::RefreshToken { client_id, client_secret, refresh_token: secret("old") }
}

fn credentials() -> Grant {
    Grant::ClientCredentials { client_id: "app".into(), client_secret: secret("s") }
}

/// A vendor with a word of its own.
fn endpoint(url: String) -> TokenEndpoint {
    let token_error =
        |_, told: &Value| told.get("hint").map(|_| Error::Unavailable { code: "too_many".into(), retry_after: None });
    TokenEndpoint { url, dialect: Dialect { token_error, ..Dialect::STANDARD } }
}

async fn ask(grant: &Grant, answer: Option<(u16, &'static str)>) -> (Result<Tokens>, String) {
    let (url, served) = endpoint_that_answers(answer).await;
    let client = crate::http::client(Duration::from_secs(5)).unwrap();
    let tokens = request(&client, &endpoint(url), grant, Time(1_763_799_311_000_000)).await;
    (tokens, served.await.unwrap())
}

#[tokio::test]
async fn a_refresh_sends_its_credentials_in_the_body_and_keeps_the_rotated_token() {
    let body = r#"{"token_type":"bearer","access_token":"a","refresh_token":"new","expires_in":1800,
        "hub_id":1234567,"scopes":["oauth"]}"#;
    let (tokens, seen) = ask(&refresh(), Some((200, body))).await;
    let tokens = tokens.unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "a");
    assert_eq!(tokens.refresh_token.unwrap().expose_secret(), "new");
    assert_eq!(tokens.expires_in, Some(Duration::from_mins(30)));
    assert_eq!(tokens.extra["hub_id"], 1_234_567);
    assert!(!seen.to_lowercase().contains("authorization:"));
    for pair in ["grant_type=refresh_token", "refresh_token=old", "client_id=app", "client_secret=s%26cret"] {
        assert!(seen.contains(pair), "{pair} is missing");
    }
}

#[tokio::test]
async fn what_a_vendor_adds_to_a_token_is_kept() {
    let body = r#"{"access_token":"t","scope":"api id","token_type":"Bearer","instance_url":"https://acme.example"}"#;
    let (tokens, _) = ask(&credentials(), Some((200, body))).await;
    let tokens = tokens.unwrap();
    assert_eq!(tokens.extra["instance_url"], "https://acme.example");
    assert!(tokens.refresh_token.is_none() && tokens.expires_in.is_none());
}

#[tokio::test]
async fn an_assertion_is_signed_and_expires_within_three_minutes() {
    let grant = Grant::JwtBearer {
        client_id: "consumer".into(),
        private_key_pem: secret(include_str!("test_key.pem")),
        username: "sync@acme.example".into(),
        audience: "https://login.example".into(),
    };
    let body = r#"{"access_token":"t","token_type":"Bearer"}"#;
    let (tokens, seen) = ask(&grant, Some((200, body))).await;
    assert_eq!(tokens.unwrap().access_token.expose_secret(), "t");
    let (_, form) = seen.split_once("\r\n\r\n").unwrap();
    let form: std::collections::BTreeMap<_, _> = url::form_urlencoded::parse(form.as_bytes()).collect();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let key = DecodingKey::from_rsa_pem(include_bytes!("test_key.pub.pem")).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&["https://login.example"]);
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(form["assertion"].as_bytes(), &key, &validation).unwrap().claims;
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("consumer"), Some("sync@acme.example")));
    assert_eq!(claims["exp"].as_i64(), Some(1_763_799_311 + 150));
}

#[tokio::test]
async fn each_refusal_says_what_to_do_next() {
    let reauthorise = [
        (400, r#"{"error":"invalid_grant","error_description":"expired"}"#, "invalid_grant"),
        (401, r#"{"error":"invalid_client"}"#, "invalid_client"),
        (401, "", "http_401"),
    ];
    for (status, body, code) in reauthorise {
        let error = ask(&refresh(), Some((status, body))).await.0.unwrap_err();
        assert_eq!(error, Error::Reauthorise { code: code.into() });
    }
    let wait = [
        (429, "", "http_429"),
        (503, "<html>down</html>", "http_503"),
        (400, r#"{"error":"temporarily_unavailable"}"#, "temporarily_unavailable"),
        (400, r#"{"error":"invalid_grant","hint":"too many logins"}"#, "too_many"),
    ];
    for (status, body, code) in wait {
        let error = ask(&refresh(), Some((status, body))).await.0.unwrap_err();
        assert_eq!(error, Error::Unavailable { code: code.into(), retry_after: Some(Duration::from_secs(7)) });
    }
    for (status, body) in [(400, r#"{"error":"unsupported_grant_type"}"#), (302, ""), (404, "<html>")] {
        let error = ask(&credentials(), Some((status, body))).await.0.unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{status} {body}: {error:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_unknown_only_where_the_grant_may_be_spent() {
    let error = ask(&refresh(), None).await.0.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
    let error = ask(&refresh(), Some((200, "<html>"))).await.0.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
    let error = ask(&credentials(), None).await.0.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    let client = crate::http::client(Duration::from_secs(5)).unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = request(&client, &endpoint(format!("http://{nobody}/")), &refresh(), Time(0)).await.unwrap_err();
    assert_eq!(error, Error::Unavailable { code: "not_connected".into(), retry_after: None });
}
