//! What happened, who did it, and what people said about it.

use super::{Ago, Icon, PostForm, Submit, TextArea};
use crate::flash::Tone;
use chrono::{DateTime, Utc};
use leptos::prelude::*;

/// One thing that happened to a record.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// Who; empty for the portal itself.
    pub who: String,
    /// What, as the rest of a sentence after the name: "approved the deal".
    pub what: String,
    /// Reason, old and new values, what the protection was.
    pub detail: String,
    /// Judgement.
    pub tone: Tone,
    /// Not shown to partners; marked so for staff.
    pub internal: bool,
}

/// Everything that happened, newest first.
#[component]
pub fn Timeline(
    /// What happened, newest first.
    events: Vec<Event>,
) -> impl IntoView {
    if events.is_empty() {
        return view! { <p class="muted">"Nothing was recorded here."</p> }.into_any();
    }
    let items = events
        .into_iter()
        .map(|e| {
            let who = if e.who.is_empty() {
                "Portico".to_owned()
            } else {
                e.who
            };
            view! {
                <li class=e.tone.class()>
                    <Icon name=e.tone.icon()/>
                    <div>
                        <p>
                            <strong>{who}</strong>
                            " "
                            {e.what}
                            {e.internal.then(|| view! { <span class="tag">"internal"</span> })}
                        </p>
                        {(!e.detail.is_empty()).then(|| view! { <p class="detail">{e.detail}</p> })}
                        <p class="muted">
                            <Ago at=e.at/>
                        </p>
                    </div>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="timeline">{items}</ol> }.into_any()
}

/// What somebody wrote.
#[derive(Clone, Debug)]
pub struct Comment {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub who: String,
    /// Plain text; line breaks are kept.
    pub text: String,
    /// An internal note that never leaves the vendor.
    pub internal: bool,
}

/// Comments, oldest first, with a box to add one. Field names: `comment`, and `internal` where
/// `staff` may write a note the partner never sees.
#[component]
pub fn Comments(
    /// Oldest first.
    items: Vec<Comment>,
    /// Where a new one is posted; none for people who only read.
    #[prop(optional, into)]
    action: Option<String>,
    /// Offers internal notes.
    #[prop(optional)]
    staff: bool,
) -> impl IntoView {
    let items = items
        .into_iter()
        .map(|c| {
            let class = if c.internal {
                "comment internal"
            } else {
                "comment"
            };
            view! {
                <li class=class>
                    <p class="muted">
                        <strong>{c.who}</strong>
                        " "
                        <Ago at=c.at/>
                        {c.internal.then(|| view! { <span class="tag">"internal note"</span> })}
                    </p>
                    <p class="text">{c.text}</p>
                </li>
            }
        })
        .collect_view();
    let form = action.map(|action| {
        let submit = if staff {
            "Share with the partner"
        } else {
            "Send"
        };
        view! {
            <PostForm action=action name="comment" class="comment-box">
                <TextArea name="comment" label="Write a comment" rows=3 required=true max=4000/>
                <div class="buttons">
                    <Submit label=submit/>
                    {staff
                        .then(|| {
                            view! {
                                <button type="submit" name="internal" value="on" class="button">
                                    "Keep as internal note"
                                </button>
                            }
                        })}
                </div>
            </PostForm>
        }
    });
    view! { <ol class="comments">{items}</ol> {form} }
}
