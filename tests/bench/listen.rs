//! Serves HTTP on a free loopback port: what the upstream and the bare proxy have in common.

use std::error::Error;
use std::io::{Read, Write};

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// Binds, prints `listening on ADDRESS` and answers with `answer` for as long as the bench lives.
pub(crate) async fn serve<F, A, B, E>(answer: F) -> anyhow::Result<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    leave_with_parent();
    crate::process::FileLimit::raise()?.keep();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", listener.local_addr()?)?;
    stdout.flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service_fn(answer.clone()));
        // A connection that breaks is the other side's business; the bench counts what it misses.
        tokio::spawn(async move {
            let _broken = connection.await;
        });
    }
}

/// The bench holds the other end of our stdin, so that even a killed bench leaves nothing running.
fn leave_with_parent() {
    std::thread::spawn(|| {
        let _end = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0)
    });
}
