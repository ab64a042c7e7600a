//! A headless Chromium to look at pages with, through its DevTools protocol.

use std::{io, path::Path, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{Error, Program, Result, TempDir, eventually, within};

/// How long a browser may take for one step on a busy machine.
const STEP: Duration = Duration::from_secs(30);

/// A running browser; ended when dropped.
#[derive(Debug)]
pub struct Browser {
    devtools: String,
    _program: Program,
    _profile: TempDir,
}

impl Browser {
    /// Starts Chromium, or says that it is not installed and answers `None`.
    ///
    /// # Errors
    /// When it does not come up.
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    pub async fn start() -> Result<Option<Self>> {
        let profile = TempDir::new()?;
        let folder = format!("--user-data-dir={}", profile.path().display());
        let args = [
            "--headless",
            // The tests may run as root, where Chromium refuses its sandbox.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--remote-debugging-port=0",
            &folder,
            "about:blank",
        ];
        let program = match Program::start("chromium", Path::new("chromium"), &args) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                println!("skipped: chromium is not installed; `cargo xtask setup` installs it");
                return Ok(None);
            }
            started => started?,
        };
        // Written when the port is open: its number, then the path of the browser's own socket.
        let told = profile.path().join("DevToolsActivePort");
        let devtools = eventually(STEP, "the DevTools port of chromium", || async {
            let text = std::fs::read_to_string(&told).map_err(Error::io("read the port"))?;
            let (port, path) = text
                .trim_end()
                .split_once('\n')
                .ok_or_else(|| Error::wrong("chromium has not written its port yet"))?;
            Ok(format!("ws://127.0.0.1:{port}{path}"))
        });
        Ok(Some(Self {
            devtools: devtools.await?,
            _program: program,
            _profile: profile,
        }))
    }

    /// A new page.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn page(&self) -> Result<Page> {
        let (socket, _) = connect_async(&self.devtools)
            .await
            .map_err(|e| Error::wrong(format!("connect to {}: {e}", self.devtools)))?;
        let mut page = Page {
            socket,
            session: Value::Null,
            last: 0,
            faults: Vec::new(),
        };
        let blank = json!({"url": "about:blank"});
        let mut target = page.call("Target.createTarget", blank).await?;
        let attach = json!({"targetId": take(&mut target, "/targetId"), "flatten": true});
        let mut session = page.call("Target.attachToTarget", attach).await?;
        page.session = take(&mut session, "/sessionId");
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, json!({})).await?;
        }
        Ok(page)
    }
}

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Pixels across: 1200 for a desk, 390 for a phone.
    pub width: u32,
    /// Whether the system wears its dark theme.
    pub dark: bool,
}

/// One page of a browser.
#[derive(Debug)]
pub struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Which page of the browser is meant; null for the browser itself.
    session: Value,
    last: u64,
    faults: Vec<String>,
}

impl Page {
    /// Looks at pages so from now on.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn look(&mut self, look: Look) -> Result {
        let size = json!({
            "width": look.width, "height": 900, "deviceScaleFactor": 1, "mobile": look.width < 600,
        });
        self.call("Emulation.setDeviceMetricsOverride", size)
            .await?;
        let scheme = if look.dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Sends `value` as basic authentication with every request.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn authorize(&mut self, value: &str) -> Result {
        self.call("Network.enable", json!({})).await?;
        let headers = json!({"headers": {"Authorization": value}});
        self.call("Network.setExtraHTTPHeaders", headers).await?;
        Ok(())
    }

    /// Opens `url`.
    ///
    /// # Errors
    /// When the browser cannot.
    pub async fn open(&mut self, url: &str) -> Result {
        let opened = self.call("Page.navigate", json!({"url": url})).await?;
        match at(&opened, "/errorText").as_str() {
            Some(error) => Err(Error::wrong(format!("open {url}: {error}"))),
            None => Ok(()),
        }
    }

    /// The value of a JavaScript expression; a promise is awaited.
    ///
    /// # Errors
    /// When it throws.
    pub async fn eval(&mut self, script: &str) -> Result<Value> {
        let ask = json!({"expression": script, "awaitPromise": true, "returnByValue": true});
        let mut done = self.call("Runtime.evaluate", ask).await?;
        let thrown = at(&done, "/exceptionDetails");
        if thrown.is_null() {
            return Ok(take(&mut done, "/result/value"));
        }
        Err(Error::wrong(format!("{script}: {thrown}")))
    }

