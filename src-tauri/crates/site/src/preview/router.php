<?php
/*
 * The front door of a preview: what a web server's rewrite rules do, for PHP's own server.
 * Settings come from the environment: CLONEDECK_ROOT (the served folder), CLONEDECK_BASE (path of the address, without a slash at its
 * end), CLONEDECK_NETWORK (1 for a network of sub-directories), CLONEDECK_READY (a word that proves that this server answers).
 */

$clonedeck = ( static function () {
	$root = (string) getenv( 'CLONEDECK_ROOT' );
	$base = (string) getenv( 'CLONEDECK_BASE' );
	$path = explode( '?', (string) $_SERVER['REQUEST_URI'], 2 )[0];
	// An absolute request target names the host first.
	$path = preg_replace( '#^https?://[^/]*#i', '', $path );
	$path = rawurldecode( '' === $path ? '/' : $path );

	if ( '/.clonedeck-ready' === $path ) {
		header( 'X-Clonedeck-Ready: ' . getenv( 'CLONEDECK_READY' ) );
		return array( 'status' => 204 );
	}
	if ( false !== strpos( $path, "\0" ) || false !== strpos( $path, '\\' ) || preg_match( '#(^|/)\.\.?(/|$)#', $path ) ) {
		return array( 'status' => 400 );
	}
	if ( '' !== $base ) {
		if ( $path === $base ) {
			return array( 'status' => 301, 'location' => $base . '/' );
		}
		if ( 0 !== strpos( $path, $base . '/' ) ) {
			return array( 'status' => 404 );
		}
		$path = substr( $path, strlen( $base ) );
	}
	$asked = $path;
	if ( getenv( 'CLONEDECK_NETWORK' ) ) {
		if ( preg_match( '#^/[_0-9a-zA-Z-]+/wp-admin$#', $path ) ) {
			return array( 'status' => 301, 'location' => $base . $path . '/' );
		}
		if ( ! file_exists( $root . $path ) && preg_match( '#^/[_0-9a-zA-Z-]+(/(wp-(content|admin|includes)(/.*)?|.*\.php))$#', $path, $found ) ) {
			$path = $found[1];
		}
	}
	// Hidden files, databases and what the copy caught are nobody's to read.
	if ( preg_match( '#/\.(?!well-known(/|$))|\.(sqlite3?|sqlite-\w+|eml|env|sql)$|/clonedeck-caught-#i', $path ) ) {
		return array( 'status' => 403 );
	}
	$file = $root . $path;
	if ( is_dir( $file ) ) {
		if ( '/' !== substr( $path, -1 ) ) {
			$query = isset( $_SERVER['QUERY_STRING'] ) && '' !== $_SERVER['QUERY_STRING'] ? '?' . $_SERVER['QUERY_STRING'] : '';
			return array( 'status' => 301, 'location' => $base . implode( '/', array_map( 'rawurlencode', explode( '/', $asked ) ) ) . '/' . $query );
		}
		foreach ( array( 'index.php', 'index.html', 'index.htm' ) as $index ) {
			if ( is_file( $file . $index ) ) {
				$file .= $index;
				$path .= $index;
				break;
			}
		}
	}
	if ( is_file( $file ) ) {
		if ( preg_match( '/\.(php|phtml|phar)$/i', $file ) ) {
			return array( 'script' => $file, 'name' => $base . $path );
		}
		return $base . $path === $asked ? array( 'builtin' => true ) : array( 'file' => $file );
	}
	if ( preg_match( '#^(.*?\.php)(/.*)$#', $path, $found ) && is_file( $root . $found[1] ) ) {
		return array( 'script' => $root . $found[1], 'name' => $base . $found[1], 'info' => $found[2] );
	}
	if ( is_file( $root . '/index.php' ) ) {
		return array( 'script' => $root . '/index.php', 'name' => $base . '/index.php' );
	}
	return array( 'status' => 404 );
} )();

if ( isset( $clonedeck['builtin'] ) ) {
	return false;
}
if ( isset( $clonedeck['status'] ) ) {
	http_response_code( $clonedeck['status'] );
	if ( isset( $clonedeck['location'] ) ) {
		header( 'Location: ' . $clonedeck['location'] );
	}
	return true;
}
if ( isset( $clonedeck['file'] ) ) {
	( static function ( $file ) {
		$types = array(
			'css' => 'text/css', 'js' => 'text/javascript', 'mjs' => 'text/javascript', 'json' => 'application/json', 'html' => 'text/html',
			'htm' => 'text/html', 'svg' => 'image/svg+xml', 'png' => 'image/png', 'jpg' => 'image/jpeg', 'jpeg' => 'image/jpeg',
			'gif' => 'image/gif', 'webp' => 'image/webp', 'avif' => 'image/avif', 'ico' => 'image/x-icon', 'woff' => 'font/woff',
			'woff2' => 'font/woff2', 'ttf' => 'font/ttf', 'txt' => 'text/plain', 'xml' => 'application/xml', 'pdf' => 'application/pdf',
			'mp4' => 'video/mp4', 'webm' => 'video/webm', 'mp3' => 'audio/mpeg', 'wasm' => 'application/wasm',
		);
		$end = strtolower( pathinfo( $file, PATHINFO_EXTENSION ) );
		header( 'Content-Type: ' . ( isset( $types[ $end ] ) ? $types[ $end ] : 'application/octet-stream' ) );
		header( 'Content-Length: ' . filesize( $file ) );
		header( 'Last-Modified: ' . gmdate( 'D, d M Y H:i:s', filemtime( $file ) ) . ' GMT' );
		if ( 'HEAD' !== $_SERVER['REQUEST_METHOD'] ) {
			readfile( $file );
		}
	} )( $clonedeck['file'] );
	return true;
}

$_SERVER['SCRIPT_FILENAME'] = $clonedeck['script'];
$_SERVER['SCRIPT_NAME']     = $clonedeck['name'];
$_SERVER['PHP_SELF']        = $clonedeck['name'] . ( isset( $clonedeck['info'] ) ? $clonedeck['info'] : '' );
unset( $_SERVER['PATH_INFO'] );
if ( isset( $clonedeck['info'] ) ) {
	$_SERVER['PATH_INFO'] = $clonedeck['info'];
}
chdir( dirname( $clonedeck['script'] ) );
// The script runs here, outside of any function, because it makes globals.
require $_SERVER['SCRIPT_FILENAME'];
return true;
