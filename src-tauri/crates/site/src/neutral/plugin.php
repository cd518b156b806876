<?php
/**
 * Plugin Name: Clonedeck neutral copy
 * Description: Keeps this copy of a site from mailing, calling other servers, running scheduled tasks and being indexed. `clonedeck` can lift each of these.
 * License: MIT OR Apache-2.0
 */
// clonedeck-switches {}

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

/** What a copy must not do, and what it writes down instead. */
final class Clonedeck_Neutral {

	const SWITCHES = array();

	public static function start() {
		// By this a check sees that the plugin is at work, whatever the configuration says of its folder.
		if ( 'cli' !== PHP_SAPI && ! headers_sent() ) {
			header( 'X-Clonedeck-Copy: neutral' );
		}
		if ( self::is_on( 'mail' ) ) {
			add_filter( 'pre_wp_mail', array( __CLASS__, 'catch_mail' ), PHP_INT_MAX, 2 );
			add_action( 'phpmailer_init', array( __CLASS__, 'catch_phpmailer' ), PHP_INT_MAX );
		}
		if ( self::is_on( 'egress' ) ) {
			add_filter( 'pre_http_request', array( __CLASS__, 'block_request' ), PHP_INT_MAX, 3 );
			foreach ( array( 'jetpack_offline_mode', 'jetpack_development_mode', 'jetpack_is_staging_site', 'woocommerce_subscriptions_is_duplicate_site' ) as $name ) {
				add_filter( $name, '__return_true', PHP_INT_MAX );
			}
		}
		if ( self::is_on( 'cron' ) ) {
			self::stop_cron();
		}
		if ( self::is_on( 'crawlers' ) ) {
			self::refuse_crawlers();
		}
		if ( self::is_on( 'mark' ) ) {
			add_action( 'admin_bar_menu', array( __CLASS__, 'mark' ), 1 );
			add_action( 'wp_head', array( __CLASS__, 'mark_style' ) );
			add_action( 'admin_head', array( __CLASS__, 'mark_style' ) );
			add_filter( 'login_message', array( __CLASS__, 'mark_login' ) );
		}
	}

	public static function is_on( $name ) {
		return ! empty( self::SWITCHES[ $name ] );
	}

	/** Takes a message in place of its transport. */
	public static function catch_mail( $unused, $message ) {
		self::keep_mail( self::compose( $message ) );
		return true;
	}

	/** A plugin with a transport of its own still shows its message here before it leaves. */
	public static function catch_phpmailer( $mailer ) {
		$raw = '';
		try {
			if ( $mailer->preSend() ) {
				$raw = $mailer->getSentMIMEMessage();
			}
		} catch ( Exception $unsendable ) {
			$raw = '';
		}
		if ( '' !== $raw ) {
			self::keep_mail( $raw );
		}
		$mailer->Mailer = 'mail';
		$mailer->clearAllRecipients();
	}

	private static function compose( $message ) {
		$headers = isset( $message['headers'] ) ? $message['headers'] : array();
		if ( is_string( $headers ) ) {
			$headers = explode( "\n", str_replace( "\r\n", "\n", $headers ) );
		}
		$type  = 'text/plain; charset=UTF-8';
		$lines = array( 'Date: ' . gmdate( 'D, d M Y H:i:s' ) . ' +0000' );
		$from  = 'From: wordpress@' . self::host( home_url() );
		foreach ( $headers as $header ) {
			$header = self::one_line( $header );
			if ( 0 === stripos( $header, 'content-type:' ) ) {
				$type = trim( substr( $header, 13 ) );
				// Messages are stored as UTF-8 whatever they say less.
				$type = false === stripos( $type, 'charset' ) ? $type . '; charset=UTF-8' : $type;
			} elseif ( 0 === stripos( $header, 'from:' ) ) {
				$from = $header;
			} elseif ( false !== strpos( $header, ':' ) ) {
				$lines[] = $header;
			}
		}
		$to      = isset( $message['to'] ) ? $message['to'] : '';
		$lines[] = $from;
		$lines[] = 'To: ' . self::one_line( is_array( $to ) ? implode( ', ', $to ) : $to );
		$lines[] = 'Subject: ' . self::encoded( isset( $message['subject'] ) ? $message['subject'] : '' );
		$lines[] = 'MIME-Version: 1.0';
		$body    = 'Content-Type: ' . $type . "\r\nContent-Transfer-Encoding: base64\r\n\r\n"
			. chunk_split( base64_encode( isset( $message['message'] ) ? (string) $message['message'] : '' ) );
		$files   = isset( $message['attachments'] ) ? $message['attachments'] : array();
		$files   = is_array( $files ) ? $files : array_filter( explode( "\n", str_replace( "\r\n", "\n", $files ) ) );
		if ( ! $files ) {
			return implode( "\r\n", $lines ) . "\r\n" . $body;
		}
		$boundary = 'copy-' . bin2hex( random_bytes( 12 ) );
		$parts    = "--$boundary\r\n$body";
		foreach ( $files as $name => $file ) {
			if ( is_readable( $file ) && is_file( $file ) ) {
				$shown  = self::one_line( is_string( $name ) ? $name : basename( $file ) );
				$parts .= "--$boundary\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\""
					. str_replace( '"', '', $shown ) . "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
					. chunk_split( base64_encode( file_get_contents( $file ) ) );
			}
		}
		return implode( "\r\n", $lines ) . "\r\nContent-Type: multipart/mixed; boundary=\"$boundary\"\r\n\r\n$parts--$boundary--\r\n";
	}

