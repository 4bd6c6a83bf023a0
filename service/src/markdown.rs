//! Markdown as HTML that is safe to show: what people write stays text and links.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Renders Markdown. HTML in it is shown as text, and links lead to the web, to mail or into the
/// portal only. Its headings come below the page's own.
pub fn to_html(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Link {
            link_type,
            dest_url: safe(dest_url),
            title,
            id,
        }),
        Event::Start(Tag::Image {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Image {
            link_type,
            dest_url: safe(dest_url),
            title,
            id,
        }),
        Event::Start(Tag::Heading {
            level,
            id,
            classes,
            attrs,
        }) => Event::Start(Tag::Heading {
            level: below(level),
            id,
            classes,
            attrs,
        }),
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        other => other,
    });
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, events);
    out
}

/// One level further down: a page has one main heading, and it is not in the text.
fn below(level: HeadingLevel) -> HeadingLevel {
    use HeadingLevel as H;
    match level {
        H::H1 => H::H2,
        H::H2 => H::H3,
        H::H3 => H::H4,
        H::H4 => H::H5,
        H::H5 | H::H6 => H::H6,
    }
}

fn safe(address: CowStr<'_>) -> CowStr<'_> {
    let lower = address.trim().to_ascii_lowercase();
    let known = ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| lower.starts_with(scheme));
    let inside = (lower.starts_with('/') && !lower.starts_with("//")) || lower.starts_with('#');
    if known || inside { address } else { "#".into() }
}

#[cfg(test)]
mod tests {
    use super::to_html;

    #[test]
    fn headings_come_below_the_pages_own() {
        assert_eq!(
            to_html("# Terms\n## More").trim(),
            "<h2>Terms</h2>\n<h3>More</h3>"
        );
    }

    #[test]
    fn scripts_stay_text() {
        assert_eq!(
            to_html("**a** <script>x</script>").trim(),
            "<p><strong>a</strong> &lt;script&gt;x&lt;/script&gt;</p>"
        );
        assert!(!to_html("<img src=x onerror=alert(1)>").contains("<img"));
        assert!(to_html("[a](javascript:alert(1))").contains("href=\"#\""));
        assert!(to_html("[a](JavaScript&#58;alert(1))").contains("href=\"#\""));
        assert!(to_html("[a](//evil.example)").contains("href=\"#\""));
        assert!(to_html("[a](/partner) [b](https://b.example)").contains("href=\"/partner\""));
    }
}
