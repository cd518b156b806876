<?php
// Starts the demo's small runtime in the order in which WordPress starts: settings, must-use plugins, plugins, theme.
define( 'WP_CONTENT_DIR', ABSPATH . 'wp-content' );
require ABSPATH . 'wp-includes/version.php';
require ABSPATH . 'wp-includes/hooks.php';
require ABSPATH . 'wp-includes/database.php';
require ABSPATH . 'wp-includes/login.php';
require ABSPATH . 'wp-includes/pages.php';
foreach ( (array) glob( WP_CONTENT_DIR . '/mu-plugins/*.php' ) as $demo_file ) {
	require $demo_file;
}
foreach ( get_option( 'active_plugins', array() ) as $demo_file ) {
	require WP_CONTENT_DIR . '/plugins/' . $demo_file;
}
require WP_CONTENT_DIR . '/themes/' . get_option( 'stylesheet' ) . '/functions.php';
do_action( 'init' );
