//! A copy harms nobody until it is let go.

use std::fs;

use clonedeck_site::check::Client;
use clonedeck_site::databases::{Access, tables};
use clonedeck_site::neutral::{self, Switches};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::wordpress::{OWNER, WordPress};

use crate::{Copy, caught, folder, letters, raw};

#[tokio::test(flavor = "multi_thread")]
async fn a_neutral_copy_sends_nothing_calls_nobody_and_runs_no_tasks_until_it_is_let_go() {
    let (folder, data) = (folder(), folder());
    let server = MariaDb::shared();
    let source = WordPress::install(&folder.path().join("shop"), &server, "https://shop.test");
    fs::write(source.folder.join("wp-content/object-cache.php"), "<?php exit( 'the source\\'s cache' );")
        .expect("a cache");
    fs::write(source.folder.join("robots.txt"), "User-agent: *\nAllow: /\n").expect("robots.txt");
    fs::write(
        source.folder.join("wp-content/mu-plugins/probe.php"),
        "<?php add_action('clonetest_overdue', function () { update_option('clonetest_ran', 1); });
        add_action('template_redirect', function () {
            if (isset($_GET['probe'])) {
                header('Content-Type: text/plain');
                if ('mail' === $_GET['probe']) { var_dump(mail('customer@example.com', 'Around WordPress', 'Body')); }
                if ('curl' === $_GET['probe']) {
                    $curl = curl_init('https://api.example.com/'); curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
                    curl_exec($curl); echo curl_errno($curl);
                }
                if ('self' === $_GET['probe']) { echo wp_remote_retrieve_response_code(wp_remote_get(home_url('/robots.txt'))); }
                exit;
            }
        });",
    )
    .expect("a plugin");
    let copy = Copy::of(&source, &server, &folder.path().join("copy"), None).await;
    let wordpress = copy.as_wordpress();

    let answer = wordpress.php(
        "file_put_contents('/dev/null', ''); $file = wp_upload_dir()['basedir'] . '/builder/post-1.css';
        var_export(wp_mail(array('a@example.com', 'b@example.com'), \"Grüße\\r\\nBcc: x@example.com\", '<p>Hällo</p>',
            array('Content-Type: text/html', 'From: Shop <shop@example.com>', 'Reply-To: r@example.com'), array($file)));",
    );
    assert_eq!(answer, "true", "the site believes that its mail went out");
    let [letter] = &letters(&copy)[..] else { panic!("one letter is caught") };
    assert!(
        letter.contains("To: a@example.com, b@example.com\r\n")
            && letter.contains("From: Shop <shop@example.com>\r\n"),
        "{letter}"
    );
    assert!(
        letter.contains("Reply-To: r@example.com\r\n")
            && letter.contains("Content-Type: text/html; charset=UTF-8\r\n")
    );
    assert!(!letter.contains("\r\nBcc:"), "a subject cannot add headers");
    assert!(letter.contains("filename=\"post-1.css\""));

    let answer = wordpress.php(
        "$blocked = wp_remote_post('https://api.stripe.com/v1/charges?key=sk_live_1', array('body' => 'amount=1'));
        echo is_wp_error($blocked) ? $blocked->get_error_code() : 'sent';
        $near = wp_remote_get('http://127.0.0.1:9/'); echo '|', $near->get_error_message();",
    );
    let (blocked, near) = answer.split_once('|').expect("two answers");
    assert_eq!(blocked, "http_request_not_executed");
    assert!(near.contains("onnect"), "this machine may be called: {near}");
    let list =
        caught(&copy).into_iter().find(|path| path.ends_with("blocked-requests.jsonl")).expect("a list");
    let list = fs::read_to_string(list).expect("a list");
    assert!(list.contains(r#""method":"POST","url":"https:\/\/api.stripe.com\/v1\/charges""#), "{list}");
    assert!(!list.contains("sk_live"), "keys are not written down");

    let served = copy.preview(data.path(), "job").await;
    let mut client = Client::new(&copy.url).expect("a client");
    client.get("/").expect("an answer");
    client.get("/wp-cron.php?doing_wp_cron").expect("an answer");
    assert_eq!(wordpress.php("echo (int) get_option('clonetest_ran'), (int) (false !== strpos(serialize(get_option('cron')), 'clonetest_overdue'));"), "01");
    let mut probe = |what: &str| {
        String::from_utf8(client.get(&format!("/?probe={what}")).expect("an answer").body).expect("text")
    };
    assert_eq!(probe("mail").trim(), "bool(true)");
    assert!(
        letters(&copy).iter().any(|letter| letter.contains("Subject: Around WordPress")),
        "mail() is caught as well"
    );
    assert_eq!(probe("curl"), "7", "curl cannot connect");
    assert_eq!(probe("self"), "200", "the copy may call itself");
    let robots = raw(&copy.url, "/robots.txt");
    assert!(robots.contains("Disallow: /\n"), "{robots}");
    let dashboard = copy.look().await;
    assert_eq!(dashboard.findings(), Vec::<String>::new());
    let mut own = Client::new(&copy.url).expect("a client");
    own.get("/wp-login.php").expect("an answer");
    let inside = own
        .post(
            "/wp-login.php",
            &[("log", OWNER), ("pwd", clonedeck_tests::wordpress::OWNER_PASSWORD), ("testcookie", "1")],
        )
        .expect("an answer");
    assert!(
        String::from_utf8_lossy(&inside.body).contains("wp-admin-bar-clonedeck-copy"),
        "the copy is marked"
    );
    drop(served);

    for name in ["mail", "egress", "cron", "crawlers", "mark", "caches", "identity"] {
        assert!(
            copy.neutralised.iter().any(|done| done.name == name),
            "{name} is in the receipt: {:?}",
            copy.neutralised
        );
    }
    let again = neutral::install(&copy.target(), &Switches::default()).expect("once more");
    assert_eq!(again, copy.neutralised[..again.len()], "repeating it changes nothing");

    let mut write = tables(&copy.database, &copy.password, Access::Write).await.expect("a connection");
    let lifted =
        neutral::lift(&copy.target(), &Switches { mail: true, ..Switches::none() }, Some(&mut *write))
            .await
            .expect("lifted");
    assert_eq!(lifted, ["egress", "cron", "crawlers", "mark", "caches"]);
    assert!(fs::read_to_string(copy.root.join("robots.txt")).expect("robots.txt").contains("Allow: /\n"));
    assert!(copy.root.join("wp-content/object-cache.php").exists());
    fs::remove_file(copy.root.join("wp-content/object-cache.php")).expect("the cache of the test");
    let sent =
        wordpress.php("var_export(wp_mail('a@example.com', 's', 'm')); echo '|', get_option('blog_public');");
    assert_eq!(sent, "true|1");
    assert!(
        neutral::lift(&copy.target(), &Switches::none(), None)
            .await
            .expect("lifted")
            .contains(&"mail".to_owned())
    );
    assert_eq!(neutral::switches(&copy.target()), Switches::none());
}
