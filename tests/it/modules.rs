//! The shape of the code within a crate: which module may know which, and how long functions and files may be.
//!
//! The sources are parsed, so that what stands in a comment or a text counts for nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use syn::{
    File, ImplItemFn, ItemFn, ItemMod, UseTree,
    spanned::Spanned,
    visit::{self, Visit},
};

/// Where what is long is hard to follow: the way of the data. Lines of one function, and of code in one file.
const BOUNDED: &[&str] = &["sync", "worker", "store"];
const FUNCTION: usize = 80;
const FILE: usize = 400;

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates")
}

/// A module of a crate: its path, its text, and what is parsed of it.
struct Module {
    path: Vec<String>,
    text: String,
    file: File,
}

/// The modules of a crate that have a file of their own, without its root and without tests.
fn modules(of: &str) -> Vec<Module> {
    let root = crates().join(of).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().with_extension("");
            let mut parts: Vec<String> = name.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            if parts.last().is_some_and(|last| last == "mod") {
                parts.pop();
            }
            let is_root = parts == ["lib"] || parts == ["main"];
            let is_test = parts.last().is_some_and(|last| last.ends_with("tests"));
            if is_root || is_test || path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found.push(Module { path: parts, text, file });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn is_test(module: &ItemMod) -> bool {
    module.ident == "tests" || module.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"))
}

/// The paths that a module names, from the root of its crate.
struct Names<'a> {
    module: &'a [String],
    found: Vec<Vec<String>>,
}

impl Names<'_> {
    fn add(&mut self, parts: &[String]) {
        let own = self.module;
        let from = match parts.first().map(String::as_str) {
            Some("crate") => parts[1..].to_vec(),
            Some("self") => [own, &parts[1..]].concat(),
            Some("super") => {
                let up = parts.iter().take_while(|part| *part == "super").count();
                [&own[..own.len().saturating_sub(up)], &parts[up..]].concat()
            }
            _ => return,
        };
        self.found.push(from);
    }

    fn add_tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(before, tree)),
            UseTree::Name(name) => self.add(&with(&name.ident)),
            UseTree::Rename(name) => self.add(&with(&name.ident)),
            UseTree::Glob(_) => self.add(before),
        }
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1 {
            self.add(&parts);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(module) {
            visit::visit_item_mod(self, module);
        }
    }
}

/// Which modules each module knows, but its parents and children.
fn known(modules: &[Module]) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeSet<&[String]> = modules.iter().map(|module| module.path.as_slice()).collect();
    let mut known = BTreeMap::new();
    for module in modules {
        let mut visitor = Names { module: &module.path, found: Vec::new() };
        visitor.visit_file(&module.file);
        let mut of = BTreeSet::new();
        for path in &visitor.found {
            // The longest beginning that is a module.
            let longest = (1..=path.len()).rev().map(|length| &path[..length]).find(|part| names.contains(part));
            let Some(longest) = longest else { continue };
            if !longest.starts_with(&module.path) && !module.path.starts_with(longest) {
                of.insert(longest.join("::"));
            }
        }
        known.insert(module.path.join("::"), of);
    }
    known
}

/// Modules that know each other by a way round.
fn circle(known: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    // Whoever knows nobody that is left is in no circle.
    let mut left: BTreeMap<&String, BTreeSet<&String>> =
        known.iter().map(|(module, of)| (module, of.iter().collect())).collect();
    loop {
        let free: Vec<&String> = left.iter().filter(|(_, of)| of.is_empty()).map(|(module, _)| *module).collect();
        if free.is_empty() {
            return (!left.is_empty()).then(|| left.keys().map(|module| (*module).clone()).collect());
        }
        for module in free {
            left.remove(module);
            for of in left.values_mut() {
                of.remove(module);
            }
        }
    }
}

#[test]
fn no_two_modules_of_a_crate_know_each_other() {
    let mut seen = 0;
    for entry in std::fs::read_dir(crates()).unwrap() {
        let path = entry.unwrap().path();
        if !path.join("src").is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let known = known(&modules(&name));
        seen += known.values().map(BTreeSet::len).sum::<usize>();
        // Simulated vendors know of each other's parts what the vendors do.
        if name != "sandbox" {
            assert_eq!(
                circle(&known),
                None,
                "modules of {name} that import each other in a circle, and those above them"
            );
        }
    }
    assert!(seen > 300, "{seen} imports were read");
}

#[test]
fn a_circle_is_found_and_a_chain_is_none() {
    let of = |pairs: &[(&str, &[&str])]| {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        pairs.iter().map(|(module, names)| ((*module).to_owned(), set(names))).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(circle(&of(&[("a", &["b"]), ("b", &["c"]), ("c", &[])])), None);
    assert_eq!(circle(&of(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])])).unwrap(), ["a", "b", "c"]);
}

/// Functions that are too long, by name and length.
#[derive(Default)]
struct Long {
    found: Vec<(String, usize)>,
    functions: usize,
}

impl Long {
    fn look(&mut self, name: &syn::Ident, from: usize, to: usize) {
        self.functions += 1;
        let lines = to - from + 1;
        if lines > FUNCTION {
            self.found.push((name.to_string(), lines));
        }
    }
}

impl<'ast> Visit<'ast> for Long {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        let (from, to) = (function.sig.span().start().line, function.block.span().end().line);
        self.look(&function.sig.ident, from, to);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        let (from, to) = (function.sig.span().start().line, function.block.span().end().line);
        self.look(&function.sig.ident, from, to);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(module) {
            visit::visit_item_mod(self, module);
        }
    }
}

/// Lines that are neither empty nor comments, without the tests at the end.
fn code_lines(text: &str) -> usize {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn functions_and_files_on_the_way_of_the_data_can_be_read_at_a_sitting() {
    let (mut long, mut functions) = (Vec::new(), 0);
    for name in BOUNDED {
        for module in modules(name) {
            let place = format!("{name}/{}", module.path.join("/"));
            let lines = code_lines(&module.text);
            if lines > FILE {
                long.push(format!("{place}: {lines} lines of code"));
            }
            let mut visitor = Long::default();
            visitor.visit_file(&module.file);
            functions += visitor.functions;
            long.extend(visitor.found.iter().map(|(function, lines)| format!("{place}: {function} has {lines} lines")));
        }
    }
    assert!(functions > 600, "{functions} functions were read");
    assert_eq!(long, [""; 0], "at most {FUNCTION} lines a function, {FILE} of code a file");
}
