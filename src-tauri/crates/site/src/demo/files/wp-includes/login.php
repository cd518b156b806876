<?php
// Logging in: a signed cookie, checked against the password's hash so that a new password ends it.
function demo_cookie_name() {
	return 'wordpress_logged_in_' . md5( site_url() );
}

function demo_signature( $user, $until ) {
	return hash_hmac( 'sha256', $user['user_login'] . '|' . $until . '|' . $user['user_pass'], LOGGED_IN_KEY . LOGGED_IN_SALT );
}

function demo_user() {
	$parts = explode( '|', isset( $_COOKIE[ demo_cookie_name() ] ) ? $_COOKIE[ demo_cookie_name() ] : '' );
	if ( 3 !== count( $parts ) || (int) $parts[1] < time() ) {
		return null;
	}
	$users = demo_rows( 'SELECT * FROM #users WHERE user_login = ?', array( $parts[0] ) );
	return $users && hash_equals( demo_signature( $users[0], $parts[1] ), $parts[2] ) ? $users[0] : null;
}

function is_admin_bar_showing() {
	return null !== demo_user();
}

/** Takes the nodes that plugins add to the bar of somebody who is logged in. */
class Demo_Admin_Bar {
	public $nodes = array();

	public function add_node( $node ) {
		$this->nodes[] = $node;
	}
}

function demo_admin_bar() {
	if ( ! is_admin_bar_showing() ) {
		return;
	}
	$bar = new Demo_Admin_Bar();
	do_action( 'admin_bar_menu', $bar );
	echo '<div id="wpadminbar">';
	foreach ( $bar->nodes as $node ) {
		echo '<span id="wp-admin-bar-' . htmlspecialchars( $node['id'] ) . '"><b class="ab-item">' . htmlspecialchars( $node['title'] ) . '</b></span> ';
	}
	echo '<a href="' . htmlspecialchars( site_url( '/wp-admin/' ) ) . '">Dashboard</a></div>';
}

function demo_login_page() {
	$wrong = false;
	if ( 'POST' === $_SERVER['REQUEST_METHOD'] ) {
		$name  = isset( $_POST['log'] ) ? (string) $_POST['log'] : '';
		$users = demo_rows( 'SELECT * FROM #users WHERE user_login = ?', array( $name ) );
		$hash  = $users ? $users[0]['user_pass'] : '';
		if ( password_verify( isset( $_POST['pwd'] ) ? (string) $_POST['pwd'] : '', $hash ) ) {
			$until = time() + 86400;
			$value = $users[0]['user_login'] . '|' . $until . '|' . demo_signature( $users[0], $until );
			setcookie( demo_cookie_name(), $value, array( 'path' => '/', 'httponly' => true, 'samesite' => 'Lax' ) );
			header( 'Location: ' . site_url( '/wp-admin/' ), true, 302 );
			return;
		}
		$wrong = true;
	}
	demo_head( 'Log in' );
	echo apply_filters( 'login_message', '' );
	echo $wrong ? '<p id="login_error">That name and password do not fit.</p>' : '';
	echo '<form method="post"><label>Name <input name="log"></label> <label>Password <input name="pwd" type="password"></label> <button name="wp-submit">Log In</button></form>';
	demo_foot();
}

function demo_dashboard() {
	$user = demo_user();
	if ( null === $user ) {
		header( 'Location: ' . site_url( '/wp-login.php' ), true, 302 );
		return;
	}
	demo_head( 'Dashboard' );
	$counts = demo_rows( "SELECT post_type, COUNT(*) AS number FROM #posts WHERE post_status = 'publish' GROUP BY post_type ORDER BY post_type" );
	echo '<h1>Dashboard</h1><p>Hello, ' . htmlspecialchars( $user['display_name'] ) . '. This is wp-admin of the demo.</p><ul>';
	foreach ( $counts as $count ) {
		echo '<li>' . (int) $count['number'] . ' × ' . htmlspecialchars( $count['post_type'] ) . '</li>';
	}
	echo '</ul>';
	demo_foot();
}
