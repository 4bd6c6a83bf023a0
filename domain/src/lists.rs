//! Domains that say nothing about a company: mail services, addresses that are thrown away, websites
//! under which many have a page, and endings under which others register.
//!
//! The lists are data, with source, date and licence in `domain/data`; a newer one can take the place
//! of each, and what a person has decided about a domain goes before all of them.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, LazyLock};

use crate::application::MailHint;
use crate::registrable::{DomainError, Suffixes, ascii_host, registrable_domain, registrable_part};

crate::text_enum! {
    /// Why a domain does not stand for one company.
    pub enum ListKind {
        /// Anybody can have an address there: free mail, internet providers.
        Mailbox = "mailbox" => "Mail service",
        /// Addresses there are made to be thrown away.
        Disposable = "disposable" => "Throw-away mail",
        /// Many companies have a page, a shop or a mailbox under it.
        SharedHost = "shared_host" => "Website many companies share",
    }
}

/// Domains of one kind, lower case, in ASCII.
pub type Names = HashSet<String>;

/// See the module.
#[derive(Debug, Clone)]
pub struct Lists {
    /// The public suffix list.
    pub suffixes: Arc<Suffixes>,
    /// Of [`ListKind::Mailbox`].
    pub mailboxes: Arc<Names>,
    /// Of [`ListKind::Disposable`].
    pub disposable: Arc<Names>,
    /// Of [`ListKind::SharedHost`]; the only ones that may be more than a registrable domain.
    pub shared_hosts: Arc<Names>,
    /// What people have decided, whatever the lists say; none is “one company's own”.
    pub decided: BTreeMap<String, Option<ListKind>>,
}

/// The lists that came with this version, as text.
pub const SHIPPED: [(&str, &str); 4] = [
    ("public_suffix", include_str!("../data/public-suffixes.dat")),
    ("mailbox", include_str!("../data/mailboxes.txt")),
    ("disposable", include_str!("../data/disposable.txt")),
    ("shared_host", include_str!("../data/shared-hosts.txt")),
];

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let names = |at: usize| Arc::new(parse_names(SHIPPED[at].1).unwrap_or_default());
    // A test reads the files that are compiled in. Without any suffix nothing would be a company.
    Lists {
        suffixes: Arc::new(Suffixes::parse(SHIPPED[0].1).unwrap_or_default()),
        mailboxes: names(1),
        disposable: names(2),
        shared_hosts: names(3),
        decided: BTreeMap::new(),
    }
});

impl Lists {
    /// Those that came with this version.
    pub fn shipped() -> &'static Self {
        &LISTS
    }

    /// The registrable domain of a web address, an e-mail address or a host name, whoever it stands
    /// for; see [`registrable_domain`].
    ///
    /// # Errors
    /// A sentence when there is none.
    pub fn registrable(&self, text: &str) -> Result<String, DomainError> {
        registrable_domain(&self.suffixes, text)
    }

    /// The registrable domain that stands for one company: an account is keyed by it, and a customer
    /// whose address is there is the company's.
    ///
    /// # Errors
    /// A sentence when there is none, and when many share it.
    pub fn company(&self, text: &str) -> Result<String, DomainError> {
        let domain = self.registrable(text)?;
        match self.kind(text) {
            None => Ok(domain),
            Some(ListKind::SharedHost) => Err(DomainError::SharedHost),
            Some(ListKind::Mailbox | ListKind::Disposable) => Err(DomainError::MailService),
        }
    }

    /// The host in whatever was typed, at least a registrable domain: what a list can name.
    ///
    /// # Errors
    /// A sentence when there is none.
    pub fn host(&self, text: &str) -> Result<String, DomainError> {
        let host = ascii_host(text)?;
        registrable_part(&self.suffixes, &host)?;
        Ok(host)
    }

    /// Why the host of a web address or an e-mail address does not stand for one company; none where
    /// nothing is known against it. What is said of a name holds for everything below it, up to the
    /// registrable domain: a suffix by mistake on a list condemns nobody.
    pub fn kind(&self, text: &str) -> Option<ListKind> {
        let host = ascii_host(text).ok()?;
        let whole = registrable_part(&self.suffixes, &host).ok()?.len();
        let mut name = host.as_str();
        loop {
            if let Some(decided) = self.decided.get(name) {
                return *decided;
            }
            if let Some(kind) = self.listed(name) {
                return Some(kind);
            }
            name = match name.split_once('.') {
                Some((_, parent)) if parent.len() >= whole => parent,
                _ => return None,
            };
        }
    }

    fn listed(&self, name: &str) -> Option<ListKind> {
        let on = [
            (&self.disposable, ListKind::Disposable),
            (&self.mailboxes, ListKind::Mailbox),
            (&self.shared_hosts, ListKind::SharedHost),
        ];
        on.into_iter()
            .find(|(names, _)| names.contains(name))
            .map(|(_, kind)| kind)
    }

    /// What is noticed about an e-mail address. `company_domain` is the registrable domain of the
    /// website; an address at a subdomain of it is at the company. A hint for a person, never a
    /// decision.
    pub fn mail_hint(&self, address: &str, company_domain: Option<&str>) -> Option<MailHint> {
        let domain = address.rsplit_once('@')?.1.trim().trim_end_matches('.');
        match self.kind(domain) {
            Some(ListKind::Disposable) => return Some(MailHint::Disposable),
            Some(ListKind::Mailbox) => return Some(MailHint::FreeMail),
            Some(ListKind::SharedHost) | None => {}
        }
        let (domain, company) = (
            domain.to_ascii_lowercase(),
            company_domain?.to_ascii_lowercase(),
        );
        let below = domain
            .strip_suffix(company.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        (!below).then_some(MailHint::OtherDomain)
    }
}

