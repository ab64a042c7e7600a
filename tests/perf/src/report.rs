//! The tables, as Markdown.

use std::fmt::Write as _;

use crate::{
    results::{Results, Spread},
    row::{Figure, Kind, PEAK, ROWS, Row},
    system::System,
    variant::VARIANTS,
};

/// Everything that was measured, as the part of a page.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = format!("Machine: {}.\n\n", results.machine.line());
    for note in &results.notes {
        text += &format!("- {note}\n");
    }
    let variants: Vec<_> = VARIANTS
        .iter()
        .map(|v| format!("`{}` ({})", v.name, v.about))
        .collect();
    text += &format!("- Configurations: {}.\n", variants.join(", "));
    let alone = !results.has(System::Frp);
    if alone {
        text += "- Ours alone: real frp was not measured.\n";
    } else {
        text += &summary(results);
    }
    for row in ROWS {
        let section = match row.kind {
            Kind::Links => links(results, row),
            _ => section(results, row, alone),
        };
        text += &section;
    }
    let peak = Row {
        name: PEAK,
        about: "peak memory of both programs over all loads above",
        kind: Kind::Idle,
        figures: &[Figure::MibPeak],
    };
    text += &section(results, peak, alone);
    if !results.errors.is_empty() {
        text += "\nWhat went wrong:\n\n";
        for error in &results.errors {
            text += &format!("- {}\n", error.replace('\n', " "));
        }
    }
    text
}

/// Ours as multiples of frp's, one line for each row.
fn summary(results: &Results) -> String {
    let variants: Vec<_> = VARIANTS.iter().map(|v| v.name).collect();
    let mut lines = String::new();
    for row in ROWS.iter().filter(|row| row.kind != Kind::Links) {
        let [first, .., last] = row.figures else {
            let [only] = row.figures else { continue };
            lines += &summary_line(results, row.name, &[*only]);
            continue;
        };
        lines += &summary_line(results, row.name, &[*first, *last]);
    }
    lines += &summary_line(results, PEAK, &[Figure::MibPeak]);
    if lines.is_empty() {
        return lines;
    }
    let (names, rule) = (variants.join(" | "), "|---".repeat(variants.len()));
    format!(
        "\n### Ours as a multiple of frp's\n\n| row | figures | {names} |\n|---|---{rule}|\n{lines}"
    )
}

fn summary_line(results: &Results, row: &str, figures: &[Figure]) -> String {
    let cell = |variant: &str| {
        let ratio = |figure: &Figure| results.ratio(row, variant, *figure);
        let ratios: Vec<_> = figures.iter().filter_map(ratio).map(times).collect();
        ratios.join(", ")
    };
    let cells: Vec<_> = VARIANTS.iter().map(|v| cell(v.name)).collect();
    if cells.iter().all(String::is_empty) {
        return String::new();
    }
    let titles: Vec<_> = figures.iter().map(|f| f.title()).collect();
    format!(
        "| {row} | {} | {} |\n",
        titles.join("; "),
        cells.join(" | ")
    )
}

/// One row's table, with a line for each variant; empty when nothing was measured.
fn section(results: &Results, row: Row, alone: bool) -> String {
    let lines = VARIANTS.iter().map(|variant| {
        let cells = cells(results, row.name, variant.name, row.figures, alone);
        (variant.name.to_owned(), cells)
    });
    let table = table("configuration", row.figures, lines, alone);
    if table.is_empty() {
        return table;
    }
    let direct = |figure: &Figure| {
        let spread = results.spread(row.name, "", System::Direct, *figure)?;
        Some(format!("{} {}", number(spread.median), figure.title()))
    };
    let direct: Vec<_> = row.figures.iter().filter_map(direct).collect();
    let direct = match direct.as_slice() {
        [] => String::new(),
        direct => format!("\nWithout a tunnel: {}.\n", direct.join("; ")),
    };
    format!("\n### {}: {}\n\n{table}{direct}", row.name, row.about)
}

