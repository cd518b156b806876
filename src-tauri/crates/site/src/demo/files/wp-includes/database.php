<?php
// The database of the SQLite integration, and what is kept in it.
function demo_database() {
	static $database = null;
	if ( null === $database ) {
		$database = new PDO( 'sqlite:' . WP_CONTENT_DIR . '/database/.ht.sqlite' );
		$database->setAttribute( PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION );
		$database->exec( 'PRAGMA busy_timeout = 5000' );
	}
	return $database;
}

/** Rows of a query; `#` stands for the prefix of the tables. */
function demo_rows( $sql, $values = array() ) {
	global $table_prefix;
	$statement = demo_database()->prepare( str_replace( '#', $table_prefix, $sql ) );
	$statement->execute( $values );
	return $statement->fetchAll( PDO::FETCH_ASSOC );
}

function maybe_unserialize( $value ) {
	$plain = is_string( $value ) && preg_match( '/^([abdiOs]:|N;)/', $value ) ? @unserialize( $value ) : false;
	return false === $plain && 'b:0;' !== $value ? $value : $plain;
}

function get_option( $name, $default = false ) {
	$early = apply_filters( 'pre_option_' . $name, false );
	if ( false !== $early ) {
		return $early;
	}
	$rows = demo_rows( 'SELECT option_value FROM #options WHERE option_name = ?', array( $name ) );
	return $rows ? maybe_unserialize( $rows[0]['option_value'] ) : $default;
}

function home_url( $path = '' ) {
	return rtrim( get_option( 'home' ), '/' ) . $path;
}

function site_url( $path = '' ) {
	return rtrim( get_option( 'siteurl' ), '/' ) . $path;
}

function demo_meta( $post, $key ) {
	$rows = demo_rows( 'SELECT meta_value FROM #postmeta WHERE post_id = ? AND meta_key = ?', array( $post, $key ) );
	return $rows ? maybe_unserialize( $rows[0]['meta_value'] ) : null;
}
