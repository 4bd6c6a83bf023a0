//! A small load generator: keeps connections open, asks, waits for the answer, asks again.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is asked.
#[derive(Clone)]
pub struct Target {
    pub addr: SocketAddr,
    pub path: String,
    /// The `Cookie` header; may be empty.
    pub cookie: String,
    /// Every request differs from all others in a cookie that means nothing, so that no answer can
    /// be given twice and each page has to be made.
    pub anew: bool,
}

/// Numbers the requests of this program.
static NUMBER: AtomicU64 = AtomicU64::new(0);

impl Target {
    fn request(&self) -> Vec<u8> {
        let cookie = match (self.cookie.as_str(), self.anew) {
            ("", _) => String::new(),
            (cookie, false) => format!("Cookie: {cookie}\r\n"),
            (cookie, true) => {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                format!("Cookie: {cookie}; number={number}\r\n")
            }
        };
        format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: text/html\r\n{cookie}\r\n",
            self.path, self.addr
        )
        .into_bytes()
    }
}

/// An answer.
pub struct Answer {
    pub status: u16,
    /// Head and body.
    pub raw: Vec<u8>,
}

/// What a time of load came to.
pub struct Load {
    elapsed: Duration,
    /// Sorted.
    times: Vec<Duration>,
}

impl Load {
    pub fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// In milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let place = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times
            .get(place)
            .map_or(0.0, |t| t.as_secs_f64() * 1_000.0)
    }
}

/// Asks once.
pub async fn once(target: &Target) -> Answer {
    let mut stream = TcpStream::connect(target.addr).await.expect("it listens");
    let mut buffer = Vec::new();
    ask(&mut stream, &target.request(), &mut buffer).await
}

/// Asks over `connections` connections for `time`.
pub async fn load(target: &Target, connections: usize, time: Duration) -> Load {
    let start = Instant::now();
    let end = start + time;
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let target = target.clone();
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(target.addr).await.expect("it listens");
            stream.set_nodelay(true).expect("a socket");
            let mut request = target.request();
            let mut buffer = Vec::with_capacity(64 * 1024);
            let mut times = Vec::new();
            while Instant::now() < end {
                let began = Instant::now();
                let answer = ask(&mut stream, &request, &mut buffer).await;
                assert_eq!(answer.status, 200, "{}", target.path);
                times.push(began.elapsed());
                if target.anew {
                    request = target.request();
                }
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a connection"));
    }
    let elapsed = start.elapsed();
    times.sort_unstable();
    Load { elapsed, times }
}

/// Sends a request and reads one answer, whose length is given or whose body comes in chunks.
pub async fn ask(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> Answer {
    buffer.clear();
    stream.write_all(request).await.expect("sent");
    let mut end = None;
    loop {
        if let Some(end) = end {
            if buffer.len() >= end {
                break;
            }
        } else if let Some(head) = find(buffer, b"\r\n\r\n") {
            end = whole(buffer, head + 4);
            if end.is_some_and(|end| buffer.len() >= end) {
                break;
            }
        }
        let read = stream.read_buf(buffer).await.expect("read");
        assert!(read > 0, "the connection was closed");
    }
    let status = std::str::from_utf8(&buffer[9..12])
        .ok()
        .and_then(|s| s.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        raw: buffer.clone(),
    }
}

/// Where the answer ends, as far as that is known.
fn whole(buffer: &[u8], body: usize) -> Option<usize> {
    let head = String::from_utf8_lossy(&buffer[..body]).to_ascii_lowercase();
    let header = |name: &str| {
        head.lines()
            .find_map(|l| l.strip_prefix(name))
            .map(|v| v.trim().to_owned())
    };
    if let Some(length) = header("content-length:").and_then(|l| l.parse::<usize>().ok()) {
        return Some(body + length);
    }
    if header("transfer-encoding:").is_some() {
        return find(&buffer[body..], b"0\r\n\r\n").map(|at| body + at + 5);
    }
    Some(body)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}
