<?php
/**
 * Plugin Name: Harbour Shop
 * Description: Keeps a count of what leaves the harbour.
 * License: MIT OR Apache-2.0
 */
add_action(
	'init',
	function () {
		$settings = get_option( 'harbour_shop_settings', array() );
		if ( ! empty( $settings['closed'] ) ) {
			http_response_code( 503 );
		}
	}
);
