//! Which service gets a request: the look at the table of routes.

use std::hint::black_box;

use criterion::Criterion;
use culvert_http::{Route, Router};

pub(crate) fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("router");
    for hosts in [1_usize, 100, 1000] {
        let router = Router::new();
        let mut leases = Vec::new();
        for n in 0..hosts {
            leases.push(add(&router, &format!("site{n}.web.test"), "", n));
            leases.push(add(&router, &format!("*.site{n}.web.test"), "/api", n));
        }
        for (what, host, path) in [
            ("exact", "site0.web.test", "/index.html"),
            ("wildcard", "a.b.SITE0.web.test:8080", "/api/x"),
            ("nobody's", "a.b.c.other.test", "/"),
        ] {
            group.bench_function(format!("{hosts} hosts, {what}"), |b| {
                b.iter(|| router.lookup(black_box(host), black_box(path), ""));
            });
        }
    }
    group.finish();
}

fn add(router: &Router<usize>, domain: &str, location: &str, value: usize) -> impl Sized + use<> {
    let route = Route {
        domain: domain.to_owned(),
        location: location.to_owned(),
        user: String::new(),
    };
    router.register(&route, value).unwrap()
}
