//! Addresses: which are this machine's own, and whose word about clients is believed.

use std::net::IpAddr;
use std::str::FromStr;

/// An address, or a range of them such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    start: IpAddr,
    bits: u8,
}

impl AddressRange {
    /// Whether `address` is in the range. An IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.start, address.to_canonical()) {
            (IpAddr::V4(start), IpAddr::V4(address)) => {
                let drop = 32 - u32::from(self.bits);
                start.to_bits().checked_shr(drop) == address.to_bits().checked_shr(drop)
            }
            (IpAddr::V6(start), IpAddr::V6(address)) => {
                let drop = 128 - u32::from(self.bits);
                start.to_bits().checked_shr(drop) == address.to_bits().checked_shr(drop)
            }
            _ => false,
        }
    }
}

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let start: IpAddr = address
            .trim()
            .parse()
            .map_err(|_| format!("“{text}” is not an IP address or range"))?;
        let most: u8 = if start.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits
                .trim()
                .parse::<u8>()
                .ok()
                .filter(|bits| *bits <= most)
                .ok_or_else(|| format!("“{text}” must end in a number from 0 to {most}"))?,
        };
        Ok(Self { start, bits })
    }
}

/// Whether a URL's host is this machine and nothing else.
pub fn is_loopback_host(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("10.0.0.0/8", "10.200.3.4", true)]
    #[case("10.0.0.0/8", "11.0.0.1", false)]
    #[case("0.0.0.0/0", "203.0.113.9", true)]
    #[case("127.0.0.1", "127.0.0.1", true)]
    #[case("127.0.0.1", "::ffff:127.0.0.1", true)]
    #[case("127.0.0.1", "127.0.0.2", false)]
    #[case("fd00::/8", "fd12::1", true)]
    #[case("::/0", "2001:db8::1", true)]
    #[case("fd00::/8", "10.0.0.1", false)]
    fn inside_or_not(#[case] range: &str, #[case] address: IpAddr, #[case] inside: bool) {
        assert_eq!(
            AddressRange::from_str(range).map(|r| r.contains(address)),
            Ok(inside)
        );
    }

    #[rstest::rstest]
    #[case("10.0.0.0/33")]
    #[case("proxy")]
    #[case("10.0.0.0/")]
    fn no_range(#[case] text: &str) {
        assert!(AddressRange::from_str(text).is_err());
    }
}
