//! Transfers to connected accounts, and their reversals.

use serde_json::{Value, json};

use crate::context::{Ctx, int};
use crate::fixtures::build;
use crate::form::{Params as _, merge_metadata};
use crate::money;
use crate::respond::{Answer, ApiError, new_id};
use crate::v2::accounts::can_receive;

/// `POST /v1/transfers`
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    params.only(&[
        "amount",
        "currency",
        "destination",
        "transfer_group",
        "description",
        "metadata",
        "source_transaction",
        "source_type",
    ])?;
    let currency = money::currency(params)?;
    let destination = params.need_text("destination")?.to_owned();
    let amount = params.need_integer("amount")?;
    if amount < 1 {
        return Err(ApiError::invalid(
            "This value must be greater than or equal to 1.",
            Some("amount"),
        )
        .code("parameter_invalid_integer"));
    }
    check_destination(cx, &destination)?;
    let available = cx.state.balance.get(&currency).copied().unwrap_or(0);
    if available < amount {
        return Err(ApiError::refused(
            "balance_insufficient",
            format!(
                "You have insufficient available funds in your Stripe account: {} are available, \
                 {} are needed.",
                money::show(available, &currency),
                money::show(amount, &currency)
            ),
        ));
    }
    insert(cx, params, new_id("tr"), amount, &currency, &destination)
}

/// Makes the transfer after every check has passed.
pub fn insert(
    cx: &mut Ctx<'_>,
    params: &Value,
    id: String,
    amount: i64,
    currency: &str,
    destination: &str,
) -> Answer {
    if cx.platform() != cx.settings.platform_account {
        let owner = cx.platform().to_owned();
        cx.state.owners.insert(id.clone(), owner);
    }
    let payment = new_id("py");
    let transaction = cx.book("transfer", -amount, currency, &id);
    cx.book_account(destination, "payment", amount, currency, &payment);
    let mut transfer = build(
        "transfer",
        json!({
            "id": id, "amount": amount, "amount_reversed": 0, "currency": currency,
            "balance_transaction": transaction, "created": cx.at,
            "description": params.text("description"), "destination": destination,
            "destination_payment": payment, "metadata": {},
            "reversals": {"object": "list", "data": [], "has_more": false,
                          "url": format!("/v1/transfers/{id}/reversals")},
            "reversed": false, "source_transaction": params.text("source_transaction"),
            "source_type": params.text("source_type").unwrap_or("card"),
            "transfer_group": params.text("transfer_group"),
        }),
    );
    merge_metadata(&mut transfer, params);
    cx.state.put("transfer", transfer.clone());
    cx.emit("transfer.created", &transfer);
    Ok(transfer)
}

fn check_destination(cx: &Ctx<'_>, destination: &str) -> Result<(), ApiError> {
    let Some(account) = cx.state.get("v2.core.account", destination) else {
        return Err(ApiError::no_such_param(
            "destination",
            destination,
            "destination",
        ));
    };
    if account["closed"] == true {
        return Err(ApiError::refused(
            "account_closed",
            format!("The account '{destination}' has been closed."),
        )
        .param("destination"));
    }
    if !can_receive(account) {
        return Err(ApiError::refused(
            "insufficient_capabilities_for_transfer",
            "Your destination account needs to have at least one of the following capabilities \
             enabled: transfers, crypto_transfers, legacy_payments",
        )
        .param("destination"));
    }
    Ok(())
}

/// `GET /v1/transfers`
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let destination = params.text("destination");
    let group = params.text("transfer_group");
    cx.list("transfer", "/v1/transfers", params, |transfer| {
        cx.owns(transfer)
            && destination.is_none_or(|wanted| transfer["destination"] == wanted)
            && group.is_none_or(|wanted| transfer["transfer_group"] == wanted)
    })
}

