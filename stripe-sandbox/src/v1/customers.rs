//! Customers.

use serde_json::{Value, json};

use crate::context::Ctx;
use crate::fixtures::build;
use crate::form::{Params as _, assign};
use crate::respond::{Answer, ApiError, new_id, token};

const FIELDS: &[&str] = &[
    "address",
    "balance",
    "description",
    "email",
    "invoice_settings",
    "name",
    "phone",
    "preferred_locales",
    "shipping",
    "tax_exempt",
];

/// `POST /v1/customers`; a control call may bring the `id`.
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let id = params
        .text("id")
        .map_or_else(|| new_id("cus"), str::to_owned);
    let mut customer = build(
        "customer",
        json!({
            "id": id, "created": cx.at, "currency": null, "discount": null, "shipping": null,
            "invoice_prefix": token(8).to_ascii_uppercase(), "metadata": {},
        }),
    );
    assign(&mut customer, params, FIELDS)?;
    cx.state.put("customer", customer.clone());
    cx.emit("customer.created", &customer);
    Ok(customer)
}

/// `GET /v1/customers`
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let email = params.text("email");
    cx.list("customer", "/v1/customers", params, |customer| {
        customer["deleted"] != true && email.is_none_or(|wanted| customer["email"] == wanted)
    })
}

/// Seconds until a new customer is found by a search. Stripe says that data is searchable in less
/// than a minute, and that a search is not for reading what was just written.
const INDEXED_AFTER: i64 = 60;

/// `GET /v1/customers/search`: clauses such as `email~"@acme.com"` and `name:"Acme"`, joined by
/// `AND`.
pub fn search(cx: &Ctx<'_>, params: &Value) -> Answer {
    let query = params
        .text("query")
        .ok_or_else(|| ApiError::missing_param("query"))?;
    let clauses = query
        .split(" AND ")
        .map(clause)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| {
            let words = "We were unable to parse your search query. Check the syntax of the query.";
            ApiError::invalid(words, Some("query"))
        })?;
    let limit = params.integer("limit")?.unwrap_or(10).clamp(1, 100);
    let limit = usize::try_from(limit).unwrap_or(10);
    let from: usize = match params.text("page") {
        Some(page) => page
            .parse()
            .map_err(|_| ApiError::invalid("The page is not one of a search.", Some("page")))?,
        None => 0,
    };
    let found = cx.state.newest_first("customer", |customer| {
        let indexed = customer["created"]
            .as_i64()
            .is_some_and(|at| at + INDEXED_AFTER <= cx.at);
        customer["deleted"] != true && indexed && clauses.iter().all(|c| c.fits(customer))
    });
    let end = found.len().min(from.saturating_add(limit));
    let data: Vec<&Value> = found.get(from..end).unwrap_or_default().to_vec();
    let more = end < found.len();
    Ok(json!({
        "object": "search_result", "url": "/v1/customers/search", "data": data,
        "has_more": more, "next_page": more.then(|| end.to_string()),
    }))
}

/// One condition of a search.
struct Clause<'a> {
    field: &'a str,
    text: String,
    anywhere: bool,
}

impl Clause<'_> {
    /// Stripe compares texts without regard to case.
    fn fits(&self, customer: &Value) -> bool {
        let value = customer[self.field]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        match self.anywhere {
            true => value.contains(&self.text),
            false => value == self.text,
        }
    }
}

/// `email~"text"` or `name:'text'`; at least three characters for a part of a text.
fn clause(typed: &str) -> Option<Clause<'_>> {
    let typed = typed.trim();
    let at = typed.find([':', '~'])?;
    let (field, rest) = typed.split_at(at);
    let anywhere = rest.starts_with('~');
    let text = rest[1..].trim();
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let text = text
        .strip_prefix(quote)?
        .strip_suffix(quote)?
        .to_lowercase();
    let known = matches!(field.trim(), "email" | "name" | "phone");
    (known && (!anywhere || text.chars().count() >= 3)).then(|| Clause {
        field: field.trim(),
        text,
        anywhere,
    })
}

/// `GET /v1/customers/{id}`: a deleted one is answered as such.
pub fn retrieve(cx: &Ctx<'_>, id: &str) -> Answer {
    cx.load("customer", id)
}

/// `POST /v1/customers/{id}`
pub fn update(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    let mut customer = cx.load("customer", id)?;
    if customer["deleted"] == true {
        return Err(ApiError::no_such("customer", id));
    }
    let before = customer.clone();
    assign(&mut customer, params, FIELDS)?;
    cx.state.put("customer", customer.clone());
    let previous = changed(&before, &customer);
    cx.emit_change("customer.updated", &customer, previous);
    Ok(customer)
}

/// `DELETE /v1/customers/{id}`
pub fn delete(cx: &mut Ctx<'_>, id: &str) -> Answer {
    let customer = cx.load("customer", id)?;
    if customer["deleted"] == true {
        return Err(ApiError::no_such("customer", id));
    }
    let gone = build("deleted_customer", json!({"id": id}));
    cx.state.put("customer", gone.clone());
    cx.emit("customer.deleted", &customer);
    Ok(gone)
}

/// The old values of the fields that differ.
pub fn changed(before: &Value, after: &Value) -> Value {
    let old = before.as_object().into_iter().flatten();
    old.filter(|(key, value)| after.get(key.as_str()) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
