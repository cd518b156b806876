//! Installs a real WordPress with a private server and keeps it until the input ends: for trying things out by hand.

use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::wordpress::WordPress;

fn main() {
    let folder = std::env::args().nth(1).expect("a folder that does not exist");
    let url = std::env::args().nth(2).unwrap_or_else(|| "http://shop.test".into());
    let server = MariaDb::start();
    let site = WordPress::install(folder.as_ref(), &server, &url);
    println!(
        "{} with the database {} on {}",
        site.folder.display(),
        site.database,
        server.socket().display()
    );
    let _ = std::io::read_to_string(std::io::stdin());
}
