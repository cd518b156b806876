//! The picture in the README: the real window while a clone runs. `make screens` takes it.

use std::path::Path;
use std::time::Duration;

use crate::desktop::Desktop;
use crate::runtime;
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::{clonedeck, stdout_of};
use clonedeck_tests::wordpress::WordPress;

#[test]
#[ignore = "writes ui/pictures/window.png; run by `make screens`"]
fn the_window_while_a_clone_runs_is_pictured() {
    // Its name is read in the picture, so it is none that chance made.
    let home =
        tempfile::Builder::new().prefix("sites").rand_bytes(0).tempdir().expect("no other picture is taken");
    let server = MariaDb::start();
    let site = WordPress::install(&home.path().join("shop.example.com"), &server, "http://shop.example.com");
    let uploads = site.folder.join("wp-content/uploads/2026/11");
    std::fs::create_dir_all(&uploads).expect("a folder");
    for number in 0..30_000 {
        std::fs::write(uploads.join(format!("{number}.jpg")), vec![number as u8; 3000]).expect("a file");
    }
    let (data, target) = (home.path().join("data"), home.path().join("staging.example.com"));
    // A past to look back on.
    stdout_of(clonedeck(&data).arg("demo"));
    let desktop = Desktop::start();
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.plan_clone(&site.folder, &target).await;
        window.click("launch", ":not([disabled])").await;
        window.find("stepper-step", "[data-step=\"copy-media\"][data-state=\"running\"]").await;
        // Far enough that the bar, the rate and the time still to go can be read.
        let script = "const all = await window.__TAURI_INTERNALS__.invoke('snapshot'); return all.active[0]?.progress ?? 100";
        loop {
            let far = window.ask(script).await.as_f64().expect("a number");
            assert!(far < 100.0, "the clone was over before it was pictured");
            if far > 30.0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/pictures/window.png");
        desktop.picture_of_window(&picture);
        let size = std::fs::metadata(&picture).expect("the picture").len();
        assert!(size < 150_000, "the picture is small: {size} bytes");
    });
}
