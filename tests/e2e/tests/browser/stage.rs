//! A running pair with both dashboards, and a browser that looks at one of them.

use std::{net::SocketAddr, path::Path};

use culvert_e2e::{Pair, Pairing, Scene, local};
use culvert_kit::{Browser, Error, Look, Page, Result, Service, echo_once, free_port, tcp_echo};

use crate::prefix::below_base;

/// Every way of looking that each page is looked at in.
const LOOKS: [(&str, Look); 4] = [
    (
        "desk-light",
        Look {
            width: 1200,
            dark: false,
        },
    ),
    (
        "desk-dark",
        Look {
            width: 1200,
            dark: true,
        },
    ),
    (
        "phone-light",
        Look {
            width: 390,
            dark: false,
        },
    ),
    (
        "phone-dark",
        Look {
            width: 390,
            dark: true,
        },
    ),
];

/// What a test looks at; all of it ends when dropped.
pub(crate) struct Stage {
    pub(crate) page: Page,
    pub(crate) pair: Pair,
    pub(crate) public: SocketAddr,
    name: &'static str,
    base: String,
    _browser: Browser,
    pub(crate) echo: Service,
    _front: Service,
}

/// Which program's dashboard is looked at.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Server,
    Client,
}

impl Stage {
    /// A pair of ours with a tcp and an http proxy, some traffic on it, and the first page of a
    /// dashboard; `None` where there is no browser.
    pub(crate) async fn set(side: Side) -> Result<Option<Self>> {
        let Some(browser) = Browser::start().await? else {
            return Ok(None);
        };
        let Some(scene) = Scene::new(Pairing::OURS).await? else {
            return Ok(None);
        };
        let (echo, public) = (tcp_echo().await?, local(free_port()?));
        let (server, client, vhost) = (free_port()?, free_port()?, free_port()?);
        let store = scene.dir().path().join("store.json");
        let pair = scene
            .server(&format!(
                "vhostHTTPPort = {vhost}\nwebServer.port = {server}"
            ))
            .client(&format!(
                "clientID = \"laptop\"\nuser = \"ann\"\nwebServer.port = {client}\n\
                 store.path = {:?}",
                store.display().to_string(),
            ))
            .proxy(
                "echo",
                "tcp",
                echo.addr(),
                &format!("remotePort = {}", public.port()),
            )
            .proxy(
                "site",
                "http",
                echo.addr(),
                "customDomains = [\"site.test\"]",
            )
            .start()
            .await?;
        echo_once(public, 1, 100_000).await?;
        let (name, port) = match side {
            Side::Server => ("frps", server),
            Side::Client => ("frpc", client),
        };
        let front = below_base(local(port)).await?;
        let base = format!("http://{}/base/static/", front.addr());
        let mut page = browser.page().await?;
        page.open(&base).await?;
        Ok(Some(Self {
            page,
            pair,
            public,
            name,
            base,
            _browser: browser,
            echo,
            _front: front,
        }))
    }

    /// Opens the view at `hash` in every look, waits until it shows `text`, and checks that nothing
    /// went wrong and nothing is wider than the screen.
    pub(crate) async fn visit(&mut self, view: &str, hash: &str, text: &str) -> Result {
        for (look_name, look) in LOOKS {
            self.page.look(look).await?;
            self.page.open("about:blank").await?;
            self.page.open(&format!("{}{hash}", self.base)).await?;
            self.page.shows(text).await?;
            let fits = "document.documentElement.scrollWidth <= innerWidth";
            self.page.until(fits).await?;
            self.calm()?;
            self.keep(&format!("{}-{view}-{look_name}", self.name))
                .await?;
        }
        Ok(())
    }

    /// Nothing has gone wrong in the page so far.
    pub(crate) fn calm(&mut self) -> Result {
        let faults = self.page.take_faults();
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::wrong(format!("the page complains: {faults:#?}")))
    }

    /// Leaves a picture where the caller of the test wants them.
    async fn keep(&mut self, name: &str) -> Result {
        let Some(folder) = std::env::var_os("CULVERT_PICTURES") else {
            return Ok(());
        };
        let picture = self.page.picture().await?;
        let file = Path::new(&folder).join(format!("{name}.png"));
        std::fs::write(file, picture).map_err(Error::io("keep a picture"))
    }
}
