//! Servers that are reached in TLS, and whether they are whom they say they are.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use clonedeck_site::databases::{Count, Source};
use clonedeck_site::{Class, Secret, Unwatched};
use clonedeck_tests::mariadb::MariaDb;

/// Runs `openssl` in a folder.
fn openssl(folder: &Path, words: &str) {
    let output =
        Command::new("openssl").args(words.split(' ')).current_dir(folder).output().expect("openssl starts");
    assert!(output.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A port of this machine on which nobody listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server on a port, with a user who needs TLS and one who does not.
fn server(port: u16, more: &[String]) -> MariaDb {
    let mut options =
        vec!["--skip-networking=OFF".into(), "--bind-address=127.0.0.1".into(), format!("--port={port}")];
    options.extend_from_slice(more);
    let server = MariaDb::start_with(&options.iter().map(String::as_str).collect::<Vec<_>>());
    server.sql(
        "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY); INSERT INTO shop.t VALUES (1),(2);
         CREATE USER 'safe'@'%' IDENTIFIED BY 'right' REQUIRE SSL; GRANT ALL ON shop.* TO 'safe'@'%';
         CREATE USER 'plain'@'%' IDENTIFIED BY 'right'; GRANT ALL ON shop.* TO 'plain'@'%'",
    );
    server
}

#[tokio::test]
async fn a_server_is_spoken_to_in_tls_when_its_certificate_is_signed_by_whom_one_trusts_and_else_not() {
    let folder = tempfile::tempdir().unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for name in ["ca", "stranger"] {
        openssl(
            folder.path(),
            &format!("req -x509 {key} -keyout {name}.key -out {name}.pem -days 2 -subj /CN={name}"),
        );
    }
    openssl(
        folder.path(),
        &format!(
            "req {key} -keyout key.pem -out csr -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        ),
    );
    openssl(
        folder.path(),
        "x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -copy_extensions copyall",
    );
    let file = |name: &str| folder.path().join(name).display().to_string();
    let port = free_port();
    let _server =
        server(port, &[format!("--ssl-cert={}", file("cert.pem")), format!("--ssl-key={}", file("key.pem"))]);
    let open = async |user: &str, host: &str, options: &str| {
        let address = format!("mysql://{user}@{host}:{port}/shop{options}").parse().unwrap();
        Source::open(&address, &Secret::new("right")).await
    };
    let ours = format!("?ca={}", file("ca.pem"));
    let source = open("safe", "localhost", &ours).await.unwrap();
    assert_eq!(source.survey(Count::Exact, &Unwatched).await.unwrap().rows(), 2);

    for (host, options) in [
        ("localhost", format!("?ca={}", file("stranger.pem"))),
        ("localhost", "?tls=verify".to_owned()),
        // The certificate is made out to localhost.
        ("127.0.0.1", ours.clone()),
        ("localhost", format!("?ca={}", file("missing.pem"))),
        ("localhost", format!("?ca={}", file("key.pem"))),
    ] {
        let problem = open("safe", host, &options).await.unwrap_err();
        assert_eq!((problem.code, problem.class), ("database.tls", Class::NeedsPerson), "{problem:?}");
        assert!(!problem.help.is_empty());
    }
    let problem = open("safe", "localhost", "").await.unwrap_err();
    assert_eq!(problem.code, "database.refused-login", "{problem:?}");
}

#[tokio::test]
async fn a_server_that_offers_no_tls_gets_no_password_where_tls_is_asked_for() {
    let port = free_port();
    let _server = server(port, &["--skip-ssl".to_owned()]);
    let address = |options: &str| format!("mysql://plain@127.0.0.1:{port}/shop{options}").parse().unwrap();
    Source::open(&address(""), &Secret::new("right")).await.unwrap();
    let problem = Source::open(&address("?tls=verify"), &Secret::new("right")).await.unwrap_err();
    assert_eq!((problem.code, problem.class), ("database.tls", Class::NeedsPerson), "{problem:?}");
    assert!(problem.message.contains("offers no TLS"), "{problem:?}");
}
