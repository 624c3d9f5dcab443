//! HTML mails as text, with what mail programs mark as quoted marked by `> `.
//!
//! Programs mark a quote by a class or an id (`gmail_quote`, `divRplyFwdMsg`). Before rendering, a
//! private-use character is put where a quote begins and ends; it survives the rendering as a line.

use html2text::{config, render::TextDecorator};

const BEGIN: char = '\u{E0F0}';
const END: char = '\u{E0F1}';
/// A mail's text is far shorter; the rest is pictures and styles.
const MAX_HTML: usize = 1024 * 1024;
const WIDTH: usize = 1_000;
const MAX_RULE: usize = 32;
/// Rendering takes time by the square of the depth. Nested tables of newsletters reach 50.
const MAX_DEPTH: usize = 150;
/// Marks beyond this say nothing new; finding the end of each costs a walk through the mail.
const MAX_MARKS: usize = 60;

/// The whole element is quoted.
const QUOTES: &[&str] = &[
    "yahoo_quoted",
    "moz-cite-prefix",
    "gmail_attr",
    "protonmail_quote",
    "tutanota_quote",
    "zmail_extra",
    "OLK_SRC_BODY_SECTION",
    "mail-editor-reference-message-container",
    "moz-forward-container",
];
/// From here to the end of the mail.
const QUOTES_FROM_HERE: &[&str] =
    &["divRplyFwdMsg", "appendonsend", "stopSpelling", "x_divRplyFwdMsg", "x_appendonsend"];
/// Up to its first blockquote, which is quoted anyway: answers may stand between the blockquotes.
const ATTRIBUTES: &[&str] = &["gmail_quote", "gmail_quote_container"];

pub(super) fn render(html: &str) -> String {
    let mut end = html.len().min(MAX_HTML);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let html = &html[..end];
    let marked = if depth(html) > MAX_DEPTH { flat(html) } else { mark(html) };
    let rendered = config::with_decorator(Plain)
        .raw_mode(true)
        .allow_width_overflow()
        .unicode_strikeout(false)
        .string_from_read(marked.as_bytes(), WIDTH)
        .unwrap_or_default();
    quote(&rendered)
}

/// Whether the mail's program said itself what is quoted.
pub(super) fn is_marked(html: &str) -> bool {
    let names = QUOTES.iter().chain(QUOTES_FROM_HERE).chain(ATTRIBUTES);
    names.into_iter().any(|name| html.contains(name)) || html.contains("type=\"cite\"") || html.contains("type=cite")
}

fn quote(rendered: &str) -> String {
    let (mut depth, mut text) = (0_usize, String::with_capacity(rendered.len()));
    for line in rendered.lines() {
        let (begins, ends) = (line.matches(BEGIN).count(), line.matches(END).count());
        depth += begins;
        let line = line.replace([BEGIN, END], "").replace('\u{A0}', " ");
        let line = line.trim_end();
        let rule = line.chars().count() > MAX_RULE && line.chars().all(|c| matches!(c, '─' | '-' | '_'));
        if begins + ends == 0 || !line.trim_matches(['>', ' ']).is_empty() {
            if depth > 0 {
                text.push_str("> ");
            }
            text.push_str(if rule { "--------------------------------" } else { line });
            text.push('\n');
        }
        depth = depth.saturating_sub(ends);
    }
    text
}

fn mark(html: &str) -> String {
    let mut marked = String::with_capacity(html.len() + 256);
    let (mut at, mut closing): (usize, Vec<usize>) = (0, Vec::new());
    let mut marks = 0;
    while let Some(tag) = next_tag(html, at) {
        marked.push_str(&html[at..tag.start]);
        at = tag.start;
        let is = |names: &[&str]| marks < MAX_MARKS && !tag.closes && tag.names().any(|name| names.contains(&name));
        if is(QUOTES_FROM_HERE) {
            marks += 1;
            push(&mut marked, BEGIN);
        } else if is(QUOTES) {
            marks += 1;
            push(&mut marked, BEGIN);
            closing.push(end_of(html, &tag));
        } else if is(ATTRIBUTES) && !tag.name.eq_ignore_ascii_case("blockquote") {
            marks += 1;
            let close = end_of(html, &tag);
            let inner = find_open(html, tag.end, "blockquote").unwrap_or(close).min(close);
            push(&mut marked, BEGIN);
            closing.push(inner);
        }
        while let Some(place) = closing.iter().position(|end| *end <= tag.start) {
            closing.swap_remove(place);
            push(&mut marked, END);
        }
        marked.push_str(&html[at..tag.end]);
        at = tag.end;
    }
    marked.push_str(&html[at..]);
    marked
}

