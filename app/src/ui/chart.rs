//! Charts drawn by the server as SVG: axis, legend, and the table behind them. Widths are
//! percentages and text is never scaled, so one drawing serves a phone and a wide screen. Colours
//! are classes, because the content security policy allows no inline style.

mod frame;
mod scale;

use self::{
    frame::{axis_labels, frame},
    scale::{HEIGHT, LABELS, Scale, TOP},
};
use super::ui;
use leptos::prelude::*;
use std::fmt::Write as _;

/// What a chart's numbers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Minor units of a currency.
    Money(String),
    /// Things.
    Count,
    /// Basis points.
    Percent,
}

impl Unit {
    /// Minor units of a currency.
    #[must_use]
    pub fn money(currency: &str) -> Self {
        Self::Money(currency.to_owned())
    }

    fn full(&self, value: i64) -> String {
        let locale = &ui().locale;
        match self {
            Self::Money(currency) => locale.money(value, currency),
            Self::Count => locale.count(value),
            Self::Percent => locale.percent(value),
        }
    }

    fn short(&self, value: i64) -> String {
        match self {
            Self::Money(currency) => ui().locale.money_short(value, currency),
            _ => self.full(value),
        }
    }
}

/// One row of values over the chart's labels.
#[derive(Clone, Debug)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// One value per label.
    pub values: Vec<i64>,
}

impl Series {
    /// A named row of values.
    #[must_use]
    pub fn new(name: impl Into<String>, values: Vec<i64>) -> Self {
        Self {
            name: name.into(),
            values,
        }
    }
}

/// Bars over labels, such as earnings by month.
#[must_use]
pub fn bars(title: &str, unit: &Unit, labels: &[String], values: Vec<i64>) -> AnyView {
    stacked(title, unit, labels, &[Series::new(title, values)])
}

/// Bars made of parts, such as earnings by month and state.
#[must_use]
pub fn stacked(title: &str, unit: &Unit, labels: &[String], series: &[Series]) -> AnyView {
    let sums = |positive: bool| {
        (0..labels.len()).map(move |i| {
            series
                .iter()
                .map(|s| s.values.get(i).copied().unwrap_or(0))
                .filter(|v| (*v > 0) == positive)
                .fold(0_i64, i64::saturating_add)
        })
    };
    let scale = Scale::new(
        sums(false).min().unwrap_or(0),
        sums(true).max().unwrap_or(0),
    );
    let mut plot = scale.grid();
    let step = 100.0 / labels.len().max(1) as f64;
    for i in 0..labels.len() {
        let x = step * i as f64;
        let (mut up, mut down) = (0_i64, 0_i64);
        plot.push_str("<g class=\"hit\">");
        for (number, s) in series.iter().enumerate() {
            let value = s.values.get(i).copied().unwrap_or(0);
            let (from, to) = if value >= 0 {
                let from = up;
                up = up.saturating_add(value);
                (up, from)
            } else {
                let from = down;
                down = down.saturating_add(value);
                (from, down)
            };
            if value != 0 {
                let (y, bottom) = (scale.y(from), scale.y(to));
                let _ = write!(
                    plot,
                    r#"<rect class="s{}" x="{:.2}%" width="{:.2}%" y="{y:.1}" height="{:.1}"/>"#,
                    number % 6 + 1,
                    x + step * 0.18,
                    step * 0.64,
                    (bottom - y).max(1.0)
                );
            }
        }
        hit(&mut plot, x, step, &tip(labels, series, unit, i));
        plot.push_str("</g>");
    }
    axis_labels(&mut plot, labels);
    frame(title, unit, &scale, &plot, labels, series)
}

/// A line over labels, for what is measured at points in time.
#[must_use]
pub fn line(title: &str, unit: &Unit, labels: &[String], series: &[Series]) -> AnyView {
    let all = || series.iter().flat_map(|s| s.values.iter().copied());
    let scale = Scale::new(all().min().unwrap_or(0).min(0), all().max().unwrap_or(0));
    let mut plot = scale.grid();
    let step = 100.0 / labels.len().max(1) as f64;
    for (number, s) in series.iter().enumerate() {
        let mut points = String::new();
        for (i, value) in s.values.iter().enumerate() {
            let _ = write!(
                points,
                "{:.2},{:.1} ",
                step * (i as f64 + 0.5),
                scale.y(*value)
            );
        }
        let _ = write!(
            plot,
            r#"<svg width="100%" height="{h}" viewBox="0 0 100 {h}" preserveAspectRatio="none"><polyline class="l{}" points="{}"/></svg>"#,
            number % 6 + 1,
            points.trim_end(),
            h = HEIGHT + LABELS + TOP,
        );
    }
    for i in 0..labels.len() {
        plot.push_str("<g class=\"hit\">");
        for (number, s) in series.iter().enumerate() {
            if let Some(value) = s.values.get(i) {
                let _ = write!(
                    plot,
                    r#"<circle class="s{}" cx="{:.2}%" cy="{:.1}" r="3"/>"#,
                    number % 6 + 1,
                    step * (i as f64 + 0.5),
                    scale.y(*value)
                );
            }
        }
        hit(
            &mut plot,
            step * i as f64,
            step,
            &tip(labels, series, unit, i),
        );
        plot.push_str("</g>");
    }
    axis_labels(&mut plot, labels);
    frame(title, unit, &scale, &plot, labels, series)
}

