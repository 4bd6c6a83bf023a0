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
