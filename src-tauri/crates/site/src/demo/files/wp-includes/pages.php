<?php
// What a visitor sees.
function demo_head( $title ) {
	header( 'Content-Type: text/html; charset=UTF-8' );
	$name  = htmlspecialchars( get_option( 'blogname' ) );
	$theme = htmlspecialchars( home_url( '/wp-content/themes/harbour/style.css' ) );
	echo '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">';
	echo '<title>' . htmlspecialchars( $title ) . ' – ' . $name . '</title><link rel="stylesheet" href="' . $theme . '">';
	echo '0' === (string) get_option( 'blog_public' ) ? '<meta name="robots" content="noindex, nofollow">' : '';
	do_action( 'wp_head' );
	echo '</head><body>';
	demo_admin_bar();
	echo '<header><a class="name" href="' . htmlspecialchars( home_url( '/' ) ) . '">' . $name . '</a><nav>';
	foreach ( get_option( 'demo_menu', array() ) as $item ) {
		echo '<a href="' . htmlspecialchars( $item['url'] ) . '">' . htmlspecialchars( $item['title'] ) . '</a> ';
	}
	echo '</nav></header><main>';
}

function demo_foot() {
	echo '</main><footer>';
	foreach ( get_option( 'widget_text', array() ) as $widget ) {
		echo is_array( $widget ) ? '<section><h2>' . htmlspecialchars( $widget['title'] ) . '</h2>' . $widget['text'] . '</section>' : '';
	}
	echo '</footer></body></html>';
}

function demo_post( $post ) {
	demo_head( $post['post_title'] );
	echo '<article><h1>' . htmlspecialchars( $post['post_title'] ) . '</h1>' . $post['post_content'];
	$price = demo_meta( $post['ID'], '_price' );
	echo $price ? '<p class="price">' . htmlspecialchars( $price ) . ' €</p>' : '';
	foreach ( (array) json_decode( (string) demo_meta( $post['ID'], '_elementor_data' ), true ) as $block ) {
		if ( isset( $block['settings']['image']['url'] ) ) {
			echo '<img alt="" src="' . htmlspecialchars( $block['settings']['image']['url'] ) . '">';
		}
		if ( isset( $block['settings']['link']['url'] ) ) {
			echo '<p><a class="button" href="' . htmlspecialchars( $block['settings']['link']['url'] ) . '">' . htmlspecialchars( $block['settings']['text'] ) . '</a></p>';
		}
	}
	echo '</article>';
	foreach ( demo_rows( 'SELECT * FROM #comments WHERE comment_post_ID = ? AND comment_approved = 1', array( $post['ID'] ) ) as $comment ) {
		echo '<blockquote>' . $comment['comment_content'] . '<cite>' . htmlspecialchars( $comment['comment_author'] ) . '</cite></blockquote>';
	}
	demo_foot();
}

function demo_contact() {
	$sent = null;
	if ( 'POST' === $_SERVER['REQUEST_METHOD'] ) {
		$sent = wp_mail( get_option( 'admin_email' ), 'A message from the harbour', isset( $_POST['message'] ) ? (string) $_POST['message'] : '' );
	}
	demo_head( 'Contact' );
	echo null === $sent ? '' : '<p class="sent">' . ( $sent ? 'Your message is on its way.' : 'Your message could not be sent.' ) . '</p>';
	echo '<h1>Write to us</h1><form method="post"><textarea name="message"></textarea><button>Send</button></form>';
	demo_foot();
}

function demo_serve() {
	$path = trim( rawurldecode( (string) parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH ) ), '/' );
	$base = trim( (string) parse_url( home_url(), PHP_URL_PATH ), '/' );
	$path = '' !== $base && 0 === strpos( $path, $base ) ? ltrim( substr( $path, strlen( $base ) ), '/' ) : $path;
	if ( 'robots.txt' === $path ) {
		header( 'Content-Type: text/plain' );
		echo apply_filters( 'robots_txt', "User-agent: *\nAllow: /\n", get_option( 'blog_public' ) );
		return;
	}
	if ( 'contact' === $path ) {
		demo_contact();
		return;
	}
	$published = "SELECT * FROM #posts WHERE post_status = 'publish' AND ";
	if ( isset( $_GET['p'] ) ) {
		$found = demo_rows( $published . 'ID = ?', array( (int) $_GET['p'] ) );
	} elseif ( '' !== $path && 'index.php' !== $path ) {
		$parts = explode( '/', $path );
		$found = demo_rows( $published . 'post_name = ?', array( end( $parts ) ) );
	} else {
		demo_head( 'Welcome' );
		echo '<div class="shelf">';
		foreach ( demo_rows( $published . "post_type = 'product' ORDER BY ID LIMIT 24" ) as $post ) {
			$picture = demo_meta( $post['ID'], '_picture' );
			echo '<a class="product" href="' . htmlspecialchars( home_url( '/product/' . $post['post_name'] . '/' ) ) . '"><img alt="" src="' . htmlspecialchars( $picture['small'] ) . '"><span>' . htmlspecialchars( $post['post_title'] ) . '</span></a>';
		}
		echo '</div>';
		demo_foot();
		return;
	}
	if ( $found ) {
		demo_post( $found[0] );
		return;
	}
	http_response_code( 404 );
	demo_head( 'Not found' );
	echo '<h1>There is nothing here</h1>';
	demo_foot();
}
