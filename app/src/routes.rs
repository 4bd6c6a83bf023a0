//! Every address, who may see it, and the guard that makes it so.
//!
//! The table is data: a test walks [`Routes::table`] and tries each row as everybody.

mod guard;

pub(crate) use self::guard::random;

use self::guard::guard;
use crate::{
    page::{PageError, PageResult},
    shell,
    state::AppState,
};
use axum::{
    Extension, Router,
    extract::Request,
    handler::Handler,
    http::Method,
    middleware::{Next, from_fn},
    routing::{MethodRouter, any, get, post},
};
use std::collections::HashSet;

/// Who may use an address. What a person may do to one record is the service's to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everybody.
    Public,
    /// Everybody who is signed in.
    SignedIn,
    /// Members of a partner organisation.
    Partner,
    /// Its owners; other members are told to ask one.
    PartnerOwner,
    /// Partner managers and admins.
    Manager,
    /// Finance and admins.
    Finance,
    /// Admins.
    Admin,
    /// All of the vendor's staff.
    Staff,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path with `{parameters}`.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// Whether Stripe is asked before it answers, so that it may take as long as Stripe does.
    pub asks_stripe: bool,
}

/// A list of addresses with their handlers.
#[derive(Default)]
pub struct Routes {
    table: Vec<Route>,
    router: Router<AppState>,
}

impl Routes {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A page.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(Method::GET, path, access, get(handler))
    }

    /// A way on, to which Stripe is asked first: it keeps nobody else from their pages meanwhile.
    #[must_use]
    pub fn get_by_stripe<H, T>(mut self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self = self.get(path, access, handler);
        if let Some(route) = self.table.last_mut() {
            route.asks_stripe = true;
        }
        self
    }

    /// A change. Urlencoded or multipart is the handler's extractor's matter
    /// ([`crate::page::Form`], [`crate::page::Upload`]).
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(Method::POST, path, access, post(handler))
    }

    fn add(
        mut self,
        method: Method,
        path: &'static str,
        access: Access,
        handler: MethodRouter<AppState>,
    ) -> Self {
        let guarded = handler.layer(from_fn(move |request: Request, next: Next| {
            guard(access, request, next)
        }));
        self.router = self.router.route(path, guarded);
        self.table.push(Route {
            method,
            path,
            access,
            asks_stripe: false,
        });
        self
    }

    /// These and others.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.table.extend(other.table);
        self.router = self.router.merge(other.router);
        self
    }

    /// Every address with its method and who may use it.
    #[must_use]
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// The router, complete with the page for everything else.
    pub fn into_router(self, state: AppState) -> Router {
        let paths: HashSet<&'static str> = self
            .table
            .iter()
            .filter(|r| r.method == Method::GET)
            .map(|r| r.path)
            .collect();
        state.set_paths(paths);
        let lost: MethodRouter<AppState> =
            any(lost).layer(from_fn(|request: Request, next: Next| {
                guard(Access::Public, request, next)
            }));
        self.router
            .fallback(lost)
            .layer(Extension(state.clone()))
            .with_state(state)
    }
}

async fn lost() -> PageResult {
    Err(PageError::NotFound)
}

/// Every address of the portal's pages.
#[must_use]
pub fn all() -> Routes {
    Routes::new()
        .merge(shell::routes())
        .merge(crate::islands::server::routes())
        .merge(crate::public::routes())
        .merge(crate::auth::routes())
        .merge(crate::apply::routes())
        .merge(crate::account::routes())
        .merge(crate::manager::routes())
        .merge(crate::partner::routes())
        .merge(crate::finance::routes())
        .merge(crate::admin::routes())
}
