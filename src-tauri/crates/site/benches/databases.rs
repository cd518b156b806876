//! Databases beside other tools.

fn main() {}
