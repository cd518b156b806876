<?php
// Adds a site to the network: php site.php FOLDER DOMAIN SITE_DOMAIN SITE_PATH TITLE
$_SERVER['HTTP_HOST']   = $argv[2];
$_SERVER['REQUEST_URI'] = '/';
require $argv[1] . '/wp-load.php';
$site = wpmu_create_blog( $argv[3], $argv[4], $argv[5], 1 );
if ( is_wp_error( $site ) ) {
	fwrite( STDERR, $site->get_error_message() );
	exit( 1 );
}
switch_to_blog( $site );
wp_insert_post(
	array(
		'post_title'   => 'A post of ' . $argv[5],
		'post_content' => 'This site is at ' . home_url( '/' ) . ' and its neighbour at ' . network_home_url( '/' ),
		'post_status'  => 'publish',
	)
);
echo $site;
