use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use culvert_transport::{Common, Connector, Listener, Options, Target, Transport, report};

use crate::{
    Exec,
    environment::{Launch, Role},
    supervise::{State, Supervised},
};

/// Longer than any child takes that is to be waited for.
const LONG: Duration = Duration::from_secs(20);

fn child(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/children").join(name)
}

fn options(patience: Duration) -> Options {
    let common = Common::default().with_dial_timeout(patience);
    Options::new(common).with_table("word = \"a b\"\nlist = [1, 2]".parse().unwrap())
}

fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Why a program cannot carry anything, in both roles.
async fn refusals(name: &str, patience: Duration) -> [String; 2] {
    let exec = Exec::new(child(name));
    let opts = options(patience);
    let bound = exec.bind(anywhere(), &opts).await.unwrap_err();
    let connector = exec.connector(&opts).unwrap();
    let dialled = connector.connect(&Target::new("127.0.0.1", 1)).await;
    connector.close().await;
    [report(&bound), report(&dialled.unwrap_err())]
}

fn supervised(name: &str, patience: Duration) -> Supervised {
    let launch = Launch::new(&Arc::new(child(name)), &options(patience)).unwrap();
    let role = Role::Server {
        local: anywhere(),
        remote: anywhere(),
    };
    Supervised::start(launch, role)
}

async fn ready(program: &mut Supervised) -> u32 {
    let state = program.state();
    let got = state.wait_for(|s| matches!(s, State::Ready { .. }));
    let got = tokio::time::timeout(LONG, got).await.unwrap().unwrap();
    match &*got {
        State::Ready { pid, .. } => *pid,
        other => panic!("{other:?}"),
    }
}

/// Whether a process is there and not only waited for.
fn lives(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    status.is_ok_and(|s| !s.contains(") Z "))
}

#[tokio::test]
async fn one_that_exits_is_named_with_its_last_words() {
    for text in refusals("exits.sh", LONG).await {
        assert!(text.contains("children/exits.sh"), "{text}");
        assert!(text.contains("ended before it was ready"), "{text}");
        assert!(text.contains("exit status: 3"), "{text}");
        assert!(text.ends_with("\"no licence found\""), "{text}");
    }
}

#[tokio::test]
async fn one_that_is_never_ready_is_named_with_its_last_words() {
    for text in refusals("silent.sh", Duration::from_millis(700)).await {
        assert!(text.contains("children/silent.sh"), "{text}");
        assert!(text.contains("is not ready within 700ms"), "{text}");
        assert!(text.ends_with("\"still loading\""), "{text}");
    }
}

#[tokio::test]
async fn one_that_says_something_else_is_quoted() {
    for text in refusals("garbage.sh", LONG).await {
        assert!(text.contains("said \"hello there\" instead of"), "{text}");
    }
}

#[tokio::test]
async fn one_that_says_why_it_will_not_start_is_believed() {
    for text in refusals("refuses.sh", LONG).await {
        assert!(text.contains("refused to start: key is missing"), "{text}");
    }
}

#[tokio::test]
async fn one_that_is_not_there_is_named() {
    for text in refusals("nobody", LONG).await {
        assert!(text.contains("children/nobody"), "{text}");
        assert!(text.contains("cannot be started"), "{text}");
    }
}

#[tokio::test]
async fn the_environment_is_the_contract() {
    // The child checks what it is told and says so.
    let exec = Exec::new(child("checks.sh"));
    let mut listener = exec.bind(anywhere(), &options(LONG)).await.unwrap();
    assert_eq!(
        listener.local_addr().unwrap(),
        "127.0.0.1:4711".parse().unwrap()
    );
    listener.close().await;
}

#[tokio::test]
async fn one_that_floods_its_standard_error_still_serves() {
    let mut program = supervised("floods.sh", LONG);
    let pid = ready(&mut program).await;
    program.close().await;
    assert!(!lives(pid));
}

#[tokio::test]
async fn one_that_ends_is_started_again() {
    let mut program = supervised("falls_over.sh", LONG);
    let first = ready(&mut program).await;
    let state = program.state();
    let down = state.wait_for(|s| matches!(s, State::Down(_)));
    drop(tokio::time::timeout(LONG, down).await.unwrap().unwrap());
    let second = ready(&mut program).await;
    assert_ne!(first, second);
    program.close().await;
}

#[tokio::test]
async fn closing_its_standard_input_ends_it() {
    let mut program = supervised("good.sh", LONG);
    let pid = ready(&mut program).await;
    let begun = tokio::time::Instant::now();
    program.close().await;
    assert!(begun.elapsed() < crate::run::GRACE, "it was killed");
    assert!(!lives(pid));
}

#[tokio::test]
async fn one_that_does_not_end_is_killed() {
    let mut program = supervised("stubborn.sh", LONG);
    let pid = ready(&mut program).await;
    if cfg!(target_os = "linux") {
        assert!(lives(pid));
    }
    program.close().await;
    assert!(!lives(pid));
}
