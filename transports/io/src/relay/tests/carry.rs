//! What goes in comes out, in order, with bounded memory.

use bytes::Bytes;
use tokio::io::{BufStream, split};

use super::{
    mock::{KINDS, Kind, ROOM, chunks, pair, peer},
    *,
};
use crate::{Buffer, Io};

const BULK: usize = 8 << 20;

async fn both_ways(user: Kind, work: Kind, how: Relaying, total: usize) -> Relayed {
    let (near_user, far_user) = pair(user).await;
    let (near_work, far_work) = pair(work).await;
    let meter = Arc::new(Meter::new());
    let how = Relaying {
        meter: Some(Arc::clone(&meter)),
        ..how
    };
    let (_scope, told) = begin(near_user, near_work, how);
    let (user_in, user_out) = split(far_user);
    let (work_in, work_out) = split(far_work);
    let (mut user_out, mut work_out) = (user_out, work_out);
    let (mut user_in, mut work_in) = (user_in, work_in);
    tokio::join!(
        write_pattern(&mut user_out, 11, total),
        read_pattern(&mut work_in, 11, total),
        write_pattern(&mut work_out, 22, total),
        read_pattern(&mut user_in, 22, total),
    );
    user_out.shutdown().await.unwrap();
    read_end(&mut work_in).await;
    read_end(&mut user_in).await;
    drop((user_in, user_out, work_in, work_out));
    let relayed = told.await.unwrap();
    let total = u64::try_from(total).unwrap();
    assert_eq!((relayed.to_work, relayed.to_user), (total, total));
    assert_eq!((meter.bytes_in(), meter.bytes_out()), (total, total));
    assert!(matches!(relayed.end, End::Eof(Side::User)));
    relayed
}

#[tokio::test]
async fn bulk_both_ways_at_once_between_all_carriers() {
    for (user, work, how) in ways() {
        let paths = how.fast_paths;
        let expected = match (user, work) {
            _ if paths == FastPaths::NONE => Path::Copy,
            (Kind::Tcp, Kind::Tcp) if cfg!(target_os = "linux") => Path::Splice,
            (Kind::Chunks, _) | (_, Kind::Chunks) => Path::Chunks,
            _ => Path::Copy,
        };
        let relayed = within(both_ways(user, work, how, BULK)).await;
        assert_eq!(relayed.path, expected, "{user:?} {work:?} {paths}");
    }
}

#[tokio::test]
async fn single_bytes_arrive_at_once_between_all_carriers() {
    for (user, work, how) in ways() {
        let (near_user, mut far_user) = pair(user).await;
        let (near_work, mut far_work) = pair(work).await;
        let (_scope, _told) = begin(near_user, near_work, how);
        let mut got = [0; 1];
        for n in 0..200 {
            far_user.write_all(&[n]).await.unwrap();
            within(far_work.read_exact(&mut got)).await.unwrap();
            assert_eq!(got, [n]);
            far_work.write_all(&[n ^ 0xff]).await.unwrap();
            within(far_user.read_exact(&mut got)).await.unwrap();
            assert_eq!(got, [n ^ 0xff]);
        }
    }
}

#[tokio::test]
async fn bytes_read_ahead_come_first_between_all_carriers() {
    for (user, work, how) in ways() {
        let (near_user, mut far_user) = pair(user).await;
        let (near_work, mut far_work) = pair(work).await;
        // More than a chunk stream takes at once.
        let long = vec![b'p'; ROOM + 1000];
        let near_user = near_user.rewind(Bytes::from(long.clone()));
        let near_work = near_work.rewind(Bytes::from_static(b"back "));
        let (_scope, _told) = begin(near_user, near_work, how);
        far_user.write_all(b"after").await.unwrap();
        far_work.write_all(b"after").await.unwrap();
        let mut got = vec![0; long.len() + 5];
        within(far_work.read_exact(&mut got)).await.unwrap();
        assert!(got == [&long[..], b"after"].concat());
        let mut got = [0; 10];
        within(far_user.read_exact(&mut got)).await.unwrap();
        assert_eq!(&got, b"back after");
    }
}

async fn fill(mut to: Box<dyn Io>, taken: &mut usize) {
    loop {
        *taken += to.write(&[7; 4096]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_takes_nothing_stops_the_source() {
    for (user, work) in [Kind::Chunks, Kind::Duplex]
        .into_iter()
        .flat_map(|user| [(user, Kind::Chunks), (user, Kind::Duplex)])
    {
        let (near_user, far_user) = pair(user).await;
        let (near_work, far_work) = pair(work).await;
        let (_scope, _told) = begin(near_user, near_work, Relaying::default());
        let mut taken = 0;
        // Paused time passes only once nobody can go on.
        let filled = tokio::time::timeout(Duration::from_secs(1), fill(far_user, &mut taken)).await;
        assert!(filled.is_err());
        assert!(taken >= 2 * ROOM);
        assert!(
            taken <= 2 * ROOM + Buffer::LARGE,
            "{user:?} {work:?}: {taken}"
        );
        drop(far_work);
    }
}

#[tokio::test]
async fn a_layer_that_buffers_is_flushed_when_nothing_follows() {
    for user in KINDS {
        let (near_user, mut far_user) = pair(user).await;
        let (near, mut far_work) = tokio::io::duplex(ROOM);
        let near_work = Stream::new(BufStream::new(near), peer());
        let (_scope, _told) = begin(near_user, near_work, Relaying::default());
        let mut got = [0; 5];
        for _ in 0..3 {
            far_user.write_all(b"hello").await.unwrap();
            within(far_work.read_exact(&mut got)).await.unwrap();
            assert_eq!(&got, b"hello");
        }
    }
}

#[tokio::test]
async fn many_small_chunks_go_out_in_few_writes() {
    let (near_user, far_user) = chunks();
    let (near, far) = tokio::io::duplex(ROOM);
    let (mut far_user, mut far) = (far_user, far);
    for n in 0..200_u8 {
        far_user.write_all(&[n]).await.unwrap();
    }
    let (_scope, _told) = begin(
        Stream::chunks(near_user, peer()),
        Stream::new(near, peer()),
        Relaying::default(),
    );
    let mut got = [0; 200];
    within(far.read_exact(&mut got)).await.unwrap();
    assert!((0..200_u8).eq(got));
}

#[tokio::test]
async fn a_relay_is_small() {
    let how = Relaying::default();
    let (user, _far_user) = pair(Kind::Tcp).await;
    let (work, _far_work) = pair(Kind::Tcp).await;
    let size = size_of_val(&relay(user, work, &how));
    assert!(size < 512, "{size}");
}
