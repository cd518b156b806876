//! Whether what answers at a copy's address shows the copy: it may be the operator's own web server, or any other program.

use std::path::Path;

use clonedeck_site::check::Client;
use clonedeck_site::platforms::Address;

/// What is wrong with what answers at `address`, a sentence with what to do; none where it shows the folder `web`.
pub(super) async fn at(address: &Address, web: &Path) -> Option<String> {
    let (url, web) = (address.to_string(), web.to_owned());
    let looked = tokio::task::spawn_blocking(move || shows(&url, &web)).await;
    if looked.unwrap_or(true) {
        return None;
    }
    Some(format!(
        "Another program answers at {address}, and it does not show the copy. End it, let it show the folder of the copy, or clone again with another --url."
    ))
}

/// Whether a file that is put into `web` for a moment can be read at `url`. A folder that cannot be written to is believed.
fn shows(url: &str, web: &Path) -> bool {
    let name = format!("clonedeck-{}.txt", uuid::Uuid::new_v4().simple());
    let file = web.join(&name);
    if std::fs::write(&file, &name).is_err() {
        return true;
    }
    let answer = Client::new(url).and_then(|mut client| client.get(&format!("/{name}")));
    let _ = std::fs::remove_file(&file);
    answer.is_ok_and(|answer| answer.body.trim_ascii() == name.as_bytes())
}
