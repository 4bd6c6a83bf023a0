//! What a new partner does first, read from what is there: nothing is ticked by hand.

use domain::partner::OnboardingStep;
use sea_orm::{FromQueryResult, Statement};

use crate::context::{Actor, Context};
use crate::error::{Error, Result};

/// A step of the checklist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub step: OnboardingStep,
    /// Whether it is done.
    pub done: bool,
}

#[derive(FromQueryResult)]
struct Facts {
    profile: i64,
    members: i64,
    agreement: i64,
    certified: i64,
    account: i64,
    deals: i64,
}

const FACTS: &str = "\
    SELECT \
      (SELECT COUNT(*) FROM partner p WHERE p.id = $1 AND p.profile <> '') AS profile, \
      (SELECT COUNT(*) FROM member m WHERE m.partner_id = $1 AND m.removed_at IS NULL) AS members, \
      (SELECT COUNT(*) FROM partner p WHERE p.id = $1 AND {signed}) AS agreement, \
      (SELECT COUNT(*) FROM certificate c JOIN member m ON m.person_id = c.person_id \
         WHERE m.partner_id = $1 AND m.removed_at IS NULL AND c.revoked_at IS NULL AND c.grace_until > $2) AS certified, \
      (SELECT COUNT(*) FROM payout_account x WHERE x.partner_id = $1 AND x.state = 'ready') AS account, \
      (SELECT COUNT(*) FROM deal d WHERE d.partner_id = $1 AND d.submitted_at IS NOT NULL) AS deals";

/// The checklist of a partner: its own people's, and staff's to see.
///
/// # Errors
/// [`Error::NotFound`] for somebody else's organisation.
pub async fn checklist(ctx: &Context, partner_id: i64) -> Result<Vec<Step>> {
    match ctx.actor {
        Actor::Partner {
            partner_id: own, ..
        } if own == partner_id => {}
        Actor::Staff { .. } => {}
        _ => return Err(Error::NotFound),
    }
    let db = ctx.reader();
    let signed = super::SIGNED.replace("{now}", "$2");
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        FACTS.replace("{signed}", &signed),
        [partner_id.into(), ctx.now().into()],
    );
    let facts = Facts::find_by_statement(statement)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let done = |step: OnboardingStep| match step {
        OnboardingStep::Profile => facts.profile > 0,
        OnboardingStep::Members => facts.members > 1,
        OnboardingStep::Agreement => facts.agreement > 0,
        OnboardingStep::Certification => facts.certified > 0,
        OnboardingStep::PayoutAccount => facts.account > 0,
        OnboardingStep::FirstDeal => facts.deals > 0,
    };
    Ok(OnboardingStep::ALL
        .iter()
        .map(|s| Step {
            step: *s,
            done: done(*s),
        })
        .collect())
}
