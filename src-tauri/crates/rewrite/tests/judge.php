<?php
// The judge of serialized data.
//
//   php judge.php make SEED COUNT    a line for each value: kind, the value with the old address, the same with the new one
//   php judge.php check              reads lines of values, prints "ok" or what is wrong with each
//
// Each value is made twice from the same random numbers, once with the old address and once with the new one in the live
// value, so that what is wanted comes from PHP alone and not from any way of replacing. Values travel as Base64.

error_reporting(E_ALL & ~E_DEPRECATED);
ini_set('memory_limit', '1G');

enum Suit: string { case Hearts = 'h'; case Spades = 's'; }
class Plain { public $u; protected $p; private $q; public function __construct($u, $p, $q) { $this->u = $u; $this->p = $p; $this->q = $q; } }
class Child extends Plain { private $q = 'mine'; public ?Suit $suit = null; public $more; }
final class Modern {
    public function __construct(private array $d) {}
    public function __serialize(): array { return $this->d; }
    public function __unserialize(array $d): void { $this->d = $d; }
}

final class Maker
{
    private array $objects = [];

    public function __construct(private string $scheme, private string $site) {}

    private function one(array $of) { return $of[mt_rand(0, count($of) - 1)]; }

    private function url(): string { return $this->scheme . '://' . $this->site . $this->one(['', '/', '/a/b.png', '/?p=1&x=2#y', '/ü/日本']); }

    private function noise(): string
    {
        return $this->one([
            '', 'text', "line\nbreak", 'ünïcödé', '日本語', "\u{1F600}", '"quoted"', "it's", 'back\\slash', '<b>', '&amp;', '100%', 'a;b:c{d}',
            's:5:"hello";', 'a:0:{}', 'http://other.example.org/', 'http://old.example.com.au', 'me@old.example.com', '//old.example.com:8080',
            'not-old.example.com', "\t", ' ',
        ]);
    }

    private function gap(): string { return $this->one([' ', "\n", '"', "'", '<', '>', '(', ')', ',', ' 。', '|']); }

    /** A piece of text with the address in one of its forms. */
    private function form(): string
    {
        $url = $this->url();
        switch (mt_rand(0, 13)) {
            case 0: return '//' . $this->site . '/x';
            case 1: return $this->site;
            case 2: return str_replace('/', '\\/', $url);
            case 3: return str_replace('/', '\\\\\\/', $url);
            case 4: return rawurlencode($url);
            case 5: return urlencode(urlencode($url));
            case 6: return str_replace('/', '&#47;', $url);
            case 7: return htmlspecialchars($url);
            case 8: return strtoupper($this->scheme . '://' . $this->site) . '/X';
            case 9: return '<a href="' . $url . '">x</a>';
            case 10: return '[raw]' . base64_encode('<p>' . rawurlencode($url)) . '[/raw]';
            case 11: return '<!-- wp:x {"url":"' . $url . '\\u0026y"} -->';
            case 12: return str_replace('/', '\\u002F', $url);
            default: return $url;
        }
    }

    private function text(int $depth): string
    {
        if ($depth < 3 && mt_rand(0, 5) === 0) {
            return $this->nested($depth + 1);
        }
        $text = $this->noise();
        for ($n = mt_rand(0, 2); $n > 0; $n--) {
            $text .= $this->gap() . $this->form() . $this->gap() . $this->noise();
        }
        return $text;
    }

    /** A value inside a string, in one or another encoding. */
    private function nested(int $depth): string
    {
        $before = $this->objects;
        $this->objects = [];
        $value = $this->value($depth);
        $this->objects = $before;
        $flags = $this->one([0, JSON_UNESCAPED_SLASHES, JSON_UNESCAPED_UNICODE, JSON_PRETTY_PRINT, JSON_PRESERVE_ZERO_FRACTION | JSON_HEX_QUOT]);
        // A slash in each document shows how it writes slashes; without one nobody could know.
        $plain = fn () => json_encode(['/' => $this->plain($depth)], $flags | JSON_PARTIAL_OUTPUT_ON_ERROR);
        switch (mt_rand(0, 9)) {
            case 0: case 1: case 2: return serialize($value);
            case 3: case 4: return $plain();
            case 5: return base64_encode($this->gap() . $this->url() . $this->gap() . rawurlencode($this->url()));
            case 6: return 'user|' . serialize($value) . 'next|' . serialize($this->text(9));
            case 7:
                $data = serialize($this->plain($depth));
                // What is not UTF-8 loses bytes on the way into HTML, and with them its lengths.
                return '<input value="' . (preg_match('//u', $data) ? htmlspecialchars($data) : 'binary') . '">';
            case 8: return "x = '" . addslashes(serialize($this->plain($depth))) . "';";
            default: return json_encode(['/' => serialize($this->plain($depth))], $flags | JSON_PARTIAL_OUTPUT_ON_ERROR);
        }
    }

    /** Strings, numbers and arrays: what JSON can say. */
    private function plain(int $depth)
    {
        if ($depth > 4 || mt_rand(0, 2) === 0) {
            return $this->one([fn () => $this->text($depth), fn () => mt_rand(), fn () => 1.0, fn () => null, fn () => true])();
        }
        $array = [];
        for ($n = mt_rand(0, 4); $n > 0; $n--) {
            $array[$this->one([fn () => mt_rand(0, 99), fn () => 'k' . mt_rand(0, 99), fn () => $this->url() . '#' . mt_rand()])()] = $this->plain($depth + 1);
        }
        return $array;
    }

