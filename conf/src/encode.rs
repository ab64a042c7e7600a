//! Writes what was read down again, to test that nothing gets lost on the way. What is not set is
//! left out.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::decode::Section;
use crate::extend::FreeTable;
use crate::raw::plugin::RawPlugin;
use crate::raw::proxy::{RawBandwidth, RawProxy, RawProxyKind};
use crate::raw::visitor::{RawVisitor, RawVisitorKind, RawVisitorPlugin};
use crate::types::Secret;

/// A value that can be written down.
pub(crate) trait Encode {
    /// `None` if it is not set.
    fn encode(&self) -> Option<Value>;
    /// The same where an item of a list cannot be left out.
    fn item(&self) -> Value {
        self.encode().unwrap_or_else(|| Table::new().into())
    }
}

impl Encode for String {
    fn encode(&self) -> Option<Value> {
        (!self.is_empty()).then(|| self.item())
    }

    fn item(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Encode for Secret {
    fn encode(&self) -> Option<Value> {
        self.expose().to_owned().encode()
    }
}

impl Encode for i64 {
    fn encode(&self) -> Option<Value> {
        (*self != 0).then(|| self.item())
    }

    fn item(&self) -> Value {
        Value::Integer(*self)
    }
}

impl Encode for bool {
    fn encode(&self) -> Option<Value> {
        self.then(|| self.item())
    }

    fn item(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self) -> Option<Value> {
        self.as_ref().map(Encode::item)
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self) -> Option<Value> {
        (!self.is_empty()).then(|| Value::Array(self.iter().map(Encode::item).collect()))
    }
}

impl<T: Encode> Encode for BTreeMap<String, T> {
    fn encode(&self) -> Option<Value> {
        let fields = self.iter().map(|(key, value)| (key.clone(), value.item()));
        (!self.is_empty()).then(|| Value::Table(fields.collect()))
    }
}

impl Encode for FreeTable {
    fn encode(&self) -> Option<Value> {
        Some(Value::Table(self.expose().clone()))
    }
}

impl Encode for RawBandwidth {
    fn encode(&self) -> Option<Value> {
        self.0.as_ref().and_then(|limit| limit.text.encode())
    }
}

/// One table with the keys of several sections.
fn table(sections: &[&dyn Written]) -> Value {
    let mut table = Table::new();
    for section in sections {
        section.write(&mut table);
    }
    Value::Table(table)
}

trait Written {
    fn write(&self, table: &mut Table);
}

impl<S: Section> Written for S {
    fn write(&self, table: &mut Table) {
        Section::write(self, table);
    }
}

impl Encode for RawProxy {
    fn encode(&self) -> Option<Value> {
        let own: &dyn Written = match &self.kind {
            RawProxyKind::Tcp(own) | RawProxyKind::Udp(own) => own,
            RawProxyKind::Http(own) => own.as_ref(),
            RawProxyKind::Https(own) => own,
            RawProxyKind::TcpMux(own) => own.as_ref(),
            RawProxyKind::Stcp(own) | RawProxyKind::Sudp(own) => own,
            RawProxyKind::Xtcp(own) => own,
        };
        Some(table(&[&self.base, own]))
    }
}

impl Encode for RawVisitor {
    fn encode(&self) -> Option<Value> {
        let own: &dyn Written = match &self.kind {
            RawVisitorKind::Stcp | RawVisitorKind::Sudp => &(),
            RawVisitorKind::Xtcp(own) => own,
        };
        Some(table(&[&self.base, own]))
    }
}

impl Encode for RawVisitorPlugin {
    fn encode(&self) -> Option<Value> {
        Some(typed("virtual_net", &self.0))
    }
}

impl Encode for RawPlugin {
    fn encode(&self) -> Option<Value> {
        Some(match self {
            Self::HttpProxy(own) => typed("http_proxy", own),
            Self::Socks5(own) => typed("socks5", own),
            Self::StaticFile(own) => typed("static_file", own),
            Self::UnixDomainSocket(own) => typed("unix_domain_socket", own),
            Self::Http2Https(own) => typed("http2https", own),
            Self::Http2Http(own) => typed("http2http", own),
            Self::Https2Http(own) => typed("https2http", own),
            Self::Https2Https(own) => typed("https2https", own),
            Self::Tls2Raw(own) => typed("tls2raw", own),
            Self::VirtualNet => typed("virtual_net", &()),
        })
    }
}

fn typed(kind: &str, own: &dyn Written) -> Value {
    let mut table = Table::new();
    table.insert("type".to_owned(), Value::String(kind.to_owned()));
    own.write(&mut table);
    Value::Table(table)
}

mod round_trip;
