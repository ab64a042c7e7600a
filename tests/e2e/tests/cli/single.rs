//! Both programs without a file: everything is said with flags.

use culvert_e2e::{Pairing, SOON, local};
use culvert_kit::{
    Program, Result, echo_once, free_port, http_get, tcp_echo, udp_echo, udp_request, web,
};

/// The pairings in which at least one of the programs is ours.
const PAIRINGS: [Pairing; 3] = [Pairing::OURS, Pairing::OUR_SERVER, Pairing::OUR_CLIENT];

/// A server and a way to start clients for it.
struct Stage {
    frps: Program,
    frpc: std::path::PathBuf,
    port: String,
}

impl Stage {
    async fn new(pairing: Pairing, more: &[&str]) -> Result<Option<Self>> {
        let Some((frps, frpc)) = pairing.binaries().await? else {
            return Ok(None);
        };
        let port = free_port()?.to_string();
        let args = ["--bind_addr", "127.0.0.1", "-p", &port, "-t", "secret"];
        let args: Vec<_> = args.iter().chain(more).copied().collect();
        let frps = Program::start("frps", &frps, &args)?;
        frps.wait_for("frps started successfully", SOON).await?;
        Ok(Some(Self { frps, frpc, port }))
    }

    async fn frpc(&self, args: &[&str], ready: &str) -> Result<Program> {
        let server = [
            "-s",
            "127.0.0.1",
            "-P",
            &self.port,
            "-t",
            "secret",
            "-u",
            "me",
        ];
        let args: Vec<_> = args.iter().chain(&server).copied().collect();
        let frpc = Program::start("frpc", &self.frpc, &args)?;
        frpc.wait_for(ready, SOON).await?;
        Ok(frpc)
    }
}

#[tokio::test]
async fn tcp_udp_and_http_proxies_need_no_file() -> Result {
    for pairing in PAIRINGS {
        let http = free_port()?;
        let http_flag = http.to_string();
        let flags = [
            "--vhost-http-port",
            http_flag.as_str(),
            "--proxy_bind_addr=127.0.0.1",
        ];
        let Some(stage) = Stage::new(pairing, &flags).await? else {
            continue;
        };
        let (echo, datagrams, page) = (tcp_echo().await?, udp_echo().await?, web("hello").await?);
        let (tcp, udp) = (free_port()?, free_port()?);
        let texts = [echo.port(), tcp, datagrams.port(), udp, page.port()].map(|p| p.to_string());
        let [echo_port, tcp_port, udp_local, udp_port, web_port] = &texts;
        let ready = "start proxy success";
        let args = [
            "tcp",
            "-n",
            "t",
            "-l",
            echo_port,
            "-r",
            tcp_port,
            "--ue",
            "--uc=true",
        ];
        let _tcp = stage.frpc(&args, ready).await?;
        let args = [
            "udp",
            "-n",
            "u",
            "--local_port",
            udp_local,
            "--remote-port",
            udp_port,
        ];
        let _udp = stage.frpc(&args, ready).await?;
        let args = [
            "http",
            "-n",
            "h",
            "-l",
            web_port,
            "-d",
            "a.example,b.example",
        ];
        let _http = stage.frpc(&args, ready).await?;
        echo_once(local(tcp), 1, 4096).await?;
        udp_request(local(udp), b"ping", SOON).await?;
        for name in ["a.example", "b.example"] {
            let answer = http_get(local(http), name, "/").await?;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        drop(stage.frps);
    }
    Ok(())
}

#[tokio::test]
async fn a_secret_service_and_its_visitor_need_no_file() -> Result {
    for pairing in PAIRINGS {
        let Some(stage) = Stage::new(pairing, &[]).await? else {
            continue;
        };
        let (echo, at) = (tcp_echo().await?, free_port()?);
        let (echo_port, at_port) = (echo.port().to_string(), at.to_string());
        let args = [
            "stcp",
            "-n",
            "s",
            "--sk",
            "key",
            "-l",
            &echo_port,
            "--allow-users",
            "\"*\"",
        ];
        let _owner = stage.frpc(&args, "start proxy success").await?;
        let args = [
            "stcp",
            "visitor",
            "-n",
            "v",
            "--sk=key",
            "--server_name",
            "s",
            "--bind-addr",
            "127.0.0.1",
            "--bind-port",
            &at_port,
        ];
        let _visitor = stage.frpc(&args, "start visitor success").await?;
        echo_once(local(at), 1, 4096).await?;
    }
    Ok(())
}
