//! Collections, composite, batch and graph.

use serde_json::{Value, json};

use crate::support::org;

fn lead(key: &str, more: &Value) -> Value {
    let mut lead = json!({"attributes": {"type": "Lead"}, "Mittler_Id__c": key, "LastName": "Doe", "Company": "ACME"});
    lead.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    lead
}

const UPSERT: &str = "/composite/sobjects/Lead/Mittler_Id__c";

#[tokio::test]
async fn a_bad_row_fails_alone_with_a_status_code_and_the_order_is_kept() {
    let org = org().await;
    let rows =
        json!({"records": [lead("a", &json!({})), lead("b", &json!({"LastName": null})), lead("c", &json!({}))]});
    let result = org.patch(UPSERT, rows).await;
    assert_eq!(result.status, 200);
    let rows = result.body.as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["success"].as_bool().unwrap()).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(rows[1]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(rows[1]["errors"][0]["fields"], json!(["LastName"]));
    assert_eq!((&rows[0]["created"], rows[1].get("id")), (&json!(true), None));
    assert_eq!(org.query("SELECT count() FROM Lead").await.body["totalSize"], 2);
}

#[tokio::test]
async fn all_or_none_rolls_the_good_rows_back_and_an_update_still_shows_its_id() {
    let org = org().await;
    let id = org.made("Lead", json!({"LastName": "Old", "Company": "X"})).await;
    let update = json!({"allOrNone": true, "records": [
        {"attributes": {"type": "Lead"}, "id": id, "LastName": "New"},
        {"attributes": {"type": "Lead"}, "id": id, "Company": null},
    ]});
    let result = org.patch("/composite/sobjects", update).await;
    assert_eq!((&result.body[0]["success"], &result.body[0]["id"]), (&json!(false), &json!(id)));
    assert_eq!(result.body[0]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(result.body[1]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(org.get(&format!("/sobjects/Lead/{id}")).await.body["LastName"], "Old");
    let create = json!({"allOrNone": true, "records": [lead("a", &json!({})), lead("b", &json!({"Company": null}))]});
    let result = org.post("/composite/sobjects", create).await;
    assert_eq!(result.body[0].get("id"), None);
    assert_eq!(org.query("SELECT count() FROM Lead").await.body["totalSize"], 1);
}

#[tokio::test]
async fn one_external_id_twice_in_a_call_fails_both_rows() {
    let org = org().await;
    let rows = json!({"records": [lead("a", &json!({})), lead("A", &json!({})), lead("b", &json!({}))]});
    let result = org.patch(UPSERT, rows).await;
    for row in 0..2 {
        assert_eq!(result.body[row]["errors"][0]["statusCode"], "DUPLICATE_VALUE");
    }
    assert_eq!(result.body[2]["success"], true);
}

#[tokio::test]
async fn more_than_200_records_are_refused_and_a_malformed_value_fails_the_call() {
    let org = org().await;
    let rows: Vec<Value> = (0..201).map(|n| lead(&format!("k{n}"), &json!({}))).collect();
    let refused = org.patch(UPSERT, json!({"records": rows})).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "LIMIT_EXCEEDED"));
    let rows = json!({"records": [lead("a", &json!({})), lead("b", &json!({"AnnualRevenue": "much"}))]});
    let refused = org.patch(UPSERT, rows).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "JSON_PARSER_ERROR"));
    assert_eq!(org.query("SELECT count() FROM Lead").await.body["totalSize"], 0);
}

