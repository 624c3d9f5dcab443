//! Tokens, scopes and owners.

use std::collections::HashMap;

use mittler_sandbox::hubspot::Config;
use reqwest::Method;
use serde_json::json;

use crate::support::{COMPANIES, CONTACTS, Portal, portal, portal_with, quick};

#[tokio::test]
async fn a_call_without_a_token_is_told_that_credentials_are_missing() {
    let portal = portal().await;
    for token in ["", "nonsense"] {
        let answer = portal.call_as(token, Method::GET, CONTACTS, None).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.body["category"], "INVALID_AUTHENTICATION");
        assert!(answer.message().starts_with("Authentication credentials not found"));
    }
}

#[tokio::test]
async fn an_access_token_lives_for_half_an_hour_and_a_refresh_brings_a_new_one() {
    let portal = portal().await;
    let access = &portal.access;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", access.refresh_token.as_str()),
        ("client_id", access.client_id.as_str()),
        ("client_secret", access.client_secret.as_str()),
    ];
    for version in ["v1", "v3", "2026-03", "2026-09"] {
        let answer = portal.form(&format!("/oauth/{version}/token"), &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["expires_in"], 1800);
        assert_eq!(answer.body["token_type"], "bearer");
        assert_eq!(answer.body["refresh_token"], access.refresh_token);
        assert_eq!(answer.body["hub_id"].is_null(), version == "v1");
    }
    let answer = portal.form("/oauth/2026-09/token", &fields).await;
    let token = answer.body["access_token"].as_str().unwrap();
    assert_eq!(portal.call_as(token, Method::GET, CONTACTS, None).await.status, 200);
    portal.sandbox.clock().advance_seconds(1801);
    let expired = portal.call_as(token, Method::GET, CONTACTS, None).await;
    assert_eq!(expired.status, 401);
    assert_eq!(expired.body["category"], "EXPIRED_AUTHENTICATION");
    assert!(expired.body["context"]["expire time"][0].as_str().unwrap().ends_with('Z'));
    assert_eq!(portal.get(CONTACTS).await.status, 200, "the static token does not expire");
}

#[tokio::test]
async fn a_wrong_or_revoked_refresh_token_is_a_bad_refresh_token() {
    let portal = portal().await;
    let access = portal.access.clone();
    let client = [("client_id", access.client_id.as_str()), ("client_secret", access.client_secret.as_str())];
    let refresh = |token: String| {
        let (portal, client) = (&portal, client);
        async move {
            let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), client[0], client[1]];
            portal.form("/oauth/2026-09/token", &fields).await
        }
    };
    let wrong = refresh("eu1-wrong".to_owned()).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.body["error"], "invalid_grant");
    assert_eq!(wrong.body["status"], "BAD_REFRESH_TOKEN");
    let token = refresh(access.refresh_token.clone()).await.body["access_token"].as_str().unwrap().to_owned();
    let fields = [("token", access.refresh_token.as_str()), client[0], client[1]];
    assert_eq!(portal.form("/oauth/2026-09/token/revoke", &fields).await.status, 204);
    assert_eq!(refresh(access.refresh_token.clone()).await.body["status"], "BAD_REFRESH_TOKEN");
    let alive = portal.call_as(&token, Method::GET, CONTACTS, None).await;
    assert_eq!(alive.status, 200, "access tokens outlive the refresh token");
    let v1 = portal
        .form("/oauth/v1/token", &[("grant_type", "refresh_token"), ("refresh_token", "x"), client[0], client[1]])
        .await;
    assert_eq!(v1.body["message"], "missing or invalid refresh token");
}

