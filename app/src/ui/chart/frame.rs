//! What stands around a plot: axis, labels, legend, and the table behind it.

use super::{
    Series, Unit, escape,
    scale::{HEIGHT, LABELS, Scale, TOP},
};
use leptos::prelude::*;
use std::fmt::Write as _;

/// Letters of a label that may be wider than its bar's place.
const LONG: usize = 8;

pub(super) fn axis_labels(out: &mut String, labels: &[String]) {
    let step = 100.0 / labels.len().max(1) as f64;
    let every = labels.len().div_ceil(12).max(1);
    for (i, label) in labels.iter().enumerate().filter(|(i, _)| i % every == 0) {
        let class = if (i / every) % 2 == 1 {
            r#" class="odd""#
        } else {
            ""
        };
        // A long name under the last bar would run out of the plot.
        let (x, anchor) = if i + 1 == labels.len() && label.chars().count() > LONG {
            (100.0, "end")
        } else {
            (step * (i as f64 + 0.5), "middle")
        };
        let _ = write!(
            out,
            r#"<text{class} x="{x:.2}%" y="{:.0}" text-anchor="{anchor}">{}</text>"#,
            TOP + HEIGHT + 16.0,
            escape(label)
        );
    }
}

pub(super) fn frame(
    title: &str,
    unit: &Unit,
    scale: &Scale,
    plot: &str,
    labels: &[String],
    series: &[Series],
) -> AnyView {
    let height = HEIGHT + TOP + LABELS;
    let mut axis = String::new();
    for tick in &scale.ticks {
        let _ = write!(
            axis,
            r#"<text x="56" y="{:.1}" text-anchor="end">{}</text>"#,
            scale.y(*tick) + 4.0,
            escape(&unit.short(*tick))
        );
    }
    let legend = (series.len() > 1).then(|| {
        let items = series
            .iter()
            .enumerate()
            .map(|(number, s)| {
                view! {
                    <li>
                        <i class=format!("key k{}", number % 6 + 1)></i>
                        {s.name.clone()}
                    </li>
                }
            })
            .collect_view();
        view! { <ul class="legend">{items}</ul> }
    });
    let table = behind(unit, labels, series);
    view! {
        <figure class="chart">
            <figcaption>
                <strong>{title.to_owned()}</strong>
                {legend}
            </figcaption>
            <div class="plot" aria-hidden="true">
                <svg class="axis" width="60" height=height inner_html=axis></svg>
                <svg class="marks" width="100%" height=height inner_html=plot.to_owned()></svg>
            </div>
            <details>
                <summary>"Show as table"</summary>
                <div class="table-wrap" tabindex="0" role="region" aria-label=title.to_owned()>
                    <table class="table" inner_html=table></table>
                </div>
            </details>
        </figure>
    }
    .into_any()
}

fn behind(unit: &Unit, labels: &[String], series: &[Series]) -> String {
    let mut out = String::with_capacity(2048);
    out.push_str("<thead><tr><th></th>");
    for s in series {
        let _ = write!(out, r#"<th scope="col" class="n">{}</th>"#, escape(&s.name));
    }
    out.push_str("</tr></thead><tbody>");
    for (i, label) in labels.iter().enumerate() {
        let _ = write!(out, r#"<tr><th scope="row">{}</th>"#, escape(label));
        for s in series {
            let value = s.values.get(i).copied().unwrap_or(0);
            let _ = write!(out, r#"<td class="n">{}</td>"#, escape(&unit.full(value)));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody>");
    out
}
