//! SQL dumps as a stream: any size in constant memory, and only the values of rows are ever touched.
//!
//! The [`Lexer`](lexer) walks the dump once: comments, hints, quoted names, statements, strings. It knows where the rows of
//! an `INSERT` or `REPLACE` have their strings and hex numbers, and lists those in which a needle stands. A worker takes
//! the block with its list, rewrites each of the values, and passes everything else on byte for byte. Blocks are
//! worked on side by side and written in order.

mod block;
mod comment;
mod lexer;
mod literal;
mod pipeline;
mod report;
mod run;
mod statement;
mod string;

pub use pipeline::{DumpError, DumpOptions, rewrite_dump};
pub use report::{DumpReport, Place, Problem};
