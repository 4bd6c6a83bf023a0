//! Currencies that Stripe knows.

use crate::form::Params as _;
use crate::respond::ApiError;

/// Currency codes accepted, from Stripe's list of supported currencies.
const CURRENCIES: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd \
     bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur \
     fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr \
     kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn \
     nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek \
     sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf \
     xcd xcg xof xpf yer zar zmw";

/// UGX stands in Stripe's list of these too, but its amounts are passed in hundredths like those of
/// ISK (docs.stripe.com/currencies, "special cases").
const WITHOUT_MINOR_UNITS: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";

const THREE_DECIMALS: &str = "bhd jod kwd omr tnd";

/// Every currency code that is accepted, in lower case.
pub fn known() -> impl Iterator<Item = &'static str> {
    CURRENCIES.split_whitespace()
}

/// The currency parameter in lower case.
///
/// # Errors
/// 400 when it is missing or not a currency Stripe knows.
pub fn currency(params: &serde_json::Value) -> Result<String, ApiError> {
    let given = params.need_text("currency")?;
    let lower = given.to_ascii_lowercase();
    if known().any(|known| known == lower) {
        Ok(lower)
    } else {
        Err(ApiError::invalid(
            format!("Invalid currency: {given}."),
            Some("currency"),
        ))
    }
}

/// Digits after the point of a currency's amounts.
pub fn digits(currency: &str) -> u32 {
    if WITHOUT_MINOR_UNITS
        .split_whitespace()
        .any(|known| known == currency)
    {
        0
    } else if THREE_DECIMALS
        .split_whitespace()
        .any(|known| known == currency)
    {
        3
    } else {
        2
    }
}

/// An amount for a person, for example `12.34 EUR` or `500 JPY`.
pub fn show(amount: i64, currency: &str) -> String {
    let digits = digits(currency);
    let scale = 10_u64.pow(digits);
    let sign = if amount < 0 { "-" } else { "" };
    let absolute = amount.unsigned_abs();
    let code = currency.to_ascii_uppercase();
    match digits {
        0 => format!("{sign}{absolute} {code}"),
        _ => format!(
            "{sign}{}.{:0width$} {code}",
            absolute / scale,
            absolute % scale,
            width = digits as usize
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::show;

    #[test]
    fn amounts_follow_their_currency() {
        assert_eq!(show(1234, "eur"), "12.34 EUR");
        assert_eq!(show(-5, "usd"), "-0.05 USD");
        assert_eq!(show(500, "jpy"), "500 JPY");
        assert_eq!(show(1005, "kwd"), "1.005 KWD");
    }
}
