//! A tree like a large site's, for measurements.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Makes a site's files below `root`, the same for the same seed: two thirds small code files; uploads of all sizes for the rest of the
/// bytes, some of 5 to 20 MB; and some awkward names.
pub fn generate(root: &Path, seed: u64, files: u64, bytes: u64) {
    Generator::new(seed).tree(root, files, bytes);
}

struct Generator {
    state: u64,
}

impl Generator {
    fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Between 0 and 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A size whose logarithm is normal around `median`.
    fn size(&mut self, median: f64, spread: f64) -> u64 {
        let normal =
            (-2.0 * self.share().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos();
        (median * (spread * normal).exp()) as u64
    }

    fn tree(&mut self, root: &Path, files: u64, bytes: u64) {
        let uploads = files / 3;
        let large = uploads / 200;
        let mut left = bytes;
        for number in 0..files - uploads {
            let folder = match number % 10 {
                0..=2 => format!("wp-includes/d{}", number / 10 % 60),
                3..=8 => format!("wp-content/plugins/p{}/src/d{}", number / 10 % 40, number / 400 % 12),
                _ => format!("wp-content/themes/t{}/parts", number / 10 % 6),
            };
            let name = match number % 500 {
                7 => b"with space.php".to_vec(),
                8 => b"new\nline.php".to_vec(),
                9 => b"\xff\xfe.php".to_vec(),
                10 => b"--help".to_vec(),
                _ => Vec::new(),
            };
            let name = [format!("f{number}").as_bytes(), &name, b".php"].concat();
            let len = self.size(3000.0, 1.2).min(200_000);
            left = left.saturating_sub(len);
            self.file(&root.join(folder).join(OsStr::from_bytes(&name)), len);
        }
        for number in 0..large {
            let len = 5_000_000 + self.next() % 15_000_000;
            let len = len.min(bytes / 10);
            left = left.saturating_sub(len);
            self.file(
                &root.join(format!("wp-content/uploads/2024/{:02}/film-{number}.mp4", number % 12 + 1)),
                len,
            );
        }
        let median = left as f64 / (uploads - large) as f64 / 1.65;
        for number in 0..uploads - large {
            let len = self.size(median, 1.0).min(4_000_000);
            let folder = format!("wp-content/uploads/{}/{:02}", 2015 + number % 10, number / 10 % 12 + 1);
            self.file(&root.join(folder).join(format!("image-{number}.jpg")), len);
        }
        std::os::unix::fs::symlink("index.php", root.join("link")).expect("a link");
        rustix::fs::syncfs(fs::File::open(root).expect("a folder")).expect("a sync");
    }

    fn file(&mut self, path: &Path, len: u64) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        fs::write(path, &bytes[..len as usize]).expect("a file");
    }
}
