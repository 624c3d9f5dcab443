//! Tokens: every flow, expiry, rotation and the daily limit.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mittler_sandbox::salesforce::Config;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{Org, answer, org, org_with};

const CALLBACK: &str = "http://127.0.0.1:9/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rules-of-pkce";

async fn refresh_token(org: &Org) -> String {
    let access = &org.access.salesforce;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let query = [
        ("response_type", "code"),
        ("client_id", &access.client_id),
        ("redirect_uri", CALLBACK),
        ("state", "s1"),
        ("code_challenge", &challenge),
    ];
    let asked = answer(org.http.get(org.url("/services/oauth2/authorize")).query(&query)).await;
    assert_eq!(asked.status, 302);
    let back = url::Url::parse(asked.header("location")).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    assert!(back.query_pairs().any(|(name, value)| name == "state" && value == "s1"));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", &access.client_id),
        ("client_secret", &access.client_secret),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let token = org.token(&form).await;
    assert_eq!(token.status, 200, "{}", token.text);
    assert_eq!(org.token(&form).await.body["error_description"], "expired authorization code");
    token.body["refresh_token"].as_str().unwrap().to_owned()
}

async fn refreshed(org: &Org, token: &str) -> crate::support::Answer {
    let access = &org.access.salesforce;
    org.token(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", &access.client_id),
        ("client_secret", &access.client_secret),
    ])
    .await
}

#[tokio::test]
async fn client_credentials_give_a_token_of_this_org_without_expiry_or_refresh_token() {
    let org = org().await;
    let access = &org.access.salesforce;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &*access.client_id),
        ("client_secret", &access.client_secret),
    ];
    let token = org.token(&form).await.body;
    assert_eq!((token.get("expires_in"), token.get("refresh_token")), (None, None));
    assert!(token["id"].as_str().unwrap().contains(&access.organization_id));
    assert!(token["issued_at"].is_string());
    assert_eq!(token["instance_url"], access.base_url);
    let basic =
        org.http.post(org.url("/services/oauth2/token")).basic_auth(&access.client_id, Some(&access.client_secret));
    assert_eq!(answer(basic.form(&[("grant_type", "client_credentials")])).await.status, 200);
    let wrong = org
        .token(&[("grant_type", "client_credentials"), ("client_id", &access.client_id), ("client_secret", "x")])
        .await;
    assert_eq!((wrong.status.as_u16(), &wrong.body["error"]), (400, &json!("invalid_client")));
    let unknown = org.token(&[("grant_type", "client_credentials"), ("client_id", "x")]).await;
    assert_eq!(unknown.body["error_description"], "client identifier invalid");
}

#[tokio::test]
async fn an_idle_token_expires_with_401_and_an_error_array() {
    let org = org().await;
    assert_eq!(org.get("/limits").await.status, 200);
    org.post("/_sandbox/clock", json!({"advance_seconds": 7200})).await;
    let late = org.get("/limits").await;
    assert_eq!((late.status.as_u16(), late.code()), (401, "INVALID_SESSION_ID"));
}

#[tokio::test]
async fn a_jwt_assertion_needs_the_right_issuer_subject_audience_and_an_expiry_to_come() {
    let org = org().await;
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let now = org.sandbox.clock().now().as_second();
    let good = json!({"iss": org.access.salesforce.client_id, "sub": "integration@mittler.example.com",
        "aud": "https://login.salesforce.com", "exp": now + 120});
    let ask = async |claims: serde_json::Value| {
        let assertion = format!("{}.{}.c2ln", part(json!({"alg": "RS256"})), part(claims));
        org.token(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)]).await
    };
    let token = ask(good.clone()).await;
    assert_eq!((token.status.as_u16(), token.body.get("refresh_token")), (200, None));
    for (claim, value, description) in [
        ("aud", json!("https://example.com"), "audience is invalid"),
        ("sub", json!("nobody@example.com"), "user hasn't approved this consumer"),
        ("exp", json!(now - 1), "invalid assertion"),
        ("exp", json!((now - 1).to_string()), "invalid assertion"),
        ("exp", json!("soon"), "invalid assertion"),
        ("iss", json!("x"), "client identifier invalid"),
    ] {
        let mut claims = good.clone();
        claims[claim] = value;
        assert_eq!(ask(claims).await.body["error_description"], description);
    }
}

