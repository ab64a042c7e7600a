use std::path::PathBuf;

use culvert_conf::{AuthMethod, Secret, ValueSource};

use super::{resolve, settle_token};

fn file(text: &[u8]) -> (PathBuf, ValueSource) {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("culvert-source-{}-{next}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    (path.clone(), ValueSource::File { path })
}

async fn of_file(text: &[u8]) -> Result<String, String> {
    let (path, source) = file(text);
    let got = resolve(&source).await;
    std::fs::remove_file(path).unwrap();
    got.map(|secret| secret.expose().to_owned())
        .map_err(|err| err.to_string())
}

#[cfg(unix)]
async fn of_shell(script: &str) -> Result<String, String> {
    let source = ValueSource::Exec {
        command: "/bin/sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: vec![("EXTRA".to_owned(), Secret::new("from env"))],
    };
    let got = resolve(&source).await;
    got.map(|secret| secret.expose().to_owned())
        .map_err(|err| err.to_string())
}

#[tokio::test]
async fn white_space_around_a_value_does_not_count() {
    let got = of_file(b" \t secret token\r\n\n").await;
    assert_eq!(got.unwrap(), "secret token");
    assert_eq!(of_file(b"").await.unwrap(), "");
}

#[tokio::test]
async fn what_is_no_token_is_refused_without_being_shown() {
    let err = of_file(&[b'x'; 70_000]).await.unwrap_err();
    assert!(err.contains("more than 65536 bytes"), "{err}");
    assert!(!err.contains("xx"), "{err}");
    let err = of_file(b"ab\xff").await.unwrap_err();
    assert!(err.contains("not UTF-8"), "{err}");
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    let path = PathBuf::from("/nowhere/at/all");
    let mut method: AuthMethod<()> = AuthMethod::TokenSource(ValueSource::File { path });
    let err = settle_token(&mut method).await.unwrap_err();
    #[cfg(unix)]
    assert_eq!(
        err.to_string(),
        "failed to resolve auth.tokenSource: failed to read file /nowhere/at/all: \
         open /nowhere/at/all: no such file or directory"
    );
    assert!(err.to_string().contains("/nowhere/at/all"));
}

#[tokio::test]
async fn a_settled_token_counts_as_written() {
    let (path, source) = file(b"abc\n");
    let mut method: AuthMethod<()> = AuthMethod::TokenSource(source);
    settle_token(&mut method).await.unwrap();
    std::fs::remove_file(path).unwrap();
    let token = Secret::new("abc");
    assert_eq!(method, AuthMethod::Token { token });
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_has_our_environment_and_its_own() {
    let got = of_shell("echo \"  $EXTRA\"; test -n \"$PATH\"").await;
    assert_eq!(got.unwrap(), "from env");
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_fails_is_named_and_its_words_are_not() {
    let err = of_shell("echo hunter2; echo hunter2 >&2; exit 3").await;
    let err = err.unwrap_err();
    assert_eq!(err, "failed to execute command /bin/sh: exit status 3");
    let missing = ValueSource::Exec {
        command: "/nowhere/program".to_owned(),
        args: vec![],
        env: vec![],
    };
    let err = resolve(&missing).await.unwrap_err().to_string();
    assert_eq!(
        err,
        "failed to execute command /nowhere/program: no such file or directory"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_never_stops_talking_is_ended() {
    let err = of_shell("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done").await;
    assert!(err.unwrap_err().contains("more than 65536 bytes"));
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_program_that_says_nothing_is_given_up() {
    let err = of_shell("exec sleep 1000").await.unwrap_err();
    assert_eq!(err, "command /bin/sh gives no value within 30s");
}
