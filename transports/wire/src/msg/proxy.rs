//! Messages that register proxies and end them.

use std::collections::BTreeMap;

use super::object::object;

object! {
    /// A client asks for a proxy. Which fields count depends on `proxy_type`.
    pub struct NewProxy {
        /// The proxy's name, with the user's prefix.
        "proxy_name" omit shown proxy_name: String,
        /// `tcp`, `udp`, `http`, …
        "proxy_type" omit shown proxy_type: String,
        /// Whether work connections are encrypted with the token.
        "use_encryption" omit shown use_encryption: bool,
        /// Whether work connections are compressed.
        "use_compression" omit shown use_compression: bool,
        /// Such as `1MB`; in server mode.
        "bandwidth_limit" omit shown bandwidth_limit: String,
        /// `server`, or empty.
        "bandwidth_limit_mode" omit shown bandwidth_limit_mode: String,
        /// The load-balance group.
        "group" omit shown group: String,
        /// The group's secret.
        "group_key" omit hidden group_key: String,
        /// Free pairs for the server's plugins; they often hold credentials.
        "metas" omit hidden metas: BTreeMap<String, String>,
        /// Free pairs for people.
        "annotations" omit shown annotations: BTreeMap<String, String>,
        /// The port that users connect to; 0 lets the server choose.
        "remote_port" omit shown remote_port: i64,
        /// Host names served.
        "custom_domains" omit shown custom_domains: Vec<String>,
        /// Host name below the server's own domain.
        "subdomain" omit shown subdomain: String,
        /// URL path prefixes served.
        "locations" omit shown locations: Vec<String>,
        /// User name that visitors of an http proxy must give.
        "http_user" omit shown http_user: String,
        /// Password that visitors of an http proxy must give.
        "http_pwd" omit hidden http_pwd: String,
        /// `Host` header that the local service gets.
        "host_header_rewrite" omit shown host_header_rewrite: String,
        /// Request headers to set; they often hold credentials.
        "headers" omit hidden headers: BTreeMap<String, String>,
        /// Response headers to set.
        "response_headers" omit hidden response_headers: BTreeMap<String, String>,
        /// Serve only requests of this basic-auth user.
        "route_by_http_user" omit shown route_by_http_user: String,
        /// The secret that visitors must know.
        "sk" omit hidden sk: String,
        /// Users whose visitors may come; `*` for all.
        "allow_users" omit shown allow_users: Vec<String>,
        /// How a tcpmux proxy tells its users apart: `httpconnect`.
        "multiplexer" omit shown multiplexer: String,
    }
}

object! {
    /// The server's answer to a new proxy.
    pub struct NewProxyResp {
        /// The proxy's name, with the user's prefix.
        "proxy_name" omit shown proxy_name: String,
        /// Where users reach it, such as `:6000`.
        "remote_addr" omit shown remote_addr: String,
        /// Why it was refused; empty when it was not.
        "error" omit shown error: String,
    }
}

object! {
    /// A client ends a proxy; there is no answer.
    pub struct CloseProxy {
        /// The proxy's name, with the user's prefix.
        "proxy_name" omit shown proxy_name: String,
    }
}
