//! Things that go wrong on request.

use serde::{Deserialize, Serialize};

/// Which requests a fault is for; what is not given fits everything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// HTTP method.
    pub method: Option<String>,
    /// Beginning of the path, for example `/v1/transfers`.
    pub path_prefix: Option<String>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 429 before anything is done; never kept for the idempotency key.
    #[serde(rename = "status_429")]
    Status429,
    /// 401 before anything is done: the key was rolled.
    #[serde(rename = "status_401")]
    Status401,
    /// 403 before anything is done: the key may not do this.
    #[serde(rename = "status_403")]
    Status403,
    /// 404 before anything is done: there is no such object.
    #[serde(rename = "status_404")]
    Status404,
    /// A list that is asked for comes back empty.
    EmptyList,
    /// 500 before anything is done; kept for the key only with `stored`, as Stripe does when the
    /// endpoint had begun.
    #[serde(rename = "status_500")]
    Status500,
    /// The work is done, its answer is kept for the key, the caller is told 500.
    #[serde(rename = "status_500_after")]
    Status500After,
    /// Nothing is done; the connection hangs for `hang_ms` and is then reset.
    TimeoutBefore,
    /// The work is done; the connection hangs for `hang_ms` and is then reset.
    TimeoutAfter,
    /// The work is done; the answer is 200 with something that is not JSON.
    #[serde(rename = "garbage_200")]
    Garbage200,
    /// A 400 before anything is done, in Stripe's words for a country it does not pay to.
    CountryRefused,
    /// Nothing is done; the connection is reset.
    ConnectionReset,
    /// The work is done; the connection is reset.
    ConnectionResetAfter,
    /// The key is taken, then `hang_ms` pass, then the request is answered as usual: a second
    /// request with the key is told 409 meanwhile.
    Slow,
}

impl Kind {
    /// Whether the request is carried out all the same.
    pub fn executes(self) -> bool {
        !matches!(
            self,
            Self::Status429
                | Self::Status401
                | Self::Status403
                | Self::Status404
                | Self::EmptyList
                | Self::Status500
                | Self::TimeoutBefore
                | Self::CountryRefused
                | Self::ConnectionReset
        )
    }
}

/// A fault that waits for matching requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests.
    #[serde(rename = "match", default)]
    pub matches: Match,
    /// What goes wrong.
    pub kind: Kind,
    /// How many requests it hits before it is used up.
    #[serde(default = "once")]
    pub times: u32,
    /// How long a hanging connection hangs, in milliseconds.
    #[serde(default = "half_a_minute")]
    pub hang_ms: u64,
    /// With `status_429`: the seconds of the answer's `Retry-After`.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// With `status_500`: the 500 is kept for the idempotency key and replayed.
    #[serde(default)]
    pub stored: bool,
}

fn once() -> u32 {
    1
}

fn half_a_minute() -> u64 {
    30_000
}

/// Takes the first fault that fits this request, and counts it.
pub fn take(faults: &mut Vec<Fault>, method: &str, path: &str) -> Option<Fault> {
    let index = faults.iter().position(|fault| {
        fault.times > 0
            && fault
                .matches
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && fault
                .matches
                .path_prefix
                .as_ref()
                .is_none_or(|prefix| path.starts_with(prefix))
    })?;
    faults[index].times -= 1;
    let fault = faults[index].clone();
    if fault.times == 0 {
        faults.remove(index);
    }
    Some(fault)
}
