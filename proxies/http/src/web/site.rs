//! The table of routes, and what every request passes before its handler (api 0).

use std::{fmt, future::Future, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use culvert_proxy::BoxFuture;
use http::{
    HeaderMap, Method, StatusCode, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
    request::Parts,
};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;

use super::{
    Answer, Request,
    request::{Variables, query},
};
use crate::{Basic, Credentials};

/// How long somebody with a wrong password waits for the answer, as upstream
/// (pkg/util/net/http.go).
const PENALTY: Duration = Duration::from_millis(200);

/// The longest body. The largest that scripts send is a configuration file; a thousand proxies
/// take about 200 kB.
const BODY: usize = 4 << 20;
/// How long a body may take (upstream's read timeout).
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

type Handler = Box<dyn Fn(Request) -> BoxFuture<'static, Answer> + Send + Sync>;

struct Route {
    method: Method,
    pattern: &'static str,
    /// Whether everybody may ask.
    open: bool,
    handler: Handler,
}

/// Who may use a site; can be changed while it serves.
#[derive(Clone, Debug)]
pub struct Admission(Arc<ArcSwapOption<Credentials>>);

impl Admission {
    /// These credentials are asked for; everybody may come without.
    #[must_use]
    pub fn new(credentials: Option<Credentials>) -> Self {
        Self(Arc::new(ArcSwapOption::from_pointee(credentials)))
    }

    /// From now on these credentials are asked for; everybody may come without.
    pub fn set(&self, credentials: Option<Credentials>) {
        self.0.store(credentials.map(Arc::new));
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        self.0.load().as_ref().is_none_or(|asked| {
            let given = headers.get(AUTHORIZATION).and_then(Basic::parse);
            asked.admit(given.as_ref())
        })
    }
}

/// What a web server serves: routes, and who may use them.
pub struct Site {
    admission: Admission,
    routes: Vec<Route>,
}

impl Site {
    /// A site that has only `/healthz`; without credentials everybody may use it.
    #[must_use]
    pub fn new(credentials: Option<Credentials>) -> Self {
        Self {
            admission: Admission::new(credentials),
            routes: Vec::new(),
        }
    }

    /// The same site for those whom `admission` lets in.
    #[must_use]
    pub fn admitting(mut self, admission: Admission) -> Self {
        self.admission = admission;
        self
    }

    /// The same site with one more route. A part of `pattern` in braces is a variable: any text
    /// without a slash, as in `/api/proxies/{name}`; with a star, as in `/static/{*file}`, all that
    /// is left of the path, which may be nothing.
    #[must_use]
    pub fn on<F, Fut>(self, method: Method, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.with((method, pattern), false, handler)
    }

    /// The same site with a route that asks for no password, such as `/debug/pprof/`.
    #[must_use]
    pub fn open<F, Fut>(self, method: Method, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.with((method, pattern), true, handler)
    }

    fn with<F, Fut>(
        mut self,
        (method, pattern): (Method, &'static str),
        open: bool,
        handler: F,
    ) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.routes.push(Route {
            method,
            pattern,
            open,
            handler: Box::new(move |request| Box::pin(handler(request))),
        });
        self
    }

    /// Answers one request.
    ///
    /// *Cancel safety*: the handler's future is dropped where it is.
    pub async fn answer<B>(&self, request: http::Request<B>) -> Answer
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        if path == "/healthz" {
            return Answer::empty();
        }
        if let Some(clean) = cleaned(path) {
            let query = parts.uri.query().map(|q| format!("?{q}"));
            return Answer::moved(&format!("{clean}{}", query.unwrap_or_default()));
        }
        let (route, variables) = match self.find(&parts.method, path) {
            Ok(found) => found,
            Err(missed) => return missed,
        };
        if !route.open && !self.admission.admits(&parts.headers) {
            tokio::time::sleep(PENALTY).await;
            return Answer::unauthorized();
        }
        if is_foreign(&parts) {
            tracing::warn!("refused [{path}], which another site asked for through a browser");
            let text = "cross-site request refused";
            return Answer::text(StatusCode::FORBIDDEN, text);
        }
        let body = match read(body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        tracing::info!("http request: [{path}]");
        let request = Request {
            variables,
            query: query(parts.uri.query().unwrap_or_default()),
            headers: parts.headers,
            body,
        };
        let answer = (route.handler)(request).await;
        match answer.error() {
            Some(error) => tracing::warn!("http response [{path}]: error: {error}"),
            None => tracing::info!("http response [{path}]: code [{}]", answer.code()),
        }
        answer
    }

    /// The route of a request; an unknown path and a wrong method are not asked who they are.
    fn find(&self, method: &Method, path: &str) -> Result<(&Route, Variables), Answer> {
        let mut known = false;
        for route in &self.routes {
            if let Some(variables) = matched(route.pattern, path) {
                if route.method == *method {
                    return Ok((route, variables));
                }
                known = true;
            }
        }
        Err(if known {
            Answer::status(StatusCode::METHOD_NOT_ALLOWED)
        } else {
            Answer::not_found()
        })
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns = self.routes.iter().map(|route| route.pattern);
        f.debug_list().entries(patterns).finish()
    }
}

/// The variables of `path` if it has the form of `pattern`.
fn matched(pattern: &'static str, path: &str) -> Option<Variables> {
    let mut variables = Vec::new();
    let (mut parts, mut given) = (
        pattern.split('/'),
        path.splitn(pattern.split('/').count(), '/'),
    );
    loop {
        match (parts.next(), given.next()) {
            (None, None) => return Some(variables),
            (Some(part), Some(text)) => {
                let name = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
                match name {
                    Some(name) if let Some(rest) = name.strip_prefix('*') => {
                        variables.push((rest, text.to_owned()));
                    }
                    Some(_) if text.contains('/') => return None,
                    Some(name) if !text.is_empty() => variables.push((name, text.to_owned())),
                    None if part == text => {}
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
}

/// The path without `//`, `.` and `..`, if it has any; browsers are sent there, as gorilla/mux
/// under upstream does.
fn cleaned(path: &str) -> Option<String> {
    let parts = || path.split('/').skip(1);
    let last = parts().count().saturating_sub(1);
    let odd =
        |(at, part): (usize, &str)| part == "." || part == ".." || part.is_empty() && at != last;
    if path.starts_with('/') && !parts().enumerate().any(odd) {
        return None;
    }
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    Some(format!("/{}{end}", kept.join("/")))
}

/// Whether a page of another site makes a browser change something here; some of the API is
/// changed by GET, as `/api/reload` is. Browsers say so in `Sec-Fetch-Site`; old ones at least name
/// the page's origin. Programs send neither.
fn is_foreign(parts: &Parts) -> bool {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method);
    if reads && !parts.uri.path().starts_with("/api/") {
        return false;
    }
    if let Some(site) = parts.headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = parts.headers.get(ORIGIN) else {
        return false;
    };
    let origin = origin.to_str().ok().and_then(|o| o.parse::<Uri>().ok());
    let from = origin.as_ref().and_then(Uri::authority);
    let here = parts.headers.get(HOST).and_then(|h| h.to_str().ok());
    !matches!((from, here), (Some(from), Some(here)) if from.as_str().eq_ignore_ascii_case(here))
}

/// Reads a body to its end.
async fn read<B>(body: B) -> Result<Bytes, Answer>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(Answer::text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request body is too long",
        )),
        Ok(Err(_)) => Err(Answer::status(StatusCode::BAD_REQUEST)),
        Err(_) => Err(Answer::status(StatusCode::REQUEST_TIMEOUT)),
    }
}
