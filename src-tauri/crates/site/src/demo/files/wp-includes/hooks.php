<?php
// As much of the plugin interface as the demo's plugins use.
$demo_hooks = array();

function add_filter( $name, $call, $priority = 10, $arguments = 1 ) {
	global $demo_hooks;
	$demo_hooks[ $name ][ $priority ][] = array( $call, $arguments );
	ksort( $demo_hooks[ $name ] );
	return true;
}

function add_action( $name, $call, $priority = 10, $arguments = 1 ) {
	return add_filter( $name, $call, $priority, $arguments );
}

function remove_action( $name, $call, $priority = 10 ) {
	return false;
}

function apply_filters( $name, $value, ...$more ) {
	global $demo_hooks;
	foreach ( isset( $demo_hooks[ $name ] ) ? $demo_hooks[ $name ] : array() as $calls ) {
		foreach ( $calls as list( $call, $count ) ) {
			$value = call_user_func_array( $call, array_slice( array_merge( array( $value ), $more ), 0, max( 1, $count ) ) );
		}
	}
	return $value;
}

function do_action( $name, ...$arguments ) {
	global $demo_hooks;
	foreach ( isset( $demo_hooks[ $name ] ) ? $demo_hooks[ $name ] : array() as $calls ) {
		foreach ( $calls as list( $call, $count ) ) {
			call_user_func_array( $call, array_slice( $arguments, 0, $count ) );
		}
	}
}

function __return_true() {
	return true;
}

function __return_false() {
	return false;
}

function __return_zero() {
	return 0;
}

class WP_Error {
	private $code;
	private $message;

	public function __construct( $code, $message ) {
		$this->code    = $code;
		$this->message = $message;
	}

	public function get_error_code() {
		return $this->code;
	}

	public function get_error_message() {
		return $this->message;
	}
}

function wp_parse_url( $url ) {
	return parse_url( $url );
}

/** Mail goes out through PHP, unless something takes it first. */
function wp_mail( $to, $subject, $message, $headers = '', $attachments = array() ) {
	$taken = apply_filters( 'pre_wp_mail', null, compact( 'to', 'subject', 'message', 'headers', 'attachments' ) );
	return null === $taken ? mail( $to, $subject, $message ) : $taken;
}