/// Where the consent page sends the browser, as a map of its query.
async fn consent(portal: &Portal, query: &str) -> HashMap<String, String> {
    let page = format!(
        "/oauth/authorize?client_id={}&redirect_uri=http%3A%2F%2Flocalhost%2Fback{query}",
        portal.access.client_id
    );
    let answer = portal.call_as("", Method::GET, &page, None).await;
    let Some(target) = answer.header("location") else { return HashMap::new() };
    url::Url::parse(target).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn an_app_is_granted_what_it_asked_for_and_has() {
    let portal = portal().await;
    let access = &portal.access;
    assert!(consent(&portal, "").await.is_empty(), "a scope is needed");
    assert_eq!(consent(&portal, "&scope=nonsense").await["error"], "invalid_scope");
    let asked = "&scope=oauth%20crm.objects.contacts.read%20nonsense&optional_scope=crm.lists.read%20nonsense";
    let code = consent(&portal, asked).await["code"].clone();
    let client = [("client_id", access.client_id.as_str()), ("client_secret", access.client_secret.as_str())];
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "http://localhost/back"),
        client[0],
        client[1],
    ];
    let first = portal.form("/oauth/2026-09/token", &exchange).await;
    let refresh = first.body["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh), client[0], client[1]];
    let again = portal.form("/oauth/2026-09/token", &fields).await;
    for answer in [&first, &again] {
        assert_eq!(answer.body["scopes"], json!(["oauth", "crm.objects.contacts.read", "crm.lists.read"]));
        let token = answer.body["access_token"].as_str().unwrap();
        assert_eq!(portal.call_as(token, Method::GET, CONTACTS, None).await.status, 200);
        let body = json!({"properties": {"name": "A"}});
        let refused = portal.call_as(token, Method::POST, COMPANIES, Some(body)).await;
        assert_eq!((refused.status, refused.body["category"].as_str()), (403, Some("MISSING_SCOPES")));
    }
}

#[tokio::test]
async fn client_credentials_are_for_the_app_itself_and_for_no_records() {
    let portal = portal().await;
    let access = &portal.access;
    let ask = async |scope: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            ("client_id", access.client_id.as_str()),
            ("client_secret", access.client_secret.as_str()),
        ];
        portal.form("/oauth/2026-09/token", &fields).await
    };
    for scope in ["", "crm.objects.contacts.read"] {
        let refused = ask(scope).await;
        assert_eq!((refused.status, refused.body["error"].as_str()), (400, Some("invalid_scope")));
    }
    let token = ask("developer.webhooks_journal.read crm.objects.contacts.read").await.body;
    assert_eq!(token["scopes"], json!(["developer.webhooks_journal.read"]));
    assert_eq!((&token["token_use"], token.get("refresh_token")), (&json!("client_credentials"), None));
    let token = token["access_token"].as_str().unwrap();
    assert_eq!(portal.call_as(token, Method::GET, CONTACTS, None).await.status, 403);
}

#[tokio::test]
async fn the_token_endpoints_fail_in_the_form_of_oauth_and_tell_of_refresh_tokens_too() {
    let portal = portal().await;
    let access = &portal.access;
    for verb in ["introspect", "revoke"] {
        let fields = [("token", "x"), ("client_id", access.client_id.as_str()), ("client_secret", "wrong")];
        let refused = portal.form(&format!("/oauth/2026-09/token/{verb}"), &fields).await;
        assert_eq!((refused.status, refused.body["error"].as_str()), (400, Some("invalid_client")));
        assert_eq!(refused.body["status"], "BAD_CLIENT_SECRET");
    }
    let client = [("client_id", access.client_id.as_str()), ("client_secret", access.client_secret.as_str())];
    let fields = [("token", access.refresh_token.as_str()), client[0], client[1]];
    let facts = portal.form("/oauth/2026-09/token/introspect", &fields).await.body;
    assert_eq!((&facts["active"], &facts["app_id"]), (&json!(true), &json!(access.app_id)));
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", access.refresh_token.as_str()), client[0], client[1]];
    assert_eq!(portal.form("/oauth/v1/token", &fields).await.body["token_use"], "access_token");
}

