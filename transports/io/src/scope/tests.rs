use std::{
    future::pending,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::*;

const GRACE: Duration = Duration::from_secs(10);

fn root() -> Scope {
    Scope::root(Handle::current())
}

#[tokio::test(start_paused = true)]
async fn close_drops_plain_tasks_and_waits_for_graceful_ones() {
    let scope = root();
    let (held, dropped) = oneshot::channel::<()>();
    scope.spawn(async move {
        let _held = held;
        pending::<()>().await;
    });
    let done = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&done);
    scope.spawn_graceful(|stop| async move {
        stop.cancelled().await;
        sleep(Duration::from_secs(3)).await;
        tell.store(true, Ordering::Relaxed);
    });
    assert_eq!(scope.tasks(), 2);
    let began = Instant::now();
    assert_eq!(scope.close(GRACE).await, 0);
    assert_eq!(began.elapsed().as_secs(), 3);
    assert!(done.load(Ordering::Relaxed));
    assert!(dropped.await.is_err());
    assert_eq!(scope.tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_do_not_stop_are_dropped_after_the_grace_period() {
    let scope = root();
    let (held, dropped) = oneshot::channel::<()>();
    scope.spawn_graceful(|_stop| async move {
        let _held = held;
        pending::<()>().await;
    });
    let began = Instant::now();
    assert_eq!(scope.close(GRACE).await, 1);
    assert_eq!(began.elapsed(), GRACE);
    assert!(dropped.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn closing_a_scope_closes_the_scopes_inside_it_and_no_other() {
    let top = root();
    let (left, right) = (top.child(Span::none()), top.child(Span::none()));
    let inner = left.child(Span::none());
    for scope in [&left, &right, &inner] {
        scope.spawn(pending());
    }
    assert_eq!((top.tasks(), left.tasks(), inner.tasks()), (3, 2, 1));
    assert_eq!(left.close(GRACE).await, 0);
    assert!(left.is_stopped() && inner.is_stopped());
    assert!(!right.is_stopped() && !top.is_stopped());
    assert_eq!(top.tasks(), 1);
    assert_eq!(top.close(GRACE).await, 0);
    assert!(right.is_stopped());
    right.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_reaches_the_scopes_inside() {
    let top = root();
    top.child(Span::none())
        .spawn_graceful(|_stop| pending::<()>());
    assert_eq!(top.close(GRACE).await, 1);
    assert_eq!(top.tasks(), 0);
}

#[tokio::test]
async fn nothing_runs_in_a_stopped_scope() {
    let scope = root();
    scope.stop();
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    scope.spawn(async move {
        count.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(scope.close(GRACE).await, 0);
    // Even one that is spawned when the scope is closed already, and in a child made then.
    for late in [scope.clone(), scope.child(Span::none())] {
        let count = Arc::clone(&runs);
        late.spawn(async move {
            count.fetch_add(1, Ordering::Relaxed);
        });
    }
    assert_eq!(scope.close(GRACE).await, 0);
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_graceful_task_of_a_stopped_scope_is_told_at_once() {
    let scope = root();
    scope.stop();
    let (tell, told) = oneshot::channel();
    scope.spawn_graceful(|stop| async move {
        tell.send(stop.is_cancelled()).ok();
    });
    assert!(told.await.unwrap());
    assert_eq!(scope.close(GRACE).await, 0);
}

#[tokio::test]
async fn a_panic_ends_its_task_only() {
    let scope = root();
    scope.spawn(async { panic!("on purpose") });
    let (tell, told) = oneshot::channel();
    scope.spawn(async move {
        tell.send(()).ok();
    });
    told.await.unwrap();
    assert_eq!(scope.close(GRACE).await, 0);
}

#[test]
fn a_child_on_another_lane_is_waited_for() {
    let lanes = crate::Lanes::start(2).unwrap();
    let [first, second] = lanes.handles() else {
        panic!("two lanes were asked for");
    };
    let top = Scope::root(first.clone());
    let away = top.child_on(second.clone(), Span::none());
    assert_eq!(away.lane().id(), second.id());
    away.spawn(pending());
    assert_eq!(second.block_on(top.close(GRACE)), 0);
    assert_eq!(top.tasks(), 0);
    assert_eq!(lanes.shutdown(GRACE), 0);
}