/// How deep elements are nested at most, by their tags; those that close by themselves left out.
fn depth(html: &str) -> usize {
    const UNCOUNTED: &[&str] = &[
        "p", "br", "hr", "img", "input", "meta", "link", "li", "td", "th", "tr", "tbody", "thead", "tfoot", "col",
        "dt", "dd", "option", "wbr", "area", "base", "html", "body", "head",
    ];
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(tag) = next_tag(html, at) {
        at = tag.end;
        if tag.closes {
            depth =
                depth.saturating_sub(usize::from(!UNCOUNTED.iter().any(|name| tag.name.eq_ignore_ascii_case(name))));
        } else if !UNCOUNTED.iter().any(|name| tag.name.eq_ignore_ascii_case(name)) && !tag.attributes.ends_with('/') {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    deepest
}

/// The text with a line break for every tag of a block: for HTML that nobody wrote.
fn flat(html: &str) -> String {
    let (mut flat, mut at) = (String::with_capacity(html.len()), 0);
    let mut broken = true;
    while let Some(tag) = next_tag(html, at) {
        let text = &html[at..tag.start];
        broken &= text.trim().is_empty();
        flat.push_str(text);
        let inline =
            ["a", "b", "i", "u", "em", "strong", "span", "font"].iter().any(|name| tag.name.eq_ignore_ascii_case(name));
        if !inline && !broken {
            flat.push_str("<br>");
            broken = true;
        }
        at = tag.end;
    }
    flat.push_str(&html[at..]);
    flat
}

fn push(marked: &mut String, mark: char) {
    marked.push_str("<div>");
    marked.push(mark);
    marked.push_str("</div>");
}

struct Tag<'a> {
    start: usize,
    end: usize,
    name: &'a str,
    closes: bool,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// Values of `class` and `id`.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        ["class", "id"].into_iter().flat_map(|name| value(self.attributes, name).split_whitespace())
    }
}

/// The value of an attribute, with or without quotes; empty if there is none.
fn value<'a>(attributes: &'a str, name: &str) -> &'a str {
    let mut rest = attributes;
    while let Some(place) = rest.find('=') {
        let (before, after) = (&rest[..place], rest[place + 1..].trim_start());
        let (value, next) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            _ => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        let own = before.split_whitespace().next_back().unwrap_or_default();
        if own.eq_ignore_ascii_case(name) {
            return value;
        }
        rest = next;
    }
    ""
}

/// The next start or end tag; comments and style sheets are stepped over.
fn next_tag(html: &str, mut at: usize) -> Option<Tag<'_>> {
    loop {
        let start = at + html.get(at..)?.find('<')?;
        let rest = &html[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            at = start + 4 + comment.find("-->")? + 3;
            continue;
        }
        let closes = rest.starts_with('/');
        let inner = rest.strip_prefix('/').unwrap_or(rest);
        let length = inner.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inner.len());
        if length == 0 {
            at = start + 1;
            continue;
        }
        let name = &inner[..length];
        let end = start + 1 + rest.find('>')? + 1;
        if !closes && (name.eq_ignore_ascii_case("style") || name.eq_ignore_ascii_case("script")) {
            at = end + html[end..].find("</")?;
            continue;
        }
        let attributes = html.get(start + 1 + usize::from(closes) + length..end - 1).unwrap_or_default();
        return Some(Tag { start, end, name, closes, attributes });
    }
}

fn find_open(html: &str, mut at: usize, name: &str) -> Option<usize> {
    while let Some(tag) = next_tag(html, at) {
        if !tag.closes && tag.name.eq_ignore_ascii_case(name) {
            return Some(tag.start);
        }
        at = tag.end;
    }
    None
}

/// Where the element that `open` starts is closed.
fn end_of(html: &str, open: &Tag<'_>) -> usize {
    let (mut at, mut depth) = (open.end, 1_usize);
    while let Some(tag) = next_tag(html, at) {
        if tag.name.eq_ignore_ascii_case(open.name) {
            depth = if tag.closes { depth - 1 } else { depth + 1 };
            if depth == 0 {
                return tag.start;
            }
        }
        at = tag.end;
    }
    html.len()
}

/// Text only: no footnotes for links, no stars for bold.
#[derive(Clone, Debug)]
struct Plain;

impl TextDecorator for Plain {
    type Annotation = ();

    fn decorate_link_start(&mut self, _url: &str) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_link_end(&mut self) -> String {
        String::new()
    }
    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_em_end(&self) -> String {
        String::new()
    }
    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strong_end(&self) -> String {
        String::new()
    }
    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }
    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_code_end(&self) -> String {
        String::new()
    }
    fn decorate_preformat_first(&self) {}
    fn decorate_preformat_cont(&self) {}
    fn decorate_image(&mut self, _src: &str, _title: &str) -> (String, ()) {
        (String::new(), ())
    }
    fn header_prefix(&self, _level: usize) -> String {
        String::new()
    }
    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }
    fn unordered_item_prefix(&self) -> String {
        "- ".to_owned()
    }
    fn ordered_item_prefix(&self, i: i64) -> String {
        format!("{i}. ")
    }
    fn make_subblock_decorator(&self) -> Self {
        Plain
    }
}