/// `GET /v1/transfers/{id}`
pub fn retrieve(cx: &Ctx<'_>, id: &str) -> Answer {
    let transfer = cx.load("transfer", id)?;
    if cx.owns(&transfer) {
        return Ok(transfer);
    }
    Err(ApiError::no_such("transfer", id))
}

/// `POST /v1/transfers/{id}`
pub fn update(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    params.only(&["description", "metadata"])?;
    let mut transfer = cx.load("transfer", id)?;
    let before = json!({"description": transfer["description"], "metadata": transfer["metadata"]});
    if let Some(description) = params.get("description") {
        transfer["description"] = description.clone();
    }
    merge_metadata(&mut transfer, params);
    cx.state.put("transfer", transfer.clone());
    cx.emit_change("transfer.updated", &transfer, before);
    Ok(transfer)
}

/// `POST /v1/transfers/{id}/reversals`: all that is left, or `amount` of it.
pub fn reverse(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    params.only(&[
        "amount",
        "description",
        "metadata",
        "refund_application_fee",
    ])?;
    let mut transfer = cx.load("transfer", id)?;
    let before = int(&transfer["amount_reversed"]);
    let left = int(&transfer["amount"]) - before;
    let amount = params.integer("amount")?.unwrap_or(left);
    if left == 0 {
        return Err(ApiError::refused(
            "transfer_already_reversed",
            format!("Transfer {id} is already fully reversed."),
        ));
    }
    if amount < 1 {
        return Err(ApiError::invalid(
            "This value must be greater than or equal to 1.",
            Some("amount"),
        ));
    }
    let currency = transfer["currency"].as_str().unwrap_or_default().to_owned();
    if amount > left {
        return Err(ApiError::refused(
            "transfer_reversal_amount_too_large",
            format!(
                "Reversal amount ({}) is greater than the unreversed amount of the transfer ({}).",
                money::show(amount, &currency),
                money::show(left, &currency)
            ),
        )
        .param("amount"));
    }
    let destination = transfer["destination"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let held = cx
        .state
        .account_balances
        .get(&destination)
        .and_then(|balances| balances.get(&currency))
        .copied()
        .unwrap_or(0);
    if held < amount {
        return Err(ApiError::refused(
            "balance_insufficient",
            "The recipient's available balance is too low to reverse this transfer.",
        ));
    }
    let reversal_id = new_id("trr");
    let refund = new_id("pyr");
    let transaction = cx.book("transfer_refund", amount, &currency, &reversal_id);
    cx.book_account(&destination, "payment_refund", -amount, &currency, &refund);
    let mut reversal = build(
        "transfer_reversal",
        json!({
            "id": reversal_id, "amount": amount, "currency": currency, "created": cx.at,
            "balance_transaction": transaction, "destination_payment_refund": refund,
            "metadata": {}, "source_refund": null, "transfer": id,
        }),
    );
    merge_metadata(&mut reversal, params);
    cx.state.put("transfer_reversal", reversal.clone());
    let all = cx
        .state
        .newest_first("transfer_reversal", |known| known["transfer"] == id);
    let shown: Vec<Value> = all
        .iter()
        .take(10)
        .map(|reversal| (*reversal).clone())
        .collect();
    transfer["reversals"]["has_more"] = json!(all.len() > shown.len());
    transfer["reversals"]["data"] = json!(shown);
    transfer["amount_reversed"] = json!(before + amount);
    transfer["reversed"] = json!(amount == left);
    cx.state.put("transfer", transfer.clone());
    // Stripe sends transfer.reversed for partial reversals too.
    cx.emit_change(
        "transfer.reversed",
        &transfer,
        json!({"amount_reversed": before}),
    );
    Ok(reversal)
}

/// `GET /v1/transfers/{id}/reversals`
pub fn reversals(cx: &Ctx<'_>, id: &str, params: &Value) -> Answer {
    cx.load("transfer", id)?;
    let url = format!("/v1/transfers/{id}/reversals");
    cx.list("transfer_reversal", &url, params, |reversal| {
        reversal["transfer"] == id
    })
}
