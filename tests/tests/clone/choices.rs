//! What an operator chooses about a copy, and what a copy that does not work says of itself.

use std::fs;

use clonedeck_tests::desk::{Desk, assert_clean, id_of};
use clonedeck_tests::wordpress::WordPress;

#[test]
fn guids_that_are_kept_patterns_that_are_left_out_and_requests_that_are_let_out() {
    let desk = Desk::new();
    let site = WordPress::install_on_sqlite(&desk.path("shop"), "http://shop.test");
    fs::write(site.folder.join("private.key"), "a secret of the machine").expect("a file");
    let words = [
        "--keep-guids",
        "--exclude",
        "/private.key",
        "--exclude",
        "wp-content/uploads/builder/",
        "--open-egress",
    ];
    let job = desk.clone(&site.folder, &desk.path("copy"), &words);
    let receipt = desk.receipt(id_of(&job));
    assert_clean(&receipt);
    let url = job["result"]["url"].as_str().expect("an address").to_owned();
    let copy = WordPress { folder: desk.path("copy"), url: url.clone(), ..site };
    let facts = copy.php(&format!(
        "$post = get_post({}); echo parse_url($post->guid, PHP_URL_HOST), ' ', parse_url(get_permalink($post), PHP_URL_HOST);",
        copy.first_post
    ));
    assert_eq!(facts, "shop.test 127.0.0.1", "a guid is a name, a permalink an address");
    let left_out = receipt["files"]["excluded"].to_string();
    for (path, pattern) in
        [("private.key", "/private.key"), ("wp-content/uploads/builder", "wp-content/uploads/builder/")]
    {
        assert!(!copy.folder.join(path).exists() && left_out.contains(pattern), "{path}: {left_out}");
    }
    assert!(!receipt["neutralised"].to_string().contains("egress"), "{receipt:#}");
    // Nobody is at this address, which is for documentation; the request is tried and not refused.
    let tried =
        "$r = wp_remote_get('http://192.0.2.1/', array('timeout' => 0.05)); echo $r->get_error_code();";
    assert_eq!(copy.php(tried), "http_request_failed");
}

#[test]
fn a_copy_that_answers_with_an_error_completes_with_findings() {
    let desk = Desk::new();
    let site = WordPress::install_on_sqlite(&desk.path("shop"), "http://shop.test");
    let broken = "<?php add_action('template_redirect', function () { a_function_of_another_server(); });";
    fs::write(site.folder.join("wp-content/mu-plugins/broken.php"), broken).expect("a plugin");
    let job = desk.clone(&site.folder, &desk.path("copy"), &[]);
    let findings = desk.receipt(id_of(&job))["findings"].to_string();
    assert!(job["result"]["findings"].as_u64().is_some_and(|findings| findings > 0), "{job:#}");
    assert!(findings.contains("front page") && findings.contains("500"), "{findings}");
    assert!(!findings.contains("login page"), "what works is not accused: {findings}");
}
