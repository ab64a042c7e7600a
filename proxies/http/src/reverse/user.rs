//! One user's connection: each of its requests from the route to the answer.

use std::{convert::Infallible, sync::Arc};

use culvert_io::{Peer, Scope};
use culvert_proxy::{Turn, UserAddrs};
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, UPGRADE},
};
use hyper::{body::Incoming, upgrade::OnUpgrade};

use super::{
    backend::{Conn, HttpBackend},
    body::{RequestBody, ResponseBody},
    fault::Fault,
    guard::Ties,
    headers::{remove_hop_by_hop, set, upgrade_of},
    pool::Checkout,
    record::Record,
    request,
    switch::switch,
    target::{Target, routing_path},
};
use crate::vhost::{Inner, canonical_host};

/// What all requests of a user's connection share.
pub(super) struct UserConn {
    vhost: Arc<Inner>,
    /// The name in the ClientHello, if the user came over TLS and gave one.
    tls_name: Option<String>,
    ties: Arc<Ties>,
    pub(super) peer: Peer,
    /// The user's address as `X-Forwarded-For` has it.
    forwarded_for: HeaderValue,
    pub(super) scope: Scope,
}

/// What a request asks to switch to, and how to get the bare connection.
struct Leave {
    user: OnUpgrade,
    /// The protocol; a CONNECT names none.
    protocol: Option<HeaderValue>,
}

impl UserConn {
    pub(super) fn new(
        vhost: Arc<Inner>,
        tls_name: Option<String>,
        ties: Arc<Ties>,
        peer: Peer,
        scope: Scope,
    ) -> Self {
        let ip = peer.addr.ip().to_canonical().to_string();
        let forwarded_for =
            HeaderValue::from_str(&ip).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        Self {
            vhost,
            tls_name,
            ties,
            peer,
            forwarded_for,
            scope,
        }
    }

    /// Answers a request, whatever happens to it.
    ///
    /// *Cancel safety*: the connection to the service is closed.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let connect = request.method() == Method::CONNECT;
        let may_leave = connect || request.headers().contains_key(UPGRADE);
        let mut response = match self.forward(request).await {
            Ok(response) => response,
            Err(fault) => self.refuse(fault).await,
        };
        if may_leave {
            let status = response.status();
            let left = status == StatusCode::SWITCHING_PROTOCOLS || connect && status.is_success();
            self.ties.settle(left);
            if connect && !left && status != StatusCode::PROXY_AUTHENTICATION_REQUIRED {
                // What follows may be meant for the tunnel that is not there.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
        }
        Ok(response)
    }

