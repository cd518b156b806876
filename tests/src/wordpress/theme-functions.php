<?php
add_action(
	'after_setup_theme',
	function () {
		add_theme_support( 'post-thumbnails' );
		register_nav_menus( array( 'main' => 'Main' ) );
	}
);
add_action(
	'widgets_init',
	function () {
		register_sidebar( array( 'id' => 'side', 'name' => 'Side' ) );
	}
);
add_action(
	'wp_enqueue_scripts',
	function () {
		wp_enqueue_style( 'fixture', get_stylesheet_uri(), array(), '1' );
	}
);
