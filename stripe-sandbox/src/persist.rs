//! The state file: a JSON snapshot, written beside and renamed, so that it is always whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Notify, watch};

use crate::Shared;
use crate::state::State;

/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_millis(80);

/// Reads a state file; a missing one is an empty state.
///
/// # Errors
/// When the file cannot be read or is not a state.
pub fn load(path: &Path) -> std::io::Result<Option<State>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(std::io::Error::other),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Knows what is on disk and wakes the writer.
pub struct Saver {
    path: Option<PathBuf>,
    dirty: Notify,
    urgent: Notify,
    saved: watch::Sender<u64>,
    paused: AtomicBool,
}

impl Saver {
    /// A saver for this file, or one that does nothing.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            dirty: Notify::new(),
            urgent: Notify::new(),
            saved: watch::Sender::new(0),
            paused: AtomicBool::new(false),
        }
    }

    /// Something changed; it is written soon.
    pub fn touch(&self) {
        self.dirty.notify_one();
    }

    /// While it is paused nothing is written and nobody waits: for loading much that can be loaded
    /// again.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::SeqCst);
        self.dirty.notify_one();
    }

    /// Waits until the given version is on disk.
    pub async fn wait(&self, version: u64) {
        if self.path.is_none() || self.paused.load(Ordering::SeqCst) {
            return;
        }
        self.dirty.notify_one();
        self.urgent.notify_one();
        // The sender lives in self, so that waiting cannot fail.
        let _ = self
            .saved
            .subscribe()
            .wait_for(|saved| *saved >= version)
            .await;
    }

    /// Writes for as long as the sandbox runs.
    pub async fn run(shared: Arc<Shared>) {
        if shared.saver.path.is_none() {
            return;
        }
        loop {
            shared.saver.dirty.notified().await;
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = shared.saver.urgent.notified() => {}
            }
            shared.saver.write(&shared).await;
        }
    }

    /// Writes what there is now.
    pub async fn write(&self, shared: &Shared) {
        let Some(path) = &self.path else { return };
        if self.paused.load(Ordering::SeqCst) {
            return;
        }
        let (version, bytes) = {
            let state = shared.lock();
            if state.version == *self.saved.borrow() && path.exists() {
                return;
            }
            (state.version, serde_json::to_vec(&*state))
        };
        let result = match bytes {
            Ok(bytes) => replace(path, &bytes).await,
            Err(error) => Err(std::io::Error::other(error)),
        };
        match result {
            Ok(()) => {
                self.saved.send_replace(version);
            }
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "state file not written");
                // Tried again, so that a caller that waits is answered once there is room.
                tokio::time::sleep(GATHER).await;
                self.dirty.notify_one();
            }
        }
    }
}

async fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = tokio::fs::File::create(&beside).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    tokio::fs::rename(&beside, path).await
}
