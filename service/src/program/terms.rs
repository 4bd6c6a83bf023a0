//! A program's terms, in versions that count from a day on.

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use domain::validate;
use entity::terms_version;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use super::by_id;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;
use crate::plan::begins;

/// Characters of the longest terms.
const LONGEST: usize = 100_000;

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct TermsFields {
    /// From which day they count.
    pub effective_date: String,
    /// Markdown.
    pub body: String,
}

/// A program's terms, newest first, for admins and auditors.
///
/// # Errors
/// [`Error::NotFound`] for a missing program and for people outside the vendor,
/// [`Error::Forbidden`] for other staff.
pub async fn all_terms(ctx: &Context, program_id: i64) -> Result<Vec<terms_version::Model>> {
    ctx.admin_reads()?;
    by_id(ctx.reader(), program_id).await?;
    all(ctx.reader(), program_id).await
}

async fn all(db: &impl ConnectionTrait, program_id: i64) -> Result<Vec<terms_version::Model>> {
    Ok(terms_version::Entity::find()
        .filter(terms_version::Column::ProgramId.eq(program_id))
        .order_by_desc(terms_version::Column::Version)
        .all(db)
        .await?)
}

/// Makes a new version of a program's terms that counts from a day on. `seen` is the newest version
/// when the form was opened.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Conflict`] when there is a newer version than `seen`;
/// [`Error::Forbidden`] for all but admins.
pub async fn new_terms(
    ctx: &Context,
    program_id: i64,
    seen: i64,
    fields: &TermsFields,
) -> Result<DateTime<Utc>> {
    ctx.staff(StaffRole::Admin)?;
    let mut errors = FieldErrors::new();
    let body = validate::required(&fields.body, "the terms", LONGEST);
    let body = errors.check("body", body).unwrap_or_default();
    let body = body.replace("\r\n", "\n");
    let tx = ctx.begin().await?;
    let program = by_id(&*tx, program_id).await?;
    let zone = super::zone(&program);
    let versions = all(&*tx, program_id).await?;
    let last = versions
        .first()
        .ok_or_else(|| Error::internal(format!("program {program_id} has no terms")))?;
    if last.version != seen {
        return Err(super::overtaken());
    }
    if body == last.body.trim() {
        errors.add("body", "Nothing differs from the version before.");
    }
    let from = super::later(
        begins(&fields.effective_date, zone, ctx.now()),
        last.version,
        last.effective_from,
        zone,
    );
    let from = match from {
        Ok(from) => Some(from),
        Err(Error::Invalid(wrong)) => {
            for (field, sentence) in wrong.0 {
                errors.add(&field, sentence);
            }
            None
        }
        Err(other) => return Err(other),
    };
    errors.finish()?;
    let from = from.ok_or_else(|| Error::internal("a checked day is missing"))?;
    let version = last.version + 1;
    terms_version::Entity::insert(terms_version::ActiveModel {
        program_id: Set(program_id),
        version: Set(version),
        effective_from: Set(from),
        body: Set(body),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await?;
    let day = domain::calendar::local_date(from, zone);
    let summary = format!(
        "Terms version {version} made; they count from {}.",
        day.format("%-d %B %Y")
    );
    Entry::new("program.terms", "program", program_id, summary)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(from)
}

/// What differs between two texts, line by line: (line of the newer or older text, before, after).
pub fn text_differences(before: &str, after: &str) -> Vec<(usize, String, String)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    // The same beginning and end need no table.
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev());
    let tail = tail.take(rest).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    // Lengths of the longest common subsequences of what follows each place.
    let mut common = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = if a[i] == b[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let mut found: Vec<(usize, Vec<&str>, Vec<&str>)> = Vec::new();
    let (mut i, mut j, mut open) = (0, 0, false);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j, open) = (i + 1, j + 1, false);
            continue;
        }
        if !open {
            found.push((head + j + 1, Vec::new(), Vec::new()));
            open = true;
        }
        let Some((_, gone, come)) = found.last_mut() else {
            break;
        };
        if j >= b.len() || (i < a.len() && common[i + 1][j] >= common[i][j + 1]) {
            gone.push(a[i]);
            i += 1;
        } else {
            come.push(b[j]);
            j += 1;
        }
    }
    found
        .into_iter()
        .map(|(line, gone, come)| (line, gone.join("\n"), come.join("\n")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::text_differences;

    #[test]
    fn only_what_differs_is_said() {
        let old = "a\nb\nc\nd\ne";
        assert_eq!(text_differences(old, old), vec![]);
        assert_eq!(
            text_differences(old, "a\nB\nc\nd\nx\ne"),
            [
                (2, "b".to_owned(), "B".to_owned()),
                (5, String::new(), "x".to_owned())
            ]
        );
        assert_eq!(
            text_differences(old, "a\nc\nd\ne"),
            [(2, "b".to_owned(), String::new())]
        );
        assert_eq!(
            text_differences("", "a"),
            [(1, String::new(), "a".to_owned())]
        );
    }
}
