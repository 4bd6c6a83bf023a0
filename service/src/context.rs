//! Who asks, when, and with which database: the first argument of every service call.

use domain::partner::{MemberRole, StaffRole};
use sea_orm::{DatabaseConnection, EntityTrait};

use crate::clock::Clock;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody signed in.
    Anonymous,
    /// Signed in, but neither staff nor (yet) a member of a partner: an applicant.
    Person {
        /// `person.id`.
        person_id: i64,
    },
    /// Acting for a partner organisation.
    Partner {
        /// `person.id`.
        person_id: i64,
        /// `partner.id`.
        partner_id: i64,
        /// What the person is in that organisation.
        role: MemberRole,
    },
    /// The vendor's own people.
    Staff {
        /// `person.id`.
        person_id: i64,
        /// What the person does.
        role: StaffRole,
    },
    /// The portal itself: workers, webhooks, the command line.
    System,
}

impl Actor {
    /// The person behind it, if there is one.
    pub fn person_id(&self) -> Option<i64> {
        match *self {
            Self::Person { person_id }
            | Self::Partner { person_id, .. }
            | Self::Staff { person_id, .. } => Some(person_id),
            Self::Anonymous | Self::System => None,
        }
    }
}

/// The first argument of every service call.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who asks.
    pub actor: Actor,
    /// Where things are kept.
    pub db: Db,
    /// When: fixed for the whole use case.
    pub clock: Clock,
    /// Ties log lines and audit rows to one request or job.
    pub request_id: String,
}

impl Context {
    /// A context for the portal's own work.
    pub fn system(db: &Db, clock: Clock, request_id: impl Into<String>) -> Self {
        Self {
            actor: Actor::System,
            db: db.clone(),
            clock,
            request_id: request_id.into(),
        }
    }

    /// Now, by the context's clock.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }

    /// For reads.
    pub fn reader(&self) -> &DatabaseConnection {
        self.db.reader()
    }

    /// Begins the use case's one write transaction.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(self.db.begin().await?)
    }

    /// The signed-in person.
    ///
    /// # Errors
    /// [`Error::NotFound`] for nobody: what needs a person does not exist for others.
    pub fn person(&self) -> Result<i64> {
        self.actor.person_id().ok_or(Error::NotFound)
    }

    /// The partner the actor acts for, with person and role.
    ///
    /// # Errors
    /// [`Error::NotFound`] for everyone else.
    pub fn partner(&self) -> Result<(i64, i64, MemberRole)> {
        match self.actor {
            Actor::Partner {
                person_id,
                partner_id,
                role,
            } => Ok((partner_id, person_id, role)),
            _ => Err(Error::NotFound),
        }
    }

    /// The partner, if the actor is its owner.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for other members, [`Error::NotFound`] for everyone else.
    pub fn owner(&self) -> Result<(i64, i64)> {
        match self.partner()? {
            (partner_id, person_id, MemberRole::Owner) => Ok((partner_id, person_id)),
            _ => Err(Error::Forbidden(
                "Only an owner of your organisation can do this. Ask one of them.".to_owned(),
            )),
        }
    }

    /// The partner whose earnings the actor may see: its own, unless the owner keeps them from the
    /// other members.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for members who may not, [`Error::NotFound`] for everyone else.
    pub async fn earnings_partner(&self) -> Result<i64> {
        let (partner_id, _, role) = self.partner()?;
        if role == MemberRole::Owner {
            return Ok(partner_id);
        }
        let partner = entity::partner::Entity::find_by_id(partner_id)
            .one(self.reader())
            .await?
            .ok_or(Error::NotFound)?;
        if partner.members_see_earnings {
            return Ok(partner_id);
        }
        Err(Error::Forbidden(
            "The owner of your organisation keeps its earnings to the owners.".to_owned(),
        ))
    }

    /// Staff who may change what `allowed` names; admins may do a manager's and finance's work too.
    ///
    /// # Errors
    /// [`Error::NotFound`] for people outside the vendor, [`Error::Forbidden`] for other staff.
    pub fn staff(&self, allowed: StaffRole) -> Result<i64> {
        match self.actor {
            Actor::Staff { person_id, role } if role == allowed || role == StaffRole::Admin => {
                Ok(person_id)
            }
            Actor::Staff { role, .. } => Err(Error::Forbidden(format!(
                "This is for the role “{}”; yours is “{}”. Ask an admin if that should change.",
                allowed.label(),
                role.label()
            ))),
            _ => Err(Error::NotFound),
        }
    }

    /// What admins look at, and auditors with them.
    ///
    /// # Errors
    /// [`Error::NotFound`] for people outside the vendor, [`Error::Forbidden`] for other staff.
    pub fn admin_reads(&self) -> Result<i64> {
        match self.actor {
            Actor::Staff {
                person_id,
                role: StaffRole::Auditor,
            } => Ok(person_id),
            _ => self.staff(StaffRole::Admin),
        }
    }

    /// Any staff: who may read everything of the vendor's side, auditors included.
    ///
    /// # Errors
    /// [`Error::NotFound`] for people outside the vendor.
    pub fn any_staff(&self) -> Result<(i64, StaffRole)> {
        match self.actor {
            Actor::Staff { person_id, role } => Ok((person_id, role)),
            _ => Err(Error::NotFound),
        }
    }
}
