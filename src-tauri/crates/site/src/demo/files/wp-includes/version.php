<?php
// The demo is shaped like this version; it is no WordPress.
$wp_version = '6.8';
