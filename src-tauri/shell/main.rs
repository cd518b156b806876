//! The window of Clonedeck.
fn main() {
    tauri::Builder::default().run(tauri::generate_context!()).expect("the window runs");
}
