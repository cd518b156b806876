//! Copies that answer over https.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;

use clonedeck_rewrite::{Options, Pair, Rewriter};
use clonedeck_site::check::{Pages, Plan};
use clonedeck_site::platforms::Kind;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Serves one page over TLS with a certificate that nobody has signed but itself, until it is dropped. Answers the port.
fn server(headers: &'static str) -> u16 {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=shop.localhost -addext subjectAltName=DNS:shop.localhost".split(' '))
        .current_dir(folder.path())
        .output()
        .expect("openssl starts");
    assert!(made.status.success());
    let certificate = CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.path().join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut tls = BufReader::new(rustls::StreamOwned::new(connection, stream));
            let mut line = String::new();
            // A client that does not trust the certificate hangs up here.
            while tls.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let page = "<html>shop</html>";
            let _ = write!(
                tls.get_mut(),
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
            tls.get_mut().conn.send_close_notify();
            let _ = tls.get_mut().flush();
        }
    });
    port
}

fn look(headers: &'static str) -> Pages {
    let url = format!("https://shop.localhost:{}", server(headers));
    let old = Rewriter::new([Pair::parse("https://old.test", &url).unwrap()], Options::default()).unwrap();
    let plan = Plan {
        url: &url,
        kind: Kind::Static,
        web: "/nowhere".into(),
        post: None,
        core: String::new(),
        neutral: false,
        login: None,
        old: &old,
    };
    Pages::look(&plan).unwrap()
}

#[test]
fn a_copy_with_a_certificate_that_is_not_trusted_is_asked_all_the_same_and_that_is_told() {
    let pages = look("");
    assert_eq!(pages.pages[0].status, 200);
    let findings = pages.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0].contains("browsers warn of its certificate: nobody whom this machine trusts"),
        "{findings:?}"
    );
}

#[test]
fn a_copy_that_insists_on_a_certificate_that_is_not_trusted_locks_browsers_out() {
    let findings = look("strict-transport-security: max-age=31536000\r\n").findings();
    assert!(findings.iter().any(|finding| finding.contains("Strict-Transport-Security")), "{findings:?}");
}
