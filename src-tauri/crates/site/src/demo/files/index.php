<?php
// The front door: every address that is no file comes here.
require __DIR__ . '/wp-load.php';
demo_serve();
