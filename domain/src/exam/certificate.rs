//! Certificates: what counts on a day.

use chrono::{DateTime, Duration, Utc};

crate::text_enum! {
    /// What a certificate is worth.
    pub enum CertificateStatus {
        /// Counts.
        Valid = "valid" => "Valid",
        /// Expired, still counts for a while.
        Grace = "grace" => "Expired, in grace period",
        /// Does not count any more.
        Lapsed = "lapsed" => "Lapsed",
        /// Taken back by the vendor.
        Revoked = "revoked" => "Revoked",
    }
}

impl CertificateStatus {
    /// True while it opens what certification opens.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Valid | Self::Grace)
    }
}

/// The status at `now` of a certificate that expires at `expires_at`.
pub fn certificate_status(
    expires_at: DateTime<Utc>,
    grace_days: u32,
    revoked: bool,
    now: DateTime<Utc>,
) -> CertificateStatus {
    let lapses = expires_at.checked_add_signed(Duration::days(i64::from(grace_days)));
    if revoked {
        CertificateStatus::Revoked
    } else if now < expires_at {
        CertificateStatus::Valid
    } else if lapses.is_none_or(|lapses| now < lapses) {
        CertificateStatus::Grace
    } else {
        CertificateStatus::Lapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn the_days_of_a_certificate() {
        let expires = Utc.with_ymd_and_hms(2026, 5, 1, 0, 0, 0).unwrap();
        let on = |days| certificate_status(expires, 30, false, expires + Duration::days(days));
        assert_eq!(on(-1), CertificateStatus::Valid);
        assert_eq!(on(0), CertificateStatus::Grace);
        assert_eq!(on(29), CertificateStatus::Grace);
        assert_eq!(on(30), CertificateStatus::Lapsed);
        let revoked = certificate_status(expires, 30, true, expires - Duration::days(9));
        assert!(!revoked.counts());
    }
}
