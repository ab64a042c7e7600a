//! The plots: throughput, latency and long links.

mod svg;

use self::svg::Drawing;
use crate::{
    load::SLOT,
    results::{Curve, Results, Spread},
    row::Figure,
    system::System,
    variant::VARIANTS,
};

/// A plot of one figure of one row by configuration.
struct Plot {
    file: &'static str,
    title: &'static str,
    row: &'static str,
    figure: Figure,
}

const PLOTS: [Plot; 6] = [
    Plot {
        file: "throughput",
        title: "One stream to the user, Gbit/s",
        row: "down1",
        figure: Figure::Gigabits,
    },
    Plot {
        file: "throughput-cpu",
        title: "One stream to the user, CPU seconds per GiB",
        row: "down1",
        figure: Figure::CpuPerGib,
    },
    Plot {
        file: "latency",
        title: "A small request on one connection, median, µs",
        row: "rr1",
        figure: Figure::Median,
    },
    Plot {
        file: "requests",
        title: "Small requests on 64 connections, per second",
        row: "rr64",
        figure: Figure::PerSecond,
    },
    Plot {
        file: "connects",
        title: "A new connection, median, µs",
        row: "connect1",
        figure: Figure::Median,
    },
    Plot {
        file: "http",
        title: "Pages on 64 connections, per second",
        row: "http64",
        figure: Figure::PerSecond,
    },
];

/// Every plot that the results have values for: file name and SVG text.
pub(crate) fn all(results: &Results) -> Vec<(String, String)> {
    let mut plots = Vec::new();
    for plot in PLOTS {
        let groups = VARIANTS.map(|v| (v.name.to_owned(), v.name));
        let rows = groups.map(|(name, variant)| (name, plot.row.to_owned(), variant));
        if let Some(svg) = bars(results, plot.title, &rows, plot.figure) {
            plots.push((format!("{}.svg", plot.file), svg));
        }
    }
    for (n, link) in links(results).into_iter().enumerate() {
        let n = n + 1;
        let on = |row: &str| VARIANTS.map(|v| (v.name.to_owned(), row.to_owned(), v.name));
        let parts = [
            (
                "rate",
                "one stream to the user, Mbit/s",
                Figure::MegabitsDown,
            ),
            (
                "loaded",
                "a request beside a bulk stream, median, ms",
                Figure::MedianLoaded,
            ),
        ];
        for (file, about, figure) in parts {
            let title = format!("{link}: {about}");
            if let Some(svg) = bars(results, &title, &on(&link), figure) {
                plots.push((format!("link{n}-{file}.svg"), svg));
            }
        }
        plots.push((format!("link{n}-curves.svg"), curves(results, &link)));
    }
    plots
}

/// The links in the order in which they were measured.
fn links(results: &Results) -> Vec<String> {
    let mut links = Vec::new();
    for curve in &results.curves {
        if !links.contains(&curve.link) {
            links.push(curve.link.clone());
        }
    }
    links
}

/// Bars of ours and frp's in groups of (name, row, variant), without the groups that have none.
fn bars(
    results: &Results,
    title: &str,
    groups: &[(String, String, &str)],
    figure: Figure,
) -> Option<String> {
    let both = |(name, row, variant): &(String, String, &str)| {
        let of = |system| results.spread(row, variant, system, figure);
        let spreads = System::PAIRS.map(of);
        let some = spreads.iter().any(Option::is_some);
        some.then(|| (name.clone(), spreads))
    };
    let groups: Vec<(String, [Option<Spread>; 2])> = groups.iter().filter_map(both).collect();
    let spreads = groups.iter().flat_map(|(_, spreads)| spreads).flatten();
    let highest = spreads.map(|s| s.max).max_by(f64::total_cmp)?;
    let mut drawing = Drawing::new(title, highest);
    drawing.legend(&System::PAIRS.map(|s| s.name().to_owned()));
    for (group, (name, spreads)) in groups.iter().enumerate() {
        for (n, spread) in spreads.iter().enumerate() {
            if let Some(Spread { median, min, max }) = *spread {
                drawing.bar([group, groups.len(), n, 2], median, min, max);
            }
        }
        drawing.below(group as f64 + 0.5, groups.len() as f64, name);
    }
    Some(drawing.finish())
}

/// How the rate of one stream went on `link`, a line for each system and variant.
fn curves(results: &Results, link: &str) -> String {
    let mut chosen: Vec<&Curve> = Vec::new();
    for curve in results.curves.iter().filter(|curve| curve.link == link) {
        let same = |c: &&Curve| c.variant == curve.variant && c.system == curve.system;
        // One of the rounds shows the shape; a mean of them would smooth it away.
        if !chosen.iter().any(same) {
            chosen.push(curve);
        }
    }
    chosen.sort_by_key(|curve| curve.system);
    let rates = chosen.iter().flat_map(|curve| &curve.rates);
    let highest = rates.copied().max_by(f64::total_cmp).unwrap_or(1.0);
    let title = format!("{link}: one stream to the user over time, Mbit/s");
    let mut drawing = Drawing::new(&title, highest);
    let name = |curve: &&Curve| format!("{} {}", curve.system.name(), curve.variant);
    drawing.legend(&chosen.iter().map(name).collect::<Vec<_>>());
    let longest = chosen
        .iter()
        .map(|curve| curve.rates.len())
        .max()
        .unwrap_or(1);
    for (n, curve) in chosen.iter().enumerate() {
        drawing.curve(n, &curve.rates, longest);
    }
    let seconds = longest as f64 * SLOT.as_secs_f64();
    let mut at = 0.0;
    while at <= seconds {
        drawing.below(at, seconds, &format!("{at}"));
        at += 1.0;
    }
    drawing.axis("seconds since the first byte was asked for");
    drawing.finish()
}
