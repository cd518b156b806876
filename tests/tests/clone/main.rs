//! Whole clones by the real `clonedeck`, with real parts: WordPress, MariaDB, SQLite, PHP.

mod choices;
mod crash;
mod errors;
mod faults;
mod files;
mod kinds;
mod many;
mod ports;
mod story;

use clonedeck_site::check::Client;

/// Whether a user gets from the login page to the dashboard of a site that runs.
fn logs_in(url: &str, user: &str, password: &str) -> bool {
    let mut visitor = Client::new(url).expect("an address");
    visitor.get("/wp-login.php").expect("the login page");
    let inside = visitor
        .post("/wp-login.php", &[("log", user), ("pwd", password), ("testcookie", "1")])
        .expect("an answer to the login");
    let text = String::from_utf8_lossy(&inside.body);
    inside.status == 200 && text.contains("wpadminbar")
}
