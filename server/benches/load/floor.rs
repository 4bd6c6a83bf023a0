//! The best this machine can do: a bare axum handler that answers the same bytes.

use std::net::SocketAddr;
use std::process::Stdio;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// Serves the body in `file` at `/` and prints where.
pub async fn serve(file: &str) {
    let body: &'static [u8] = std::fs::read(file).expect("readable").leak();
    let app = Router::new().route(
        "/",
        get(move || async move { ([(CONTENT_TYPE, "text/html; charset=utf-8")], body) }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("bound"));
    axum::serve(listener, app).await.expect("serves");
}

/// The same as a process.
pub struct Floor {
    pub addr: SocketAddr,
    _process: Child,
    _file: tempfile::NamedTempFile,
}

impl Floor {
    /// Answers with as many bytes as `answer` has, head included.
    pub async fn start(answer: &[u8]) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), answer).expect("written");
        let me = std::env::current_exe().expect("this program");
        let mut process = Command::new(me)
            .arg("floor")
            .arg(file.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("starts");
        let mut line = String::new();
        let out = process.stdout.take().expect("piped");
        BufReader::new(out)
            .read_line(&mut line)
            .await
            .expect("says where");
        Self {
            addr: line.trim().parse().expect("an address"),
            _process: process,
            _file: file,
        }
    }
}
