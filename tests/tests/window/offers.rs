//! A second start, and links.

use crate::desktop::Desktop;
use crate::{PATIENCE, newest_job, runtime};
use clonedeck_tests::program::wait_for;

#[test]
fn closing_asks_once_and_a_second_start_raises_the_window_and_hands_over_folders_and_links() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    let site = |name: &str| {
        let folder = home.path().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("index.html"), "<!doctype html><title>Press</title>").expect("a file");
        folder.display().to_string()
    };
    let (first, second) = (site("press"), site("blog"));
    let desktop = Desktop::start();
    let gone = || wait_for("no window", PATIENCE, || (!desktop.shows_window()).then_some(()));
    let there = || wait_for("the window", PATIENCE, || desktop.shows_window().then_some(()));
    runtime().block_on(async {
        let window = desktop.open(&data).await;
        window.find("try-demo", "").await;
        there();
        // No tray is here, so it is asked what closing means; the answer is kept.
        desktop.close_window();
        window.click("close-hide", "").await;
        gone();

        desktop.start_again(&data, Some(&first));
        there();
        window.find("site-report", "").await;
        assert_eq!(window.value("source-path").await, first);
        desktop.close_window();
        gone();

        desktop.start_again(&data, Some(&format!("clonedeck://clone?source={second}")));
        there();
        window.find("by-link", "").await;
        assert_eq!(window.value("source-path").await, second);
        desktop.picture("link");
        let looked = window.ask("return document.querySelector('[data-testid=site-report]') !== null").await;
        assert_eq!(looked, false, "nothing is looked at before a person says so");
        window.click("by-link-look", "").await;
        window.find("site-report", "").await;

        desktop.start_again(&data, Some(&format!("clonedeck://clone?source={second}&launch=1")));
        window.reads("A link to Clonedeck was not followed: it asks for more than a source.").await;
        desktop.picture("link-refused");
    });
    assert!(newest_job(&data).is_none(), "nothing was launched");
}
