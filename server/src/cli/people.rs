//! `portico user`: how the first administrator comes in.

use std::io::BufRead;

use clap::Subcommand;
use domain::partner::StaffRole;

use super::{Failure, context, said};

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Adds a person of the vendor, or makes a known one staff
    ///
    /// Without --password-stdin the person gets a mail with a link to choose a password.
    Add {
        /// The address the person signs in with
        #[arg(long)]
        email: String,
        /// The person's name
        #[arg(long)]
        name: String,
        /// manager, finance, admin or auditor
        #[arg(long, value_parser = role)]
        role: StaffRole,
        /// Reads the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Sets how long a new role in finance or administration waits before it counts for approving money
    ///
    /// Only here: an administrator who could shorten it could do without the second person. Roles given
    /// with `user add` count at once.
    Wait {
        /// From 0 to 744
        #[arg(long)]
        hours: i64,
    },
}

fn role(text: &str) -> Result<StaffRole, String> {
    text.parse().map_err(|_| {
        let known: Vec<&str> = StaffRole::ALL.iter().map(|role| role.as_str()).collect();
        format!("choose one of {}", known.join(", "))
    })
}

impl User {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (email, name, role, password_stdin) = match self {
            Self::Add {
                email,
                name,
                role,
                password_stdin,
            } => (email, name, role, password_stdin),
            Self::Wait { hours } => {
                let ctx = context().await?;
                service::identity::set_wait(&ctx, hours)
                    .await
                    .map_err(said)?;
                println!(
                    "A new role in finance or administration waits {hours} hours from now on."
                );
                return Ok(());
            }
        };
        let password = if password_stdin {
            let mut line = String::new();
            std::io::stdin()
                .lock()
                .read_line(&mut line)
                .map_err(|error| format!("standard input cannot be read: {error}"))?;
            let password = line.trim_end_matches(['\r', '\n']).to_owned();
            if password.is_empty() {
                return Err("standard input has no password in its first line.".to_owned());
            }
            Some(password)
        } else {
            None
        };
        let ctx = context().await?;
        service::identity::add_staff(&ctx, &name, &email, role, password.as_deref())
            .await
            .map_err(said)?;
        let role = role.label();
        match password {
            Some(_) => println!("{email} can sign in now ({role})."),
            None => println!(
                "{email} was added ({role}). A running portal sends the mail to choose a password."
            ),
        }
        println!("The role counts at once, for approving money too; colleagues are told by mail.");
        Ok(())
    }
}
