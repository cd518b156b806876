//! A real dump: WordPress in a private MariaDB, dumped by its own program, rewritten by ours, loaded, and read by PHP.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use clonedeck_rewrite::{Options, Pair, Rewriter};
use clonedeck_tests::mariadb::MariaDb;
use clonedeck_tests::program::clonedeck;
use clonedeck_tests::wordpress::WordPress;

const OLD: &str = "http://shop.test";
const NEW: &str = "https://copy-of-the-shop.example.org:8443/sub";

/// More values than the fixture's own: what plugins and older programs leave in options and meta.
const MORE: &str = r#"
$url = home_url();
$all = new ArrayObject( array( 'url' => $url, 'list' => array( $url . '/a' ) ) );
update_option( 'rewritetest_array_object', $all );
$value = serialize( array( 'u' => $url ) );
update_option( 'rewritetest_custom', 'C:11:"ArrayObject":' . strlen( "x:i:0;$value;m:a:0:{}" ) . ":{x:i:0;$value;m:a:0:{}}" );
update_option( 'rewritetest_base64', base64_encode( serialize( array( 'u' => $url, 'n' => 1 ) ) ) );
update_option( 'rewritetest_base64_twice', base64_encode( base64_encode( "<a href=\"$url/twice\">x</a>" ) ) );
update_option( 'rewritetest_base64_lines', chunk_split( base64_encode( str_repeat( "<a href='$url/lines'>x</a>\n", 40 ) ) ) );
update_option( 'rewritetest_capitals', base64_encode( 'see ' . ucwords( $url, './' ) . '/Capitals' ) );
update_option( 'rewritetest_letters', '{"u":"http:\/\/\u0073hop.test\/letters","n":1.0,"o":{}}' );
$reference = array( 'a' => $url );
$reference['b'] = &$reference['a'];
update_option( 'rewritetest_reference', $reference );
update_option( 'rewritetest_binary', serialize( array( 'bytes' => "\x01\xff\x00\xfe", 'u' => $url ) ) );
global $wpdb;
$wpdb->insert( $wpdb->postmeta, array( 'post_id' => 1, 'meta_key' => 'rewritetest_blob', 'meta_value' => serialize( (object) array( 'u' => array( $url => $url ) ) ) ) );
foreach ( range( 1, 300 ) as $n ) {
	$wpdb->insert( $wpdb->postmeta, array( 'post_id' => 1, 'meta_key' => 'rewritetest_many', 'meta_value' => serialize( array( 'n' => $n, 'u' => "$url/?n=$n", 'text' => str_repeat( "it's \"quoted\" \\ $n\n", $n % 7 ) ) ) ) );
}
"#;

/// Prints a line for each option and meta value that PHP unserializes: table, name or key, and what the value is made of, with every
/// string that holds an address left out.
const SHAPES: &str = r#"<?php
// The value as a tree without strings that hold an address, so that two sites can be compared.
function shape( $value, $host, $depth = 0 ) {
	if ( is_string( $value ) ) {
		$inner = @unserialize( $value );
		if ( $inner !== false && $depth < 20 ) return 'serialized ' . shape( $inner, $host, $depth + 1 );
		$json = json_decode( $value, true );
		if ( is_array( $json ) && $depth < 20 ) return 'json ' . shape( $json, $host, $depth + 1 );
		return stripos( $value, $host ) !== false ? 'address' : 'string ' . md5( $value );
	}
	if ( is_array( $value ) || is_object( $value ) ) {
		$out = is_object( $value ) ? get_class( $value ) . '{' : 'array{';
		foreach ( (array) $value as $key => $item ) $out .= ( stripos( $key, $host ) !== false ? 'address' : $key ) . '=' . shape( $item, $host, $depth + 1 ) . ';';
		return $out . '}';
	}
	return var_export( $value, true );
}
[ , $socket, $database, $host ] = $argv;
$db = new mysqli( null, 'root', '', $database, 0, $socket );
$db->set_charset( 'utf8mb4' );
foreach ( array( 'options' => array( 'option_id', 'option_name', 'option_value' ), 'postmeta' => array( 'meta_id', 'meta_key', 'meta_value' ), 'usermeta' => array( 'umeta_id', 'meta_key', 'meta_value' ), 'termmeta' => array( 'meta_id', 'meta_key', 'meta_value' ), 'commentmeta' => array( 'meta_id', 'meta_key', 'meta_value' ) ) as $table => $columns ) {
	foreach ( $db->query( "SELECT {$columns[0]}, {$columns[1]}, {$columns[2]} FROM wp_$table" ) as $row ) {
		[ $id, $name, $value ] = array_values( $row );
		$live = @unserialize( (string) $value );
		if ( $live === false && $value !== 'b:0;' ) {
			if ( preg_match( '/^([aOCsSE]:[0-9]|b:[01];|N;)/', (string) $value ) ) echo "$table\t$id\t$name\tbroken\n";
			continue;
		}
		echo "$table\t$id\t$name\t", md5( shape( $live, $host ) ), "\n";
	}
}
"#;

