//! What an e-mail address says about the applicant. Hints for a person, never a decision.

crate::text_enum! {
    /// What was noticed about an e-mail address.
    pub enum MailHint {
        /// A mailbox anybody can have.
        FreeMail = "free_mail" => "Free mail address",
        /// A mailbox made to be thrown away.
        Disposable = "disposable" => "Disposable mail address",
        /// The address is not at the company's website.
        OtherDomain = "other_domain" => "Address is not at the company’s domain",
    }
}

/// Large free mail services. Sorted.
const FREE: &[&str] = &[
    "aol.com",
    "bluewin.ch",
    "fastmail.com",
    "free.fr",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hey.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.de",
    "hotmail.fr",
    "hotmail.it",
    "icloud.com",
    "inbox.lv",
    "laposte.net",
    "libero.it",
    "live.com",
    "live.de",
    "live.fr",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "naver.com",
    "o2.pl",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "pm.me",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "rediffmail.com",
    "seznam.cz",
    "t-online.de",
    "tutanota.com",
    "uol.com.br",
    "web.de",
    "wp.pl",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.de",
    "yahoo.fr",
    "yandex.com",
    "yandex.ru",
    "ymail.com",
    "zoho.com",
];

/// Services for addresses that last minutes. Sorted.
const DISPOSABLE: &[&str] = &[
    "10minutemail.com",
    "burnermail.io",
    "dispostable.com",
    "emailondeck.com",
    "fakeinbox.com",
    "getairmail.com",
    "getnada.com",
    "guerrillamail.com",
    "guerrillamail.net",
    "maildrop.cc",
    "mailinator.com",
    "mailnesia.com",
    "mailsac.com",
    "mintemail.com",
    "moakt.com",
    "mohmal.com",
    "mytemp.email",
    "sharklasers.com",
    "spam4.me",
    "spamgourmet.com",
    "temp-mail.io",
    "temp-mail.org",
    "tempail.com",
    "tempinbox.com",
    "tempmail.dev",
    "throwawaymail.com",
    "trashmail.com",
    "trashmail.de",
    "wegwerfemail.de",
    "yopmail.com",
    "yopmail.fr",
];

/// What is noticed about `address`. `company_domain` is the registrable domain of the website;
/// an address at a subdomain of it is at the company.
pub fn mail_hint(address: &str, company_domain: Option<&str>) -> Option<MailHint> {
    let domain = address
        .rsplit_once('@')?
        .1
        .trim()
        .trim_end_matches('.')
        .to_ascii_lowercase();
    let within = |list: &[&str]| suffixes(&domain).any(|part| list.binary_search(&part).is_ok());
    if within(DISPOSABLE) {
        return Some(MailHint::Disposable);
    }
    if within(FREE) {
        return Some(MailHint::FreeMail);
    }
    let company = company_domain?.to_ascii_lowercase();
    (!suffixes(&domain).any(|part| part == company)).then_some(MailHint::OtherDomain)
}

/// The domain and each of its parents.
fn suffixes(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |d| d.split_once('.').map(|(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_lists_can_be_searched() {
        assert!(FREE.is_sorted() && DISPOSABLE.is_sorted());
    }

    #[rstest]
    #[case("a@gmail.com", None, Some(MailHint::FreeMail))]
    #[case("a@GMX.de", Some("gmx.de"), Some(MailHint::FreeMail))]
    #[case("a@x.mailinator.com", None, Some(MailHint::Disposable))]
    #[case("a@acme.com", Some("acme.com"), None)]
    #[case("a@eu.acme.com", Some("acme.com"), None)]
    #[case("a@notacme.com", Some("acme.com"), Some(MailHint::OtherDomain))]
    #[case("a@acme.com", None, None)]
    #[case("no address", Some("acme.com"), None)]
    fn hints(#[case] address: &str, #[case] company: Option<&str>, #[case] hint: Option<MailHint>) {
        assert_eq!(mail_hint(address, company), hint);
    }
}
