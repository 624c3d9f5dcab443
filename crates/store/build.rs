//! Migrations are read by a macro, which does not tell the compiler when a file is added.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
