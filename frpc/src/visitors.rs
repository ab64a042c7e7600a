//! Our visitors, which listen from the first login to the end.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use culvert_conf::{ClientConfig, VisitorConfig};
use culvert_io::{Scope, Stream};
use culvert_proxies::{ClientCx, client_visitor};
use culvert_proxy::{BoxVisitor, ProxyError, VisitorCx};
use parking_lot::Mutex;

use crate::proxies::Change;

/// Every visitor that this build can run.
#[derive(Debug)]
pub(crate) struct Visitors {
    inner: Mutex<Inner>,
    lent: ClientCx,
    scope: Scope,
}

#[derive(Debug, Default)]
struct Inner {
    entries: BTreeMap<String, Entry>,
    /// What they are lent, once they take users.
    cx: Option<Arc<dyn VisitorCx>>,
}

#[derive(Debug)]
struct Entry {
    config: VisitorConfig,
    /// `None` when this build cannot run it.
    visitor: Option<BoxVisitor>,
    /// What the visitor lives in; its span carries the visitor's name.
    scope: Scope,
}

impl Visitors {
    /// The visitors of a configuration; one that this build cannot run is not run, the others
    /// are.
    pub(crate) fn new(config: &ClientConfig, lent: ClientCx, root: &Scope) -> Self {
        let visitors = Self {
            inner: Mutex::default(),
            lent,
            scope: root.child(tracing::Span::none()),
        };
        visitors.update(&config.visitors);
        visitors
    }

    /// Makes `wanted` the visitors that there are; one that is the same as before goes on, with
    /// its listener.
    pub(crate) fn update(&self, wanted: &[VisitorConfig]) -> Change {
        let mut change = Change::default();
        let mut inner = self.inner.lock();
        let Inner { entries, cx } = &mut *inner;
        let mut before = std::mem::take(entries);
        for config in wanted {
            let entry = match before.remove(&config.name) {
                Some(same) if same.config == *config => same,
                old => {
                    change.added.push(config.name.clone());
                    let predecessor = old.map(|old| {
                        change.removed.push(config.name.clone());
                        old.scope
                    });
                    let entry = self.entry(config);
                    entry.start(cx.as_ref(), predecessor);
                    entry
                }
            };
            entries.insert(config.name.clone(), entry);
        }
        for (name, old) in before {
            change.removed.push(name);
            old.scope.stop();
        }
        change.removed.sort();
        change
    }

    fn entry(&self, config: &VisitorConfig) -> Entry {
        let span = tracing::error_span!("visitor", prefix = %config.name);
        let visitor = client_visitor(config, &self.lent);
        let visitor = visitor.map_err(|err| span.in_scope(|| tracing::error!("not run: {err}")));
        Entry {
            config: config.clone(),
            visitor: visitor.ok(),
            scope: self.scope.child(span),
        }
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.inner.lock().entries.keys().cloned().collect()
    }

    /// Lets them take users; to be called once.
    pub(crate) fn start<C: VisitorCx>(&self, cx: &Arc<C>) {
        let cx: Arc<dyn VisitorCx> = Arc::<C>::clone(cx);
        let mut inner = self.inner.lock();
        for entry in inner.entries.values() {
            entry.start(Some(&cx), None);
        }
        inner.cx = Some(cx);
    }

    /// Gives a user to the visitor of this name.
    ///
    /// # Errors
    /// There is none, or it takes no users from others.
    pub(crate) fn hand_over(&self, name: &str, user: Stream) -> Result<(), ProxyError> {
        let inner = self.inner.lock();
        let known = inner.entries.get(name).and_then(|entry| {
            let (visitor, cx) = (entry.visitor.clone()?, inner.cx.clone()?);
            Some((visitor, cx, entry.scope.clone()))
        });
        drop(inner);
        // Upstream's words.
        let unknown = || ProxyError::refused(format!("visitor [{name}] not found"));
        let (visitor, cx, scope) = known.ok_or_else(unknown)?;
        visitor.take(user, cx, &scope)
    }

    /// Takes no more users; those that came go on.
    pub(crate) async fn close(&self) {
        self.inner.lock().cx = None;
        self.scope.close(Duration::ZERO).await;
    }
}

impl Entry {
    /// Takes users as soon as the one that it replaces has let go of its port.
    fn start(&self, cx: Option<&Arc<dyn VisitorCx>>, predecessor: Option<Scope>) {
        if let Some(predecessor) = &predecessor {
            predecessor.stop();
        }
        let (Some(visitor), Some(cx)) = (&self.visitor, cx) else {
            return;
        };
        let (visitor, cx, scope) = (Arc::clone(visitor), Arc::clone(cx), self.scope.clone());
        self.scope.spawn(async move {
            if let Some(predecessor) = predecessor {
                predecessor.close(Duration::ZERO).await;
            }
            visitor.run(cx, &scope).await;
        });
    }
}
