//! What makes two companies the same: registrable domains and company names.

mod company_name;
mod suffixes;

pub use suffixes::Suffixes;

pub use company_name::{SIMILAR_FROM, normalised_name, similar_names, similarity};

/// Why a web address or an e-mail address names no company. The sentence is for the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// Nothing that looks like a host.
    #[error("Enter the company’s web address, such as company.com.")]
    NotADomain,
    /// An IP address names no company.
    #[error("Enter the company’s domain instead of an IP address.")]
    IpAddress,
    /// Only a suffix under which others register, such as `co.uk`.
    #[error("That is an ending many companies share. Enter the company’s own domain.")]
    PublicSuffix,
    /// A mail service or an internet provider: anybody can have an address there.
    #[error("That is a mail service many companies use. Enter the company’s own domain.")]
    MailService,
    /// A social network, a page builder and the like.
    #[error(
        "That is a website under which many companies have a page. Enter the company’s own domain."
    )]
    SharedHost,
}

/// The registrable domain of a web address, an e-mail address or a host name: `acme.co.uk` of
/// `https://shop.acme.co.uk:8443/a?b` and of `ann@mail.acme.co.uk`. Lower case, in ASCII
/// (IDNA, UTS 46); by the public suffix list with its private part, so that `acme.github.io` is a
/// company of its own.
///
/// # Errors
/// A sentence when there is none.
pub fn registrable_domain(suffixes: &Suffixes, text: &str) -> Result<String, DomainError> {
    let host = ascii_host(text)?;
    registrable_part(suffixes, &host).map(str::to_owned)
}

/// The host in whatever was typed, lower case, in ASCII.
///
/// # Errors
/// A sentence when there is none.
pub(crate) fn ascii_host(text: &str) -> Result<String, DomainError> {
    let host = host_of(text.trim());
    let host = host.trim_end_matches('.');
    if host.is_empty() || host.len() > 1_000 {
        return Err(DomainError::NotADomain);
    }
    if host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok() {
        return Err(DomainError::IpAddress);
    }
    let ascii = idna::domain_to_ascii_strict(host).map_err(|_| DomainError::NotADomain)?;
    let ascii = ascii.trim_end_matches('.');
    if ascii.parse::<std::net::IpAddr>().is_ok() {
        return Err(DomainError::IpAddress);
    }
    Ok(ascii.to_owned())
}

/// The registrable part of a host in ASCII.
pub(crate) fn registrable_part<'a>(
    suffixes: &Suffixes,
    host: &'a str,
) -> Result<&'a str, DomainError> {
    // A top-level domain that is not on the list belongs to nobody yet.
    let suffix = match suffixes.suffix(host) {
        Some(suffix) => suffix,
        None if host.rsplit('.').next() == Some(MADE_UP) && host != MADE_UP => MADE_UP,
        None => return Err(DomainError::NotADomain),
    };
    let Some(before) = host.strip_suffix(suffix).and_then(|b| b.strip_suffix('.')) else {
        return Err(DomainError::PublicSuffix);
    };
    let label = before.rsplit('.').next().unwrap_or(before);
    if label.is_empty() {
        return Err(DomainError::NotADomain);
    }
    Ok(&host[host.len() - suffix.len() - 1 - label.len()..])
}

/// The top-level domain of companies that do not exist (RFC 2606): demonstrations and tests live
/// there, and nobody can own a name in it.
const MADE_UP: &str = "example";

/// A domain as people read it, with letters of any script: `xn--mller-kva.de` → `müller.de`.
pub fn readable(domain: &str) -> String {
    let (text, valid) = idna::domain_to_unicode(domain);
    if valid.is_ok() {
        text
    } else {
        domain.to_owned()
    }
}

/// The host in whatever was typed, as it stands.
fn host_of(text: &str) -> &str {
    let has_scheme = text.find("://");
    let rest = has_scheme.map_or(text, |at| &text[at + 3..]);
    let rest = rest.strip_prefix("mailto:").unwrap_or(rest);
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.starts_with('[') {
        return host;
    }
    host.split(':').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::Lists;
    use proptest::prelude::*;
    use rstest::rstest;

    fn registrable_domain(text: &str) -> Result<String, DomainError> {
        Lists::shipped().registrable(text)
    }

    #[rstest]
    #[case("acme.com", "acme.com")]
    #[case("https://www.Acme.com/", "acme.com")]
    #[case("http://shop.acme.co.uk:8443/a?b#c", "acme.co.uk")]
    #[case("ann@mail.acme.co.uk", "acme.co.uk")]
    #[case("mailto:ann@acme.com", "acme.com")]
    #[case("https://user:pw@acme.com", "acme.com")]
    #[case("acme.com.", "acme.com")]
    #[case("//acme.com/x", "acme.com")]
    #[case("müller.de", "xn--mller-kva.de")]
    #[case("MÜLLER.de", "xn--mller-kva.de")]
    #[case("xn--mller-kva.de", "xn--mller-kva.de")]
    #[case("a.b.例え.jp", "xn--r8jz45g.jp")]
    #[case("me.acme.github.io", "acme.github.io")]
    #[case("billing@shop.acme.example", "acme.example")]
    #[case("foo.bar.kawasaki.jp", "foo.bar.kawasaki.jp")]
    #[case("city.kawasaki.jp", "city.kawasaki.jp")]
    fn found(#[case] text: &str, #[case] domain: &str) {
        assert_eq!(registrable_domain(text).as_deref(), Ok(domain));
    }

    #[rstest]
    #[case("", DomainError::NotADomain)]
    #[case("acme", DomainError::NotADomain)]
    #[case("acme.notatld", DomainError::NotADomain)]
    #[case("co.uk", DomainError::PublicSuffix)]
    #[case("com", DomainError::PublicSuffix)]
    #[case("github.io", DomainError::PublicSuffix)]
    #[case("192.168.0.1", DomainError::IpAddress)]
    #[case("http://[::1]:80/", DomainError::IpAddress)]
    #[case("a b.com", DomainError::NotADomain)]
    #[case("-acme.com", DomainError::NotADomain)]
    #[case("a..com", DomainError::NotADomain)]
    fn refused(#[case] text: &str, #[case] error: DomainError) {
        assert_eq!(registrable_domain(text), Err(error));
    }

    #[test]
    fn people_read_their_own_letters() {
        assert_eq!(readable("xn--mller-kva.de"), "müller.de");
        assert_eq!(readable("acme.com"), "acme.com");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn found_once_is_found_again(text in "\\PC{0,40}|[a-zü0-9.-]{1,20}\\.(com|co\\.uk|de)") {
            if let Ok(domain) = registrable_domain(&text) {
                prop_assert_eq!(registrable_domain(&domain), Ok(domain.clone()));
                prop_assert!(domain.is_ascii() && domain.contains('.'));
                let with_path = format!("https://www.{domain}:443/path");
                prop_assert_eq!(registrable_domain(&with_path), Ok(domain));
            }
        }
    }
}
