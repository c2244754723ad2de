//! The least that a reverse proxy on our stack can be: hyper in front, hyper-util's pooled client behind.
//!
//! It reads no body, knows no model and counts nothing. What it costs, any gateway on this stack costs; the rest of
//! Pointsman's figure is Pointsman.

use std::net::SocketAddr;

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::listen;

/// Forwards every request to `upstream`.
pub(crate) async fn serve(upstream: SocketAddr) -> anyhow::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build::<_, Incoming>(connector);
    listen::serve(move |mut request: Request<Incoming>| {
        let client = client.clone();
        async move {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            *request.uri_mut() = format!("http://{upstream}{path}").parse()?;
            // The client writes its own, from the address.
            request.headers_mut().remove(HOST);
            anyhow::Ok(client.request(request).await?)
        }
    })
    .await
}
