//! Our visitors, which listen from the first login to the end.

use std::{sync::Arc, time::Duration};

use culvert_conf::ClientConfig;
use culvert_io::Scope;
use culvert_proxies::{ClientCx, client_visitor};
use culvert_proxy::{BoxVisitor, VisitorCx};

/// Every visitor that this build can run.
#[derive(Debug)]
pub(crate) struct Visitors {
    entries: Vec<Entry>,
    scope: Scope,
}

#[derive(Debug)]
struct Entry {
    name: String,
    visitor: BoxVisitor,
    /// What the visitor lives in; its span carries the visitor's name.
    scope: Scope,
}

impl Visitors {
    /// The visitors of a configuration; one that this build cannot run is left out with an error in
    /// the log, the others are run.
    pub(crate) fn new(config: &ClientConfig, root: &Scope) -> Self {
        let scope = root.child(tracing::Span::none());
        let cx = ClientCx {
            udp_packet_size: config.udp_packet_size,
        };
        let mut entries = Vec::with_capacity(config.visitors.len());
        for one in &config.visitors {
            let span = tracing::error_span!("visitor", prefix = %one.name);
            match client_visitor(one, &cx) {
                Ok(visitor) => entries.push(Entry {
                    name: one.name.clone(),
                    visitor,
                    scope: scope.child(span),
                }),
                Err(err) => span.in_scope(|| tracing::error!("not run: {err}")),
            }
        }
        Self { entries, scope }
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.entries.iter().map(|entry| &*entry.name).collect()
    }

    /// Lets them take users; to be called once.
    pub(crate) fn start<C: VisitorCx>(&self, cx: &Arc<C>) {
        for entry in &self.entries {
            let (visitor, scope) = (Arc::clone(&entry.visitor), entry.scope.clone());
            let cx: Arc<dyn VisitorCx> = Arc::<C>::clone(cx);
            entry.scope.spawn(async move {
                visitor.run(cx, &scope).await;
            });
        }
    }

    /// Takes no more users; those that came go on.
    pub(crate) async fn close(&self) {
        self.scope.close(Duration::ZERO).await;
    }
}
