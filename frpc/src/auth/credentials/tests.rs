use std::collections::BTreeMap;

use culvert_conf::{OidcCredentials, Secret};
use culvert_io::Scope;
use culvert_kit::Issuer;
use tokio::runtime::Handle;

use super::Credentials;

fn credentials(issuer: &Issuer, secret: &str) -> Credentials {
    let config = OidcCredentials {
        client_id: "me".to_owned(),
        client_secret: Secret::new(secret),
        audience: String::new(),
        scope: String::new(),
        token_endpoint_url: format!("{}/token", issuer.url()),
        additional_endpoint_params: BTreeMap::new(),
        trusted_ca: None,
        insecure_skip_verify: false,
        proxy_url: None,
    };
    Credentials::new(&config, &Scope::root(Handle::current())).unwrap()
}

#[tokio::test]
async fn a_token_is_kept_while_it_lasts() {
    let issuer = Issuer::start("secret").await.unwrap();
    let credentials = credentials(&issuer, "secret");
    let first = credentials.token().await.unwrap();
    assert_eq!(credentials.token().await.unwrap(), first);
    assert_eq!(issuer.asked().tokens, 1);
}

#[tokio::test]
async fn a_token_that_ends_soon_is_replaced() {
    let issuer = Issuer::start("secret").await.unwrap();
    issuer.lasting(10);
    let credentials = credentials(&issuer, "secret");
    let first = credentials.token().await.unwrap();
    assert_ne!(credentials.token().await.unwrap(), first);
}

#[tokio::test]
async fn a_token_that_does_not_say_how_long_it_lasts_is_used_once() {
    let issuer = Issuer::start("secret").await.unwrap();
    issuer.hide_lifetime();
    let credentials = credentials(&issuer, "secret");
    let first = credentials.token().await.unwrap();
    assert_ne!(credentials.token().await.unwrap(), first);
}

#[tokio::test]
async fn the_secret_goes_where_the_provider_wants_it() {
    let issuer = Issuer::start("secret").await.unwrap();
    issuer.want_form();
    issuer.hide_lifetime();
    let credentials = credentials(&issuer, "secret");
    credentials.token().await.unwrap();
    assert_eq!(issuer.asked().tokens, 2);
    credentials.token().await.unwrap();
    assert_eq!(issuer.asked().tokens, 3);
}

#[tokio::test]
async fn a_refusal_has_the_providers_words_and_no_secret() {
    let issuer = Issuer::start("secret").await.unwrap();
    let error = credentials(&issuer, "wrong").token().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "oauth2: \"invalid_client\" \"who are you\""
    );
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_told() {
    let issuer = Issuer::start("secret").await.unwrap();
    let credentials = credentials(&issuer, "secret");
    drop(issuer);
    let error = credentials.token().await.unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}
