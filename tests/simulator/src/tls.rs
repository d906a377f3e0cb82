//! The services at Azure's own names, over TLS: a proxy on loopback through which a handler reaches them as it would Azure.
//! It knows no service; what it forwards is the services' affair.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::Simulator;

/// The longest head of a request for a tunnel.
const LONGEST_HEAD: usize = 4096;

/// A proxy in front of a simulator; dropping it closes its port.
#[derive(Debug)]
pub struct Tls {
    address: SocketAddr,
    roots: PathBuf,
    task: JoinHandle<()>,
}

/// Which service has which name.
type Names = Arc<[(&'static str, SocketAddr)]>;

impl Tls {
    /// Stands in front of the services of a simulator, at the names that they have in the public cloud, and writes the
    /// certificate that vouches for them into this folder.
    ///
    /// # Errors
    /// Where there is no port, or no certificate can be made.
    pub async fn before(simulator: &Simulator, folder: &Path) -> anyhow::Result<Self> {
        let names: Names = Arc::new([
            ("management.azure.com", address(&simulator.arm_endpoint)?),
            ("graph.microsoft.com", address(&simulator.graph_endpoint)?),
            (
                "sim.servicebus.windows.net",
                address(&simulator.service_bus_endpoint)?,
            ),
        ]);
        let issuer = issuer()?;
        let acceptor = acceptor(&names, &issuer)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let roots = folder.join(format!("roots-{}.pem", address.port()));
        std::fs::write(&roots, issuer.pem())?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (names, acceptor) = (Arc::clone(&names), acceptor.clone());
                // A caller that hangs up, or does not trust us, is its own affair.
                tokio::spawn(async move { tunnel(stream, &names, acceptor).await });
            }
        });
        Ok(Self {
            address,
            roots,
            task,
        })
    }

    /// What a handler's environment needs on top: the way to the services, whom it may trust, and no other addresses.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let roots = self.roots.to_string_lossy().into_owned();
        [
            ("HTTPS_PROXY", format!("http://{}", self.address)),
            ("SSL_CERT_FILE", roots),
            ("VAULTBIND_ARM_ENDPOINT", String::new()),
            ("VAULTBIND_GRAPH_ENDPOINT", String::new()),
            ("VAULTBIND_SERVICEBUS_ENDPOINT", String::new()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.task.abort();
        // A file that is left behind lies in a folder of tests.
        let _ = std::fs::remove_file(&self.roots);
    }
}

fn address(url: &Url) -> anyhow::Result<SocketAddr> {
    let addresses = url.socket_addrs(|| None)?;
    addresses
        .first()
        .copied()
        .context("a service without an address")
}

fn issuer() -> anyhow::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn acceptor(
    names: &Names,
    issuer: &CertifiedIssuer<'static, KeyPair>,
) -> anyhow::Result<TlsAcceptor> {
    // A second provider is refused, and the first one is this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let of_services: Vec<String> = names.iter().map(|(name, _)| (*name).to_owned()).collect();
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(of_services)?.signed_by(&key, issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// One tunnel: asked for by name, answered under that name, and what comes through it goes to the service.
async fn tunnel(
    mut stream: TcpStream,
    names: &[(&'static str, SocketAddr)],
    acceptor: TlsAcceptor,
) -> anyhow::Result<()> {
    let head = head(&mut stream).await?;
    let asked = head.split(' ').nth(1).unwrap_or_default();
    let name = asked.strip_suffix(":443").unwrap_or_default();
    let Some((_, service)) = names.iter().find(|(known, _)| *known == name) else {
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await?;
        return Ok(());
    };
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut caller = acceptor.accept(stream).await?;
    let mut service = TcpStream::connect(service).await?;
    copy_bidirectional(&mut caller, &mut service).await?;
    Ok(())
}

/// What comes before the tunnel.
async fn head(stream: &mut TcpStream) -> anyhow::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        anyhow::ensure!(head.len() < LONGEST_HEAD, "no request for a tunnel");
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