#[tokio::test]
async fn collections_create_mixed_types_retrieve_and_delete() {
    let org = org().await;
    let rows = json!({"records": [lead("a", &json!({})), {"attributes": {"type": "Account"}, "Name": "ACME"}]});
    let made = org.post("/composite/sobjects", rows).await;
    let ids = [made.body[0]["id"].as_str().unwrap(), made.body[1]["id"].as_str().unwrap()];
    assert!(ids[0].starts_with("00Q") && ids[1].starts_with("001"));
    let wanted = json!({"ids": [ids[0], "00Q000000000009AAA"], "fields": ["Id", "Company"]});
    let read = org.post("/composite/sobjects/Lead", wanted).await;
    assert_eq!((&read.body[0]["Company"], &read.body[1]), (&json!("ACME"), &Value::Null));
    let gone = org.delete(&format!("/composite/sobjects?ids={},{}&allOrNone=false", ids[0], ids[0])).await;
    assert_eq!(gone.body[0]["success"], true);
    assert_eq!(gone.body[1]["errors"][0]["statusCode"], "ENTITY_IS_DELETED");
}

#[tokio::test]
async fn a_whole_collections_call_costs_one_api_call() {
    let org = org().await;
    let rows: Vec<Value> = (0..200).map(|n| lead(&format!("k{n}"), &json!({}))).collect();
    let result = org.patch(UPSERT, json!({"records": rows})).await;
    assert_eq!(result.header("sforce-limit-info"), "api-usage=1/100000");
}

#[tokio::test]
async fn a_composite_call_passes_ids_on_by_reference() {
    let org = org().await;
    let body = json!({"allOrNone": true, "compositeRequest": [
        {"method": "PATCH", "url": "/services/data/v62.0/sobjects/Account/Mittler_Id__c/A-17", "referenceId": "acc",
         "body": {"Name": "ACME"}},
        {"method": "POST", "url": "/services/data/v62.0/sobjects/Contact", "referenceId": "con",
         "body": {"LastName": "Doe", "AccountId": "@{acc.id}"}},
        {"method": "GET", "url": "/services/data/v62.0/sobjects/Contact/@{con.id}?fields=AccountId", "referenceId": "read"},
    ]});
    let result = org.post("/composite", body).await;
    let parts = result.body["compositeResponse"].as_array().unwrap();
    assert_eq!(parts[0]["httpStatusCode"], 201);
    assert!(parts[1]["httpHeaders"]["Location"].as_str().unwrap().contains("/sobjects/Contact/003"));
    assert_eq!(parts[2]["body"]["AccountId"], parts[0]["body"]["id"]);
}

#[tokio::test]
async fn a_failed_composite_call_halts_the_others_and_undoes_them() {
    let org = org().await;
    let steps = json!([
        {"method": "POST", "url": "/services/data/v62.0/sobjects/Account", "referenceId": "a", "body": {"Name": "X"}},
        {"method": "POST", "url": "/services/data/v62.0/sobjects/Contact", "referenceId": "b", "body": {}},
        {"method": "POST", "url": "/services/data/v62.0/sobjects/Contact", "referenceId": "c",
         "body": {"LastName": "Y", "AccountId": "@{b.id}"}},
    ]);
    let result = org.post("/composite", json!({"allOrNone": true, "compositeRequest": steps})).await;
    let codes = |body: &Value| -> Vec<String> {
        let parts = body["compositeResponse"].as_array().unwrap().iter();
        parts.map(|part| part["body"][0]["errorCode"].as_str().unwrap_or("-").to_owned()).collect()
    };
    assert_eq!(codes(&result.body), ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]);
    assert_eq!(org.query("SELECT count() FROM Account").await.body["totalSize"], 0);
    let result = org.post("/composite", json!({"compositeRequest": steps})).await;
    assert_eq!(codes(&result.body), ["-", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]);
}

#[tokio::test]
async fn a_graph_stands_or_falls_alone() {
    let org = org().await;
    let step = |body: Value| {
        json!([{"method": "POST", "url": "/services/data/v62.0/sobjects/Account", "referenceId": "a",
        "body": body}])
    };
    let graphs = json!({"graphs": [
        {"graphId": "good", "compositeRequest": step(json!({"Name": "X"}))},
        {"graphId": "bad", "compositeRequest": step(json!({}))},
    ]});
    let result = org.post("/composite/graph", graphs).await;
    assert_eq!(result.body["graphs"][0]["isSuccessful"], true);
    assert_eq!(result.body["graphs"][1]["isSuccessful"], false);
    let batch = json!({"batchRequests": [{"method": "GET", "url": "v62.0/limits"}, {"method": "GET", "url": "v62.0/sobjects/X/1"}]});
    let result = org.post("/composite/batch", batch).await;
    assert_eq!((&result.body["hasErrors"], &result.body["results"][0]["statusCode"]), (&json!(true), &json!(200)));
}