#[tokio::test]
async fn a_code_from_the_consent_page_is_exchanged_once() {
    let portal = portal().await;
    let access = &portal.access;
    let page = format!(
        "/oauth/authorize?client_id={}&redirect_uri=http%3A%2F%2Flocalhost%2Fback&scope=oauth&state=s1",
        access.client_id
    );
    let answer = portal.call_as("", Method::GET, &page, None).await;
    assert_eq!(answer.status, 302);
    let target = url::Url::parse(answer.header("location").unwrap()).unwrap();
    let pairs: std::collections::HashMap<_, _> = target.query_pairs().into_owned().collect();
    assert_eq!(pairs["state"], "s1");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", pairs["code"].as_str()),
        ("redirect_uri", "http://localhost/back"),
        ("client_id", access.client_id.as_str()),
        ("client_secret", access.client_secret.as_str()),
    ];
    let first = portal.form("/oauth/2026-09/token", &fields).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(first.body["hub_id"], access.portal_id);
    let again = portal.form("/oauth/2026-09/token", &fields).await;
    assert_eq!((again.status, again.body["status"].as_str()), (400, Some("BAD_AUTH_CODE")));
}

#[tokio::test]
async fn introspection_tells_the_app_id_under_either_field_name() {
    let portal = portal().await;
    let access = &portal.access;
    let client = [("client_id", access.client_id.as_str()), ("client_secret", access.client_secret.as_str())];
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", access.refresh_token.as_str()), client[0], client[1]];
    let token = portal.form("/oauth/v3/token", &fields).await.body["access_token"].as_str().unwrap().to_owned();
    for field in ["token", "access_token"] {
        let answer = portal.form("/oauth/2026-09/token/introspect", &[(field, &token), client[0], client[1]]).await;
        assert_eq!(answer.body["active"], true);
        assert_eq!(answer.body["app_id"], access.app_id);
        assert_eq!(answer.body["hub_id"], access.portal_id);
    }
    let old = portal.call_as("", Method::GET, &format!("/oauth/v1/access-tokens/{token}"), None).await;
    assert_eq!(old.body["app_id"], access.app_id);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let scopes = vec!["oauth".to_owned(), "crm.objects.contacts.read".to_owned()];
    let portal = portal_with(Config { scopes, ..quick() }).await;
    assert_eq!(portal.get(CONTACTS).await.status, 200);
    let answer = portal.post(CONTACTS, json!({"properties": {"email": "a@example.com"}})).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body["category"], "MISSING_SCOPES");
    let needed = &answer.body["errors"][0]["context"]["requiredGranularScopes"];
    assert_eq!(*needed, json!(["crm.objects.contacts.write"]));
    let property = portal.post("/crm/properties/2026-09/contacts", json!({})).await;
    assert_eq!(property.body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.schemas.contacts.write"]));
}

#[tokio::test]
async fn owners_are_found_by_address_and_the_account_tells_its_portal() {
    let portal = portal().await;
    for path in ["/crm/owners/2026-09?email=messe@example.com", "/crm/v3/owners/?email=messe%40example.com&limit=100"] {
        let answer = portal.get(path).await;
        assert_eq!(answer.results().len(), 1);
        assert_eq!(answer.results()[0]["email"], "messe@example.com");
        assert_ne!(answer.results()[0]["id"], answer.results()[0]["userId"].to_string());
    }
    assert_eq!(portal.get("/crm/owners/2026-09").await.results().len(), 3);
    let details = portal.get("/account-info/v3/details").await;
    assert_eq!(details.body["portalId"], portal.access.portal_id);
}

#[tokio::test]
async fn an_uninstalled_app_is_disconnected() {
    let portal = portal().await;
    assert_eq!(portal.delete("/appinstalls/2026-09/external-install").await.status, 204);
    let access = &portal.access;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", access.refresh_token.as_str()),
        ("client_id", access.client_id.as_str()),
        ("client_secret", access.client_secret.as_str()),
    ];
    assert_eq!(portal.form("/oauth/2026-09/token", &fields).await.body["error"], "invalid_grant");
}
