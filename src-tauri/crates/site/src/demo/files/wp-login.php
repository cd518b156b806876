<?php
require __DIR__ . '/wp-load.php';
demo_login_page();
