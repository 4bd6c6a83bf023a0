//! From text to a checked [`Config`].

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::TimeDelta;
use service::job::CLAIM;
use stripe_gateway::webhook::{Destination, Secrets};
use url::Url;

use super::{AddressRange, Config, LogFormat, Mail, Problems, Secret, Stripe, is_loopback_host};

/// The folder for mail when the demonstration is told nothing.
const DEMO_MAIL_DIR: &str = "mail";
/// The sender when none is needed.
const LOCAL_SENDER: &str = "Portico <portico@localhost>";

/// The variables and what was wrong with them so far.
struct Reader<F> {
    lookup: F,
    problems: Vec<String>,
    /// `PORTICO_DEMO` says neither yes nor no: what follows from it is not judged.
    unclear: bool,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    /// A variable's text; unset, empty and blank are the same.
    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .map(|v| v.trim().to_owned())
            .filter(|v| !v.is_empty())
    }

    fn problem(&mut self, sentence: impl Into<String>) {
        self.problems.push(sentence.into());
    }

    fn demo(&mut self) -> bool {
        match self
            .text("PORTICO_DEMO")
            .as_deref()
            .map(str::to_lowercase)
            .as_deref()
        {
            None | Some("0" | "false" | "no" | "off") => false,
            Some("1" | "true" | "yes" | "on") => true,
            Some(other) => {
                self.unclear = true;
                self.problem(format!("PORTICO_DEMO is “{other}”: set it to 1 or 0."));
                false
            }
        }
    }

    fn database(&mut self) -> Secret {
        match database_url(self.text("DATABASE_URL")) {
            Ok(url) => url,
            Err(sentence) => {
                self.problem(sentence);
                Secret::new("")
            }
        }
    }

    fn addr(&mut self) -> SocketAddr {
        let text = self
            .text("PORTICO_ADDR")
            .unwrap_or_else(|| "127.0.0.1:3000".to_owned());
        text.replace("localhost:", "127.0.0.1:")
            .parse()
            .unwrap_or_else(|_| {
                self.problem(format!(
                    "PORTICO_ADDR is “{text}”: set it to an IP address and a port, such as \
                 127.0.0.1:3000."
                ));
                SocketAddr::from(([127, 0, 0, 1], 3000))
            })
    }

    fn base_url(&mut self, addr: SocketAddr) -> Url {
        let fallback: Url = format!("http://{addr}")
            .parse()
            .unwrap_or_else(|_| loopback_url());
        let Some(text) = self.text("PORTICO_BASE_URL") else {
            if !addr.ip().is_loopback() {
                self.problem(format!(
                    "PORTICO_BASE_URL is not set, and PORTICO_ADDR is {addr}: set it to the \
                     address people type, such as https://partners.example.com."
                ));
            }
            return fallback;
        };
        let url = match Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
            _ => {
                self.problem(format!(
                    "PORTICO_BASE_URL is “{text}”: it must begin with https:// and name a host."
                ));
                return fallback;
            }
        };
        if url.scheme() == "http" && !is_loopback_host(&url) {
            self.problem(format!(
                "PORTICO_BASE_URL is “{text}”: outside this machine it must begin with https://, \
                 because sign-ins would travel in the clear."
            ));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            self.problem(format!(
                "PORTICO_BASE_URL is “{text}”: remove what follows the host; the portal lives at \
                 the root of its own host."
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            self.problem("PORTICO_BASE_URL has a user or password in it: remove them.");
        }
        url
    }

    fn mail(&mut self, demo: bool) -> Mail {
        let from = self.text("PORTICO_MAIL_FROM");
        if from.as_ref().is_some_and(|from| !from.contains('@')) {
            self.problem("PORTICO_MAIL_FROM must be a mail address, such as partners@example.com.");
        }
        let sender = from.clone().unwrap_or_else(|| LOCAL_SENDER.to_owned());
        match (self.text("PORTICO_MAIL_DIR"), self.text("SMTP_URL")) {
            (Some(_), Some(_)) => {
                self.problem(
                    "PORTICO_MAIL_DIR and SMTP_URL are both set: keep SMTP_URL to send mail, or \
                     PORTICO_MAIL_DIR to write it into a folder.",
                );
            }
            (Some(dir), None) => {
                return Mail::Dir {
                    dir: dir.into(),
                    from: sender,
                };
            }
            (None, Some(url)) => {
                self.smtp(&url);
                if from.is_none() {
                    self.problem(
                        "SMTP_URL is set without PORTICO_MAIL_FROM: set the address mail comes \
                         from, such as partners@example.com.",
                    );
                }
                return Mail::Smtp {
                    url: Secret::new(url),
                    from: sender,
                };
            }
            (None, None) if demo || self.unclear => {}
            (None, None) => self.problem(
                "Neither SMTP_URL nor PORTICO_MAIL_DIR is set: nobody could confirm an address or \
                 set a password. Set SMTP_URL to your mail server.",
            ),
        }
        Mail::Dir {
            dir: DEMO_MAIL_DIR.into(),
            from: sender,
        }
    }

    fn smtp(&mut self, text: &str) {
        match Url::parse(text) {
            Ok(url) if url.scheme() == "smtps" && url.has_host() => {}
            Ok(url) if url.scheme() == "smtp" && url.has_host() => {
                let encrypted = url
                    .query_pairs()
                    .any(|(k, v)| k == "tls" && v == "required");
                if !encrypted && !is_loopback_smtp(&url) {
                    self.problem(
                        "SMTP_URL is smtp:// without encryption: use smtps://, or add \
                         ?tls=required.",
                    );
                }
            }
            _ => self.problem("SMTP_URL must begin with smtps:// or smtp:// and name a host."),
        }
    }

    fn stripe(&mut self, demo: bool) -> Stripe {
        let key = self.text("STRIPE_SECRET_KEY").unwrap_or_default();
        let live = stripe_gateway::is_live(&key);
        let test = key.starts_with("sk_test_") || key.starts_with("rk_test_");
        if key.is_empty() {
            self.problem(
                "STRIPE_SECRET_KEY is not set: set it to the platform's secret key, sk_test_… to \
                 try things out.",
            );
        } else if !live && !test {
            self.problem(
                "STRIPE_SECRET_KEY is not a secret key: it must begin with sk_test_, rk_test_, \
                 sk_live_ or rk_live_.",
            );
        }
        if demo && live {
            self.problem(
                "PORTICO_DEMO is on and STRIPE_SECRET_KEY is a live key: a demonstration could \
                 move real money. Use a test key, or turn PORTICO_DEMO off.",
            );
        }
        let api_base = self.api_base();
        if live
            && api_base
                .as_ref()
                .is_some_and(|base| base.host_str() != Some("api.stripe.com"))
        {
            self.problem(
                "STRIPE_API_BASE is not Stripe's and STRIPE_SECRET_KEY is a live key: remove \
                 STRIPE_API_BASE, or use a test key, so that the live key stays with Stripe.",
            );
        }
        let (webhook_secrets, secrets_by_place) = self.webhook_secrets(demo);
        Stripe {
            secret_key: Secret::new(key),
            webhook_secrets,
            secrets_by_place,
            api_base,
        }
    }

    /// The secrets by kind, and whether they had to be told apart by their places.
    fn webhook_secrets(&mut self, demo: bool) -> (Secrets<Secret>, bool) {
        let mut of = |kind: Destination| self.secrets_of(kind.setting());
        let mut secrets = Secrets {
            platform: of(Destination::Platform),
            connect: of(Destination::Connect),
            thin: of(Destination::Thin),
        };
        if secrets.platform.is_empty() && !demo && !self.unclear {
            self.problem(
                "STRIPE_WEBHOOK_SECRET is not set: without it nobody can tell Stripe's events from \
                 forged ones. Copy whsec_… from the webhook endpoint in the Stripe dashboard.",
            );
        }
        let mut all: Vec<&str> = secrets
            .kinds()
            .iter()
            .flat_map(|(_, s)| *s)
            .map(Secret::reveal)
            .collect();
        let several = all.len();
        all.sort_unstable();
        all.dedup();
        if all.len() < several {
            self.problem(
                "The same signing secret is given twice: every destination at Stripe has a secret \
                 of its own. Copy each from its own page in the Stripe dashboard.",
            );
        }
        let by_place =
            secrets.connect.is_empty() && secrets.thin.is_empty() && secrets.platform.len() > 1;
        match secrets.platform.len() {
            _ if !by_place => {}
            2 => secrets.thin.extend(secrets.platform.pop()),
            _ => self.problem(
                "STRIPE_WEBHOOK_SECRET has more than two secrets, and nothing says what each is \
                 for: give those of the event destination for thin events in \
                 STRIPE_THIN_WEBHOOK_SECRET and those of the endpoint for connected accounts in \
                 STRIPE_CONNECT_WEBHOOK_SECRET.",
            ),
        }
        (secrets, by_place)
    }

    /// The signing secrets in a setting.
    fn secrets_of(&mut self, setting: &'static str) -> Vec<Secret> {
        let text = self.text(setting).unwrap_or_default();
        let secrets: Vec<&str> = text
            .split(',')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .collect();
        if secrets
            .iter()
            .any(|s| !s.starts_with("whsec_") || s.len() < "whsec_".len() + 8)
        {
            self.problem(format!(
                "{setting} has a value that is no signing secret: each begins with whsec_, and \
                 commas separate them."
            ));
        }
        secrets.into_iter().map(Secret::new).collect()
    }

    fn api_base(&mut self) -> Option<Url> {
        let text = self.text("STRIPE_API_BASE")?;
        match Url::parse(&text) {
            Ok(url) if url.scheme() == "https" && url.has_host() => Some(url),
            Ok(url) if url.scheme() == "http" && is_loopback_host(&url) => Some(url),
            Ok(url) if url.scheme() == "http" => {
                self.problem(format!(
                    "STRIPE_API_BASE is “{text}”: outside this machine it must begin with \
                     https://, because the secret key travels with every call."
                ));
                None
            }
            _ => {
                self.problem(format!(
                    "STRIPE_API_BASE is “{text}”: it must be an address such as \
                     http://127.0.0.1:12111. Remove it to use Stripe itself."
                ));
                None
            }
        }
    }

    fn site(&mut self) -> Option<PathBuf> {
        let named = self.text("PORTICO_SITE");
        let dir = PathBuf::from(named.as_deref().unwrap_or("site"));
        match (std::fs::read_dir(&dir), named) {
            (Ok(_), _) => Some(dir),
            (Err(_), None) => None,
            (Err(error), Some(named)) => {
                self.problem(format!(
                    "PORTICO_SITE is “{named}”, which cannot be read ({error}): build the site \
                     first, or name the folder that holds it."
                ));
                None
            }
        }
    }

    fn log(&mut self) -> LogFormat {
        match self.text("PORTICO_LOG").as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                self.problem(format!("PORTICO_LOG is “{other}”: set it to json or text."));
                LogFormat::Text
            }
        }
    }

    fn trusted_proxies(&mut self) -> Vec<AddressRange> {
        let text = self.text("PORTICO_TRUSTED_PROXY").unwrap_or_default();
        let mut ranges = Vec::new();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            match part.parse() {
                Ok(range) => ranges.push(range),
                Err(why) => self.problem(format!(
                    "PORTICO_TRUSTED_PROXY: {why}. Write it as 10.0.0.0/8, with commas between \
                     several."
                )),
            }
        }
        ranges
    }

    fn workers(&mut self) -> usize {
        let Some(text) = self.text("PORTICO_WORKERS") else {
            return 2;
        };
        text.parse().ok().filter(|n| *n <= 64).unwrap_or_else(|| {
            self.problem(format!(
                "PORTICO_WORKERS is “{text}”: set it to a number from 0 to 64."
            ));
            2
        })
    }

    fn claim(&mut self, demo: bool) -> TimeDelta {
        let Some(text) = self.text("PORTICO_CLAIM_SECONDS") else {
            return CLAIM;
        };
        // A call to Stripe may take twenty seconds: who has real work to do must not lose its claim
        // over one.
        let least: i64 = if demo || self.unclear { 2 } else { 60 };
        let seconds = text.parse().ok().filter(|s| (least..=3600).contains(s));
        seconds.map(TimeDelta::seconds).unwrap_or_else(|| {
            self.problem(format!(
                "PORTICO_CLAIM_SECONDS is “{text}”: set it to a number from {least} to 3600, or \
                 remove it."
            ));
            CLAIM
        })
    }
}