/// A table for each link, with a line for each system: there are too many figures for columns of
/// both.
fn links(results: &Results, row: Row) -> String {
    let mut names: Vec<&str> = Vec::new();
    for sample in results.samples.iter().filter(|s| s.figure == Figure::Ready) {
        if !names.contains(&sample.row.as_str()) {
            names.push(&sample.row);
        }
    }
    let mut text = String::new();
    for name in names {
        let both = VARIANTS
            .iter()
            .flat_map(|v| System::PAIRS.map(|system| (v.name, system)));
        let lines = both.map(|(variant, system)| {
            let of = |figure: &Figure| results.spread(name, variant, system, *figure);
            let cells = row
                .figures
                .iter()
                .map(|f| of(f).map_or_else(String::new, range));
            (format!("{variant} {}", system.name()), cells.collect())
        });
        let table = table("configuration, system", row.figures, lines, true);
        text += &format!("\n### Link: {name}\n\n{table}");
    }
    text
}

fn table(
    first: &str,
    figures: &[Figure],
    lines: impl Iterator<Item = (String, Vec<String>)>,
    alone: bool,
) -> String {
    let mut body = String::new();
    for (name, cells) in lines {
        if cells.iter().any(|cell| !cell.is_empty()) {
            // Writing to a string does not fail.
            writeln!(body, "| {name} | {} |", cells.join(" | ")).unwrap_or_default();
        }
    }
    if body.is_empty() {
        return body;
    }
    let mut head = format!("| {first} |");
    let mut rule = "|---|".to_owned();
    for figure in figures {
        let title = figure.title();
        if alone {
            head += &format!(" {title} |");
            rule += "---|";
        } else {
            head += &format!(" {title}: ours | frp | ours/frp |");
            rule += "---|---|---|";
        }
    }
    format!("{head}\n{rule}\n{body}")
}

fn cells(
    results: &Results,
    row: &str,
    variant: &str,
    figures: &[Figure],
    alone: bool,
) -> Vec<String> {
    let of = |system, figure| {
        let spread = results.spread(row, variant, system, figure);
        spread.map_or_else(String::new, range)
    };
    let mut cells = Vec::new();
    for figure in figures {
        cells.push(of(System::Ours, *figure));
        if !alone {
            let ratio = results.ratio(row, variant, *figure);
            cells.push(of(System::Frp, *figure));
            cells.push(ratio.map_or_else(String::new, times));
        }
    }
    cells
}

/// Median, and in brackets the lowest and the highest if they differ.
fn range(spread: Spread) -> String {
    let Spread { median, min, max } = spread;
    let [median, min, max] = [median, min, max].map(number);
    if min == max {
        return median;
    }
    format!("{median} ({min}–{max})")
}

/// Three digits that count, or all before the point.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn times(ratio: f64) -> String {
    number(ratio) + "×"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Sample;

    fn sample(row: &str, variant: &str, system: System, figure: Figure, value: f64) -> Sample {
        Sample {
            row: row.to_owned(),
            variant: variant.to_owned(),
            system,
            figure,
            value,
        }
    }

    #[test]
    fn tables_show_medians_ranges_and_ratios() {
        let mut results = Results::default();
        for (system, variant, value) in [
            (System::Ours, "tcp", 9.0),
            (System::Ours, "tcp", 10.0),
            (System::Ours, "tcp", 11.0),
            (System::Direct, "", 40.0),
        ] {
            results
                .samples
                .push(sample("down1", variant, system, Figure::Gigabits, value));
        }
        let alone = markdown(&results);
        assert!(alone.contains("| tcp | 10.0 (9.00–11.0) |  |"), "{alone}");
        assert!(alone.contains("Without a tunnel: 40.0 Gbit/s."), "{alone}");
        let frp = sample("down1", "tcp", System::Frp, Figure::Gigabits, 4.0);
        results.samples.push(frp);
        let both = markdown(&results);
        assert!(
            both.contains("| tcp | 10.0 (9.00–11.0) | 4.00 | 2.50× |"),
            "{both}"
        );
        assert!(
            both.contains("| down1 | Gbit/s; CPU, s/GiB | 2.50× |"),
            "{both}"
        );
    }
}
