<?php
// Takes a message from PHP's mail() in place of a mail server: sendmail.php FOLDER
$folder = $argv[1];
if ( ! is_dir( $folder ) ) {
	mkdir( $folder, 0700, true );
}
$name = $folder . '/' . gmdate( 'Ymd-His' ) . '-' . bin2hex( random_bytes( 6 ) ) . '.eml';
exit( false === file_put_contents( $name, stream_get_contents( STDIN ) ) ? 1 : 0 );
