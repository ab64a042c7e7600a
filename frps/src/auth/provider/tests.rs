use culvert_conf::{AuthMethod, Scopes, Secret, ServerAuth, ServerOidc};
use culvert_io::Scope;
use culvert_kit::Issuer;
use tokio::runtime::Handle;

use super::{Provider, SETTLED};
use crate::auth::Auth;

fn config(issuer: &Issuer) -> ServerOidc {
    ServerOidc {
        issuer: issuer.url(),
        audience: Some("frps".to_owned()),
        skip_expiry_check: false,
        skip_issuer_check: false,
    }
}

async fn provider(issuer: &Issuer) -> Provider {
    let scope = Scope::root(Handle::current());
    Provider::discover(&config(issuer), &scope).await.unwrap()
}

#[tokio::test]
async fn a_token_of_the_provider_has_its_subject() {
    let issuer = Issuer::start("").await.unwrap();
    let provider = provider(&issuer).await;
    for _ in 0..3 {
        let subject = provider.verify(&issuer.token("me").unwrap()).await;
        assert_eq!(subject.unwrap(), "me");
    }
    assert_eq!((issuer.asked().discovery, issuer.asked().keys), (1, 1));
}

#[tokio::test]
async fn a_new_key_is_fetched_but_not_at_every_wish() {
    let issuer = Issuer::start("").await.unwrap();
    let provider = provider(&issuer).await;
    provider.verify(&issuer.token("me").unwrap()).await.unwrap();
    let other = Issuer::start("").await.unwrap();
    other.replace_key().unwrap();
    issuer.replace_key().unwrap();
    let token = issuer.token("me").unwrap();
    for _ in 0..10 {
        let error = provider.verify(&token).await.unwrap_err();
        assert!(error.to_string().contains("failed to verify signature"));
    }
    assert_eq!(issuer.asked().keys, 1, "the keys are {SETTLED:?} young");
    *provider.asked.lock().await = None;
    provider.verify(&token).await.unwrap();
    assert_eq!(issuer.asked().keys, 2);
}

#[tokio::test]
async fn a_provider_of_another_name_is_refused() {
    let issuer = Issuer::start("").await.unwrap();
    let mut config = config(&issuer);
    config.issuer.push('/');
    let scope = Scope::root(Handle::current());
    let error = Provider::discover(&config, &scope).await.unwrap_err();
    assert!(error.to_string().contains("did not match"), "{error}");
}

#[tokio::test]
async fn a_provider_without_documents_is_named() {
    let issuer = Issuer::start("").await.unwrap();
    let mut config = config(&issuer);
    config.issuer.push_str("/realm");
    let scope = Scope::root(Handle::current());
    let error = Provider::discover(&config, &scope).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("/realm/.well-known/openid-configuration"));
    assert!(error.ends_with("404 Not Found"), "{error}");
}

#[tokio::test]
async fn later_messages_must_come_from_somebody_who_logged_in() {
    let issuer = Issuer::start("").await.unwrap();
    let auth = ServerAuth {
        method: AuthMethod::Oidc {
            oidc: Box::new(config(&issuer)),
            token: Secret::default(),
        },
        scopes: Scopes {
            heartbeats: true,
            new_work_conns: false,
        },
    };
    let scope = Scope::root(Handle::current());
    let auth = Auth::new(&auth, &scope).await.unwrap();
    let (me, you) = (issuer.token("me").unwrap(), issuer.token("you").unwrap());
    auth.login(0, &me).await.unwrap();
    auth.heartbeat(0, &me).await.unwrap();
    let error = auth.heartbeat(0, &you).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "received different OIDC subject in login and ping. new subject: you"
    );
    auth.work_conn(0, "anything").await.unwrap();
    let error = auth.login(0, "digest").await.unwrap_err().to_string();
    assert!(error.starts_with("invalid OIDC token in login: oidc: malformed jwt"));
}
