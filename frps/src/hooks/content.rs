//! What a server plugin is told and what it answers (protocol 8.1).

use std::collections::BTreeMap;

use culvert_conf::PluginOp;
use culvert_wire::{
    go_json,
    msg::{CloseProxy, Login, NewProxy, NewWorkConn, Ping},
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

/// The version of the plugins' interface (upstream pkg/plugin/server/types.go).
pub(super) const VERSION: &str = "0.1.0";

/// What an operation is about; what a plugin does not answer is empty.
pub(super) trait Content: Serialize + DeserializeOwned + Default + Send + Sync {}

impl<T: Serialize + DeserializeOwned + Default + Send + Sync> Content for T {}

/// Whose operation it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UserInfo {
    /// The user that the client logged in as.
    #[serde(deserialize_with = "lenient")]
    pub(crate) user: String,
    /// The login's free pairs; `null` when there were none.
    pub(crate) metas: Option<BTreeMap<String, String>>,
    /// The client's session.
    #[serde(deserialize_with = "lenient")]
    pub(crate) run_id: String,
}

impl UserInfo {
    pub(crate) fn new(user: &str, metas: &BTreeMap<String, String>, run_id: &str) -> Self {
        Self {
            user: user.to_owned(),
            metas: Some(metas.clone()).filter(|metas| !metas.is_empty()),
            run_id: run_id.to_owned(),
        }
    }
}

/// A login and where it comes from.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LoginContent {
    #[serde(flatten)]
    pub(super) login: Login,
    #[serde(deserialize_with = "lenient", skip_serializing_if = "String::is_empty")]
    pub(super) client_address: String,
}

/// A message and who sent it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Sent<M: Default> {
    #[serde(deserialize_with = "lenient")]
    pub(super) user: UserInfo,
    #[serde(flatten)]
    pub(super) message: M,
}

/// A user who connects to a proxy.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct UserConn {
    #[serde(deserialize_with = "lenient")]
    pub(super) user: UserInfo,
    #[serde(deserialize_with = "lenient")]
    pub(super) proxy_name: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) proxy_type: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) remote_addr: String,
}

/// The body of a request.
#[derive(Serialize)]
pub(super) struct Question<'a, T> {
    pub(super) version: &'static str,
    pub(super) op: &'static str,
    pub(super) content: &'a T,
}

/// The body of an answer. `unchange` is false unless it is said: `{}` empties the content.
#[derive(Deserialize)]
#[serde(bound = "T: Content", default)]
pub(super) struct Reply<T> {
    #[serde(deserialize_with = "lenient")]
    pub(super) reject: bool,
    #[serde(deserialize_with = "lenient")]
    pub(super) reject_reason: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) unchange: bool,
    #[serde(deserialize_with = "lenient")]
    pub(super) content: T,
}

impl<T: Default> Default for Reply<T> {
    fn default() -> Self {
        Self {
            reject: false,
            reject_reason: String::new(),
            unchange: false,
            content: T::default(),
        }
    }
}

/// What the next plugin is told about `op` once one has answered `body`, as JSON; `None` if that is
/// no answer.
#[must_use]
pub fn content_after(op: PluginOp, body: &[u8]) -> Option<Vec<u8>> {
    fn of<T: Content>(body: &[u8]) -> Option<Vec<u8>> {
        let reply: Reply<T> = serde_json::from_slice(body).ok()?;
        go_json(&reply.content).ok()
    }
    match op {
        PluginOp::Login => of::<LoginContent>(body),
        PluginOp::NewProxy => of::<Sent<NewProxy>>(body),
        PluginOp::CloseProxy => of::<Sent<CloseProxy>>(body),
        PluginOp::Ping => of::<Sent<Ping>>(body),
        PluginOp::NewWorkConn => of::<Sent<NewWorkConn>>(body),
        PluginOp::NewUserConn => of::<UserConn>(body),
    }
}

/// `null` is the zero value, as Go reads it.
fn lenient<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}
