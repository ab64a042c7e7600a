//! All HTTP knowledge: sniffing, vhost routes, the reverse proxy.