    async fn refuse(&self, fault: Fault) -> Response<ResponseBody> {
        // A body that broke the rules looks like a failure of the service.
        let fault = if self.ties.refused() {
            Fault::Malformed("framing")
        } else {
            fault
        };
        tracing::debug!("http request of [{}] not served: {fault}", self.peer.addr);
        fault.response(&self.vhost.told).await
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Fault> {
        let leave = leave(&mut request);
        let (parts, body) = request.into_parts();
        let target = Target::new(&parts)?;
        if let Some(name) = &self.tls_name
            && canonical_host(name) != canonical_host(target.host())
        {
            return Err(Fault::Misdirected);
        }
        let user = UserAddrs {
            src: Some(self.peer.addr),
            dst: None,
        };
        let turn = self.route(&target, &routing_path(&parts)?)?;
        let mut record = Record::begin(self.peer, &parts.method, target.host());
        let (backend, conn) = self.connect(&turn, &target, user).await?;
        let (body, sent) = RequestBody::new(body);
        if let Some(record) = &mut record {
            record.served_by(backend.span(), sent.as_ref());
        }
        let protocol = leave.as_ref().and_then(|leave| leave.protocol.as_ref());
        let rules = (&backend.rules, &self.forwarded_for);
        let request = request::ready(parts, body, &target, protocol, rules);
        let limit = self.vhost.response_timeout;
        let answered = backend.exchange(conn, request, sent, user, limit).await;
        let (response, checkout) = answered.inspect_err(|fault| self.warn(&target, fault))?;
        if let Some(record) = &mut record {
            record.answered(response.status());
        }
        self.response((response, record), checkout, leave, &backend)
    }

    fn warn(&self, target: &Target, fault: &Fault) {
        if !self.ties.refused() {
            tracing::warn!(
                "do http proxy request [host: {}] error: {fault}",
                target.host()
            );
        }
    }

    fn route(&self, target: &Target, path: &str) -> Result<Turn<Arc<HttpBackend>>, Fault> {
        let (host, user) = (target.host(), target.user());
        let found = self.vhost.routes.lookup(host, path, user);
        found.ok_or_else(|| Fault::NoRoute(format!("{host} {path:?} {user:?}")))
    }

    /// A connection to the proxy whose turn it is. When it has none, nothing of the request has
    /// been sent, and the next member is asked; each admits users by its own rules.
    async fn connect(
        &self,
        turn: &Turn<Arc<HttpBackend>>,
        target: &Target,
        user: UserAddrs,
    ) -> Result<(Arc<HttpBackend>, Conn), Fault> {
        let mut last = Fault::NoRoute(target.host().to_owned());
        for member in turn.order() {
            let backend = member.proxy();
            backend.admit(target)?;
            match backend.open(user, self.vhost.response_timeout).await {
                Ok(conn) => return Ok((Arc::clone(backend), conn)),
                Err(fault) => {
                    member.rest();
                    last = fault;
                }
            }
        }
        self.warn(target, &last);
        Err(last)
    }

    fn response(
        &self,
        (response, mut record): (Response<Incoming>, Option<Box<Record>>),
        checkout: Checkout,
        leave: Option<Leave>,
        backend: &HttpBackend,
    ) -> Result<Response<ResponseBody>, Fault> {
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let mut answer = match leave {
            Some(Leave {
                user,
                protocol: Some(asked),
            }) if switched => {
                let given = upgrade_of(response.headers()).ok_or(Fault::Switched)?;
                if !given.as_bytes().eq_ignore_ascii_case(asked.as_bytes()) {
                    return Err(Fault::Switched);
                }
                switch(response, (user, Some(given)), self, backend)
            }
            Some(Leave {
                user,
                protocol: None,
            }) if response.status().is_success() => switch(response, (user, None), self, backend),
            _ if switched => return Err(Fault::Switched),
            _ => {
                let (mut parts, incoming) = response.into_parts();
                remove_hop_by_hop(&mut parts.headers);
                Response::from_parts(
                    parts,
                    ResponseBody::service(incoming, checkout, record.take()),
                )
            }
        };
        if let Some(record) = &mut record {
            // What follows the switch has a line of its own.
            record.ended();
        }
        *answer.version_mut() = Version::HTTP_11;
        set(answer.headers_mut(), &backend.rules.response);
        Ok(answer)
    }
}

/// What a request asks to leave HTTP for, if it does.
fn leave(request: &mut Request<Incoming>) -> Option<Leave> {
    let protocol = match request.version() {
        _ if request.method() == Method::CONNECT => None,
        Version::HTTP_11 => Some(upgrade_of(request.headers()).filter(may_pass)?),
        _ => return None,
    };
    Some(Leave {
        user: hyper::upgrade::on(request),
        protocol,
    })
}

/// Whether a user may switch to `protocol`. Not to HTTP/2: requests inside would reach the service
/// around routes and credentials (upstream passes it; RFC 9113 3.1 gave the upgrade up).
fn may_pass(protocol: &HeaderValue) -> bool {
    let names = protocol.as_bytes().split(|b| *b == b',');
    !names
        .map(<[u8]>::trim_ascii)
        .any(|name| name.eq_ignore_ascii_case(b"h2c") || name.eq_ignore_ascii_case(b"h2"))
}
