<?php
// Runs WordPress's own installer: php install.php FOLDER TITLE USER PASSWORD
define( 'WP_INSTALLING', true );
$_SERVER['HTTP_HOST']   = getenv( 'SITE_HOST' );
$_SERVER['REQUEST_URI'] = '/';
function wp_new_blog_notification() {}
require $argv[1] . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
$done = wp_install( $argv[2], $argv[3], $argv[3] . '@example.com', true, '', $argv[4] );
update_option( 'permalink_structure', '/%year%/%postname%/' );
$GLOBALS['wp_rewrite']->init();
flush_rewrite_rules( false );
echo (int) $done['user_id'];