/// Reads a list of domains: one a line, or a JSON list of texts; `#` and `//` begin a comment.
///
/// # Errors
/// A sentence when more than one in a hundred is no domain: it is another file then.
pub fn parse_names(text: &str) -> Result<Names, String> {
    let mut names = Names::new();
    let (mut wrong, mut first) = (0_usize, None);
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let line = line.split("//").next().unwrap_or_default();
        for typed in line.split([',', ' ', '\t', '[', ']', '"', '\'', '\r']) {
            if typed.is_empty() {
                continue;
            }
            match name(typed) {
                Some(name) => {
                    names.insert(name);
                }
                None => {
                    wrong += 1;
                    first = first.or(Some(typed));
                }
            }
        }
    }
    match first {
        Some(typed) if wrong * 100 > names.len() => {
            let typed: String = typed.chars().take(60).collect();
            Err(format!(
                "“{typed}” is no domain: this is no list of domains."
            ))
        }
        _ => Ok(names),
    }
}

/// A domain as lists keep it.
fn name(typed: &str) -> Option<String> {
    let typed = typed.trim_start_matches("*.").trim_matches(['.', '@']);
    let name = match typed.is_ascii() {
        true => typed.to_ascii_lowercase(),
        false => idna::domain_to_ascii(typed).ok()?,
    };
    let part = |part: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !part.is_empty() && part.bytes().all(inner)
    };
    let top = name.rsplit('.').next()?;
    let letters = top.bytes().any(|b| b.is_ascii_alphabetic());
    (name.contains('.') && letters && name.split('.').all(part)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn what_comes_with_this_version_can_be_read() {
        let lists = Lists::shipped();
        assert!(Suffixes::parse(SHIPPED[0].1).is_ok_and(|s| s.len() > 9_000));
        assert!(lists.mailboxes.len() > 5_000 && lists.disposable.len() > 10_000);
        assert!(lists.shared_hosts.len() > 200);
        for (kind, text) in SHIPPED {
            assert!(
                kind == "public_suffix" || parse_names(text).is_ok(),
                "{kind}"
            );
            assert!(
                text.contains("icence") || text.contains("License"),
                "{kind} names its licence"
            );
            assert!(text.contains("2026-"), "{kind} says its date");
        }
    }

    #[rstest]
    #[case("acme.com", Ok("acme.com"))]
    #[case("https://acme.github.io/shop", Ok("acme.github.io"))]
    #[case("https://google.com", Ok("google.com"))]
    #[case("163.com", Err(DomainError::MailService))]
    #[case("x@comcast.net", Err(DomainError::MailService))]
    #[case("mail.btinternet.com", Err(DomainError::MailService))]
    #[case("hotmail.es", Err(DomainError::MailService))]
    #[case("yahoo.it", Err(DomainError::MailService))]
    #[case("freenet.de", Err(DomainError::MailService))]
    #[case("bk.ru", Err(DomainError::MailService))]
    #[case("onet.pl", Err(DomainError::MailService))]
    #[case("sfr.fr", Err(DomainError::MailService))]
    #[case("bigpond.com", Err(DomainError::MailService))]
    #[case("vodafone.de", Err(DomainError::MailService))]
    #[case("x.mailinator.com", Err(DomainError::MailService))]
    #[case("facebook.com/shop-a", Err(DomainError::SharedHost))]
    #[case("https://www.instagram.com/acme", Err(DomainError::SharedHost))]
    #[case("linktr.ee/acme", Err(DomainError::SharedHost))]
    #[case("https://sites.google.com/view/acme", Err(DomainError::SharedHost))]
    #[case("acme.onmicrosoft.com", Err(DomainError::SharedHost))]
    #[case("co.uk", Err(DomainError::PublicSuffix))]
    fn a_company_has_a_domain_of_its_own(
        #[case] typed: &str,
        #[case] expected: Result<&str, DomainError>,
    ) {
        assert_eq!(Lists::shipped().company(typed), expected.map(str::to_owned));
    }

    #[test]
    fn what_a_person_decided_goes_before_the_lists() {
        let mut lists = Lists::shipped().clone();
        lists.decided.insert("sky.com".to_owned(), None);
        lists
            .decided
            .insert("acme.com".to_owned(), Some(ListKind::SharedHost));
        assert_eq!(lists.company("x@mail.sky.com").as_deref(), Ok("sky.com"));
        assert_eq!(lists.company("shop.acme.com"), Err(DomainError::SharedHost));
        assert_eq!(lists.company("gmail.com"), Err(DomainError::MailService));
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
        assert_eq!(Lists::shipped().mail_hint(address, company), hint);
    }

    #[test]
    fn lists_are_read_as_lines_and_as_json() {
        let lines = parse_names("# free mail\nGmail.com\n\n*.müller.de // so\n").expect("lines");
        assert_eq!(lines.len(), 2, "{lines:?}");
        let json = parse_names("[\"gmail.com\",\n  \"gmx.de\"]").expect("JSON");
        assert!(json.contains("gmx.de") && json.len() == 2);
        assert!(parse_names("<html><body>Not found</body></html>").is_err());
        assert!(parse_names("").expect("empty").is_empty());
    }
}
