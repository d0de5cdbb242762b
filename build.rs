//! The pages of `docs/` that HELP shows, as a table of the binary: a page that is added there needs no list here. All are
//! but those for who changes the code, and the list of them.

use std::env;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let docs = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("docs");
    let mut pages = Vec::new();
    if docs.exists() {
        collect(&docs, &mut pages)?;
    }
    pages.retain(|page| !page.starts_with(docs.join("design")) && *page != docs.join("README.md"));
    pages.sort();
    let mut table = String::from("&[\n");
    for page in &pages {
        let name = page.strip_prefix(&docs).unwrap_or(page);
        // The folder is that of the build which reads the table: a kept target folder may serve another checkout.
        let (name, path) = (name.display().to_string(), Path::new("/docs").join(name).display().to_string());
        // Writing to a text can't fail.
        let _ = writeln!(table, "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),");
    }
    table += "]\n";
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=docs");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("pages.rs"), table)
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, pages)?;
        } else if path.extension().is_some_and(|e| e == "md") {
            pages.push(path);
        }
    }
    Ok(())
}
