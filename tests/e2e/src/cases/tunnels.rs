//! Every kind of proxy carries what it should: tcp, udp, http by host and location, https by SNI.

use culvert_kit::{
    Authority, Error, Payload, Result, Service, echo_once, framed_echo, framed_request, free_port,
    http_get, https_get, https_web, tcp_echo, udp_echo, udp_request, web, within,
};

use super::scene;
use crate::{Pairing, SOON, local};

/// The layers that a proxy may put around its work connections.
#[derive(Clone, Copy, Debug)]
pub enum Layers {
    /// None, upstream's default.
    Plain,
    /// `transport.useEncryption`.
    Encrypted,
    /// `transport.useCompression`.
    Compressed,
    /// Both.
    Both,
}

impl Layers {
    /// The lines that ask for these layers.
    #[must_use]
    pub const fn lines(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Encrypted => "transport.useEncryption = true",
            Self::Compressed => "transport.useCompression = true",
            Self::Both => "transport.useEncryption = true\ntransport.useCompression = true",
        }
    }
}

/// A tcp proxy returns bytes that do not compress, bytes that do, and small messages.
///
/// # Errors
/// When anything comes back changed.
pub async fn tcp(pairing: Pairing, layers: Layers) -> Result {
    let (echo, framed) = (tcp_echo().await?, framed_echo().await?);
    let (remote, remote_framed) = (free_port()?, free_port()?);
    let port = |port| format!("remotePort = {port}\n{}", layers.lines());
    let _pair = scene!(pairing)
        .proxy("echo", "tcp", echo.addr(), &port(remote))
        .proxy("framed", "tcp", framed.addr(), &port(remote_framed))
        .start()
        .await?;
    within(SOON, "two echoes", async {
        echo_once(local(remote), 1, 3_000_000).await?;
        echo_once(local(remote), 2, 1).await?;
        let zeros = vec![0; 500_000];
        let answer = framed_request(local(remote_framed), &zeros).await?;
        if answer == zeros {
            Ok(())
        } else {
            Err(Error::wrong("half a megabyte of zeros changed"))
        }
    })
    .await
}

/// A udp proxy returns small and large datagrams.
///
/// # Errors
/// When a datagram does not come back unchanged.
pub async fn udp(pairing: Pairing, layers: Layers) -> Result {
    let echo = udp_echo().await?;
    let remote = free_port()?;
    let lines = format!("remotePort = {remote}\n{}", layers.lines());
    let _pair = scene!(pairing)
        .proxy("dns", "udp", echo.addr(), &lines)
        .start()
        .await?;
    // 1500 is upstream's default `udpPacketSize`; longer ones are cut by design.
    for len in [1, 512, 1500] {
        udp_request(local(remote), &Payload::new(9).take(len), SOON).await?;
    }
    Ok(())
}

/// http proxies share one port and are told apart by host and by the longest location.
///
/// # Errors
/// When a page comes from the wrong service or an unknown host gets one.
pub async fn http(pairing: Pairing, layers: Layers) -> Result {
    let (shop, api, blog) = (web("shop").await?, web("api").await?, web("blog").await?);
    let port = free_port()?;
    let lines = |more: &str| format!("{more}\n{}", layers.lines());
    let shop_lines = lines("customDomains = [\"shop.example.com\"]\nlocations = [\"/\"]");
    let api_lines = lines("customDomains = [\"shop.example.com\"]\nlocations = [\"/api\"]");
    let blog_lines = lines("customDomains = [\"blog.example.com\", \"news.example.com\"]");
    let _pair = scene!(pairing)
        .server(&format!("vhostHTTPPort = {port}"))
        .proxy("shop", "http", shop.addr(), &shop_lines)
        .proxy("api", "http", api.addr(), &api_lines)
        .proxy("blog", "http", blog.addr(), &blog_lines)
        .start()
        .await?;
    for (host, path, page) in [
        ("shop.example.com", "/", "shop"),
        ("shop.example.com", "/about", "shop"),
        ("shop.example.com", "/api/v1", "api"),
        ("SHOP.example.com", "/", "shop"),
        ("blog.example.com", "/", "blog"),
        ("news.example.com", "/api", "blog"),
    ] {
        let answer = http_get(local(port), host, path).await?;
        if (answer.status, answer.body.as_str()) != (200, page) {
            return Err(Error::wrong(format!(
                "{host}{path} gave {answer:?}, not {page:?}"
            )));
        }
    }
    match http_get(local(port), "nobody.example.com", "/")
        .await?
        .status
    {
        404 => Ok(()),
        status => Err(Error::wrong(format!(
            "an unknown host gave {status}, not 404"
        ))),
    }
}

/// https proxies share one port and are told apart by SNI; frps does not decrypt.
///
/// # Errors
/// When a page comes from the wrong service, under a wrong certificate, or for an unknown name.
pub async fn https(pairing: Pairing, layers: Layers) -> Result {
    let authority = Authority::new()?;
    let secure = async |name: &str, page: &str| -> Result<Service> {
        https_web(&authority.issue(&[name])?, page).await
    };
    let shop = secure("shop.example.com", "shop").await?;
    let blog = secure("blog.example.com", "blog").await?;
    let port = free_port()?;
    let lines = |host: &str| format!("customDomains = [\"{host}\"]\n{}", layers.lines());
    let _pair = scene!(pairing)
        .server(&format!("vhostHTTPSPort = {port}"))
        .proxy("shop", "https", shop.addr(), &lines("shop.example.com"))
        .proxy("blog", "https", blog.addr(), &lines("blog.example.com"))
        .start()
        .await?;
    for (host, page) in [("shop.example.com", "shop"), ("blog.example.com", "blog")] {
        let answer = https_get(local(port), host, &authority).await?;
        if (answer.status, answer.body.as_str()) != (200, page) {
            return Err(Error::wrong(format!(
                "{host} gave {answer:?}, not {page:?}"
            )));
        }
    }
    match https_get(local(port), "nobody.example.com", &authority).await {
        Err(_) => Ok(()),
        Ok(answer) => Err(Error::wrong(format!("an unknown name got {answer:?}"))),
    }
}

/// A service of an http proxy that is down is told from a name that nobody has: the same page by
/// default, as frp does it, and 502 with `vhostHTTPErrorMode = "precise"`.
///
/// # Errors
/// When another status comes.
pub async fn http_service_down(pairing: Pairing) -> Result {
    for (mode, down) in [("compatible", 404), ("precise", 502)] {
        let (port, nobody) = (free_port()?, local(free_port()?));
        let lines = "customDomains = [\"shop.example.com\"]";
        let _pair = scene!(pairing)
            .server(&format!(
                "vhostHTTPPort = {port}\nvhostHTTPErrorMode = \"{mode}\""
            ))
            .proxy("shop", "http", nobody, lines)
            .start()
            .await?;
        for (host, wanted) in [("shop.example.com", down), ("nobody.example.com", 404)] {
            let status = http_get(local(port), host, "/").await?.status;
            if status != wanted {
                let text = format!("{mode}: {host} gave {status}, not {wanted}");
                return Err(Error::wrong(text));
            }
        }
    }
    Ok(())
}
