//! A drawing in SVG: bars or lines over a frame with a scale.

use std::fmt::Write as _;

/// The size of a drawing, and of the field inside it that holds the data.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 744.0;
const TOP: f64 = 66.0;
const BOTTOM: f64 = 316.0;

/// Colours that remain distinct for the colour-blind (Okabe and Ito, 2008).
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#000000",
];

/// About so many lines across.
const STEPS: f64 = 5.0;

/// A drawing being made.
#[derive(Debug)]
pub(super) struct Drawing {
    text: String,
    top: f64,
}

impl Drawing {
    /// A frame with a title and a scale from zero to beyond `highest`.
    pub(super) fn new(title: &str, highest: f64) -> Self {
        let step = step(highest / STEPS);
        let top = (highest / step).ceil().max(1.0) * step;
        let mut drawing = Self {
            text: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
                 font-family=\"sans-serif\" font-size=\"12\">\n\
                 <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
            ),
            top,
        };
        drawing.label(WIDTH / 2.0, 22.0, "middle", 16, title);
        let mut value = 0.0;
        while value <= top + step / 2.0 {
            let y = drawing.height(value);
            drawing.line(&[(LEFT, y), (RIGHT, y)], "#dddddd", 1.0);
            let digits = if step < 1.0 { 1 } else { 0 };
            drawing.label(LEFT - 6.0, y + 4.0, "end", 12, &format!("{value:.digits$}"));
            value += step;
        }
        drawing
    }

    /// Where `value` lies.
    fn height(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (value / self.top).clamp(0.0, 1.0)
    }

    /// The names of all series with their colours.
    pub(super) fn legend(&mut self, names: &[String]) {
        let width = (RIGHT - LEFT) / names.len().max(1) as f64;
        for (n, name) in names.iter().enumerate() {
            let x = LEFT + width * n as f64;
            self.rect((x, 36.0), (12.0, 12.0), colour(n));
            self.label(x + 17.0, 46.0, "start", 12, name);
        }
    }

    /// A bar in its place: series `n` of `all` in group `group` of `groups`, with its range.
    pub(super) fn bar(&mut self, place: [usize; 4], median: f64, min: f64, max: f64) {
        let [group, groups, n, all] = place.map(|part| part as f64);
        let wide = (RIGHT - LEFT) / groups;
        let bar = wide * 0.8 / all;
        let x = LEFT + wide * (group + 0.1) + bar * n;
        let y = self.height(median);
        let [.., n, _] = place;
        self.rect((x, y), (bar * 0.92, BOTTOM - y), colour(n));
        let (middle, low, high) = (x + bar * 0.46, self.height(min), self.height(max));
        self.line(&[(middle, low), (middle, high)], "#333333", 1.5);
    }

    /// The name below a group of bars, or of a place on the time scale: `at` of `all`.
    pub(super) fn below(&mut self, at: f64, all: f64, name: &str) {
        let x = LEFT + (RIGHT - LEFT) * at / all;
        self.label(x, BOTTOM + 18.0, "middle", 12, name);
    }

    /// What the scale below is.
    pub(super) fn axis(&mut self, name: &str) {
        self.label(
            f64::midpoint(LEFT, RIGHT),
            BOTTOM + 36.0,
            "middle",
            12,
            name,
        );
    }

    /// Series `n`, whose values are spread evenly over the first `values.len()` of `all` places.
    pub(super) fn curve(&mut self, n: usize, values: &[f64], all: usize) {
        let step = (RIGHT - LEFT) / all.max(1) as f64;
        let point =
            |(at, value): (usize, &f64)| (LEFT + step * (at as f64 + 0.5), self.height(*value));
        let points: Vec<_> = values.iter().enumerate().map(point).collect();
        self.line(&points, colour(n), 2.0);
    }

    /// The finished drawing.
    pub(super) fn finish(mut self) -> String {
        self.line(&[(LEFT, BOTTOM), (RIGHT, BOTTOM)], "#333333", 1.0);
        self.text + "</svg>\n"
    }

    fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: &str) {
        let rect = format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{colour}\"/>"
        );
        self.push(&rect);
    }

    fn line(&mut self, points: &[(f64, f64)], colour: &str, width: f64) {
        let points: Vec<_> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let line = format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
            points.join(" ")
        );
        self.push(&line);
    }

    fn label(&mut self, x: f64, y: f64, anchor: &str, size: u32, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let label = format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{text}</text>"
        );
        self.push(&label);
    }

    fn push(&mut self, element: &str) {
        // Writing to a string does not fail.
        writeln!(self.text, "{element}").unwrap_or_default();
    }
}

fn colour(n: usize) -> &'static str {
    COLOURS.get(n % COLOURS.len()).copied().unwrap_or_default()
}

/// The next of 1, 2, 5, 10, 20, 50 … at or above `rough`.
fn step(rough: f64) -> f64 {
    let rough = rough.max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|n| n * power);
    steps
        .into_iter()
        .find(|s| *s >= rough)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (rough, wanted) in [
            (0.9, 1.0),
            (1.1, 2.0),
            (2.0, 2.0),
            (3.0, 5.0),
            (70.0, 100.0),
        ] {
            assert!((step(rough) - wanted).abs() < 1e-9, "{rough}");
        }
    }

    #[test]
    fn a_drawing_is_one_element() {
        let mut drawing = Drawing::new("a < b & c", 10.0);
        drawing.legend(&["ours".to_owned()]);
        drawing.bar([0, 1, 0, 1], 5.0, 4.0, 6.0);
        drawing.curve(0, &[1.0, 2.0], 2);
        let text = drawing.finish();
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
        assert!(text.contains("a &lt; b &amp; c"));
    }
}
