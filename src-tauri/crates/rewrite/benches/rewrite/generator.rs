//! A dump like those of real WordPress sites, of any size, the same for the same size.
//!
//! One row in ten is serialized, and a third of the rows hold the old address, if it is to hold it at all.

use std::io::{self, Write};

const HOST: &str = "old.example.com";
const OTHER: &str = "cdn.elsewhere.net";

/// xorshift64*: enough for variety.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

const WORDS: [&str; 32] = [
    "the",
    "garden",
    "of",
    "a",
    "small",
    "house",
    "by",
    "the",
    "sea",
    "and",
    "winter",
    "light",
    "café",
    "über",
    "letters",
    "people",
    "walk",
    "through",
    "open",
    "doors",
    "in",
    "market",
    "streets",
    "while",
    "music",
    "plays",
    "summer",
    "exhibition",
    "example",
    "it's",
    "“quoted”",
    "delivery",
];

fn words(out: &mut String, dice: &mut Dice, count: usize) {
    for n in 0..count {
        if n > 0 {
            out.push(' ');
        }
        out.push_str(dice.pick(&WORDS));
    }
}

fn html(dice: &mut Dice, host: &str, paragraphs: usize) -> String {
    let mut out = String::new();
    for _ in 0..paragraphs {
        out.push_str("<!-- wp:paragraph {\"align\":\"left\"} -->\n<p class=\"has-text\">");
        let count = 20 + dice.roll(60);
        words(&mut out, dice, count);
        if dice.roll(3) == 0 {
            out.push_str(&format!(" <a href=\"http://{host}/{}/\" rel=\"noopener\">", dice.roll(10_000)));
            words(&mut out, dice, 3);
            out.push_str("</a>");
        }
        out.push_str("</p>\n<!-- /wp:paragraph -->\n\n");
    }
    if dice.roll(2) == 0 {
        let id = dice.roll(10_000);
        out.push_str(&format!(
            "<!-- wp:image {{\"id\":{id},\"sizeSlug\":\"large\"}} -->\n<figure class=\"wp-block-image\"><img src=\"http://{host}/wp-content/uploads/2024/05/picture-{id}-1024x683.jpg\" alt=\"\" class=\"wp-image-{id}\"/></figure>\n<!-- /wp:image -->\n"
        ));
    }
    out
}

fn meta(dice: &mut Dice, host: &str) -> String {
    let id = dice.roll(100_000);
    let file = format!("2024/05/picture-{id}.jpg");
    let url = format!("http://{host}/wp-content/uploads/{file}");
    let s = |text: &str| format!("s:{}:\"{text}\";", text.len());
    let mut sizes = String::new();
    for (name, width) in [("medium", 300), ("large", 1024), ("thumbnail", 150)] {
        let sized = format!("picture-{id}-{width}x{width}.jpg");
        sizes.push_str(&s(name));
        sizes.push_str(&format!(
            "a:4:{{{}{}s:5:\"width\";i:{width};s:6:\"height\";i:{width};{}{}}}",
            s("file"),
            s(&sized),
            s("mime-type"),
            s("image/jpeg")
        ));
    }
    format!(
        "a:5:{{s:5:\"width\";i:{};s:6:\"height\";i:{};s:4:\"file\";{}s:3:\"url\";{}s:5:\"sizes\";a:3:{{{sizes}}}}}",
        1000 + dice.roll(2000),
        1000 + dice.roll(2000),
        s(&file),
        s(&url),
    )
}

/// One post, as it stands in a cell.
pub fn post(matching: bool) -> String {
    html(&mut Dice(7), if matching { HOST } else { OTHER }, 30)
}

fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'\'');
    for byte in text.bytes() {
        match byte {
            b'\'' => out.extend_from_slice(b"\\'"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => out.push(byte),
        }
    }
    out.push(b'\'');
}

fn post_row(out: &mut Vec<u8>, dice: &mut Dice, id: usize, host: &str) {
    let mut title = String::new();
    words(&mut title, dice, 5);
    let paragraphs = 1 + dice.roll(12);
    let body = html(dice, host, paragraphs);
    out.extend_from_slice(format!("({id},1,'2024-05-06 07:08:09','2024-05-06 05:08:09',").as_bytes());
    quoted(out, &body);
    out.push(b',');
    quoted(out, &title);
    out.extend_from_slice(b",'','publish','open','open','',");
    quoted(out, &title.replace(' ', "-"));
    out.extend_from_slice(b",'','','2024-05-06 07:08:09','2024-05-06 05:08:09','',0,");
    quoted(out, &format!("http://{host}/?p={id}"));
    out.extend_from_slice(b",0,'post','',0)");
}

fn meta_row(out: &mut Vec<u8>, dice: &mut Dice, id: usize, host: &str, serialized: bool) {
    out.extend_from_slice(format!("({id},{},", dice.roll(100_000)).as_bytes());
    if serialized {
        quoted(out, "_wp_attachment_metadata");
        out.push(b',');
        quoted(out, &meta(dice, host));
    } else {
        quoted(
            out,
            dice.pick(&["_edit_lock", "_thumbnail_id", "_price", "_sku", "_stock_status", "total_sales"]),
        );
        out.push(b',');
        quoted(out, &format!("{}:1", 1_700_000_000 + dice.roll(9_999_999)));
    }
    out.push(b')');
}

fn comment_row(out: &mut Vec<u8>, dice: &mut Dice, id: usize) {
    let mut text = String::new();
    let count = 10 + dice.roll(50);
    words(&mut text, dice, count);
    out.extend_from_slice(format!("({id},{},", dice.roll(10_000)).as_bytes());
    quoted(out, "A Reader");
    out.extend_from_slice(b",'reader@mail.test','','192.0.2.7','2024-05-06 07:08:09','2024-05-06 05:08:09',");
    quoted(out, &text);
    out.extend_from_slice(
        b",0,'1','Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0','comment',0,0)",
    );
}

/// Writes a dump of about `size` bytes.
pub fn write_dump(out: &mut impl Write, size: u64, matching: bool) -> io::Result<()> {
    let mut dice = Dice(42);
    let mut written = 0;
    let head = "-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)\n--\n/*!40101 SET NAMES utf8mb4 */;\n";
    out.write_all(head.as_bytes())?;
    let mut id = 0;
    while written < size {
        for table in ["wp_posts", "wp_postmeta", "wp_comments", "wp_term_relationships"] {
            let mut statement = format!("INSERT INTO `{table}` VALUES\n").into_bytes();
            // As mariadb-dump does it: rows up to about a megabyte a statement.
            while statement.len() < 1_000_000 {
                if !statement.ends_with(b"VALUES\n") {
                    statement.extend_from_slice(b",\n");
                }
                id += 1;
                let host = if matching && dice.roll(3) == 0 { HOST } else { OTHER };
                match table {
                    "wp_posts" => post_row(&mut statement, &mut dice, id, host),
                    "wp_postmeta" => {
                        let serialized = dice.roll(10) < 3;
                        meta_row(&mut statement, &mut dice, id, host, serialized);
                    }
                    "wp_comments" => comment_row(&mut statement, &mut dice, id),
                    _ => statement.extend_from_slice(format!("({id},{},0)", dice.roll(500)).as_bytes()),
                }
                if table == "wp_term_relationships" && statement.len() > 200_000 {
                    break;
                }
            }
            statement.extend_from_slice(b";\n");
            out.write_all(&statement)?;
            written += statement.len() as u64;
        }
    }
    out.write_all(b"-- Dump completed on 2026-01-01  1:02:03\n")
}