/// Two or three parts of a whole.
#[must_use]
pub fn donut(title: &str, unit: &Unit, parts: &[(String, i64)]) -> AnyView {
    let total = parts
        .iter()
        .map(|(_, v)| (*v).max(0))
        .fold(0_i64, i64::saturating_add);
    let mut svg =
        String::from(r#"<circle class="track" cx="60" cy="60" r="48" pathLength="100"/>"#);
    let mut start = 0.0;
    for (number, (name, value)) in parts.iter().enumerate() {
        let share = (*value).max(0) as f64 * 100.0 / total.max(1) as f64;
        let _ = write!(
            svg,
            r#"<circle class="l{}" cx="60" cy="60" r="48" pathLength="100" stroke-dasharray="{share:.2} {:.2}" stroke-dashoffset="{:.2}" data-tip="{}"/>"#,
            number % 6 + 1,
            100.0 - share,
            25.0 - start,
            escape(&format!("{name}: {}", unit.full(*value)))
        );
        start += share;
    }
    let _ = write!(
        svg,
        r#"<text x="60" y="65" text-anchor="middle">{}</text>"#,
        escape(&unit.short(total))
    );
    let legend = parts
        .iter()
        .enumerate()
        .map(|(number, (name, value))| {
            let share = if total == 0 {
                0
            } else {
                (*value).max(0) * 100 / total
            };
            let words = format!("{} · {share}%", unit.full(*value));
            view! {
                <li>
                    <i class=format!("key k{}", number % 6 + 1)></i>
                    {name.clone()}
                    <span class="num muted">{words}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <figure class="chart donut">
            <svg width="120" height="120" aria-hidden="true" inner_html=svg></svg>
            <figcaption>
                <strong>{title.to_owned()}</strong>
                <ul class="legend">{legend}</ul>
            </figcaption>
        </figure>
    }
    .into_any()
}

/// A line without axis beside a figure; the figure says the number.
#[must_use]
pub fn spark(values: &[i64]) -> AnyView {
    let (low, high) = (
        values.iter().copied().min().unwrap_or(0),
        values.iter().copied().max().unwrap_or(0),
    );
    let range = (high as f64 - low as f64).max(1.0);
    let step = 100.0 / (values.len().max(2) - 1) as f64;
    let mut points = String::new();
    for (i, value) in values.iter().enumerate() {
        let y = 22.0 - (*value as f64 - low as f64) / range * 20.0;
        let _ = write!(points, "{:.1},{y:.1} ", step * i as f64);
    }
    let svg = format!(r#"<polyline class="l1" points="{}"/>"#, points.trim_end());
    view! {
        <svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true" inner_html=svg></svg>
    }
    .into_any()
}

fn hit(out: &mut String, x: f64, width: f64, tip: &str) {
    let _ = write!(
        out,
        r#"<rect class="target" x="{x:.2}%" width="{width:.2}%" y="0" height="{:.0}" data-tip="{}"/>"#,
        HEIGHT + TOP,
        escape(tip)
    );
}

fn tip(labels: &[String], series: &[Series], unit: &Unit, i: usize) -> String {
    let mut tip = labels[i].clone();
    for s in series {
        let value = s.values.get(i).copied().unwrap_or(0);
        if series.len() == 1 {
            let _ = write!(tip, ": {}", unit.full(value));
        } else if value != 0 {
            let _ = write!(tip, "\n{}: {}", s.name, unit.full(value));
        }
    }
    tip
}

/// Escapes text for element content and double-quoted attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let scale = Scale::new(0, 123_456);
        assert_eq!(scale.ticks, [0, 50_000, 100_000, 150_000]);
        let negative = Scale::new(-30, 90);
        assert!(negative.ticks.contains(&0) && negative.ticks[0] <= -30);
        assert_eq!(Scale::new(0, 0).ticks, [0, 1]);
        assert_eq!(Scale::new(0, 9).ticks, [0, 5, 10]);
    }

    #[test]
    fn names_are_escaped_and_the_table_is_behind() {
        let html = Owner::new().with(|| {
            stacked(
                "Earnings",
                &Unit::money("EUR"),
                &["<b>Jan".to_owned(), "Feb".to_owned()],
                &[
                    Series::new("Paid", vec![100, -50]),
                    Series::new("Held", vec![0, 25]),
                ],
            )
            .to_html()
        });
        assert!(
            !html.contains("<b>Jan") && html.contains("&lt;b&gt;Jan"),
            "{html}"
        );
        assert!(html.contains("€1.00") && html.contains("−€0.50"), "{html}");
        assert!(!html.contains("style="), "{html}");
    }
}