impl Config {
    /// Reads and checks variables from anywhere.
    ///
    /// # Errors
    /// [`Problems`] with a sentence for each thing to change.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let mut reader = Reader {
            lookup,
            problems: Vec::new(),
            unclear: false,
        };
        let demo = reader.demo();
        let addr = reader.addr();
        let config = Self {
            database_url: reader.database(),
            addr,
            base_url: reader.base_url(addr),
            demo,
            mail: reader.mail(demo),
            stripe: reader.stripe(demo),
            site: reader.site(),
            log: reader.log(),
            trusted_proxies: reader.trusted_proxies(),
            workers: reader.workers(),
            claim: reader.claim(demo),
        };
        if reader.problems.is_empty() {
            Ok(config)
        } else {
            Err(Problems(reader.problems))
        }
    }
}

/// Checks `DATABASE_URL` alone, for commands that need nothing else.
///
/// # Errors
/// A sentence that says what to change.
pub fn database_url(text: Option<String>) -> Result<Secret, String> {
    let text = text.map(|t| t.trim().to_owned()).unwrap_or_default();
    if text.is_empty() {
        return Err("DATABASE_URL is not set: set it to sqlite://portico.db or \
                    postgres://user:password@host/name."
            .to_owned());
    }
    if text.starts_with("sqlite:") && (text.contains(":memory:") || text.contains("mode=memory")) {
        return Err(
            "DATABASE_URL is a database in memory, which would forget everything: name a \
                    file, such as sqlite://portico.db."
                .to_owned(),
        );
    }
    if text.starts_with("sqlite:") {
        // As SQLx reads it; the file is made when it is missing.
        return Ok(Secret::new(text));
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(Secret::new(text));
    }
    Err(
        "DATABASE_URL must begin with sqlite:// or postgres://; other databases are not supported."
            .to_owned(),
    )
}

/// Whether `PORTICO_DEMO` is on, for commands that need nothing else.
pub fn demo_from_env() -> bool {
    let lookup = |name: &str| std::env::var(name).ok();
    Reader {
        lookup,
        problems: Vec::new(),
        unclear: false,
    }
    .demo()
}

/// The portal's address for commands that only print it, without a slash at the end.
pub fn address_from_env() -> String {
    let mut reader = Reader {
        lookup: |name: &str| std::env::var(name).ok(),
        problems: Vec::new(),
        unclear: false,
    };
    let addr = reader.addr();
    reader.base_url(addr).origin().ascii_serialization()
}

/// `smtp` is no special scheme to the URL standard, so an address stands there as a name.
fn is_loopback_smtp(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

fn loopback_url() -> Url {
    Url::parse("http://127.0.0.1:3000").expect("a literal address")
}
