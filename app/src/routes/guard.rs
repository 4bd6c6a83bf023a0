//! The guard in front of every address: reads the session once, decides by role, and turns errors
//! into pages.

use super::Access;
use crate::{
    nav,
    page::{ErrorPage, Look, Page, PageError, SentBack, error_view},
    session,
    state::AppState,
    ui::Locale,
};
use axum::{
    extract::Request,
    http::{Method, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use domain::partner::{MemberRole, StaffRole};
use service::{Actor, Context};
use std::sync::Arc;
use tower_sessions::Session;
use tracing::Instrument as _;

/// What the guard says to a request.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Pass,
    SignIn,
    Refuse(PageError),
}

/// Sentence for an auditor who tries to change something.
const AUDITOR: &str =
    "Auditors read everything and change nothing. Ask the person responsible to do this.";

/// Decides by role alone. Other roles get the same answer as for an address that does not exist.
fn verdict(access: Access, actor: &Actor, changes: bool) -> Verdict {
    use StaffRole as S;
    let missing = || Verdict::Refuse(PageError::NotFound);
    match (access, actor) {
        (Access::Public, _) => Verdict::Pass,
        (_, Actor::Anonymous) => Verdict::SignIn,
        (Access::SignedIn, _) | (Access::Partner, Actor::Partner { .. }) => Verdict::Pass,
        (Access::PartnerOwner, Actor::Partner { role, .. }) => match role {
            MemberRole::Owner => Verdict::Pass,
            MemberRole::Member => Verdict::Refuse(PageError::Forbidden(
                "Only an owner of your organisation can do this. Ask one of them.".to_owned(),
            )),
        },
        (
            Access::Manager | Access::Finance | Access::Admin | Access::Staff,
            Actor::Staff {
                role: S::Auditor, ..
            },
        ) => {
            if changes {
                Verdict::Refuse(PageError::Forbidden(AUDITOR.to_owned()))
            } else {
                Verdict::Pass
            }
        }
        (
            Access::Manager,
            Actor::Staff {
                role: S::Manager | S::Admin,
                ..
            },
        )
        | (
            Access::Finance,
            Actor::Staff {
                role: S::Finance | S::Admin,
                ..
            },
        )
        | (Access::Admin, Actor::Staff { role: S::Admin, .. })
        | (Access::Staff, Actor::Staff { .. }) => Verdict::Pass,
        _ => missing(),
    }
}

/// Reads the session once, decides, and turns a refusal into a page.
pub(super) async fn guard(access: Access, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let page = match open(&parts).await {
        Ok(page) => page,
        Err(cause) => {
            tracing::error!(%cause, path = %parts.uri.path(), "no page could be opened");
            return plain_failure();
        }
    };
    let changes = !matches!(parts.method, Method::GET | Method::HEAD);
    match verdict(access, &page.ctx.actor, changes) {
        Verdict::SignIn => return page.redirect(&sign_in(&parts.uri, changes)),
        Verdict::Refuse(error) => return error_view(&page, error),
        Verdict::Pass => {}
    }
    // Sent in the background to show its progress: the way on is told, not followed.
    let upload = parts.headers.contains_key("x-upload");
    parts.extensions.insert(page.clone());
    let request = Request::from_parts(parts, body);
    let mut response = if changes {
        to_its_end(page.clone(), request, next).await
    } else {
        next.run(request).await
    };
    if upload && response.status() == StatusCode::SEE_OTHER {
        let mut told = StatusCode::NO_CONTENT.into_response();
        if let Some(location) = response.headers_mut().remove(header::LOCATION) {
            told.headers_mut().insert("x-location", location);
        }
        return told;
    }
    match response.extensions_mut().remove::<ErrorPage>() {
        Some(ErrorPage(error)) => {
            let retry = response.headers_mut().remove(header::RETRY_AFTER);
            let mut shown = error_view(&page, error);
            if let Some(retry) = retry {
                shown.headers_mut().insert(header::RETRY_AFTER, retry);
            }
            shown
        }
        None => response,
    }
}

/// Answers what changes something. A browser hangs up when its reader presses a button once more or
/// goes elsewhere; what was begun is done to its end all the same, so that nothing is left half done
/// and the second request finds out what came of the first.
async fn to_its_end(page: Page, request: Request, next: Next) -> Response {
    let work = async move {
        let response = next.run(request).await;
        if let Some(name) = page.taken.get() {
            let back = response.extensions().get::<SentBack>().is_some();
            let leads_to = response.headers().get(header::LOCATION).filter(|_| !back);
            let leads_to = leads_to.and_then(|v| v.to_str().ok()).map(str::to_owned);
            let noted = service::sent_form::done(&page.ctx, name, leads_to.as_deref()).await;
            if let Err(cause) = noted {
                tracing::warn!(%cause, "what came of a form could not be noted");
            }
        }
        response
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(response) => response,
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        Err(_) => plain_failure(),
    }
}

/// Where to sign in, and back to here afterwards; a form that was sent cannot be sent again by an
/// address, so after a change the start page is next.
fn sign_in(uri: &Uri, changes: bool) -> String {
    let here = uri.path_and_query().map_or("/", |p| p.as_str());
    if changes || here == "/" {
        return "/sign-in".to_owned();
    }
    let mut path = "/sign-in?next=".to_owned();
    crate::ui::encode(&mut path, here);
    path
}

/// For the case that not even the session can be read.
fn plain_failure() -> Response {
    let text = "Portico cannot reach its database. Try again in a minute.";
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

async fn open(request: &Parts) -> service::Result<Page> {
    let missing = |what: &str| service::Error::internal(format!("the router has no {what}"));
    let state = request
        .extensions
        .get::<AppState>()
        .ok_or_else(|| missing("state"))?
        .clone();
    let session = request
        .extensions
        .get::<Session>()
        .ok_or_else(|| missing("sessions"))?
        .clone();
    let headers = &request.headers;
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("")
    };
    let (actor, user) = match session::actor(&session, &state.db).await? {
        Some((actor, user)) => (actor, Some(Arc::new(user))),
        None => (Actor::Anonymous, None),
    };
    let ctx = Context {
        actor,
        db: state.db.clone(),
        clock: state.clock().await,
        request_id: match text("x-request-id") {
            "" => random(9),
            id => id.chars().filter(char::is_ascii_graphic).take(64).collect(),
        },
    };
    let reads = request.method == Method::GET;
    // A prefetched page may never be looked at; the message waits for the one that is.
    let flash = if reads && !text("sec-purpose").contains("prefetch") {
        session::take_flash(&session)
            .await
            .map_err(service::Error::internal)?
    } else {
        Default::default()
    };
    let counts = if reads {
        service::desk::waiting(&ctx).await?
    } else {
        Vec::new()
    };
    let locale = user.as_ref().map_or_else(
        || Locale::parse(text("accept-language")),
        |user| user.locale.clone(),
    );
    let sees = match &ctx.actor {
        Actor::Partner { .. } => user.as_ref().is_some_and(|u| u.sees_earnings),
        _ => true,
    };
    let leads = |path: &str| state.serves(path) && nav::is_for(path, sees);
    Ok(Page {
        nav: Arc::new(nav::groups(&ctx.actor, leads, &counts)),
        ctx,
        user,
        path: request.uri.path().to_owned(),
        query: request.uri.query().unwrap_or("").to_owned(),
        session,
        locale,
        flash,
        look: Look::from_headers(headers),
        nonce: crate::page::new_nonce(),
        taken: Arc::default(),
        state,
    })
}

/// Random bytes as base64 without padding.
pub(crate) fn random(bytes: usize) -> String {
    let mut buffer = [0_u8; 32];
    rand::fill(&mut buffer[..bytes]);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&buffer[..bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staff(role: StaffRole) -> Actor {
        Actor::Staff { person_id: 1, role }
    }

    fn member(role: MemberRole) -> Actor {
        Actor::Partner {
            person_id: 1,
            partner_id: 1,
            role,
        }
    }

    #[test]
    fn roles_see_their_own_area_only() {
        use Access as A;
        let person = Actor::Person { person_id: 1 };
        // (access, who passes)
        let table: [(Access, Vec<Actor>); 7] = [
            (
                A::Partner,
                vec![member(MemberRole::Owner), member(MemberRole::Member)],
            ),
            (A::PartnerOwner, vec![member(MemberRole::Owner)]),
            (
                A::Manager,
                vec![staff(StaffRole::Manager), staff(StaffRole::Admin)],
            ),
            (
                A::Finance,
                vec![staff(StaffRole::Finance), staff(StaffRole::Admin)],
            ),
            (A::Admin, vec![staff(StaffRole::Admin)]),
            (
                A::Staff,
                vec![
                    staff(StaffRole::Manager),
                    staff(StaffRole::Finance),
                    staff(StaffRole::Admin),
                ],
            ),
            (
                A::SignedIn,
                vec![
                    person.clone(),
                    member(MemberRole::Member),
                    member(MemberRole::Owner),
                    staff(StaffRole::Manager),
                    staff(StaffRole::Finance),
                    staff(StaffRole::Admin),
                ],
            ),
        ];
        let everybody = [
            person,
            member(MemberRole::Owner),
            member(MemberRole::Member),
            staff(StaffRole::Manager),
            staff(StaffRole::Finance),
            staff(StaffRole::Admin),
        ];
        for (access, passing) in table {
            for actor in &everybody {
                let got = verdict(access, actor, true) == Verdict::Pass;
                assert_eq!(got, passing.contains(actor), "{access:?} {actor:?}");
            }
            assert_eq!(verdict(access, &Actor::Anonymous, false), Verdict::SignIn);
        }
    }

    #[test]
    fn auditors_read_and_never_change() {
        let auditor = staff(StaffRole::Auditor);
        for access in [
            Access::Manager,
            Access::Finance,
            Access::Admin,
            Access::Staff,
        ] {
            assert_eq!(verdict(access, &auditor, false), Verdict::Pass);
            assert!(matches!(
                verdict(access, &auditor, true),
                Verdict::Refuse(PageError::Forbidden(_))
            ));
        }
        assert_eq!(
            verdict(Access::Partner, &auditor, false),
            Verdict::Refuse(PageError::NotFound)
        );
    }

    #[test]
    fn signing_in_leads_back() {
        let uri: Uri = "/partner/deals?q=a&page=2".parse().unwrap();
        assert_eq!(
            sign_in(&uri, false),
            "/sign-in?next=%2Fpartner%2Fdeals%3Fq%3Da%26page%3D2"
        );
        assert_eq!(sign_in(&uri, true), "/sign-in");
    }
}
