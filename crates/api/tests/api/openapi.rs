use mittler_api::openapi_yaml;

/// The file in the repository is what the code says. `UPDATE_OPENAPI=1` writes it again.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test has no configuration but its environment")]
fn the_description_in_the_repository_is_the_one_of_the_code() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.yaml");
    if std::env::var("UPDATE_OPENAPI").is_ok() {
        std::fs::write(&file, openapi_yaml()).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == openapi_yaml(), "openapi.yaml is old; run with UPDATE_OPENAPI=1 and commit it");
}