    public function value(int $depth)
    {
        $kind = $depth > 5 ? mt_rand(0, 9) : mt_rand(0, 17);
        switch ($kind) {
            case 0: return null;
            case 1: return (bool) mt_rand(0, 1);
            case 2: return mt_rand(-100000, 100000);
            case 3: return $this->one([0.1, -1.5e300, 1.0, INF, -INF, 0.10000000000000001, 1 / 3]);
            case 4: case 5: case 6: case 7: return $this->text($depth);
            case 8: return random_binary() . $this->one(['', 'http://old.example.com']);
            case 9: return $this->one([Suit::Hearts, Suit::Spades]);
            case 10: case 11: case 12:
                $array = [];
                for ($n = mt_rand(0, 5); $n > 0; $n--) {
                    $array[$this->one([fn () => mt_rand(-9, 99), fn () => 'key' . mt_rand(0, 99), fn () => $this->form() . '#' . mt_rand()])()] = $this->value($depth + 1);
                }
                return $array;
            case 13:
                $array = ['a' => $this->value($depth + 1), 'b' => $this->text($depth)];
                $array['c'] = &$array['b'];
                $array['d'] = &$array['a'];
                return $array;
            case 14:
                $object = new Plain($this->text($depth), $this->value($depth + 1), $this->text($depth));
                $object->{'dynamic ' . $this->site . ' name'} = $this->text($depth);
                $this->objects[] = $object;
                return $object;
            case 15:
                $object = new Child($this->text($depth), null, $this->value($depth + 1));
                $object->suit = Suit::Spades;
                $object->more = $object;
                return $object;
            case 16: return $this->objects ? $this->one($this->objects) : new ArrayObject([$this->text($depth), $this->value($depth + 1)]);
            default: return new Modern(['x' => $this->value($depth + 1), 7 => $this->text($depth)]);
        }
    }

    /** Data as older programs wrote it, which PHP reads but no longer writes. */
    public function older(): string
    {
        $s = fn () => serialize($this->text(1));
        $escaped = function (): string {
            $text = $this->text(9);
            $raw = '';
            foreach (str_split($text === '' ? 'x' : $text) as $byte) {
                $raw .= $byte === '\\' || ord($byte) > 126 || ord($byte) < 32 ? sprintf('\\%02x', ord($byte)) : $byte;
            }
            return 'S:' . strlen($text === '' ? 'x' : $text) . ':"' . $raw . '";';
        };
        $custom = function (string $class, string $body): string {
            return 'C:' . strlen($class) . ':"' . $class . '":' . strlen($body) . ':{' . $body . '}';
        };
        $parts = [];
        foreach (range(1, mt_rand(1, 4)) as $i) {
            $parts[] = 'i:' . $i . ';' . $this->one([
                $s,
                $escaped,
                fn () => $custom('ArrayObject', 'x:i:0;a:2:{i:0;' . $s() . 's:1:"k";' . $s() . '};m:a:1:{s:1:"m";' . $s() . '}'),
                fn () => $custom('ArrayIterator', 'x:i:0;a:1:{i:0;' . $s() . '};m:a:0:{}'),
                fn () => $custom('SplObjectStorage', 'x:i:2;O:8:"stdClass":1:{s:1:"u";' . $s() . '},' . $s() . ';O:8:"stdClass":0:{},N;;m:a:0:{}'),
                fn () => $custom('SplDoublyLinkedList', 'i:0;:' . $s() . ':' . $s()),
                fn () => $custom('SplQueue', 'i:4;:' . $s() . ':a:1:{i:0;' . $s() . '}'),
            ])();
        }
        return 'a:' . count($parts) . ':{' . implode('', $parts) . '}';
    }
}

function random_binary(): string
{
    $bytes = "\0";
    for ($n = mt_rand(0, 20); $n > 0; $n--) {
        $bytes .= chr(mt_rand(0, 255));
    }
    return $bytes . "\0";
}

function make(int $seed, string $scheme, string $site, string $kind): string
{
    mt_srand($seed);
    $maker = new Maker($scheme, $site);
    return $kind === 'older' ? $maker->older() : serialize($maker->value(0));
}

[, $verb] = $argv;
if ($verb === 'make') {
    [, , $seed, $count, $old_scheme, $old_site, $new_scheme, $new_site] = $argv;
    for ($n = 0; $n < (int) $count; $n++) {
        $kind = $n % 5 === 4 ? 'older' : 'live';
        $old = make((int) $seed + $n, $old_scheme, $old_site, $kind);
        $new = make((int) $seed + $n, $new_scheme, $new_site, $kind);
        echo $kind, ' ', base64_encode($old), ' ', base64_encode($new), "\n";
    }
} else {
    while (($line = fgets(STDIN)) !== false) {
        [$kind, $value] = explode(' ', rtrim($line, "\n"));
        $value = base64_decode($value);
        $live = @unserialize($value);
        if ($live === false && $value !== 'b:0;') {
            echo "does not parse\n";
        } elseif ($kind === 'live' && serialize($live) !== $value) {
            echo "is another value when written again\n";
        } else {
            echo "ok\n";
        }
    }
}
