//! People: signing up and in, passwords, sessions, and who somebody is for a request.
//!
//! An address is confirmed before anybody signs in with it. What these calls say does not tell
//! whether an address is known: sign-up and forgotten passwords always answer "look into your mail",
//! and an unknown address takes as long to refuse as a wrong password.

mod account;
pub mod email;
pub mod password;
mod reset;
mod sign_in;
mod sign_up;
mod staff;
pub mod throttle;
pub mod token;
mod visitor;
mod waiting;

pub use account::{Profile, change_password, profile, update_profile};
pub use reset::{forgot_password, reset_password, reset_person};
pub use sign_in::{SignedIn, sign_in};
pub use sign_up::{SignUp, confirm_email, sign_up};
pub use staff::{
    StaffMember, add_staff, disable, enable, set_staff_role, staff_list, staff_member,
};
pub use visitor::{Membership, Visitor, actor_of, memberships, switch, visitor};
pub use waiting::{
    MOST_WAIT_HOURS, Waiting, confirm_role, may_approve_money, set_wait, wait, why_not,
};
