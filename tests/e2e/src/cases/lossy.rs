//! A udp service behind a long link that loses packets.

use std::{net::UdpSocket as StdSocket, time::Duration};

use culvert_kit::{
    Error, Link, Namespace, Program, Result, Shape, TempDir, random_hex, udp_echo_on,
};
use tokio::{
    net::UdpSocket,
    time::{self, Instant},
};

use crate::{Pairing, SOON, local};

/// Where frps listens, where its users come, and where the service is, each in its own network.
const SERVER: u16 = 7000;
const DOOR: u16 = 9000;
const SERVICE: u16 = 8000;

/// 200 ms there and back: what the machine itself adds is little beside it.
const LINK: Shape = Shape {
    delay: Duration::from_millis(100),
    loss: 0.03,
    rate: 20_000_000,
    queue: 300,
    udp: true,
};

/// Questions, and the time between two: as many as a game or a call has.
const ASKED: u32 = 500;
const PACE: Duration = Duration::from_millis(10);

/// At 3 % loss in each direction, what comes back as datagrams comes back without a wait for
/// others, within 1.2 times the link's own round trip at the 99th percentile; as messages on a
/// stream, behind those that are lost.
///
/// # Errors
/// When it takes longer, or what comes back is less than the link lets through.
pub async fn answers_in_time(pairing: Pairing) -> Result {
    let Some(datagrams) = p99(pairing, true).await? else {
        return Ok(());
    };
    let Some(messages) = p99(pairing, false).await? else {
        return Ok(());
    };
    let most = LINK.delay.mul_f64(2.0 * 1.2);
    if datagrams <= most && messages > most {
        return Ok(());
    }
    Err(Error::wrong(format!(
        "99 of 100 answers came within {datagrams:?} as datagrams, {messages:?} as messages; \
         {most:?} were allowed and for messages expected to be missed"
    )))
}

/// How long 99 of 100 answers take at most; `None` where there are no such links.
async fn p99(pairing: Pairing, datagrams: bool) -> Result<Option<Duration>> {
    let Some((frps, frpc)) = pairing.binaries().await? else {
        return Ok(None);
    };
    let Some(link) = Link::new(LINK).await? else {
        return Ok(None);
    };
    let service = link.far.inside(|| StdSocket::bind(local(SERVICE)))?;
    let _service = udp_echo_on(service)?;
    let dir = TempDir::new()?;
    let token = format!("auth.token = \"{}\"\n", random_hex(16)?);
    let launch = |place: &Namespace, name: &str, binary, text: String| -> Result<Program> {
        let config = dir.write(&format!("{name}.toml"), &text)?;
        place.start(name, binary, &["-c", &config.to_string_lossy()])
    };
    let text = format!("bindPort = {SERVER}\nquicBindPort = {SERVER}\n{token}");
    let server = launch(&link.near, "frps", &frps, text)?;
    server.wait_for("frps started successfully", SOON).await?;
    let text = format!(
        "serverAddr = \"{}\"\nserverPort = {SERVER}\ntransport.protocol = \"quic\"\n\
         transport.quic.datagrams = {datagrams}\n{token}\n[[proxies]]\nname = \"echo\"\n\
         type = \"udp\"\nlocalPort = {SERVICE}\nremotePort = {DOOR}\n",
        Link::NEAR
    );
    let client = launch(&link.far, "frpc", &frpc, text)?;
    client.wait_for("start proxy success", SOON).await?;
    let user = link.near.inside(|| {
        let socket = StdSocket::bind(local(0))?;
        socket.connect(local(DOOR))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    })?;
    let user = UdpSocket::from_std(user).map_err(Error::io("use a UDP socket"))?;
    warm(&user).await?;
    let mut took = ask(&user).await?;
    took.sort_unstable();
    // Nine of ten pass 3 % loss twice with room to spare.
    if took.len() < ASKED as usize * 85 / 100 {
        let (frps, frpc) = (server.tail(), client.tail());
        return Err(Error::wrong(format!(
            "{} of {ASKED} answers came; frps:\n{frps}\nfrpc:\n{frpc}",
            took.len()
        )));
    }
    Ok(took.get(took.len() * 99 / 100).copied())
}

/// Until the first answer: the work connection takes a moment.
async fn warm(user: &UdpSocket) -> Result {
    let mut answer = [0; 8];
    culvert_kit::eventually(SOON, "a first answer", || async {
        let failed = Error::io("ask the service");
        user.send(&[0xff; 4]).await.map_err(failed)?;
        time::timeout(Duration::from_secs(1), user.readable())
            .await
            .map_err(|_| Error::wrong("no answer"))?
            .map_err(Error::io("hear the service"))
    })
    .await?;
    while user.try_recv(&mut answer).is_ok() {}
    Ok(())
}

/// Asks at the pace, and answers how long each answer took that came.
async fn ask(user: &UdpSocket) -> Result<Vec<Duration>> {
    let begun = Instant::now();
    let asks = async {
        let mut beat = time::interval(PACE);
        for number in 0..ASKED {
            beat.tick().await;
            let at = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            let question = [&number.to_be_bytes()[..], &at.to_be_bytes()].concat();
            user.send(&question)
                .await
                .map_err(Error::io("ask the service"))?;
        }
        // The last answers, retransmitted ones as well.
        time::sleep(10 * LINK.delay).await;
        Ok(())
    };
    let mut took = Vec::new();
    let hears = async {
        let mut answer = [0; 64];
        loop {
            let heard = user.recv(&mut answer).await;
            let len = heard.map_err(Error::io("hear the service"))?;
            let now = begun.elapsed();
            let at = answer.get(4..len).and_then(|at| at.try_into().ok());
            if let Some(at) = at.map(u64::from_be_bytes) {
                took.push(now.saturating_sub(Duration::from_micros(at)));
            }
        }
    };
    let asked: Result = tokio::select! {
        done = asks => done,
        failed = hears => failed,
    };
    asked.map(|()| took)
}
