//! What the window and the command line may ask of Clonedeck.
//!
//! One function for each thing an operator can do, the types that cross the border in [`wire`], and the one error an operator sees.

#![warn(missing_docs)]

pub mod wire;
