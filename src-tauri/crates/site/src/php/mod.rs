//! PHP configuration, read and edited without running it.
//!
//! A [`Document`] is a parsed file. A [`Reading`] follows a configuration from its first statement as PHP would (constants,
//! variables, conditions about files, included files) and says of every constant either its value or why it cannot be known before
//! run time. An [`Edit`] replaces the expressions that define a name, by their place in the file, and leaves every other byte alone.

mod document;
mod edit;
mod evaluate;
mod expression;
mod value;

pub use document::Document;
pub use edit::Edit;
pub use evaluate::{Definition, Environment, Outcome, Place, Reading};
pub use value::{Value, literal};
