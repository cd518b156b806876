<?php
// Turns an installed WordPress into a network: php network.php FOLDER DOMAIN PATH SUBDOMAINS
define( 'WP_INSTALLING_NETWORK', true );
define( 'WP_ALLOW_MULTISITE', true );
$_SERVER['HTTP_HOST']   = $argv[2];
$_SERVER['REQUEST_URI'] = '/';
require $argv[1] . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
require ABSPATH . 'wp-admin/includes/network.php';
foreach ( $wpdb->tables( 'ms_global' ) as $table => $name ) {
	$wpdb->$table = $name;
}
install_network();
$result = populate_network( 1, $argv[2], 'owner@example.com', 'The network', $argv[3], '1' === $argv[4] );
// A sub-domain that does not resolve is a warning only.
if ( is_wp_error( $result ) && 'no_wildcard_dns' !== $result->get_error_code() ) {
	fwrite( STDERR, $result->get_error_message() );
	exit( 1 );
}
