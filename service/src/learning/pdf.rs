//! The certificate on paper: A4 across, plain.

use chrono::{DateTime, Datelike, Utc};
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime as PdfDate, Metadata};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Paint, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};
use krilla::{Data, Document};

use super::CertificateView;
use crate::error::{Error, Result};

/// For our own words: Latin.
static REGULAR: &[u8] = include_bytes!("../../fonts/inter-regular.ttf");
/// For names: Latin, Greek and Cyrillic.
static SEMIBOLD: &[u8] = include_bytes!("../../fonts/inter-semibold.ttf");

/// A4 across, in points.
const WIDTH: f32 = 841.89;
const HEIGHT: f32 = 595.28;
/// Where text begins and how wide it may be.
const LEFT: f32 = 84.0;
const MEASURE: f32 = WIDTH - 2.0 * LEFT;

/// A colour as red, green, blue.
type Color = [u8; 3];

const INK: Color = [0x1b, 0x1f, 0x26];
const QUIET: Color = [0x5d, 0x66, 0x74];
const LINE: Color = [0xc9, 0xce, 0xd6];

fn paint([red, green, blue]: Color) -> Paint {
    rgb::Color::new(red, green, blue).into()
}

/// A certificate as a PDF. `verify_url` is printed as the place where anybody can check it.
///
/// # Errors
/// [`Error::Internal`] when the document cannot be made.
pub fn certificate_pdf(view: &CertificateView, verify_url: &str) -> Result<Vec<u8>> {
    let font = |data: &'static [u8]| {
        Font::new(Data::from(data), 0).ok_or_else(|| Error::internal("an embedded font is broken"))
    };
    let fonts = Fonts {
        regular: font(REGULAR)?,
        semibold: font(SEMIBOLD)?,
    };
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(format!("{} – {}", view.course, view.person))
            .description(format!("Certificate {}", view.row.number))
            .authors(vec![view.issuer.clone()])
            .language("en".to_owned())
            .creation_date(pdf_date(view.row.issued_at)),
    );
    let settings = PageSettings::from_wh(WIDTH, HEIGHT)
        .ok_or_else(|| Error::internal("a page without a size"))?;
    let mut page = document.start_page_with(settings);
    let mut surface = page.surface();
    draw(&mut surface, &fonts, view, verify_url);
    surface.finish();
    page.finish();
    document
        .finish()
        .map_err(|e| Error::internal(format!("certificate PDF: {e:?}")))
}

struct Fonts {
    regular: Font,
    semibold: Font,
}

fn draw(surface: &mut Surface<'_>, fonts: &Fonts, view: &CertificateView, verify_url: &str) {
    frame(surface);
    let mut text = |y: f32, font: &Font, size: f32, color: Color, x: f32, words: &str| {
        surface.set_stroke(None);
        surface.set_fill(Some(Fill {
            paint: paint(color),
            ..Fill::default()
        }));
        let size = size.min(fitting(words, MEASURE - (x - LEFT)));
        let at = Point::from_xy(x, y);
        surface.draw_text(at, font.clone(), size, words, false, TextDirection::Auto);
    };
    text(112.0, &fonts.semibold, 15.0, INK, LEFT, &view.issuer);
    text(188.0, &fonts.regular, 13.0, QUIET, LEFT, "Certificate");
    text(236.0, &fonts.semibold, 38.0, INK, LEFT, &view.person);
    text(
        274.0,
        &fonts.regular,
        13.0,
        QUIET,
        LEFT,
        "has passed the exam of the course",
    );
    text(310.0, &fonts.semibold, 22.0, INK, LEFT, &view.course);
    let facts = [
        ("Issued", day(view.row.issued_at)),
        ("Valid until", day(view.row.expires_at)),
        ("Number", view.row.number.clone()),
    ];
    for (i, (label, value)) in facts.iter().enumerate() {
        let x = LEFT + 180.0 * i as f32;
        text(418.0, &fonts.regular, 10.0, QUIET, x, label);
        text(437.0, &fonts.semibold, 14.0, INK, x, value);
    }
    text(
        490.0,
        &fonts.regular,
        10.0,
        QUIET,
        LEFT,
        "Whether it still counts can be checked at",
    );
    text(507.0, &fonts.regular, 11.0, INK, LEFT, verify_url);
}

/// A size at which words fit a width; an average letter of this font is a little over half as wide
/// as it is high, and wide capitals are allowed for.
fn fitting(words: &str, width: f32) -> f32 {
    let letters = words.chars().count().max(1) as f32;
    width / (letters * 0.62)
}

fn frame(surface: &mut Surface<'_>) {
    let mut outline = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(36.0, 36.0, WIDTH - 72.0, HEIGHT - 72.0) {
        outline.push_rect(rect);
    }
    outline.move_to(LEFT, 388.0);
    outline.line_to(WIDTH - LEFT, 388.0);
    if let Some(path) = outline.finish() {
        surface.set_fill(None);
        surface.set_stroke(Some(Stroke {
            paint: paint(LINE),
            width: 0.75,
            ..Stroke::default()
        }));
        surface.draw_path(&path);
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y").to_string()
}

fn pdf_date(at: DateTime<Utc>) -> PdfDate {
    let small = |n: u32| u8::try_from(n).unwrap_or(1);
    PdfDate::new(u16::try_from(at.year()).unwrap_or_default())
        .month(small(at.month()))
        .day(small(at.day()))
}
