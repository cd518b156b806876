<?php
require dirname( __DIR__ ) . '/wp-load.php';
demo_dashboard();