#[tokio::test]
async fn the_expiry_of_an_assertion_may_be_a_text_a_fraction_or_far_ahead_unless_a_bound_is_set() {
    for (most, far) in [(None, 200), (Some(300), 400)] {
        let org = org_with(Config { jwt_max_ahead_seconds: most, ..Config::default() }).await;
        let now = org.sandbox.clock().now().as_second();
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        for (exp, status) in [
            (json!((now + 180).to_string()), 200),
            (json!(format!("{}.5", now + 180)), 200),
            (json!(180.5 + f64::from(i32::try_from(now).unwrap())), 200),
            (json!(now * 1000 + 180_000), far),
        ] {
            let claims = json!({"iss": org.access.salesforce.client_id, "sub": "integration@mittler.example.com",
                "aud": "https://login.salesforce.com", "exp": exp});
            let assertion = format!("{}.{}.c2ln", part(json!({"alg": "RS256"})), part(claims));
            let form =
                [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion.as_str())];
            assert_eq!(org.token(&form).await.status, status, "{exp}");
        }
    }
}

#[tokio::test]
async fn a_code_is_exchanged_once_and_its_refresh_token_serves_again_and_again() {
    let org = org().await;
    let token = refresh_token(&org).await;
    for _ in 0..2 {
        let again = refreshed(&org, &token).await;
        assert_eq!((again.status.as_u16(), again.body.get("refresh_token")), (200, None));
    }
}

#[tokio::test]
async fn reusing_a_rotated_refresh_token_revokes_everything_it_led_to() {
    let org = org_with(Config { rotate_refresh_tokens: true, ..Config::default() }).await;
    let first = refresh_token(&org).await;
    let second = refreshed(&org, &first).await;
    let newer = second.body["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, newer);
    assert_eq!(refreshed(&org, &first).await.body["error_description"], "expired access/refresh token");
    assert_eq!(refreshed(&org, &newer).await.status, 400);
    let access = second.body["access_token"].as_str().unwrap();
    let call = org.http.get(org.url("/limits")).bearer_auth(access);
    assert_eq!(answer(call).await.status, 401);
}

#[tokio::test]
async fn userinfo_names_the_org_and_introspection_and_revocation_follow_the_token() {
    let org = org().await;
    let access = &org.access.salesforce;
    let info = org.get("/services/oauth2/userinfo").await;
    assert_eq!(info.body["organization_id"], access.organization_id);
    let form =
        [("token", &access.access_token), ("client_id", &access.client_id), ("client_secret", &access.client_secret)];
    let introspect = || org.http.post(org.url("/services/oauth2/introspect")).form(&form);
    assert_eq!(answer(introspect()).await.body["active"], true);
    let revoke = org.http.post(org.url("/services/oauth2/revoke")).form(&[("token", &access.access_token)]);
    let revoked = answer(revoke).await;
    assert_eq!((revoked.status.as_u16(), revoked.text.as_str()), (200, ""));
    assert_eq!(answer(introspect()).await.body["active"], false);
    assert_eq!(org.get("/limits").await.status, 401);
}

#[tokio::test]
async fn the_daily_limit_refuses_with_403_and_frees_up_as_the_day_rolls_on() {
    let config = Config { daily_api_limit: 2, session_seconds: 1_000_000, ..Config::default() };
    let org = org_with(config).await;
    assert_eq!(org.get("/limits").await.header("sforce-limit-info"), "api-usage=1/2");
    assert_eq!(org.get("/limits").await.body["DailyApiRequests"]["Remaining"], 0);
    let refused = org.get("/limits").await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "REQUEST_LIMIT_EXCEEDED"));
    let versions = answer(org.http.request(Method::GET, org.url("/services/data/"))).await;
    assert_eq!((versions.status.as_u16(), versions.header("sforce-limit-info")), (200, ""));
    org.post("/_sandbox/clock", json!({"advance_seconds": 25 * 3600})).await;
    assert_eq!(org.get("/limits").await.status, 200);
}

#[tokio::test]
async fn the_identity_of_the_caller_is_found_from_the_list_of_resources() {
    let org = org().await;
    let url = org.get("/").await.body["identity"].as_str().unwrap().to_owned();
    let ask = |url: &str, token: &str| org.http.get(url).bearer_auth(token);
    let token = org.access.salesforce.access_token.clone();
    let identity = answer(ask(&url, &token)).await;
    assert_eq!(identity.body["organization_id"], org.access.salesforce.organization_id);
    assert_eq!(identity.body["username"], "integration@mittler.example.com");
    let by_query = answer(org.http.get(&url).query(&[("format", "json"), ("oauth_token", &token)])).await;
    assert_eq!(by_query.body["user_id"], identity.body["user_id"]);
    let strange = format!("{}/id/00D000000000001AAA/005000000000001AAA", org.access.salesforce.base_url);
    let lost = answer(ask(&strange, &token)).await;
    assert_eq!((lost.status.as_u16(), lost.text.as_str()), (404, "Bad_Id"));
    let refused = answer(ask(&url, "nonsense")).await;
    assert_eq!((refused.status.as_u16(), refused.text.as_str()), (403, "Bad_OAuth_Token"));
}
