//! An attempt: the questions while it is open, the result afterwards.

use super::{HERE, Nothing, result};
use crate::{
    flash::Tone,
    islands::exam::ExamTimer,
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::{extract::Path, http::StatusCode, response::IntoResponse};
use domain::exam::QuestionKind;
use leptos::prelude::*;
use service::learning::{self, Asked, AttemptView};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/partner/learning/attempts/{id}", Access::Partner, show)
        .post(
            "/partner/learning/attempts/{id}/save",
            Access::Partner,
            save,
        )
        .post(
            "/partner/learning/attempts/{id}/autosave",
            Access::Partner,
            autosave,
        )
        .post(
            "/partner/learning/attempts/{id}/hand-in",
            Access::Partner,
            hand_in,
        )
}

pub(super) fn href(id: i64) -> String {
    format!("{HERE}/attempts/{id}")
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let attempt = learning::attempt(&page.ctx, id).await?;
    if attempt.result.is_some() {
        return Ok(result::render(&page, attempt));
    }
    let (slug, title) = attempt.course.clone();
    let head = Head::new(format!("Exam: {title}"))
        .text(format!(
            "Attempt {}. {}% of the answers have to be right.",
            attempt.number, attempt.pass_percent
        ))
        .crumb("Learning", HERE)
        .crumb(title, format!("{HERE}/{slug}"))
        .to_the_second();
    let now = page.now().timestamp();
    Ok(page.render(head, move || sheet(attempt, now)))
}

/// The questions as one form. "Save" stands first, so that Enter saves and does not hand in.
fn sheet(attempt: AttemptView, now: i64) -> AnyView {
    let here = href(attempt.id);
    let (due, until) = (
        attempt.deadline_at.timestamp(),
        moment_text(attempt.deadline_at),
    );
    let count = attempt.questions.len();
    let answered = attempt
        .questions
        .iter()
        .filter(|a| !a.chosen.is_empty())
        .count();
    let questions = attempt
        .questions
        .into_iter()
        .enumerate()
        .map(|(i, asked)| question(i + 1, asked))
        .collect_view();
    let save = format!("{here}/save");
    view! {
        <div class="exam-time">
            <ExamTimer due=due now=now form="form-exam".to_owned()/>
            <span class="muted">{format!("Ends {until}. {answered} of {count} answers saved.")}</span>
        </div>
        <Panel>
            <PostForm action=format!("{here}/hand-in") name="exam">
                <div class="exam" data-autosave=format!("{here}/autosave")>{questions}</div>
                <p class="muted">
                    "What is saved is kept when you close the page, and counts when the time is over."
                </p>
                <div class="buttons">
                    <button type="submit" class="button" formaction=save>"Save"</button>
                    <Confirm
                        id="hand-in"
                        label="Hand in"
                        title="Hand in your answers?"
                        text="They are graded at once and cannot be changed afterwards."
                        primary=true
                    >
                        <Submit label="Hand in"/>
                    </Confirm>
                </div>
            </PostForm>
        </Panel>
    }
    .into_any()
}

fn question(number: usize, asked: Asked) -> AnyView {
    let Asked { shown, chosen } = asked;
    let name = format!("q{}", shown.question_id);
    let kind = shown.kind;
    let hint = match kind {
        QuestionKind::Single | QuestionKind::TrueFalse => "One answer is right.",
        QuestionKind::Multiple => "Choose every answer that is right.",
        QuestionKind::Ordering => "Give each line its place.",
    };
    let count = shown.options.len();
    let options = shown
        .options
        .into_iter()
        .enumerate()
        .map(|(i, text)| match kind {
            QuestionKind::Ordering => {
                let place = chosen
                    .iter()
                    .position(|c| usize::from(*c) == i)
                    .map(|p| p + 1);
                ordered(format!("{name}-{i}"), text, count, place)
            }
            _ => {
                let input = if kind == QuestionKind::Multiple {
                    "checkbox"
                } else {
                    "radio"
                };
                let checked = chosen.iter().any(|c| usize::from(*c) == i);
                view! {
                    <label class="choice">
                        <input type=input name=name.clone() value=i.to_string() checked=checked/>
                        <span>{text}</span>
                    </label>
                }
                .into_any()
            }
        })
        .collect_view();
    let hint_id = format!("hint-{name}");
    view! {
        <fieldset class="field" aria-describedby=hint_id.clone()>
            <legend>
                <span class="num">{format!("{number}. ")}</span>
                <span inner_html=result::inline(&shown.prompt)></span>
            </legend>
            <p class="field-hint" id=hint_id.clone()>{hint}</p>
            <input type="hidden" name="asked" value=shown.question_id.to_string()/>
            {options}
        </fieldset>
    }
    .into_any()
}