	private static function one_line( $text ) {
		return trim( preg_replace( '/[\r\n\0]+/', ' ', (string) $text ) );
	}

	private static function encoded( $text ) {
		$text = self::one_line( $text );
		return preg_match( '/[^\x20-\x7e]/', $text ) ? '=?UTF-8?B?' . base64_encode( $text ) . '?=' : $text;
	}

	private static function keep_mail( $raw ) {
		$name = gmdate( 'Ymd-His' ) . '-' . bin2hex( random_bytes( 6 ) ) . '.eml';
		self::keep( $name, $raw, 0 );
	}

	private static function keep( $name, $bytes, $flags ) {
		$folder = self::SWITCHES['caught'];
		if ( ! is_dir( $folder ) ) {
			@mkdir( $folder, 0700, true );
		}
		if ( false === @file_put_contents( $folder . '/' . $name, $bytes, $flags ) ) {
			error_log( 'clonedeck: ' . $folder . ' cannot be written; something that was caught is lost' );
		}
	}

	/** Refuses a request to another server and writes down where it would have gone. */
	public static function block_request( $answer, $arguments, $url ) {
		if ( false !== $answer || self::may_call( self::host( $url ) ) ) {
			return $answer;
		}
		$parts = wp_parse_url( $url );
		$line  = array(
			'time'   => gmdate( 'Y-m-d\TH:i:s\Z' ),
			'method' => isset( $arguments['method'] ) ? $arguments['method'] : 'GET',
			// Keys travel in queries, so none is written down.
			'url'    => ( isset( $parts['scheme'] ) ? $parts['scheme'] : 'http' ) . '://' . self::host( $url ) . ( isset( $parts['path'] ) ? $parts['path'] : '/' ),
		);
		self::keep( 'blocked-requests.jsonl', json_encode( $line ) . "\n", FILE_APPEND | LOCK_EX );
		return new WP_Error( 'http_request_not_executed', 'This copy of the site calls no other servers.' );
	}

	private static function host( $url ) {
		$host = parse_url( (string) $url, PHP_URL_HOST );
		return is_string( $host ) ? strtolower( trim( $host, '[]' ) ) : '';
	}

	private static function may_call( $host ) {
		if ( 'localhost' === $host || '::1' === $host || preg_match( '/^127\.\d+\.\d+\.\d+$/', $host ) || '.localhost' === substr( $host, -10 ) ) {
			return true;
		}
		if ( '' !== $host && ( self::host( home_url() ) === $host || self::host( site_url() ) === $host ) ) {
			return true;
		}
		foreach ( self::SWITCHES['allow'] as $allowed ) {
			if ( $allowed === $host || ( '*.' === substr( $allowed, 0, 2 ) && substr( $allowed, 1 ) === substr( $host, 1 - strlen( $allowed ) ) ) ) {
				return true;
			}
		}
		return false;
	}

	private static function stop_cron() {
		if ( ! defined( 'DISABLE_WP_CRON' ) ) {
			define( 'DISABLE_WP_CRON', true );
		}
		if ( defined( 'DOING_CRON' ) && DOING_CRON && ! ( defined( 'WP_CLI' ) && WP_CLI ) ) {
			exit;
		}
		add_filter( 'pre_get_ready_cron_jobs', array( __CLASS__, 'nothing' ), PHP_INT_MAX );
		add_filter( 'action_scheduler_allow_async_request_runner', '__return_false', PHP_INT_MAX );
		add_filter( 'action_scheduler_queue_runner_concurrent_batches', '__return_zero', PHP_INT_MAX );
		add_action(
			'init',
			function () {
				remove_action( 'init', 'wp_cron' );
			},
			0
		);
	}

	public static function nothing() {
		return array();
	}

	private static function refuse_crawlers() {
		if ( 'cli' !== PHP_SAPI && ! headers_sent() ) {
			header( 'X-Robots-Tag: noindex, nofollow, noarchive' );
		}
		add_filter(
			'pre_option_blog_public',
			function () {
				return '0';
			},
			PHP_INT_MAX
		);
		add_filter(
			'robots_txt',
			function () {
				return "User-agent: *\nDisallow: /\n";
			},
			PHP_INT_MAX
		);
	}

	public static function mark( $bar ) {
		$bar->add_node(
			array(
				'id'    => 'clonedeck-copy',
				'title' => 'Copy',
				'meta'  => array( 'title' => 'This is a copy made by Clonedeck. What it would send is kept in ' . self::SWITCHES['caught'] ),
			)
		);
	}

	public static function mark_style() {
		if ( is_admin_bar_showing() ) {
			echo '<style>#wpadminbar #wp-admin-bar-clonedeck-copy>.ab-item{background:#b45309;color:#fff;font-weight:600}</style>';
		}
	}

	public static function mark_login( $message ) {
		return '<p class="message">This is a copy of the site.</p>' . $message;
	}
}

Clonedeck_Neutral::start();

// Before WordPress 5.7 nothing can be put in front of the transport, so the function itself is.
if ( Clonedeck_Neutral::is_on( 'mail' ) && version_compare( $GLOBALS['wp_version'], '5.7', '<' ) && ! function_exists( 'wp_mail' ) ) {
	function wp_mail( $to, $subject, $message, $headers = '', $attachments = array() ) {
		$parts = compact( 'to', 'subject', 'message', 'headers', 'attachments' );
		return Clonedeck_Neutral::catch_mail( null, apply_filters( 'wp_mail', $parts ) );
	}
}
