//! What every page shares: the database, where the built files are, and the addresses that exist.

use chrono::{DateTime, TimeDelta, Utc};
use service::{Clock, Db};
use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};
use stripe_gateway::Gateway;

/// The built files and the few settings a page depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Name in the title and the top line.
    pub name: String,
    /// Address of the style sheet, such as `/pkg/portico.1a2b.css`.
    pub css: String,
    /// Address of the font, as the style sheet names it.
    pub font: String,
    /// Addresses of the islands' script and WebAssembly; `None` when they could not be built.
    pub wasm: Option<(String, String)>,
    /// Demonstration: the banner with the clock is shown.
    pub demo: bool,
    /// Origins that a form may lead to, such as the Stripe sandbox's; Stripe itself is always there.
    pub form_origins: Vec<String>,
    /// `https://partners.example.com`, without a slash at the end.
    pub base_url: String,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: "Portico".to_owned(),
            css: "/pkg/portico.css".to_owned(),
            font: "/fonts/inter-latin.v1.woff2".to_owned(),
            wasm: None,
            demo: false,
            form_origins: Vec::new(),
            base_url: "http://127.0.0.1:3000".to_owned(),
        }
    }
}

impl Site {
    /// Reads the names of the built files from `root/pkg/manifest.json`. They carry a hash of the
    /// content, so that a browser may keep them for ever; script and WebAssembly are `null` where
    /// the portal is built without them.
    ///
    /// # Errors
    /// When there is no manifest or it is not one: the portal has not been built.
    pub fn with_files(mut self, root: &Path) -> std::io::Result<Self> {
        #[derive(serde::Deserialize)]
        struct Manifest {
            css: String,
            js: Option<String>,
            wasm: Option<String>,
        }
        let manifest = std::fs::read(root.join("pkg/manifest.json"))?;
        let manifest: Manifest = serde_json::from_slice(&manifest)?;
        self.css = address(&manifest.css);
        self.wasm = manifest
            .js
            .as_deref()
            .map(address)
            .zip(manifest.wasm.as_deref().map(address));
        Ok(self)
    }
}

/// Where mail goes, without what is secret about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailWay {
    /// Into a folder; otherwise to a mail server.
    pub folder: bool,
    /// The folder, or the server's name.
    pub to: String,
    /// The sender.
    pub from: String,
}

/// How many signing secrets of one kind are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningSecrets {
    /// The setting that holds them.
    pub setting: &'static str,
    /// What they sign.
    pub events: &'static str,
    /// How many there are.
    pub count: usize,
}

/// How the portal was set up, as its administrators may know it: no secret is among it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// Version of the portal.
    pub version: &'static str,
    /// The steps of this version's schema.
    pub steps: Vec<String>,
    /// Workers in this process.
    pub workers: usize,
    /// Stripe's key is for real money.
    pub stripe_live: bool,
    /// Stripe's key is a restricted one.
    pub stripe_restricted: bool,
    /// Another address than Stripe's own.
    pub stripe_api: Option<String>,
    /// How many signing secrets are known of each kind.
    pub webhook_secrets: Vec<SigningSecrets>,
    /// Where mail goes.
    pub mail: MailWay,
}

/// How long the demonstration's clock offset is believed before it is read again.
const OFFSET_AGE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Shared {
    paths: OnceLock<HashSet<&'static str>>,
    offset: Mutex<Option<(Instant, TimeDelta)>>,
}

/// What every page shares. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// Where things are kept.
    pub db: Db,
    /// The built files and settings.
    pub site: Arc<Site>,
    /// How the portal was set up.
    pub setup: Arc<Setup>,
    gateway: Option<Arc<dyn Gateway>>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppState")
            .field("site", &self.site)
            .finish_non_exhaustive()
    }
}

impl AppState {
    /// State for one server.
    #[must_use]
    pub fn new(db: Db, site: Site) -> Self {
        Self {
            db,
            site: Arc::new(site),
            setup: Arc::default(),
            gateway: None,
            shared: Arc::default(),
        }
    }

    /// The same with the way to Stripe, for the pages around the payout account.
    #[must_use]
    pub fn with_gateway(mut self, gateway: Arc<dyn Gateway>) -> Self {
        self.gateway = Some(gateway);
        self
    }

    /// The same with what the admin's pages say about the settings.
    #[must_use]
    pub fn with_setup(mut self, setup: Setup) -> Self {
        self.setup = Arc::new(setup);
        self
    }

    /// The way to Stripe, if there is one.
    #[must_use]
    pub fn gateway(&self) -> Option<&dyn Gateway> {
        self.gateway.as_deref()
    }

    /// The time of one request: the machine's, or the demonstration's.
    pub async fn clock(&self) -> Clock {
        if !self.site.demo {
            return Clock::system();
        }
        let known = self
            .shared
            .offset
            .lock()
            .ok()
            .and_then(|o| *o)
            .filter(|(read, _)| read.elapsed() < OFFSET_AGE)
            .map(|(_, offset)| offset);
        let offset = match known {
            Some(offset) => offset,
            None => {
                let offset = service::clock::offset(self.db.reader())
                    .await
                    .unwrap_or_default();
                if let Ok(mut known) = self.shared.offset.lock() {
                    *known = Some((Instant::now(), offset));
                }
                offset
            }
        };
        Clock::at(machine_time() + offset)
    }

    /// Whether an address is served; menus leave out what is not.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        self.shared
            .paths
            .get()
            .is_none_or(|paths| paths.contains(path))
    }

    /// Makes the addresses known, once.
    pub(crate) fn set_paths(&self, paths: HashSet<&'static str>) {
        // A second router over the same state has the same addresses.
        let _ = self.shared.paths.set(paths);
    }
}

fn machine_time() -> DateTime<Utc> {
    Clock::system().now()
}

/// The address of a built file.
fn address(name: &str) -> String {
    format!("/pkg/{name}")
}
