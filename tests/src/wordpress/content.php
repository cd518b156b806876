<?php
// Fills an installed WordPress with content that holds its address in every form: php content.php FOLDER
$_SERVER['HTTP_HOST']   = getenv( 'SITE_HOST' );
$_SERVER['REQUEST_URI'] = '/';
require $argv[1] . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/image.php';
require ABSPATH . 'wp-admin/includes/nav-menu.php';

class Vanished_Plugin_State {
	public $endpoint;
	protected $inner = array();
	private $own;
	public function __construct( $url ) {
		$this->endpoint = $url . '/api';
		$this->inner    = array( 'home' => $url );
		$this->own      = $url;
	}
}

$url    = home_url();
$host   = wp_parse_url( $url, PHP_URL_HOST );
$nested = array(
	'home'  => $url,
	'url'   => array( $url . '/a', array( 'deep' => $url . '/ü-ж-日本' ) ),
	'mixed' => array( 1, 2.5, true, null, $url ),
	'inner' => serialize( array( 'again' => $url . '/inner' ) ),
	'json'  => wp_json_encode( array( 'link' => $url . '/json' ) ),
	$url    => 'an address as a key',
);

// Media: a picture in several sizes, a style sheet as page builders write them.
$uploads = wp_upload_dir();
$picture = imagecreatetruecolor( 1200, 800 );
imagefilledrectangle( $picture, 100, 100, 900, 700, imagecolorallocate( $picture, 200, 80, 40 ) );
$file = $uploads['path'] . '/harbour.png';
imagepng( $picture, $file );
$attachment = wp_insert_attachment(
	array(
		'post_mime_type' => 'image/png',
		'post_title'     => 'Harbour',
		'post_status'    => 'inherit',
		'guid'           => $uploads['url'] . '/harbour.png',
	),
	$file
);
wp_update_attachment_metadata( $attachment, wp_generate_attachment_metadata( $attachment, $file ) );
wp_mkdir_p( $uploads['basedir'] . '/builder' );
file_put_contents( $uploads['basedir'] . '/builder/post-1.css', "body{background:url($url/wp-content/uploads/bg.png)}\n" );

$forms = array(
	'plain'          => "<a href=\"$url/shop/\">shop</a> and $url.",
	'secure'         => 'https://' . $host . '/secure',
	'without scheme' => '<script src="//' . $host . '/script.js"></script>',
	'capitals'       => strtoupper( $url ) . '/CAPS',
	'encoded'        => 'https://elsewhere.example/?back=' . rawurlencode( $url . '/back' ),
	'json'           => wp_json_encode( array( 'u' => $url . '/j' ) ),
	'twice'          => wp_json_encode( wp_json_encode( array( 'u' => $url . '/jj' ) ) ),
	'entity'         => str_replace( '/', '&#47;', $url . '/entity' ),
	'srcset'         => wp_get_attachment_image( $attachment, 'large' ),
	'block'          => '<!-- wp:button {"url":"' . $url . '/?a=1\u0026b=2","x":{}} --><a href="' . $url . '/?a=1&amp;b=2">b</a><!-- /wp:button -->',
	'base64'         => '[vc_raw_html]' . base64_encode( rawurlencode( "<a href=\"$url/raw\">raw</a>" ) ) . '[/vc_raw_html]',
	'alike'          => "http://$host.example.com/ and http://{$host}ing/ and http://not$host/ stay",
);
$first = 0;
foreach ( $forms as $name => $content ) {
	$post = wp_insert_post(
		array(
			'post_title'   => "The address, $name",
			'post_name'    => 'form-' . sanitize_title( $name ),
			'post_content' => wp_slash( $content ),
			'post_status'  => 'publish',
			'post_date'    => '2024-05-01 10:00:00',
		)
	);
	$first = $first ? $first : $post;
	update_post_meta( $post, 'nested', wp_slash( $nested ) );
	set_post_thumbnail( $post, $attachment );
}
update_post_meta( $first, '_elementor_data', wp_slash( wp_json_encode( array( array( 'elType' => 'section', 'settings' => array( 'link' => array( 'url' => $url . '/elementor', 'x' => new stdClass(), 'n' => 1.0 ) ) ) ) ) ) );
update_post_meta( $first, '_elementor_page_settings', array( 'background_image' => array( 'url' => $url . '/bg.png', 'id' => $attachment ) ) );

// Widgets, a menu, a front page.
update_option( 'widget_text', array( 2 => array( 'title' => 'Visit', 'text' => "<a href=\"$url/visit\">$url</a>" ), '_multiwidget' => 1 ) );
update_option( 'widget_custom_html', array( 2 => array( 'title' => '', 'content' => "<img src='$url/x.png'>" ), '_multiwidget' => 1 ) );
update_option( 'sidebars_widgets', array( 'side' => array( 'text-2', 'custom_html-2' ), 'wp_inactive_widgets' => array(), 'array_version' => 3 ) );
$menu = wp_create_nav_menu( 'Main' );
wp_update_nav_menu_item( $menu, 0, array( 'menu-item-title' => 'Home', 'menu-item-url' => $url . '/', 'menu-item-status' => 'publish' ) );
wp_update_nav_menu_item( $menu, 0, array( 'menu-item-title' => 'First', 'menu-item-object' => 'post', 'menu-item-object-id' => $first, 'menu-item-type' => 'post_type', 'menu-item-status' => 'publish' ) );
set_theme_mod( 'nav_menu_locations', array( 'main' => $menu ) );
set_theme_mod( 'logo', $url . '/wp-content/uploads/logo.svg' );
wp_update_custom_css_post( ".hero{background:url('$url/hero.jpg')}" );

// Options in every form.
update_option( 'clonetest_plain', $url );
update_option( 'clonetest_nested', $nested );
update_option( 'clonetest_object', new Vanished_Plugin_State( $url ) );
update_option( 'clonetest_json', wp_json_encode( $nested ) );
update_option( 'clonetest_path', ABSPATH . 'wp-content/uploads' );
update_option( 'clonetest_serialized_twice', serialize( serialize( $nested ) ) );
update_option( 'clonetest_prose', 's:4:"' . $url . '"; is no serialized value' );

// What a copy must not keep: remote identities, transients, sessions.
update_option( 'woocommerce_stripe_settings', array( 'enabled' => 'yes', 'testmode' => 'no', 'publishable_key' => 'pk_live_ABC', 'secret_key' => 'sk_live_ABC', 'webhook_secret' => 'whsec_ABC' ) );
update_option( 'jetpack_private_options', array( 'blog_token' => 'abc.def' ) );
update_option( 'jetpack_options', array( 'id' => 4711, 'master_user' => 1, 'version' => '12.0' ) );
set_transient( 'clonetest', $url, DAY_IN_SECONDS );
WP_Session_Tokens::get_instance( 1 )->create( time() + DAY_IN_SECONDS );
wp_insert_comment( array( 'comment_post_ID' => $first, 'comment_author' => 'Ada', 'comment_author_url' => $url . '/ada', 'comment_content' => "See $url/comment", 'comment_approved' => 1 ) );
wp_update_user( array( 'ID' => 1, 'user_url' => $url ) );
wp_schedule_single_event( time() - 60, 'clonetest_overdue', array( $url ) );
echo $first;
