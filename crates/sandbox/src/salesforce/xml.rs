//! Just enough XML for SOAP: a tree of local names, and escaping.

use quick_xml::Reader;
use quick_xml::events::Event;

#[derive(Debug, Default, Clone)]
pub struct Node {
    pub name: String,
    pub text: String,
    pub children: Vec<Node>,
}

impl Node {
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of a child; empty counts as absent.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// The first node of this name, at any depth.
    pub fn find(&self, name: &str) -> Option<&Node> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }
}

/// Deeper than any SOAP message, and shallow enough for recursion over the tree.
const MAX_DEPTH: usize = 64;

/// Reads a document. Document types are refused, so no entity can be declared.
pub fn parse(text: &str) -> Option<Node> {
    let mut reader = Reader::from_str(text);
    let mut stack = vec![Node::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if stack.len() > MAX_DEPTH {
                    return None;
                }
                let name = start.local_name().as_ref().to_owned();
                stack.push(Node { name, ..Node::default() });
            }
            Event::Empty(start) => {
                let name = start.local_name().as_ref().to_owned();
                stack.last_mut()?.children.push(Node { name, ..Node::default() });
            }
            Event::End(_) => {
                let node = stack.pop()?;
                stack.last_mut()?.children.push(node);
            }
            Event::Text(part) => stack.last_mut()?.text.push_str(&part),
            Event::CData(part) => stack.last_mut()?.text.push_str(&part),
            Event::GeneralRef(reference) => {
                let letter = match reference.resolve_char_ref().ok()? {
                    Some(letter) => letter,
                    None => match &*reference {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => return None,
                    },
                };
                stack.last_mut()?.text.push(letter);
            }
            Event::DocType(_) => return None,
            Event::Eof => {
                let root = stack.pop()?;
                return (stack.is_empty() && root.children.len() == 1).then(|| root.children.into_iter().next())?;
            }
            _ => {}
        }
    }
}

pub fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