/// What PHP says of every serialized option and meta value of a database.
fn shapes(server: &MariaDb, database: &str, host: &str) -> BTreeMap<String, String> {
    let script = tempfile::Builder::new().suffix(".php").tempfile().expect("a temporary file");
    fs::write(&script, SHAPES).expect("a script");
    let output = Command::new("php")
        .args(["-d", "display_errors=stderr"])
        .arg(script.path())
        .arg(server.socket())
        .args([database, host])
        .output()
        .expect("php starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| line.rsplit_once('\t').expect("four columns"))
        .map(|(name, shape)| (name.to_owned(), shape.to_owned()))
        .collect()
}

fn dump(server: &MariaDb, database: &str, options: &[&str]) -> Vec<u8> {
    let output =
        server.client("mariadb-dump").args(options).arg(database).output().expect("mariadb-dump starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The command as people run it: a dump in, a dump out, and its report.
fn rewrite(dump: &[u8], folder: &Path) -> (Vec<u8>, serde_json::Value) {
    let report = folder.join("report.json");
    let mut child = clonedeck(folder)
        .args(["rewrite", OLD, NEW, "--report"])
        .arg(&report)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("clonedeck starts");
    let mut input = child.stdin.take().expect("piped");
    let bytes = dump.to_vec();
    let feeder = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().expect("clonedeck ends");
    feeder.join().expect("the feeder ends").expect("all is read");
    assert_eq!(output.status.code(), Some(0));
    let report = fs::read(report).expect("a report");
    (output.stdout, serde_json::from_slice(&report).expect("JSON"))
}

#[test]
fn a_dump_of_a_real_wordpress_is_rewritten_and_php_reads_every_value_of_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = MariaDb::shared();
    let site = WordPress::install(&folder.path().join("site"), &server, OLD);
    site.php(MORE);
    let before = shapes(&server, &site.database, "shop.test");
    assert!(before.len() > 350, "{} serialized values", before.len());
    let broken: Vec<_> =
        before.iter().filter(|(_, shape)| *shape == "broken").map(|(name, _)| name).collect();
    assert!(broken.iter().all(|name| name.ends_with("clonetest_prose")), "PHP reads the fixture: {broken:?}");

    let pair = || Pair::parse(OLD, NEW).expect("a good pair");
    let rewriter = Rewriter::new([pair()], Options::default()).expect("a good pair");
    // The same data as programs write it: many rows in a statement, one row in each, and binary columns as hex.
    for options in [&[][..], &["--skip-extended-insert", "--complete-insert"], &["--hex-blob", "--skip-opt"]]
    {
        let old = dump(&server, &site.database, options);
        assert!(!rewriter.scan(&old).is_empty());
        let (new, report) = rewrite(&old, folder.path());
        assert_eq!(report["left_over"], serde_json::json!([]), "{options:?}");
        assert_eq!(report["problems"], serde_json::json!([]), "{options:?}");
        assert!(report["values_changed"].as_u64() > Some(350), "{options:?}: {report}");

        let database = server.fresh_database("rewritten");
        let mut client = server.client("mariadb");
        let mut load =
            client.args(["--binary-mode", &database]).stdin(Stdio::piped()).spawn().expect("mariadb starts");
        load.stdin.take().expect("piped").write_all(&new).expect("it reads");
        assert!(load.wait().expect("it ends").success(), "the new dump loads");

        let after = shapes(&server, &database, "copy-of-the-shop.example.org");
        assert_eq!(after, before, "PHP sees the same values but for the address, {options:?}");
        let again = dump(&server, &database, options);
        assert_eq!(rewriter.scan(&again), [], "no old address is left, {options:?}");
        let alike = "http://shop.test.example.com/ and http://shop.testing/ and http://notshop.test/ stay";
        assert_eq!(count(&again, alike), count(&old, alike));
        assert_eq!(count(&again, "shop.test"), 3 * count(&again, alike), "nothing else stayed, {options:?}");
    }
}

fn count(dump: &[u8], word: &str) -> usize {
    String::from_utf8_lossy(dump).to_ascii_lowercase().matches(word).count()
}