    /// Waits until a JavaScript expression is true.
    ///
    /// # Errors
    /// When it is not in time; the text of the page is quoted.
    pub async fn until(&mut self, script: &str) -> Result {
        let ask = format!(
            "new Promise((done, fail) => {{ const from = Date.now(); const look = () => {{ \
             let is = false; try {{ is = {script}; }} catch {{}} \
             if (is) done(true); \
             else if (Date.now() - from > {}) fail(document.body.innerText); \
             else setTimeout(look, 20); }}; look(); }})",
            STEP.as_millis() / 2,
        );
        self.eval(&ask)
            .await
            .map(|_| ())
            .map_err(|error| Error::wrong(format!("never came true: {script} ({error})")))
    }

    /// Waits until the page shows `text`.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn shows(&mut self, text: &str) -> Result {
        let text = json!(text);
        self.until(&format!("document.body.innerText.includes({text})"))
            .await
    }

    /// Waits for a button or link whose text is `label`, and presses it. `within` is a selector of
    /// the part of the page to look in.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn press(&mut self, within: &str, label: &str) -> Result {
        let (within, label) = (json!(within), json!(label));
        let find = format!(
            "[...document.querySelectorAll({within})].flatMap((part) => \
             [...part.querySelectorAll('button, a')]).find((b) => b.innerText.trim() === {label})"
        );
        self.until(&format!("Boolean({find})")).await?;
        self.eval(&format!("{find}.click()")).await.map(|_| ())
    }

    /// Types `value` into the field of this name, as a person's typing is told to the page.
    ///
    /// # Errors
    /// When there is no such field in time.
    pub async fn fill(&mut self, selector: &str, value: &str) -> Result {
        let (selector, value) = (json!(selector), json!(value));
        let field = format!("document.querySelector({selector})");
        self.until(&format!("Boolean({field})")).await?;
        let script = format!(
            "{{ const field = {field}; field.value = {value}; \
             field.dispatchEvent(new Event('input', {{ bubbles: true }})); \
             field.dispatchEvent(new Event('change', {{ bubbles: true }})); }}"
        );
        self.eval(&script).await.map(|_| ())
    }

    /// What went wrong in the page since the last call: exceptions, and errors on its console.
    pub fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }

    /// A picture of the whole page, as a PNG.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn picture(&mut self) -> Result<Vec<u8>> {
        let ask = json!({"captureBeyondViewport": true});
        let mut shot = self.call("Page.captureScreenshot", ask).await?;
        let picture = take(&mut shot, "/data");
        let bytes = picture.as_str().map(|text| BASE64.decode(text));
        match bytes {
            Some(Ok(bytes)) => Ok(bytes),
            _ => Err(Error::wrong("chromium made no picture")),
        }
    }

    async fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        self.last += 1;
        let id = self.last;
        let mut ask = json!({"id": id, "method": method, "params": params});
        if let (Value::String(_), Some(ask)) = (&self.session, ask.as_object_mut()) {
            ask.insert("sessionId".to_owned(), self.session.clone());
        }
        within(STEP, method, async {
            self.socket
                .send(Message::text(ask.to_string()))
                .await
                .map_err(|e| Error::wrong(format!("{method}: {e}")))?;
            loop {
                let mut told = self.next().await?;
                if at(&told, "/id") == id {
                    return match at(&told, "/error") {
                        Value::Null => Ok(take(&mut told, "/result")),
                        error => Err(Error::wrong(format!("{method}: {error}"))),
                    };
                }
                self.faults.extend(fault(&told));
            }
        })
        .await
    }

    async fn next(&mut self) -> Result<Value> {
        let gone = || Error::wrong("chromium closed the connection");
        let message = self.socket.next().await.ok_or_else(gone)?;
        let message = message.map_err(|e| Error::wrong(format!("chromium: {e}")))?;
        let text = message.into_text().unwrap_or_default();
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

/// What an event of the browser says went wrong, if it does.
fn fault(event: &Value) -> Option<String> {
    let params = at(event, "/params");
    let is_error = |level: &Value| level == "error" || level == "warning";
    match at(event, "/method").as_str()? {
        "Runtime.exceptionThrown" => Some(at(params, "/exceptionDetails").to_string()),
        "Runtime.consoleAPICalled" if is_error(at(params, "/type")) => {
            Some(at(params, "/args").to_string())
        }
        "Log.entryAdded" if is_error(at(params, "/entry/level")) => {
            Some(at(params, "/entry").to_string())
        }
        _ => None,
    }
}

/// What stands at a place of a JSON value (RFC 6901), null for nothing.
fn at<'a>(value: &'a Value, place: &str) -> &'a Value {
    value.pointer(place).unwrap_or(&Value::Null)
}

/// Takes out what stands at a place of a JSON value.
fn take(value: &mut Value, place: &str) -> Value {
    value
        .pointer_mut(place)
        .map(Value::take)
        .unwrap_or_default()
}
