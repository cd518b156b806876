<?php
add_action(
	'wp_head',
	function () {
		$mods = get_option( 'theme_mods_harbour', array() );
		echo '<style>:root{--sea:' . htmlspecialchars( $mods['sea'] ) . '}header{background-image:url("' . htmlspecialchars( $mods['banner'] ) . '")}</style>';
	}
);