/// A line of an ordering with the list of places.
fn ordered(name: String, text: String, count: usize, place: Option<usize>) -> AnyView {
    let places = (1..=count)
        .map(|n| view! { <option value=n.to_string() selected={place == Some(n)}>{n}</option> })
        .collect_view();
    let words = format!("Place of “{text}”");
    view! {
        <label class="choice">
            <select name=name aria-label=words>
                <option value="" selected=place.is_none()>"–"</option>
                {places}
            </select>
            <span>{text}</span>
        </label>
    }
    .into_any()
}

/// What a form says about the questions it shows, as `(question id, shown positions)`. A question
/// without a tick was shown too: its answer is taken back.
fn given(pairs: &[(String, String)]) -> Vec<(i64, Vec<u16>)> {
    pairs
        .iter()
        .filter(|(name, _)| name == "asked")
        .filter_map(|(_, id)| id.parse::<i64>().ok())
        .map(|id| (id, chosen(pairs, id)))
        .collect()
}

fn chosen(pairs: &[(String, String)], id: i64) -> Vec<u16> {
    let name = format!("q{id}");
    let mut ticked = Vec::new();
    let mut placed: Vec<(u16, u16)> = Vec::new();
    for (field, value) in pairs {
        let Some(rest) = field.strip_prefix(&name) else {
            continue;
        };
        let Ok(value) = value.parse::<u16>() else {
            continue;
        };
        if rest.is_empty() {
            ticked.push(value);
        } else if let Some(Ok(option)) = rest.strip_prefix('-').map(str::parse) {
            placed.push((value, option));
        }
    }
    placed.sort_unstable();
    ticked.extend(placed.into_iter().map(|(_, option)| option));
    ticked
}

/// The numbers, as people see them, of questions in which two lines have the same place.
fn twice(pairs: &[(String, String)]) -> Vec<usize> {
    let asked = pairs.iter().filter(|(name, _)| name == "asked");
    asked
        .enumerate()
        .filter(|(_, (_, id))| {
            let prefix = format!("q{id}-");
            let mut places: Vec<&str> = pairs
                .iter()
                .filter(|(name, place)| name.starts_with(&prefix) && !place.is_empty())
                .map(|(_, place)| place.as_str())
                .collect();
            let all = places.len();
            places.sort_unstable();
            places.dedup();
            places.len() < all
        })
        .map(|(i, _)| i + 1)
        .collect()
}

async fn save(page: Page, Path(id): Path<i64>, form: Form<Nothing>) -> PageResult {
    let here = href(id);
    if let Err(e) = learning::save(&page.ctx, id, &given(&form.pairs)).await {
        return page.refused(&here, e, &[]).await;
    }
    match twice(&form.pairs).first() {
        Some(number) => {
            let text = format!("Saved. In question {number} two lines have the same place.");
            page.toast(&here, Tone::Warn, text).await
        }
        None => page.done(&here, "Saved.").await,
    }
}

/// Sent in the background after each change; nobody reads the answer.
async fn autosave(page: Page, Path(id): Path<i64>, form: Form<Nothing>) -> PageResult {
    learning::save(&page.ctx, id, &given(&form.pairs)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn hand_in(page: Page, Path(id): Path<i64>, form: Form<Nothing>) -> PageResult {
    let here = href(id);
    match learning::hand_in(&page.ctx, id, &given(&form.pairs)).await {
        Ok(true) => {
            page.done(&here, "Passed. Your certificate is issued.")
                .await
        }
        Ok(false) => Ok(page.redirect(&here)),
        Err(e) => page.refused(&here, e, &[]).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn a_form_becomes_answers() {
        let sent = pairs(&[
            ("asked", "1"),
            ("q1", "2"),
            ("asked", "12"),
            ("q12", "0"),
            ("q12", "3"),
            ("asked", "7"),
            ("q7-0", "3"),
            ("q7-1", "1"),
            ("q7-2", "2"),
            ("asked", "9"),
            ("q99", "1"),
        ]);
        let expected = vec![
            (1, vec![2]),
            (12, vec![0, 3]),
            (7, vec![1, 2, 0]),
            (9, vec![]),
        ];
        assert_eq!(given(&sent), expected);
        assert!(twice(&sent).is_empty());
    }

    #[test]
    fn places_left_open_or_given_twice() {
        let sent = pairs(&[
            ("asked", "3"),
            ("asked", "7"),
            ("q7-0", "2"),
            ("q7-1", ""),
            ("q7-2", "2"),
        ]);
        assert_eq!(given(&sent), vec![(3, vec![]), (7, vec![0, 2])]);
        assert_eq!(twice(&sent), vec![2]);
    }
}
