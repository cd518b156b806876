<?php
// In place of Composer's packages: reads .env, and answers as Bedrock's `env()` does.
foreach ( file( dirname( __DIR__ ) . '/.env' ) as $line ) {
	if ( preg_match( '/^(\w+)=(["\']?)(.*)\2$/', trim( $line ), $found ) ) {
		$_ENV[ $found[1] ] = preg_replace_callback(
			'/\$\{(\w+)\}/',
			function ( $name ) {
				return isset( $_ENV[ $name[1] ] ) ? $_ENV[ $name[1] ] : '';
			},
			$found[3]
		);
	}
}

function env( $name ) {
	return isset( $_ENV[ $name ] ) ? $_ENV[ $name ] : null;
}
