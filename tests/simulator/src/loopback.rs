//! HTTP on loopback: how a part of the simulator listens, and how it makes a client.
//! It knows no service; what is served and asked is its caller's affair.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server on a port of 127.0.0.1; dropping it closes the port.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves on `port`, or on a free one where it is 0.
    pub(crate) async fn start(router: Router, port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("cannot listen on port {port} of 127.0.0.1"))?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            // An error here is the end of the listener, which callers see as a refused connection.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client that talks plain http to loopback, follows nothing and uses no proxy.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    let builder = client_builder().redirect(reqwest::redirect::Policy::none());
    builder.build().context("cannot build an HTTP client")
}

/// A client in the making that uses no proxy, and trusts nobody: to read the system's roots takes longer than all else
/// that a start of the handler costs.
pub(crate) fn client_builder() -> reqwest::ClientBuilder {
    // The client insists on a TLS provider even where it never speaks TLS; a second one is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([])
}
