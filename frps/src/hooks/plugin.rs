//! One server plugin: an HTTP server that is asked about operations (protocol 8.1).

use std::time::Duration;

use bytes::Bytes;
use culvert_conf::HttpPlugin;
use culvert_http::{Limits, Outbound, OutboundError};
use culvert_io::Scope;
use culvert_program::{OriginError, Through, Trust, outbound};
use culvert_wire::{WireError, go_json};
use http::{HeaderValue, Request, StatusCode, header::CONTENT_TYPE};

use super::{
    PATIENCE,
    content::{Content, Question, Reply, VERSION},
};

/// The longest answer: four times the longest message, which is what an answer has in it.
const ANSWER: usize = 256 * 1024;

/// Why a plugin has no answer; for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Http(#[from] OutboundError),
    #[error("do http request error code: {0}")]
    Status(StatusCode),
    #[error("its answer is not what a plugin answers: {0}")]
    Answer(#[from] serde_json::Error),
    #[error(transparent)]
    Ask(#[from] WireError),
    #[error("its path cannot stand in a request")]
    Path(#[from] http::Error),
    #[error("no answer within {0:?}")]
    Late(Duration),
}

/// One server plugin.
#[derive(Debug)]
pub(super) struct Plugin {
    pub(super) name: String,
    client: Outbound,
}

impl Plugin {
    /// The plugin of one entry of `httpPlugins`; its connections live in `scope`.
    ///
    /// # Errors
    /// Its address is no URL, or there is nothing to verify it with.
    pub(super) fn new(entry: &HttpPlugin, scope: &Scope) -> Result<Self, OriginError> {
        let url = format!("{}{}", entry.addr, entry.path);
        let trust = if entry.tls_verify {
            Trust::System
        } else {
            Trust::Nobody
        };
        let limits = Limits {
            time: PATIENCE,
            body: ANSWER,
        };
        Ok(Self {
            name: entry.name.clone(),
            client: outbound(&url, trust, Through::Nobody, limits, scope)?,
        })
    }

    /// Asks about one operation.
    ///
    /// *Cancel safety*: the plugin may have been asked.
    pub(super) async fn ask<T: Content>(
        &self,
        op: &'static str,
        id: &str,
        content: &T,
    ) -> Result<Reply<T>, Failed> {
        let question = Question {
            version: VERSION,
            op,
            content,
        };
        let path = &self.client.endpoint().path;
        let mark = if path.query().is_some() { '&' } else { '?' };
        let request = Request::post(format!("{path}{mark}op={op}&version={VERSION}"))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("X-Frp-Reqid", id)
            .body(Bytes::from(go_json(&question)?))?;
        let answer = self.client.send(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(Failed::Status(answer.status()));
        }
        Ok(serde_json::from_slice(answer.body())?)
    }
}