#[tokio::test]
async fn graphs_take_few_kinds_of_single_records_only() {
    let org = org().await;
    let graph = |url: &str| {
        json!({"graphs": [{"graphId": "g", "compositeRequest": [
        {"method": "POST", "url": url, "referenceId": "a", "body": {}}]}]})
    };
    let refused = org.post("/composite/graph", graph("/services/data/v62.0/composite/sobjects")).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "INVALID_INPUT"));
    let steps: Vec<Value> = (0..16)
        .map(|n| json!({"method": "POST", "url": format!("/services/data/v{}.0/sobjects/Account", 40 + n), "referenceId": format!("r{n}")}))
        .collect();
    let refused = org.post("/composite/graph", json!({"graphs": [{"graphId": "g", "compositeRequest": steps}]})).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn graphs_take_creations_and_rows_and_chains_of_fifteen() {
    let org = org().await;
    let graph = |steps: Vec<Value>| json!({"graphs": [{"graphId": "g", "compositeRequest": steps}]});
    let base = "/services/data/v62.0/sobjects";
    for (method, url) in [("GET", "Account"), ("GET", "Account/describe"), ("POST", "Account/001000000000001AAA")] {
        let step = json!({"method": method, "url": format!("{base}/{url}"), "referenceId": "a"});
        let refused = org.post("/composite/graph", graph(vec![step])).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "INVALID_INPUT"), "{method} {url}");
    }
    let chain = |length: usize| -> Vec<Value> {
        let parent = |n: usize| if n == 0 { Value::Null } else { json!(format!("@{{r{}.id}}", n - 1)) };
        (0..length)
            .map(|n| {
                json!({"method": "POST", "url": format!("{base}/Account"), "referenceId": format!("r{n}"),
                "body": {"Name": "X", "ParentId": parent(n)}})
            })
            .collect()
    };
    assert_eq!(org.post("/composite/graph", graph(chain(15))).await.body["graphs"][0]["isSuccessful"], true);
    let refused = org.post("/composite/graph", graph(chain(16))).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn a_tree_is_made_with_all_its_branches_or_not_at_all() {
    let org = org().await;
    let contact = |reference: &str, name: &str| json!({"attributes": {"type": "Contact", "referenceId": reference}, "LastName": name});
    let tree = |last: &str| {
        json!({"records": [{"attributes": {"type": "Account", "referenceId": "acc"}, "Name": "ACME",
            "Contacts": {"records": [contact("one", "A"), contact("two", last)]}}]})
    };
    let refused = org.post("/composite/tree/Account", tree("")).await;
    assert_eq!((refused.status.as_u16(), &refused.body["hasErrors"]), (400, &json!(true)));
    let error = &refused.body["results"][0];
    assert_eq!(
        (&error["referenceId"], &error["errors"][0]["statusCode"]),
        (&json!("two"), &json!("REQUIRED_FIELD_MISSING"))
    );
    assert_eq!(org.query("SELECT count() FROM Account").await.body["totalSize"], 0);
    let made = org.post("/composite/tree/Account/", tree("B")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let results = made.body["results"].as_array().unwrap();
    assert_eq!(
        results.iter().map(|made| made["referenceId"].as_str().unwrap()).collect::<Vec<_>>(),
        ["acc", "one", "two"]
    );
    let contact = org.get(&format!("/sobjects/Contact/{}", results[2]["id"].as_str().unwrap())).await;
    assert_eq!(contact.body["AccountId"], results[0]["id"]);
}
