//! Where values are on a plot.

use std::fmt::Write as _;

/// Height of the plot in pixels; widths are percentages.
pub(super) const HEIGHT: f64 = 180.0;
/// Room above the plot.
pub(super) const TOP: f64 = 8.0;
/// Room below it for the labels.
pub(super) const LABELS: f64 = 24.0;

/// Where values are on the plot, with ticks at round numbers.
pub(super) struct Scale {
    low: f64,
    high: f64,
    pub(super) ticks: Vec<i64>,
}

impl Scale {
    pub(super) fn new(min: i64, max: i64) -> Self {
        let (min, max) = (min.min(0), max.max(0));
        let range = (max as f64 - min as f64).max(4.0);
        let raw = range / 4.0;
        let magnitude = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|m| m * magnitude)
            // There is no half of a cent or of a deal: a tick at 2.5 would be written as 2.
            .find(|s| *s >= raw && s.fract() == 0.0)
            .unwrap_or(raw.ceil())
            .max(1.0);
        let first = (min as f64 / step).floor() as i64;
        let last = (max as f64 / step).ceil().max(1.0) as i64;
        let ticks: Vec<i64> = (first..=last).map(|n| (n as f64 * step) as i64).collect();
        Self {
            low: first as f64 * step,
            high: last as f64 * step,
            ticks,
        }
    }

    pub(super) fn y(&self, value: i64) -> f64 {
        TOP + HEIGHT - (value as f64 - self.low) / (self.high - self.low) * HEIGHT
    }

    pub(super) fn grid(&self) -> String {
        let mut out = String::with_capacity(4096);
        for tick in &self.ticks {
            let y = self.y(*tick);
            let class = if *tick == 0 { "zero" } else { "grid" };
            let _ = write!(
                out,
                r#"<line class="{class}" x1="0" x2="100%" y1="{y:.1}" y2="{y:.1}"/>"#
            );
        }
        out
    }
}
